//! `updates:`: how many dynamic updates may wait.

use crate::in_force::InForce;
use crate::kinds::NumberKind;
use crate::node::YamlNode;
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};

/// How many messages may wait until they are carried out; what is over is refused at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpdateQueueLimits {
    /// Messages for all zones together.
    pub waiting: usize,
    /// Messages for one zone.
    pub waiting_per_zone: usize,
}

impl Default for UpdateQueueLimits {
    fn default() -> Self {
        Self { waiting: 1000, waiting_per_zone: 100 }
    }
}

impl ConfigSection for UpdateQueueLimits {
    type Draft = Self;

    const ABOUT: &'static str = "How many dynamic updates may wait.";

    fn draft() -> Self {
        Self::default()
    }

    fn keys<K: KeyVisitor<Self>>(keys: &mut K) {
        keys.key(
            "waiting",
            InForce::AtReload,
            "Messages that wait in all; more are refused.",
            NumberKind::new(1, 100_000),
            |limits| &mut limits.waiting,
        );
        keys.key(
            "waiting-per-zone",
            InForce::AtReload,
            "Messages that wait for one zone; more are refused.",
            NumberKind::new(1, 100_000),
            |limits| &mut limits.waiting_per_zone,
        );
    }

    fn finish(draft: Self, _: &YamlNode, _: &mut ConfigReader) -> Option<Self> {
        Some(draft)
    }

    fn values(&self) -> Self {
        *self
    }
}
