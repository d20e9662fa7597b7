pub(super) mod build;
mod failover;
mod health;
mod learning;
mod policies;
mod script;
mod spoof;
