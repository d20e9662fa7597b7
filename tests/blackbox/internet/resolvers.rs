//! rhumb, and Unbound and BIND of the distribution, all of them with the same hints and the same trust anchor.

use std::net::SocketAddr;

use rhumb_tests::Failure;
use rhumb_tests::rig::peer::{ResolverSettings, ResolverSoftware, RunningProgram};
use rhumb_tests::rig::{Config, Server};

use super::contents;
use super::hosting::Hosting;

/// Where rhumb listens.
pub(super) const RHUMB: &str = "127.0.0.1";

/// One resolver of others.
pub(super) struct OtherResolver {
    pub(super) name: &'static str,
    pub(super) to: SocketAddr,
    _program: RunningProgram,
}

/// Those that are missing here.
pub(super) fn missing() -> Vec<&'static str> {
    let all = ResolverSoftware::ALL.into_iter();
    all.filter(|software| !software.is_here()).map(ResolverSoftware::name).collect()
}

/// Starts rhumb, with an empty cache.
pub(super) fn start_rhumb(hosting: &Hosting) -> Result<Server, Failure> {
    let config = Config::new()
        .listen(RHUMB)
        .allow_all()
        .recursion("root-hints: root.hints")
        .recursion(&format!("trust-anchors: [\"{}\"]", hosting.anchor))
        .file("root.hints", &contents::hints());
    Server::start(&hosting.resolvers, &config)
}

/// Starts the others, and waits until they answer.
pub(super) fn start_others(hosting: &Hosting) -> Result<Vec<OtherResolver>, Failure> {
    let mut others = Vec::new();
    for (number, software) in ResolverSoftware::ALL.into_iter().enumerate() {
        let (name, address) = (software.name(), format!("127.0.0.{}", number + 2));
        hosting.resolvers.address("lo", &format!("{address}/32"))?;
        let program = software.start(
            &hosting.resolvers,
            &ResolverSettings {
                home: &hosting.folder().at(&format!("resolver-{name}")),
                address: &address,
                hints: &contents::hints(),
                anchor: Some(&hosting.anchor),
            },
        )?;
        others.push(OtherResolver { name, to: SocketAddr::new(address.parse()?, 53), _program: program });
    }
    Ok(others)
}
