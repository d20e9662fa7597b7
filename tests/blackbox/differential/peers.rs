//! NSD, Knot and BIND, each with all the zones of a round.

use std::net::SocketAddr;

use rhumb_tests::Failure;
use rhumb_tests::rig::peer::RunningProgram;
use rhumb_tests::rig::{Folder, Host};

use crate::nameservers::{Software, Zones};

/// One server of others.
pub(super) struct Peer {
    pub(super) name: &'static str,
    pub(super) to: SocketAddr,
    _program: RunningProgram,
}

/// Starts all three on the host, each on port 53 of a loopback address of its own. They may still be loading.
pub(super) fn start(host: &Host, folder: &Folder, zones: &Zones) -> Result<Vec<Peer>, Failure> {
    let mut peers = Vec::new();
    for (number, software) in Software::ALL.into_iter().enumerate() {
        let address = format!("127.0.0.{}", number + 2);
        // BIND looks for addresses that interfaces carry.
        host.address("lo", &format!("{address}/32"))?;
        let program =
            software.start(host, &folder.at(software.name()), std::slice::from_ref(&address), zones)?;
        peers.push(Peer {
            name: software.name(),
            to: SocketAddr::new(address.parse()?, 53),
            _program: program,
        });
    }
    Ok(peers)
}
