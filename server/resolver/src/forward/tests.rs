pub(super) mod build;
mod chaos;
mod failover;
mod health;
mod learning;
mod odd;
mod policies;
mod script;
mod spoof;
