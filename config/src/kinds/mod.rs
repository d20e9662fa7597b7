//! The forms of values.

mod nested;
mod numbers;
mod words;

pub(crate) use nested::{List, Optional, Sub};
pub(crate) use numbers::{Size, Span, Whole};
pub(crate) use words::{FilePath, Flag, Parsed, Word};
