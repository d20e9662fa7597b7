//! YAML into located nodes: the one place that names the YAML reader.
//!
//! The YAML reader gives positions only through errors: it marks whatever error a visitor returns with the place of the
//! value at hand. So each scalar is put aside and answered with an error, from whose text the seed takes line and
//! column and goes on. The scalar's event is consumed by then, so nothing is read twice.

use std::cell::Cell;
use std::convert::Infallible;
use std::fmt::{self, Display};

use serde::de::{DeserializeSeed, Deserializer as _, MapAccess, SeqAccess, Visitor};

use crate::node::{Entry, Node, Spot, Value};
use crate::text::{Refusal, bounded, clamp, within};
use crate::yaml_hint::hint;

/// The deepest nesting of lists and sections; the configuration itself needs six.
const MOST_DEPTH: u8 = 32;
/// The most values in a file, those that aliases repeat counted each time.
const MOST_NODES: usize = 4 << 20;
/// The most values for each byte of the file, and some to begin with: only aliases can make more than one.
const NODES_PER_BYTE: usize = 16;
const NODES_AT_LEAST: usize = 10_000;
/// The longest key in characters. It also bounds the work of each place, whose text names the keys above it.
const MOST_KEY: usize = 64;

/// Values that the files of a configuration may have together.
pub(crate) struct NodeBudget(usize);

impl Default for NodeBudget {
    fn default() -> Self {
        Self(MOST_NODES)
    }
}

/// Reads one YAML document. Refuses broken syntax, a second document, tags, and what is too large or too deep.
pub(crate) fn read(text: &str, budget: &mut NodeBudget) -> Result<Node, Refusal> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    bounded(text)?;
    let mut documents = serde_yaml::Deserializer::from_str(text);
    let Some(first) = documents.next() else {
        return Ok(Node { spot: Spot::START, value: Value::Null, filled: false });
    };
    let state = State::new(text.len(), budget);
    let root = Grow { state: &state, depth: 0 }
        .deserialize(first)
        .map_err(|error| state.refusal.take().map_or_else(|| syntax(text, &error), |r| r.at(&error)))
        .map_err(|refusal| with_hint(text, refusal))?;
    budget.0 = budget.0.saturating_sub(state.nodes.get());
    match documents.next() {
        None => Ok(root),
        Some(second) => Err(second_document(text, second)),
    }
}

/// What one reading shares between its seeds.
struct State {
    nodes: Cell<usize>,
    most_nodes: usize,
    /// The scalar a visitor has just met, on its way past the YAML reader.
    scalar: Cell<Option<Value>>,
    /// Where the last scalar stood: an empty list or section, which has no mark of its own, is placed there.
    last: Cell<Spot>,
    refusal: Cell<Option<Reason>>,
}

impl State {
    fn new(bytes: usize, budget: &NodeBudget) -> Self {
        State {
            nodes: Cell::new(0),
            most_nodes: budget.0.min(NODES_AT_LEAST + NODES_PER_BYTE * bytes),
            scalar: Cell::new(None),
            last: Cell::new(Spot::START),
            refusal: Cell::new(None),
        }
    }
}

/// A refusal of ours that may still lack its place.
struct Reason {
    spot: Option<Spot>,
    message: String,
}

impl Reason {
    fn at(self, error: &serde_yaml::Error) -> Refusal {
        Refusal { spot: self.spot.unwrap_or_else(|| location(error)), message: self.message }
    }
}

/// Seed and visitor of one value at a depth.
#[derive(Clone, Copy)]
struct Grow<'s> {
    state: &'s State,
    depth: u8,
}

impl<'s> Grow<'s> {
    /// The seed of what stands in this value; counts it, refuses it when too deep.
    fn inside<E: serde::de::Error>(self) -> Result<Grow<'s>, E> {
        if self.depth >= MOST_DEPTH {
            return Err(self.refuse(None, format!("nested more than {MOST_DEPTH} levels deep")));
        }
        Ok(Grow { depth: self.depth + 1, ..self })
    }

    fn count<E: serde::de::Error>(self) -> Result<(), E> {
        let nodes = self.state.nodes.get().saturating_add(1);
        self.state.nodes.set(nodes);
        if nodes > self.state.most_nodes {
            return Err(self.refuse(
                None,
                format!("the file holds more than {} values, aliases counted", self.state.most_nodes),
            ));
        }
        Ok(())
    }

    fn refuse<E: serde::de::Error>(self, spot: Option<Spot>, message: String) -> E {
        self.state.refusal.set(Some(Reason { spot, message }));
        E::custom("refused")
    }

    /// Puts a scalar aside and returns the error that will bring its place.
    fn scalar<E: serde::de::Error>(self, value: Value) -> Result<Node, E> {
        self.count()?;
        self.state.scalar.set(Some(value));
        Err(E::custom("placed"))
    }

    /// The text of a key; lists and sections are no keys, and long ones are refused.
    fn key<E: serde::de::Error>(self, node: Node) -> Result<(String, Spot), E> {
        let key = match node.value {
            Value::Text(text) => text,
            Value::Bool(flag) => flag.to_string(),
            Value::Integer(number) => number.to_string(),
            Value::Number(number) => number,
            Value::Null | Value::Unfilled => "null".to_owned(),
            Value::List(_) | Value::Section(_) => {
                return Err(self.refuse(Some(node.spot), "a list or section cannot be a key".to_owned()));
            }
        };
        if key.chars().nth(MOST_KEY).is_some() {
            return Err(self.refuse(Some(node.spot), format!("a key is longer than {MOST_KEY} characters")));
        }
        Ok((key, node.spot))
    }
}

impl<'de> DeserializeSeed<'de> for Grow<'_> {
    type Value = Node;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self).or_else(|error| match self.state.scalar.take() {
            Some(value) => {
                let spot = marked(&error);
                self.state.last.set(spot);
                Ok(Node { spot, value, filled: false })
            }
            None => Err(error),
        })
    }
}

impl<'de> Visitor<'de> for Grow<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value without a tag")
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Node, E> {
        self.scalar(Value::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Node, E> {
        self.scalar(Value::Integer(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Node, E> {
        self.scalar(i64::try_from(value).map_or_else(|_| Value::Number(value.to_string()), Value::Integer))
    }

    fn visit_i128<E: serde::de::Error>(self, value: i128) -> Result<Node, E> {
        self.scalar(Value::Number(value.to_string()))
    }

    fn visit_u128<E: serde::de::Error>(self, value: u128) -> Result<Node, E> {
        self.scalar(Value::Number(value.to_string()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Node, E> {
        self.scalar(Value::Number(value.to_string()))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Node, E> {
        self.scalar(Value::Text(value.to_owned()))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Node, E> {
        self.scalar(Value::Null)
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<Node, E> {
        self.scalar(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        self.count()?;
        let seed = self.inside()?;
        let before = self.state.last.get();
        let mut list = Vec::new();
        while let Some(node) = items.next_element_seed(seed)? {
            list.push(node);
        }
        let spot = list.first().map_or(before, |node| node.spot);
        Ok(Node { spot, value: Value::List(list), filled: false })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        self.count()?;
        let seed = self.inside()?;
        let before = self.state.last.get();
        let mut section = Vec::new();
        while let Some(key) = entries.next_key_seed(seed)? {
            let (key, spot) = self.key(key)?;
            let value = entries.next_value_seed(seed)?;
            section.push(Entry { key, spot, value });
        }
        let spot = section.first().map_or(before, |entry| entry.spot);
        Ok(Node { spot, value: Value::Section(section), filled: false })
    }

    fn visit_enum<A: serde::de::EnumAccess<'de>>(self, _: A) -> Result<Node, A::Error> {
        let message = "YAML tags are not accepted; write the value without the word after `!`".to_owned();
        Err(self.refuse(None, message))
    }
}

/// The place at the end of an error's text, ` at line L column C`; it is left out for the very first character.
fn marked(error: &impl Display) -> Spot {
    let text = error.to_string();
    text.rsplit_once(" at line ")
        .and_then(|(_, mark)| mark.split_once(" column "))
        .and_then(|(line, column)| Some(Spot::new(line.parse().ok()?, column.parse().ok()?)))
        .unwrap_or(Spot::START)
}

fn location(error: &serde_yaml::Error) -> Spot {
    error.location().map_or(Spot::START, |at| Spot::new(clamp(at.line()), clamp(at.column())))
}

/// The YAML reader's own complaint, its place taken out of the words.
fn syntax(text: &str, error: &serde_yaml::Error) -> Refusal {
    let spot = location(error);
    let place = format!(" at line {} column {}", spot.line, spot.column);
    let words = error.to_string().replacen(&place, "", 1);
    Refusal { spot: within(text, spot), message: format!("not valid YAML: {words}") }
}

/// Adds what to type instead, where that is known.
fn with_hint(text: &str, refusal: Refusal) -> Refusal {
    match hint(text, refusal.spot.line) {
        Some(hint) => Refusal { message: format!("{}; {hint}", refusal.message), ..refusal },
        None => refusal,
    }
}

/// Finds where a second document begins: whatever stands there is refused, and the refusal has its place.
fn second_document(text: &str, document: serde_yaml::Deserializer<'_>) -> Refusal {
    struct Second;
    impl Visitor<'_> for Second {
        type Value = Infallible;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the end of the file")
        }
    }
    let spot = match document.deserialize_any(Second) {
        Ok(never) => match never {},
        Err(error) => within(text, location(&error)),
    };
    Refusal {
        spot,
        message: "a second YAML document begins here; a configuration is one document".to_owned(),
    }
}
