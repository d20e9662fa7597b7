//! YAML into located nodes: the one place that names the YAML reader.
//!
//! The YAML reader gives positions only through errors: it marks whatever error a visitor returns with the place of the
//! value at hand. So each scalar is put aside and answered with an error, from whose text the seed takes line and
//! column and goes on. The scalar's event is consumed by then, so nothing is read twice.

use std::cell::Cell;
use std::convert::Infallible;
use std::fmt::{self, Display};

use serde::de::{DeserializeSeed, Deserializer as _, MapAccess, SeqAccess, Visitor};

use crate::node::{YamlContent, YamlEntry, YamlNode, YamlPlace};
use crate::text::{TextRefusal, bounded, clamp, within};
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
pub(crate) fn read(text: &str, budget: &mut NodeBudget) -> Result<YamlNode, TextRefusal> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    bounded(text)?;
    let mut documents = serde_yaml::Deserializer::from_str(text);
    let Some(first) = documents.next() else {
        return Ok(YamlNode { spot: YamlPlace::START, value: YamlContent::Null, filled: false });
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
    scalar: Cell<Option<YamlContent>>,
    /// Where the last scalar stood: an empty list or section, which has no mark of its own, is placed there.
    last: Cell<YamlPlace>,
    refusal: Cell<Option<Reason>>,
}

impl State {
    fn new(bytes: usize, budget: &NodeBudget) -> Self {
        State {
            nodes: Cell::new(0),
            most_nodes: budget.0.min(NODES_AT_LEAST + NODES_PER_BYTE * bytes),
            scalar: Cell::new(None),
            last: Cell::new(YamlPlace::START),
            refusal: Cell::new(None),
        }
    }
}

/// A refusal of ours that may still lack its place.
struct Reason {
    spot: Option<YamlPlace>,
    message: String,
}

impl Reason {
    fn at(self, error: &serde_yaml::Error) -> TextRefusal {
        TextRefusal { spot: self.spot.unwrap_or_else(|| location(error)), message: self.message }
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

    fn refuse<E: serde::de::Error>(self, spot: Option<YamlPlace>, message: String) -> E {
        self.state.refusal.set(Some(Reason { spot, message }));
        E::custom("refused")
    }

    /// Puts a scalar aside and returns the error that will bring its place.
    fn scalar<E: serde::de::Error>(self, value: YamlContent) -> Result<YamlNode, E> {
        self.count()?;
        self.state.scalar.set(Some(value));
        Err(E::custom("placed"))
    }

    /// The text of a key; lists and sections are no keys, and long ones are refused.
    fn key<E: serde::de::Error>(self, node: YamlNode) -> Result<(String, YamlPlace), E> {
        let key = match node.value {
            YamlContent::Text(text) => text,
            YamlContent::Bool(flag) => flag.to_string(),
            YamlContent::Integer(number) => number.to_string(),
            YamlContent::Number(number) => number,
            YamlContent::Null | YamlContent::Unfilled => "null".to_owned(),
            YamlContent::List(_) | YamlContent::Section(_) => {
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
    type Value = YamlNode;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<YamlNode, D::Error> {
        deserializer.deserialize_any(self).or_else(|error| match self.state.scalar.take() {
            Some(value) => {
                let spot = marked(&error);
                self.state.last.set(spot);
                Ok(YamlNode { spot, value, filled: false })
            }
            None => Err(error),
        })
    }
}

impl<'de> Visitor<'de> for Grow<'_> {
    type Value = YamlNode;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value without a tag")
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<YamlNode, E> {
        self.scalar(YamlContent::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<YamlNode, E> {
        self.scalar(YamlContent::Integer(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<YamlNode, E> {
        self.scalar(
            i64::try_from(value)
                .map_or_else(|_| YamlContent::Number(value.to_string()), YamlContent::Integer),
        )
    }

    fn visit_i128<E: serde::de::Error>(self, value: i128) -> Result<YamlNode, E> {
        self.scalar(YamlContent::Number(value.to_string()))
    }

    fn visit_u128<E: serde::de::Error>(self, value: u128) -> Result<YamlNode, E> {
        self.scalar(YamlContent::Number(value.to_string()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<YamlNode, E> {
        self.scalar(YamlContent::Number(value.to_string()))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<YamlNode, E> {
        self.scalar(YamlContent::Text(value.to_owned()))
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<YamlNode, E> {
        self.scalar(YamlContent::Null)
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<YamlNode, E> {
        self.scalar(YamlContent::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<YamlNode, A::Error> {
        self.count()?;
        let seed = self.inside()?;
        let before = self.state.last.get();
        let mut list = Vec::new();
        while let Some(node) = items.next_element_seed(seed)? {
            list.push(node);
        }
        let spot = list.first().map_or(before, |node| node.spot);
        Ok(YamlNode { spot, value: YamlContent::List(list), filled: false })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<YamlNode, A::Error> {
        self.count()?;
        let seed = self.inside()?;
        let before = self.state.last.get();
        let mut section = Vec::new();
        while let Some(key) = entries.next_key_seed(seed)? {
            let (key, spot) = self.key(key)?;
            let value = entries.next_value_seed(seed)?;
            section.push(YamlEntry { key, spot, value });
        }
        let spot = section.first().map_or(before, |entry| entry.spot);
        Ok(YamlNode { spot, value: YamlContent::Section(section), filled: false })
    }

    fn visit_enum<A: serde::de::EnumAccess<'de>>(self, _: A) -> Result<YamlNode, A::Error> {
        let message = "YAML tags are not accepted; write the value without the word after `!`".to_owned();
        Err(self.refuse(None, message))
    }
}

/// The place at the end of an error's text, ` at line L column C`; it is left out for the very first character.
fn marked(error: &impl Display) -> YamlPlace {
    let text = error.to_string();
    text.rsplit_once(" at line ")
        .and_then(|(_, mark)| mark.split_once(" column "))
        .and_then(|(line, column)| Some(YamlPlace::new(line.parse().ok()?, column.parse().ok()?)))
        .unwrap_or(YamlPlace::START)
}

fn location(error: &serde_yaml::Error) -> YamlPlace {
    error.location().map_or(YamlPlace::START, |at| YamlPlace::new(clamp(at.line()), clamp(at.column())))
}

/// The YAML reader's own complaint, its place taken out of the words.
fn syntax(text: &str, error: &serde_yaml::Error) -> TextRefusal {
    let spot = location(error);
    let place = format!(" at line {} column {}", spot.line, spot.column);
    let words = error.to_string().replacen(&place, "", 1);
    TextRefusal { spot: within(text, spot), message: format!("not valid YAML: {words}") }
}

/// Adds what to type instead, where that is known.
fn with_hint(text: &str, refusal: TextRefusal) -> TextRefusal {
    match hint(text, refusal.spot.line) {
        Some(hint) => TextRefusal { message: format!("{}; {hint}", refusal.message), ..refusal },
        None => refusal,
    }
}

/// Finds where a second document begins: whatever stands there is refused, and the refusal has its place.
fn second_document(text: &str, document: serde_yaml::Deserializer<'_>) -> TextRefusal {
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
    TextRefusal {
        spot,
        message: "a second YAML document begins here; a configuration is one document".to_owned(),
    }
}
