//! How questions are resolved that no zone answers.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rhumb_config::Dns64Prefix;
use rhumb_resolver::IterationSettings;

/// Which routes iterate, and how.
#[derive(Debug, Clone, Default)]
pub struct IterationPlan {
    /// How iteration goes about its work; none where nothing iterates.
    pub settings: Option<Arc<IterationSettings>>,
    /// Routes by their numbers; all others ask their upstreams and nobody else.
    pub courses: HashMap<u32, RouteCourse>,
    /// The addresses that queries to other servers leave from.
    pub sources: Vec<IpAddr>,
    /// The prefix of addresses that are made of IPv4 addresses; none are made without.
    pub dns64: Option<Dns64Prefix>,
    /// Whether answers from the root down may not hold addresses of private networks.
    pub rebinding_protection: bool,
}

/// How the questions of a route are answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RouteCourse {
    /// By its upstreams.
    #[default]
    Forward,
    /// By its upstreams; where these fail, by iteration.
    ForwardFirst,
    /// By its upstreams, and validated here.
    Validate,
    /// By iteration.
    Iterate,
}

impl RouteCourse {
    /// Whether it has upstreams and nothing else.
    pub const fn needs_upstreams(self) -> bool {
        matches!(self, Self::Forward | Self::Validate)
    }
}

impl IterationPlan {
    /// How the questions of the route of this number are answered.
    pub fn course(&self, route: u32) -> RouteCourse {
        self.courses.get(&route).copied().unwrap_or_default()
    }

    /// The address that a query to `to` leaves from; none where the system chooses.
    pub fn source_for(&self, to: SocketAddr) -> Option<IpAddr> {
        let v4 = to.ip().to_canonical().is_ipv4();
        self.sources.iter().copied().find(|source| source.is_ipv4() == v4)
    }
}
