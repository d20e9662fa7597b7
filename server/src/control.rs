//! The control socket: the running server is asked and told over a Unix socket, in HTTP/1.1 and JSON.
//!
//! [`socket`] and [`serve`] are the server's side, over [`Actions`]; the client's side belongs to the command line, and
//! [`place`] is where both look for the socket. What goes over it stands in [`status`] and
//! [`explanation`].

mod actions;
pub mod explanation;
pub(crate) mod percent;
pub mod place;
mod server;
pub mod socket;
pub mod status;

pub use actions::{Actions, Explain, Failure, Later, Report};
pub use server::serve;
pub use socket::Listener;

#[cfg(test)]
pub(crate) mod fake;
