//! The control socket: the running server is asked over a Unix socket, in HTTP/1.1 and JSON.
//!
//! [`command`] says what a command is, [`serve`] serves the socket for a [`command::ControlService`], and [`place`] is where server
//! and command line look for it. The commands themselves are the operator's.

mod arguments;
pub mod command;
mod command_spec;
pub(crate) mod percent;
pub mod place;
mod server;
pub mod socket;

pub use server::serve;
pub use socket::ControlListener;
