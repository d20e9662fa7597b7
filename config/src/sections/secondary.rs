//! Keys of zones with `primaries`: a zone that other servers have, and that is served here too.

use std::time::Duration;

use rhumb_wire::DomainName;

use super::remotes::RemoteName;
use super::served_terms::ServedTerms;
use super::transfer_to::{TransferRule, TransferRuleKind};
use crate::errors::FilePlace;
use crate::in_force::InForce;
use crate::kinds::{FlagKind, OptionalKind, SectionKind, SizeKind, TimeKind, ValueList, WordKind};
use crate::node::YamlNode;
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};

/// A zone that is transferred from other servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecondaryZone {
    /// The apex of the zone.
    pub name: DomainName,
    /// Which of `remotes` have it, in the order they are asked; never empty.
    pub primaries: Vec<String>,
    /// Who may announce new versions, besides the primaries.
    pub notify_from: Vec<TransferRule>,
    /// What is held against the zone of the primaries.
    pub terms: SecondaryTerms,
    /// What holds for it here.
    pub served: ServedTerms,
    /// Where the entry stands.
    pub place: FilePlace,
}

/// What is held against the zone of the primaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SecondaryTerms {
    /// Bounds of the time between two looks at the primary.
    pub refresh: TimerBounds,
    /// Bounds of the time after one that failed.
    pub retry: TimerBounds,
    /// Bounds of the time after which the zone is served no more.
    pub expire: TimerBounds,
    /// Whether a lower serial of the primary is taken.
    pub accepts_decrease: bool,
    /// The most bytes of a transfer; none: by the size of what is served.
    pub max_zone_size: Option<u64>,
    /// Whether a difference is refused that removes what is not there, or adds what is.
    pub strict_differences: bool,
    /// Whether dynamic updates are passed on to a primary.
    pub forwards_updates: bool,
    /// Whether a signed version is refused of which the zone's keys do not prove everything.
    pub validates: bool,
    /// Whether primaries are asked for their SOA by UDP.
    pub asks_by_udp: bool,
    /// Whether it is there for the resolver alone, and nobody is answered from it.
    pub for_resolver: bool,
}

impl Default for SecondaryTerms {
    fn default() -> Self {
        Self {
            refresh: TimerBounds::default(),
            retry: TimerBounds::default(),
            expire: TimerBounds::default(),
            accepts_decrease: false,
            max_zone_size: None,
            strict_differences: true,
            forwards_updates: false,
            validates: false,
            asks_by_udp: false,
            for_resolver: false,
        }
    }
}

/// Bounds of a time that the SOA gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimerBounds {
    /// A shorter time of the SOA is taken as this; none where there is no bound.
    pub min: Option<Duration>,
    /// A longer time of the SOA is taken as this; none where there is no bound.
    pub max: Option<Duration>,
}

impl ConfigSection for TimerBounds {
    type Draft = Self;

    const ABOUT: &'static str = "Bounds of a time that the SOA gives.";

    fn draft() -> Self {
        Self::default()
    }

    fn keys<K: KeyVisitor<Self>>(keys: &mut K) {
        let span = || {
            let year = Duration::from_hours(24 * 365);
            OptionalKind(TimeKind { least: Duration::from_secs(1), most: year, whole_seconds: true })
        };
        keys.key("min", InForce::AtReload, "The shortest time.", span(), |bounds| &mut bounds.min);
        keys.key("max", InForce::AtReload, "The longest time.", span(), |bounds| &mut bounds.max);
    }

    fn finish(draft: Self, node: &YamlNode, reader: &mut ConfigReader) -> Option<Self> {
        if let (Some(min), Some(max)) = (draft.min, draft.max)
            && min > max
        {
            let message = "`max` is shorter than `min`";
            reader.at_key("max", |reader| reader.error(node.spot_of("max"), message));
        }
        Some(draft)
    }

    fn values(&self) -> Self {
        *self
    }
}

const DECREASE: WordKind<bool> = WordKind { words: &[("keep", false), ("accept", true)], later: &[] };

const REFRESH_OVER: WordKind<bool> = WordKind { words: &[("tcp", false), ("udp", true)], later: &[] };

/// The names of the keys that a zone with `primaries` alone has.
pub(super) const SECONDARY_KEYS: [&str; 10] = [
    "notify-from",
    "refresh",
    "retry",
    "expire",
    "serial-decrease",
    "max-zone-size",
    "strict-differences",
    "forward-updates",
    "validate",
    "refresh-over",
];

/// What these keys are read into.
#[derive(Clone, Default)]
pub(crate) struct SecondaryDraft {
    pub(super) primaries: Vec<String>,
    pub(super) notify_from: Vec<TransferRule>,
    pub(super) terms: SecondaryTerms,
}

/// A draft of which these keys are a part.
pub(super) trait HasSecondaryDraft {
    fn secondary_draft(&mut self) -> &mut SecondaryDraft;
}

/// The keys of a zone of other servers, for entries of a zone and of a folder alike.
pub(super) fn secondary_keys<D: HasSecondaryDraft, K: KeyVisitor<D>>(keys: &mut K) {
    keys.key(
        "primaries",
        InForce::AtReload,
        "Which servers of `remotes` the zone is transferred from, in the order they are asked (RFC 5936, RFC 1995). It is kept in \
         the folder `state`.",
        ValueList { of: RemoteName, filled: true },
        |draft| &mut draft.secondary_draft().primaries,
    );
    keys.key(
        "notify-from",
        InForce::AtReload,
        "Who may announce new versions of the zone (RFC 1996), besides its primaries.",
        ValueList { of: TransferRuleKind, filled: false },
        |draft| &mut draft.secondary_draft().notify_from,
    );
    keys.key(
        "refresh",
        InForce::AtReload,
        "Bounds of the time between two looks at the primary, which the SOA gives. Default: from 30s to 28d.",
        SectionKind::new(),
        |draft| &mut draft.secondary_draft().terms.refresh,
    );
    keys.key(
        "retry",
        InForce::AtReload,
        "The same of the time after a look that failed, from 10s to 14d; it doubles with each failure up to the time between two looks.",
        SectionKind::new(),
        |draft| &mut draft.secondary_draft().terms.retry,
    );
    keys.key(
        "expire",
        InForce::AtReload,
        "The same of the time without a primary after which the zone is served no more, 1d at least.",
        SectionKind::new(),
        |draft| &mut draft.secondary_draft().terms.expire,
    );
    keys.key(
        "refresh-over",
        InForce::AtReload,
        "What primaries are asked for their SOA by: tcp, and what is newer comes on the same connection; or udp, for primaries that take \
         few connections. One with `tls` is asked over TLS all the same.",
        REFRESH_OVER,
        |draft| &mut draft.secondary_draft().terms.asks_by_udp,
    );
    version_keys(keys);
}

/// Those about the versions of the primaries.
fn version_keys<D: HasSecondaryDraft, K: KeyVisitor<D>>(keys: &mut K) {
    keys.key(
        "serial-decrease",
        InForce::AtReload,
        "What is done where the serial of the primary is lower than the one served: keep what is served, or accept the other.",
        DECREASE,
        |draft| &mut draft.secondary_draft().terms.accepts_decrease,
    );
    keys.key(
        "max-zone-size",
        InForce::AtReload,
        "The most bytes of a transfer. Default: twice the zone that is served, and 64MiB at least.",
        OptionalKind(SizeKind { least: 1 << 10, most: 4 << 30 }),
        |draft| &mut draft.secondary_draft().terms.max_zone_size,
    );
    keys.key(
        "strict-differences",
        InForce::AtReload,
        "Whether a difference of the primary is refused that removes what is not there, or adds what is; the whole zone is then asked for. \
         Else such records are passed over and counted.",
        FlagKind,
        |draft| &mut draft.secondary_draft().terms.strict_differences,
    );
    keys.key(
        "validate",
        InForce::AtReload,
        "Whether a signed version is refused unless a signature by a DNSKEY of it proves each set of its records (RFC 4035); what was served \
         before stays. A version without DNSKEY is not signed. Each signature is checked, which takes its time with a large zone.",
        FlagKind,
        |draft| &mut draft.secondary_draft().terms.validates,
    );
    keys.key(
        "forward-updates",
        InForce::AtReload,
        "Whether dynamic updates of the zone go to a primary as they are, and its answer back (RFC 2136 section 6). The primary sees the \
         address of this server, so that its rules should go by keys. Else they are answered NOTAUTH.",
        FlagKind,
        |draft| &mut draft.secondary_draft().terms.forwards_updates,
    );
}
