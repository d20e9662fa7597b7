//! The forms of values.

mod domain;
mod nested;
mod numbers;
mod upstream;
mod words;

pub(crate) use domain::Domain;
pub(crate) use nested::{List, Optional, Sub};
pub(crate) use numbers::{Size, Span, Whole};
pub(crate) use upstream::Upstream;
pub(crate) use words::{FilePath, Flag, Parsed, Word};
