//! How questions are resolved that no zone answers.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rhumb_config::Dns64Prefix;
use rhumb_resolver::{IterationSettings, TrustAnchor, TrustSettings};
use rhumb_wire::Type;

/// Which routes iterate, and how.
#[derive(Debug, Clone, Default)]
pub struct IterationPlan {
    /// How iteration goes about its work; none where nothing iterates and nothing is validated.
    pub settings: Option<Arc<IterationSettings>>,
    /// The same for forwarded domains whose answers are validated.
    pub validating: Option<Arc<IterationSettings>>,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RouteCourse {
    /// By its upstreams.
    Forward(ForwardCourse),
    /// By iteration.
    Iterate,
}

/// How the questions of a forwarded domain are answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ForwardCourse {
    /// Whether what the upstreams answer is validated here.
    pub validates: bool,
    /// What becomes of a question that no upstream answers.
    pub fallback: FallbackCourse,
}

/// What becomes of a question that no upstream answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FallbackCourse {
    /// It fails.
    #[default]
    Fail,
    /// It is resolved by iteration.
    Iterate {
        /// Whether the answer is validated.
        validates: bool,
    },
}

impl Default for RouteCourse {
    fn default() -> Self {
        Self::Forward(ForwardCourse::default())
    }
}

impl RouteCourse {
    /// Whether it has upstreams and nothing else.
    pub fn needs_upstreams(self) -> bool {
        matches!(self, Self::Forward(course) if course.fallback == FallbackCourse::Fail)
    }
}

impl IterationPlan {
    /// How the questions of the route of this number are answered.
    pub fn course(&self, route: u32) -> RouteCourse {
        self.courses.get(&route).copied().unwrap_or_default()
    }

    /// What answers of this course may be made of that were learnt before; none where they come from upstreams alone.
    pub fn recalling(&self, course: RouteCourse) -> Option<&Arc<IterationSettings>> {
        match course {
            RouteCourse::Iterate => self.settings.as_ref(),
            RouteCourse::Forward(ForwardCourse { validates: true, .. }) => self.validating.as_ref(),
            RouteCourse::Forward(_) => None,
        }
    }

    /// The settings by which answers of the route of this number are made from what was learnt whenever they are asked for; none where more
    /// is to be done to them.
    pub fn remaking(&self, route: u32, qtype: Type) -> Option<&Arc<IterationSettings>> {
        let is_synthesised = self.dns64.is_some() && matches!(qtype, Type::AAAA | Type::PTR);
        let is_plain = !is_synthesised && !self.rebinding_protection && qtype != Type::ANY;
        self.settings.as_ref().filter(|_| is_plain && self.course(route) == RouteCourse::Iterate)
    }

    /// Whether any answers are validated.
    pub fn validates(&self) -> bool {
        let iterated = self.settings.as_ref().is_some_and(|settings| settings.trust.is_some());
        self.courses.values().any(|course| match course {
            RouteCourse::Iterate => iterated,
            RouteCourse::Forward(course) => {
                course.validates || course.fallback == FallbackCourse::Iterate { validates: true }
            }
        })
    }

    /// From now on validation goes by these keys.
    pub fn trust(&mut self, anchors: &[TrustAnchor]) {
        for settings in [&mut self.settings, &mut self.validating].into_iter().flatten() {
            let Some(trust) = settings.trust.as_ref().filter(|trust| trust.anchors != anchors) else {
                continue;
            };
            let trust = Some(TrustSettings { anchors: anchors.to_vec(), ..trust.clone() });
            *settings = Arc::new(IterationSettings { trust, ..IterationSettings::clone(settings) });
        }
    }

    /// The address that a query to `to` leaves from; none where the system chooses.
    pub fn source_for(&self, to: SocketAddr) -> Option<IpAddr> {
        let v4 = to.ip().to_canonical().is_ipv4();
        self.sources.iter().copied().find(|source| source.is_ipv4() == v4)
    }
}
