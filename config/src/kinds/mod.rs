//! The kinds of values: each reads itself from a node and describes itself for the JSON Schema.

mod nested;
mod numbers;
mod words;

use serde_json::Value;

use crate::node::Node;
use crate::reader::Reader;

pub(crate) use nested::{List, Optional, Sub};
pub(crate) use numbers::{Size, Span, Whole, digits};
pub(crate) use words::{FilePath, Flag, Parsed, Word};

/// A form that a value may have.
pub(crate) trait Kind {
    /// What is read.
    type Out;

    /// Reads the value; `None` when an error was recorded and nothing of it can be used.
    fn read(&self, node: &Node, reader: &mut Reader) -> Option<Self::Out>;

    /// The JSON Schema of the form.
    fn schema(&self) -> Value;

    /// A default in the form in which a file would have it, where that says something.
    fn show(&self, _value: &Self::Out) -> Option<Value> {
        None
    }
}
