//! The resolvers that are compared, as processes.

use rhumb_tests::rig::Server;
use rhumb_tests::rig::peer::{ResolverSoftware, RunningProgram};

/// A resolver and its process.
pub(crate) enum Running {
    Rhumb(Server),
    Other(RunningProgram),
}

impl Running {
    pub(crate) fn pid(&self) -> i32 {
        match self {
            Self::Rhumb(server) => server.pid(),
            Self::Other(program) => program.pid(),
        }
    }
}

/// rhumb, and those of the others that are installed.
pub(crate) fn softwares() -> impl Iterator<Item = Option<ResolverSoftware>> {
    let others = ResolverSoftware::ALL.into_iter().filter(|software| software.is_here()).map(Some);
    std::iter::once(None).chain(others)
}

pub(crate) fn name_of(software: Option<ResolverSoftware>) -> &'static str {
    software.map_or("rhumb", ResolverSoftware::name)
}
