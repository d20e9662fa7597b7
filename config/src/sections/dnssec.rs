//! `recursion.dnssec` and the keys beside it: what answers are validated by (RFC 4035).

use std::fmt;
use std::str::FromStr;

use rhumb_wire::DomainName;

use crate::in_force::InForce;
use crate::kinds::{DomainKind, OptionalKind, ParsedKind, WordKind};
use crate::node::YamlNode;
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};

/// Whether answers are validated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DnssecValidation {
    /// All of them, those of upstreams too.
    Validate,
    /// Those that are resolved from the root or a stub.
    #[default]
    Iterated,
    /// No answer is validated.
    Off,
}

pub(crate) const DNSSEC: WordKind<DnssecValidation> = WordKind {
    words: &[("validate", DnssecValidation::Validate), ("off", DnssecValidation::Off)],
    later: &[],
};

/// What becomes of signatures while the clock of this host is plainly wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DnssecClock {
    /// Signatures outside their times are bogus, whatever the clock says.
    #[default]
    Strict,
    /// Their times do not count as long as the clock is before the release of this version, so that the servers of time can be found.
    LenientUntilSet,
}

/// A domain that is taken as insecure whatever is signed there (RFC 7646).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NegativeTrustAnchor {
    /// The domain, and all below it.
    pub domain: DomainName,
    /// The last day of that; none for good.
    pub until: Option<CalendarDay>,
}

/// A day, as `2027-01-31`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CalendarDay {
    year: u16,
    month: u8,
    day: u8,
}

/// Why a text is no day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no day")]
pub struct CalendarDayError;

impl FromStr for CalendarDay {
    type Err = CalendarDayError;

    fn from_str(text: &str) -> Result<Self, CalendarDayError> {
        let parts: Vec<&str> = text.split('-').collect();
        let [year, month, day] = parts.as_slice() else { return Err(CalendarDayError) };
        let parsed = (year.len() == 4 && month.len() == 2 && day.len() == 2)
            .then(|| {
                Some(Self { year: year.parse().ok()?, month: month.parse().ok()?, day: day.parse().ok()? })
            })
            .flatten()
            .ok_or(CalendarDayError)?;
        let good = parsed.year >= 1970 && (1..=12).contains(&parsed.month) && (1..=31).contains(&parsed.day);
        if good { Ok(parsed) } else { Err(CalendarDayError) }
    }
}

impl fmt::Display for CalendarDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl CalendarDay {
    /// The end of the day (UTC), in seconds since 1970; what lies beyond 2106 counts as that.
    pub fn end(self) -> u32 {
        let (year, month, day) = (u64::from(self.year), u64::from(self.month), u64::from(self.day));
        let leap = |year: u64| {
            u64::from(year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)))
        };
        let years: u64 = (1970..year).map(|year| 365 + leap(year)).sum();
        let lengths = [31, 28 + leap(year), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let months: u64 = lengths.iter().take(usize::from(self.month) - 1).sum();
        debug_assert!(month >= 1);
        u32::try_from((years + months + day) * 86_400).unwrap_or(u32::MAX)
    }
}

pub(crate) struct NegativeDraft {
    domain: Option<DomainName>,
    until: Option<CalendarDay>,
}

impl ConfigSection for NegativeTrustAnchor {
    type Draft = NegativeDraft;

    const ABOUT: &'static str = "A domain that is taken as insecure whatever is signed there (RFC 7646).";
    const ONE_OF: &'static [&'static [&'static str]] = &[&["domain"]];
    const IDENTITY: &'static [&'static str] = &["domain"];

    fn draft() -> NegativeDraft {
        NegativeDraft { domain: None, until: None }
    }

    fn keys<K: KeyVisitor<NegativeDraft>>(keys: &mut K) {
        keys.key(
            "domain",
            InForce::AtReload,
            "The domain, and all below it.",
            OptionalKind(DomainKind { accepted: "a domain name such as broken.example" }),
            |draft| &mut draft.domain,
        );
        keys.key(
            "until",
            InForce::AtReload,
            "The last day of that (UTC). Default: for good.",
            OptionalKind(ParsedKind::<CalendarDay>::new("a day such as 2027-01-31")),
            |draft| &mut draft.until,
        );
    }

    fn finish(draft: NegativeDraft, _: &YamlNode, _: &mut ConfigReader) -> Option<Self> {
        Some(NegativeTrustAnchor { domain: draft.domain?, until: draft.until })
    }

    fn values(&self) -> NegativeDraft {
        NegativeDraft { domain: Some(self.domain.clone()), until: self.until }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_end_at_midnight() {
        for (day, end) in [("1970-01-01", 86_400), ("2000-03-01", 951_955_200), ("2027-01-31", 1_801_440_000)]
        {
            let parsed: CalendarDay = day.parse().unwrap();
            assert_eq!((parsed.end(), parsed.to_string().as_str()), (end, day));
        }
        for bad in ["2027-13-01", "2027-1-1", "27-01-01", "2027-01-00", "", "soon"] {
            assert!(bad.parse::<CalendarDay>().is_err(), "{bad}");
        }
    }
}
