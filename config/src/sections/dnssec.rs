//! `recursion.dnssec` and the keys beside it: what answers are validated by (RFC 4035).

use std::fmt;
use std::str::FromStr;

use rhumb_wire::{DomainName, Type};
use serde_json::{Value as Json, json};

use crate::domain::read_domain;
use crate::in_force::InForce;
use crate::kind::ValueKind;
use crate::kinds::{DomainKind, OptionalKind, ParsedKind, ValueList, WordKind};
use crate::node::{YamlContent, YamlNode};
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

/// The keys of the root, or others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TrustAnchors {
    /// Those of the root, as IANA publishes them.
    #[default]
    BuiltIn,
    /// Those in the configuration, which replace the built-in ones.
    Given(Vec<TrustedKey>),
}

/// A trusted key of a zone: a DS or DNSKEY record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustedKey {
    /// The zone whose apex it stands at.
    pub zone: DomainName,
    /// DS or DNSKEY, which says how the RDATA is read.
    pub rtype: Type,
    /// Its RDATA.
    pub rdata: Vec<u8>,
    text: String,
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

/// The keys of the root: those of 2017 and 2024.
const ROOT_KEYS: [&str; 2] = [
    ". DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D",
    ". DS 38696 8 2 683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16",
];

impl TrustAnchors {
    /// The trusted keys.
    pub fn keys(&self) -> Vec<TrustedKey> {
        match self {
            Self::BuiltIn => ROOT_KEYS.iter().filter_map(|text| text.parse().ok()).collect(),
            Self::Given(keys) => keys.clone(),
        }
    }
}

/// Why a text is no trusted key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustedKeyError {
    /// It has another form.
    #[error("is no DS or DNSKEY record")]
    Form,
    /// Its owner is no name.
    #[error("has an owner that is no domain name")]
    Owner,
    /// One of its numbers is none, or too large.
    #[error("has a number that is none or too large")]
    Number,
    /// The digest or the key cannot be read.
    #[error("has a digest that is not hexadecimal, or a key that is not base64")]
    Data,
}

impl FromStr for TrustedKey {
    type Err = TrustedKeyError;

    /// A record as a zone file has it, on one line: TTL and class may be left out.
    fn from_str(text: &str) -> Result<Self, TrustedKeyError> {
        let text = text.split(';').next().unwrap_or(text);
        let words: Vec<&str> =
            text.split_ascii_whitespace().filter(|word| !matches!(*word, "(" | ")")).collect();
        let (owner, rest) = words.split_first().ok_or(TrustedKeyError::Form)?;
        let zone = read_domain(owner).map_err(|_| TrustedKeyError::Owner)?;
        let head =
            |word: &&&str| word.eq_ignore_ascii_case("in") || word.bytes().all(|byte| byte.is_ascii_digit());
        let skipped = rest.iter().take_while(head).count();
        let rest = rest.get(skipped..).unwrap_or_default();
        let [rtype, first, second, third, data @ ..] = rest else { return Err(TrustedKeyError::Form) };
        let number = |word: &str| word.parse::<u8>().map_err(|_| TrustedKeyError::Number);
        let data = data.concat();
        let rtype: Type = rtype.parse().map_err(|_| TrustedKeyError::Form)?;
        let data = match rtype {
            Type::DS => hexadecimal(&data),
            Type::DNSKEY => base64(&data),
            _ => return Err(TrustedKeyError::Form),
        };
        let data = data.filter(|data| !data.is_empty()).ok_or(TrustedKeyError::Data)?;
        let first: u16 = first.parse().map_err(|_| TrustedKeyError::Number)?;
        let rdata = [&first.to_be_bytes()[..], &[number(second)?, number(third)?], &data].concat();
        Ok(Self { zone, rtype, rdata, text: words.join(" ") })
    }
}

impl fmt::Display for TrustedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let byte = |[high, low]: &[u8; 2]| Some((digit(high)? << 4 | digit(low)?) as u8);
    if rest.is_empty() { pairs.iter().map(byte).collect() } else { None }
}

fn base64(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        Some(match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        })
    };
    let text = text.trim_end_matches('=');
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0u32, 0);
    for byte in text.bytes() {
        bits = bits << 6 | u32::from(digit(byte)?);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    Some(bytes)
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

/// `trust-anchors:`, a word or a list.
pub(crate) struct AnchorKind;

const KEYS: fn() -> ValueList<ParsedKind<TrustedKey>> =
    || ValueList { of: ParsedKind::new("a DS or DNSKEY record on one line, or built-in"), filled: false };

impl ValueKind for AnchorKind {
    type Out = TrustAnchors;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<TrustAnchors> {
        if matches!(&node.value, YamlContent::Text(word) if word == "built-in") {
            return Some(TrustAnchors::BuiltIn);
        }
        KEYS().read(node, reader).map(TrustAnchors::Given)
    }

    fn schema(&self) -> Json {
        KEYS().schema()
    }

    fn show(&self, value: &TrustAnchors) -> Option<Json> {
        match value {
            TrustAnchors::BuiltIn => Some(json!("built-in")),
            TrustAnchors::Given(keys) => KEYS().show(keys),
        }
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
    use crate::domain::show_domain;

    #[test]
    fn keys_are_read_as_zone_files_have_them() {
        let keys = TrustAnchors::BuiltIn.keys();
        assert_eq!(keys.len(), 2);
        assert!(keys.iter().all(|key| key.rdata.len() == 36 && show_domain(&key.zone) == "."));
        let key: TrustedKey = "example.com. 3600 IN DNSKEY 257 3 5 AwEA AQ== ; one".parse().unwrap();
        assert_eq!((key.rtype, key.rdata), (Type::DNSKEY, vec![1, 1, 3, 5, 3, 1, 0, 1]));
        // Every digit there is, in order: 0 to 63, six bits each.
        let digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ abcdefghijklmnopqrstuvwxyz 0123456789+/";
        let key: TrustedKey = format!(". DNSKEY 257 3 8 {digits}").parse().unwrap();
        let bits = (0..64_u8).flat_map(|digit| (0..6).rev().map(move |at| digit >> at & 1));
        let bytes: Vec<u8> = bits
            .collect::<Vec<_>>()
            .chunks(8)
            .map(|byte| byte.iter().fold(0, |all, bit| all << 1 | bit))
            .collect();
        assert_eq!(key.rdata[4..], bytes);
        for (text, error) in [
            ("", TrustedKeyError::Form),
            (". DS 1 8", TrustedKeyError::Form),
            (". DS 1 8 2", TrustedKeyError::Data),
            (". A 1 8 2 00", TrustedKeyError::Form),
            (". DS 1 8 2 0", TrustedKeyError::Data),
            (". DS 1 8 2 xx", TrustedKeyError::Data),
            (". DS 70000 8 2 00", TrustedKeyError::Number),
            ("a..b DS 1 8 2 00", TrustedKeyError::Owner),
        ] {
            assert_eq!(text.parse::<TrustedKey>().unwrap_err(), error, "{text}");
        }
    }

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
