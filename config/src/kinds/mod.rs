//! The forms of values.

mod domain;
mod nested;
mod numbers;
mod upstream;
mod words;

pub(crate) use domain::DomainKind;
pub(crate) use nested::{OptionalKind, SectionKind, ValueList};
pub(crate) use numbers::{NumberKind, SizeKind, TimeKind};
pub(crate) use upstream::UpstreamAddress;
pub(crate) use words::{FilePath, FlagKind, ParsedKind, WordKind};
