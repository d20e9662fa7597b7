//! The arguments of a command: read from a request or taken from the command line, checked against the command's row, typed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use data_encoding::BASE64;
use rhumb_config::UpstreamServer;
use rhumb_wire::{DomainName, Type};
use serde_json::{Map, Value};

use super::command_spec::{ArgumentKind, ArgumentPlace, ArgumentSpec, CommandSpec};
use super::percent;

/// The most characters of a text.
const MOST_TEXT: usize = 255;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArgumentValue {
    /// A domain name.
    Name(DomainName),
    /// A record type.
    RecordType(Type),
    /// An IP address.
    Address(IpAddr),
    /// An upstream.
    Upstream(Box<UpstreamServer>),
    /// An absolute path.
    File(PathBuf),
    /// A text, or one of the row's words.
    Text(String),
    /// A serial of a zone.
    Serial(u32),
    /// What a file holds.
    Contents(Vec<u8>),
    /// On or off.
    Switch(bool),
}

/// What a command is given, each value by the name of its argument.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommandArguments(BTreeMap<&'static str, ArgumentValue>);

impl CommandArguments {
    /// Adds a value as it was typed. Errors: a sentence.
    pub fn add(&mut self, spec: &ArgumentSpec, text: &str) -> Result<(), String> {
        let value = spec.kind.parse(text).map_err(|error| format!("{}: {error}", spec.name))?;
        match self.0.insert(spec.name, value) {
            Some(_) => Err(format!("{} is given twice", spec.name)),
            None => Ok(()),
        }
    }

    /// The domain name called so.
    pub fn name(&self, argument: &str) -> Option<&DomainName> {
        match self.0.get(argument)? {
            ArgumentValue::Name(name) => Some(name),
            _ => None,
        }
    }

    /// The record type called so.
    pub fn record_type(&self, argument: &str) -> Option<Type> {
        match self.0.get(argument)? {
            ArgumentValue::RecordType(rtype) => Some(*rtype),
            _ => None,
        }
    }

    /// The address called so.
    pub fn address(&self, argument: &str) -> Option<IpAddr> {
        match self.0.get(argument)? {
            ArgumentValue::Address(address) => Some(*address),
            _ => None,
        }
    }

    /// The upstream called so.
    pub fn upstream(&self, argument: &str) -> Option<&UpstreamServer> {
        match self.0.get(argument)? {
            ArgumentValue::Upstream(upstream) => Some(upstream),
            _ => None,
        }
    }

    /// The file called so.
    pub fn file(&self, argument: &str) -> Option<&Path> {
        match self.0.get(argument)? {
            ArgumentValue::File(path) => Some(path),
            _ => None,
        }
    }

    /// The text called so.
    pub fn text(&self, argument: &str) -> Option<&str> {
        match self.0.get(argument)? {
            ArgumentValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The serial called so.
    pub fn serial(&self, argument: &str) -> Option<u32> {
        match self.0.get(argument)? {
            ArgumentValue::Serial(serial) => Some(*serial),
            _ => None,
        }
    }

    /// The contents called so.
    pub fn contents(&self, argument: &str) -> Option<&[u8]> {
        match self.0.get(argument)? {
            ArgumentValue::Contents(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// Whether the switch called so is on.
    pub fn is_on(&self, argument: &str) -> bool {
        self.0.get(argument) == Some(&ArgumentValue::Switch(true))
    }

    /// Whether what `command` needs is there. Errors: a sentence.
    pub(super) fn complete(self, command: &CommandSpec) -> Result<Self, String> {
        for spec in command.arguments {
            let given = self.0.get(spec.name).is_some_and(|value| *value != ArgumentValue::Switch(false));
            let stands_in = spec.unless.is_some_and(|other| self.0.contains_key(other));
            if spec.place == ArgumentPlace::Required && !given && !stands_in {
                return Err(format!("{} is missing", spec.name));
            }
            if let Some(other) = spec.requires
                && given
                && !self.0.contains_key(other)
            {
                return Err(format!("{}: which? {other} has to go with it", spec.name));
            }
        }
        Ok(self)
    }

    /// As the query string of a request.
    pub fn to_query(&self) -> String {
        let mut query = String::new();
        for (name, value) in &self.0 {
            let sign = if query.is_empty() { '?' } else { '&' };
            // Writing to a String cannot fail.
            let _ = write!(query, "{sign}{name}={}", percent::encode(&value.to_text()));
        }
        query
    }

    /// As the body of a request; empty where there is nothing to say.
    pub fn to_body(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let value = |value: &ArgumentValue| match value {
            ArgumentValue::Switch(on) => Value::Bool(*on),
            value => Value::String(value.to_text()),
        };
        let fields: Map<String, Value> =
            self.0.iter().map(|(name, field)| ((*name).to_owned(), value(field))).collect();
        Value::Object(fields).to_string()
    }
}

impl ArgumentValue {
    fn to_text(&self) -> String {
        match self {
            Self::Name(name) => name.to_string(),
            Self::RecordType(rtype) => rtype.to_string(),
            Self::Address(address) => address.to_string(),
            Self::Upstream(upstream) => upstream.to_string(),
            Self::File(path) => path.to_string_lossy().into_owned(),
            Self::Text(text) => text.clone(),
            Self::Serial(serial) => serial.to_string(),
            Self::Contents(bytes) => BASE64.encode(bytes),
            Self::Switch(on) => on.to_string(),
        }
    }
}

impl ArgumentKind {
    /// Reads a value. Errors: what is wrong, to stand behind the argument's name.
    pub fn parse(self, text: &str) -> Result<ArgumentValue, String> {
        match self {
            Self::Name => parsed(text).map(ArgumentValue::Name),
            Self::RecordType => parsed(text).map(ArgumentValue::RecordType),
            Self::Address => parsed(text).map(ArgumentValue::Address),
            Self::Upstream => parsed(text).map(Box::new).map(ArgumentValue::Upstream),
            Self::Switch => match text {
                "true" => Ok(ArgumentValue::Switch(true)),
                "false" => Ok(ArgumentValue::Switch(false)),
                _ => Err("neither true nor false".to_owned()),
            },
            // The server's working folder is not the client's.
            Self::File if !Path::new(text).is_absolute() => Err("the path is not absolute".to_owned()),
            Self::File => Ok(ArgumentValue::File(text.into())),
            Self::LocalFile => Err("only the command line reads files".to_owned()),
            Self::Contents => {
                let bytes = BASE64.decode(text.as_bytes()).map(ArgumentValue::Contents);
                bytes.map_err(|_| "what a file holds is needed, in Base64".to_owned())
            }
            Self::Text if text.is_empty() || text.chars().count() > MOST_TEXT => {
                Err(format!("a text of 1 to {MOST_TEXT} characters is needed"))
            }
            Self::Text => Ok(ArgumentValue::Text(text.to_owned())),
            Self::Serial => {
                let number = text.parse().map(ArgumentValue::Serial);
                number.map_err(|_| "a number from 0 to 4294967295 is needed".to_owned())
            }
            Self::OneOf(words) if words.contains(&text) => Ok(ArgumentValue::Text(text.to_owned())),
            Self::OneOf(words) => Err(format!("one of {} is needed", words.join(", "))),
        }
    }
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error: T::Err| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: CommandSpec = CommandSpec {
        words: "x",
        changes: true,
        path: "/x",
        about: "",
        arguments: &[
            ArgumentSpec::required("name", ArgumentKind::Name, ""),
            ArgumentSpec::option("level", ArgumentKind::OneOf(&["info", "warn"]), ""),
            ArgumentSpec::switch("all", "").with("level"),
        ],
        seconds: 5,
    };

    fn given(pairs: &[(&str, &str)]) -> Result<CommandArguments, String> {
        let mut arguments = CommandArguments::default();
        for (name, text) in pairs {
            let spec = SPEC.arguments.iter().find(|spec| spec.name == *name).unwrap();
            arguments.add(spec, text)?;
        }
        arguments.complete(&SPEC)
    }

    #[test]
    fn values_are_checked_against_the_row() {
        for (pairs, error) in [
            (&[][..], "name is missing"),
            (&[("name", "a"), ("name", "a")], "name is given twice"),
            (&[("name", "a"), ("level", "loud")], "level: one of info, warn is needed"),
            (&[("name", "a"), ("all", "true")], "all: which? level has to go with it"),
            (&[("name", "a"), ("all", "yes")], "all: neither true nor false"),
        ] {
            assert_eq!(given(pairs).unwrap_err(), error);
        }
        assert!(given(&[("name", "a..b")]).unwrap_err().starts_with("name: "));
        assert!(given(&[("name", "a"), ("all", "false")]).is_ok());
    }

    #[test]
    fn requests_say_what_was_given() {
        let arguments = given(&[("name", "A\\.b"), ("level", "info"), ("all", "true")]).unwrap();
        assert_eq!(arguments.to_query(), "?all=true&level=info&name=A%5C.b.");
        assert_eq!(arguments.to_body(), r#"{"all":true,"level":"info","name":"A\\.b."}"#);
        assert_eq!(arguments.text("level"), Some("info"));
        assert!(arguments.is_on("all") && arguments.name("level").is_none());
        assert_eq!(
            (CommandArguments::default().to_query(), CommandArguments::default().to_body()),
            Default::default()
        );
    }

    #[test]
    fn texts_and_paths_are_bounded() {
        assert!(ArgumentKind::Text.parse(&"x".repeat(255)).is_ok());
        assert!(ArgumentKind::Text.parse(&"x".repeat(256)).is_err() && ArgumentKind::Text.parse("").is_err());
        assert!(ArgumentKind::File.parse("/a").is_ok() && ArgumentKind::File.parse("a").is_err());
    }
}
