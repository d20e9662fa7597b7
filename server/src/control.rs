//! The control socket: the running server is asked and told over a Unix socket, in HTTP/1.1 and JSON.
//!
//! [`socket`] and [`serve`] are the server's side, over [`Actions`]; [`client`] is the side of `rhumb reload`, `status` and
//! the other commands, and [`place`] is where both look for the socket. What goes over it stands in [`status`] and
//! [`explanation`].

mod actions;
pub mod client;
pub mod explanation;
mod percent;
pub mod place;
mod server;
pub mod socket;
pub mod status;

pub use actions::{Actions, Explain, Failure, Later, Report};
pub use server::serve;
pub use socket::Listener;

#[cfg(test)]
mod fake;
#[cfg(test)]
mod hostile;
