//! Hosts, servers, upstreams, clients and load.

pub mod client;
pub mod config;
pub mod folder;
pub mod host;
pub mod hostile;
pub mod http;
pub mod internet;
pub mod load;
pub mod message;
pub mod name;
pub mod netns;
pub mod peer;
pub mod process;
pub mod program;
mod rdata;
pub mod record;
pub mod rng;
pub mod script;
pub mod server;
pub mod signer;
pub mod stream;
pub mod upstream;

pub use client::{Client, Reply};
pub use config::Config;
pub use folder::Folder;
pub use host::Host;
pub use internet::Internet;
pub use load::{Load, LoadReport};
pub use message::{Edns, Message, rcode};
pub use netns::Namespace;
pub use record::Record;
pub use script::{Act, Asked, Script, Transport};
pub use server::Server;
pub use signer::ZoneSigner;
pub use upstream::Upstream;
