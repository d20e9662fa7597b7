pub(super) mod build;
mod chaos;
mod failover;
mod health;
mod learning;
mod policies;
mod script;
mod spoof;
