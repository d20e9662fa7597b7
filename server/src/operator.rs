//! What an operator asks a running server: how it is, why it answers so, and what it shall do.

mod actions;
mod admin;
mod explain;
mod pages;
mod status;

pub use admin::Admin;
pub use pages::Status;
