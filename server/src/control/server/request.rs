//! From an HTTP request to the command it asks for, with its arguments.

use hyper::body::Incoming;
use hyper::{Request, StatusCode};
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use tokio::time::Instant;

use super::body;
use super::reply::RequestRefusal;
use crate::control::arguments::CommandArguments;
use crate::control::command::{ArgumentSpec, CommandSpec};
use crate::control::percent;
use crate::control::socket::ControlAccess;

/// A command to be run.
#[derive(Debug)]
pub(super) struct CommandRequest {
    pub(super) command: &'static CommandSpec,
    pub(super) arguments: CommandArguments,
}

/// Reads a request, whose body has to be there by then. Errors: what to answer.
pub(super) async fn read(
    request: Request<Incoming>,
    commands: &[&'static CommandSpec],
    access: ControlAccess,
    by: Instant,
    most: usize,
) -> Result<CommandRequest, RequestRefusal> {
    let (head, incoming) = request.into_parts();
    let path = head.uri.path();
    let Some(command) = commands.iter().copied().find(|known| known.path == path) else {
        let known: Vec<&str> = commands.iter().map(|known| known.path).collect();
        let message = format!("nothing is here; there are {}", known.join(", "));
        return Err(RequestRefusal::new(StatusCode::NOT_FOUND, message));
    };
    if head.method != command.method() {
        return Err(RequestRefusal::only(command.method()));
    }
    if command.changes && access == ControlAccess::Read {
        let message = format!("{path} takes the full right, and members of control.read-group may only look");
        return Err(RequestRefusal::new(StatusCode::FORBIDDEN, message));
    }
    let query = head.uri.query().unwrap_or_default();
    let takes = |of_changes: bool| command.changes == of_changes && !command.arguments.is_empty();
    if !query.is_empty() && !takes(false) {
        return Err(RequestRefusal::bad(format!("{path} takes no query")));
    }
    let content = body::read(incoming, by, most).await?;
    if !content.is_empty() && !takes(true) {
        return Err(RequestRefusal::bad(format!("{path} takes no body")));
    }
    let arguments =
        if content.is_empty() { from_query(command, query)? } else { from_body(command, &content)? };
    let arguments = arguments.complete(command).map_err(RequestRefusal::bad)?;
    Ok(CommandRequest { command, arguments })
}

fn from_query(command: &CommandSpec, query: &str) -> Result<CommandArguments, RequestRefusal> {
    let mut arguments = CommandArguments::default();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let spec = argument(command, key)?;
        let Some(value) = percent::decode(value) else {
            return Err(RequestRefusal::bad(format!("{key}: the percent-encoding is broken")));
        };
        arguments.add(spec, &value).map_err(RequestRefusal::bad)?;
    }
    Ok(arguments)
}

fn from_body(command: &CommandSpec, content: &[u8]) -> Result<CommandArguments, RequestRefusal> {
    let mut arguments = CommandArguments::default();
    for (key, value) in body::parse::<Fields>(content)?.0 {
        let spec = argument(command, &key)?;
        if let Some(value) = value.text() {
            arguments.add(spec, &value).map_err(RequestRefusal::bad)?;
        }
    }
    Ok(arguments)
}

fn argument<'a>(command: &'a CommandSpec, key: &str) -> Result<&'a ArgumentSpec, RequestRefusal> {
    command.arguments.iter().find(|spec| spec.name == key).ok_or_else(|| {
        let names: Vec<&str> = command.arguments.iter().map(|spec| spec.name).collect();
        RequestRefusal::bad(format!("{} takes {} and nothing else", command.path, names.join(", ")))
    })
}

/// An object of texts and truth values, each field once.
struct Fields(Vec<(String, Field)>);

#[derive(Deserialize)]
#[serde(untagged)]
enum Field {
    Text(String),
    Switch(bool),
    /// Null: as if it were left out.
    Absent,
}

impl Field {
    fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Switch(on) => Some(on.to_string()),
            Self::Absent => None,
        }
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Fields;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of texts and truth values")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields: Vec<(String, Field)> = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, Field>()? {
                    if fields.iter().any(|(known, _)| *known == key) {
                        return Err(A::Error::custom(format!("{key} is given twice")));
                    }
                    fields.push((key, value));
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}
