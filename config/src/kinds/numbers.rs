//! Counts, sizes in bytes and spans of time.

use std::marker::PhantomData;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::digits::digits;
use crate::kind::ValueKind;
use crate::node::{YamlContent, YamlNode};
use crate::reader::ConfigReader;

/// A whole number within bounds, written without quotes.
pub(crate) struct NumberKind<T> {
    least: u64,
    most: u64,
    out: PhantomData<T>,
}

impl<T> NumberKind<T> {
    pub(crate) fn new(least: u64, most: u64) -> Self {
        NumberKind { least, most, out: PhantomData }
    }
}

impl<T: TryFrom<u64> + Copy + Into<PlainNumber>> ValueKind for NumberKind<T> {
    type Out = T;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<T> {
        let number = node.integer().and_then(|number| u64::try_from(number).ok());
        let number = number.filter(|number| (self.least..=self.most).contains(number));
        let value = number.and_then(|number| T::try_from(number).ok());
        if value.is_none() {
            let quotes = if matches!(node.value, YamlContent::Text(_)) { " without quotes" } else { "" };
            reader.wrong(node, &format!("a whole number from {} to {}{quotes}", self.least, self.most));
        }
        value
    }

    fn schema(&self) -> Json {
        json!({ "type": "integer", "minimum": self.least, "maximum": self.most })
    }

    fn show(&self, value: &T) -> Option<Json> {
        let PlainNumber(number) = (*value).into();
        Some(json!(number))
    }
}

/// A number as the schema shows it.
pub(crate) struct PlainNumber(u64);

impl From<u8> for PlainNumber {
    fn from(number: u8) -> Self {
        PlainNumber(number.into())
    }
}

impl From<u32> for PlainNumber {
    fn from(number: u32) -> Self {
        PlainNumber(number.into())
    }
}

impl From<u16> for PlainNumber {
    fn from(number: u16) -> Self {
        PlainNumber(number.into())
    }
}

impl From<usize> for PlainNumber {
    fn from(number: usize) -> Self {
        PlainNumber(number as u64)
    }
}

/// Units of size, the largest first.
const SIZES: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

/// A size in bytes: a plain number, or one with a unit.
pub(crate) struct SizeKind {
    pub(crate) least: u64,
    pub(crate) most: u64,
}

impl ValueKind for SizeKind {
    type Out = u64;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<u64> {
        let size = match &node.value {
            _ if node.integer().is_some() => node.integer().and_then(|number| u64::try_from(number).ok()),
            YamlContent::Text(text) => SIZES.iter().find_map(|(unit, bytes)| {
                let number = text.strip_suffix(unit)?;
                digits(number)?.checked_mul(*bytes)
            }),
            _ => None,
        };
        let Some(size) = size else {
            reader.wrong(node, "a number of bytes, or one with KiB, MiB or GiB, such as 256MiB");
            return None;
        };
        if !(self.least..=self.most).contains(&size) {
            let (least, most) = (in_units(self.least, &SIZES), in_units(self.most, &SIZES));
            reader.wrong(node, &format!("a size from {least} to {most}"));
            return None;
        }
        Some(size)
    }

    fn schema(&self) -> Json {
        json!({ "anyOf": [
            { "type": "integer", "minimum": self.least, "maximum": self.most },
            { "type": "string", "pattern": "^[0-9]+(KiB|MiB|GiB)$" },
        ] })
    }

    fn show(&self, value: &u64) -> Option<Json> {
        Some(json!(in_units(*value, &SIZES)))
    }
}

/// Units of time in milliseconds, the largest first.
const TIMES: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// A span of time with its unit, or a plain 0.
pub(crate) struct TimeKind {
    pub(crate) least: Duration,
    pub(crate) most: Duration,
    /// Whether parts of a second are refused, as for what is compared with TTLs.
    pub(crate) whole_seconds: bool,
}

impl ValueKind for TimeKind {
    type Out = Duration;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<Duration> {
        let span = match &node.value {
            _ if node.integer() == Some(0) => Some(Duration::ZERO),
            YamlContent::Text(text) => TIMES.iter().find_map(|(unit, milliseconds)| {
                if self.whole_seconds && *milliseconds < 1000 {
                    return None;
                }
                let number = text.strip_suffix(unit)?;
                digits(number)?.checked_mul(*milliseconds).map(Duration::from_millis)
            }),
            _ => None,
        };
        let Some(span) = span else {
            let accepted = if self.whole_seconds {
                "a whole number with s, m, h or d, such as 30s"
            } else {
                "a whole number with ms, s, m, h or d, such as 30s"
            };
            reader.wrong(node, accepted);
            return None;
        };
        if !(self.least..=self.most).contains(&span) {
            let (least, most) = (span_in_words(self.least), span_in_words(self.most));
            reader.wrong(node, &format!("a time from {least} to {most}"));
            return None;
        }
        Some(span)
    }

    fn schema(&self) -> Json {
        let pattern = if self.whole_seconds { "^[0-9]+(s|m|h|d)$" } else { "^[0-9]+(ms|s|m|h|d)$" };
        let with_unit = json!({ "type": "string", "pattern": pattern });
        if self.least.is_zero() { json!({ "anyOf": [{ "const": 0 }, with_unit] }) } else { with_unit }
    }

    fn show(&self, value: &Duration) -> Option<Json> {
        Some(json!(span_in_words(*value)))
    }
}

fn span_in_words(span: Duration) -> String {
    match u64::try_from(span.as_millis()) {
        Ok(0) => "0s".to_owned(),
        milliseconds => in_units(milliseconds.unwrap_or(u64::MAX), &TIMES),
    }
}

/// The number in the largest unit that divides it.
fn in_units(number: u64, units: &[(&str, u64)]) -> String {
    units
        .iter()
        .find(|(_, worth)| number > 0 && number.is_multiple_of(*worth))
        .map_or_else(|| number.to_string(), |(unit, worth)| format!("{}{unit}", number / worth))
}
