//! `workers:` and `user:`: threads and the account of the process.

use std::num::NonZeroU16;

use serde_json::{Value as Json, json};

use crate::digits::digits;
use crate::kind::ValueKind;

use crate::node::{YamlContent, YamlNode};
use crate::reader::ConfigReader;

/// UDP threads for each listener.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WorkerThreads {
    /// As many as the machine has use for.
    #[default]
    Auto,
    /// This many, at most 1024.
    Count(NonZeroU16),
}

const MOST_WORKERS: u16 = 1024;

/// `auto` or a number.
pub(crate) struct WorkerCount;

impl ValueKind for WorkerCount {
    type Out = WorkerThreads;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<WorkerThreads> {
        let workers = match &node.value {
            YamlContent::Text(word) if word == "auto" => Some(WorkerThreads::Auto),
            _ => node
                .integer()
                .and_then(|number| u16::try_from(number).ok())
                .filter(|number| *number <= MOST_WORKERS)
                .and_then(NonZeroU16::new)
                .map(WorkerThreads::Count),
        };
        if workers.is_none() {
            reader.wrong(node, &format!("auto, or a whole number from 1 to {MOST_WORKERS}"));
        }
        workers
    }

    fn schema(&self) -> Json {
        json!({ "anyOf": [{ "const": "auto" }, { "type": "integer", "minimum": 1, "maximum": MOST_WORKERS }] })
    }

    fn show(&self, value: &WorkerThreads) -> Option<Json> {
        match value {
            WorkerThreads::Auto => Some(json!("auto")),
            WorkerThreads::Count(count) => Some(json!(count.get())),
        }
    }
}

/// A user: a name, a number, or numbers of user and group with a colon between.
pub(crate) struct UserName;

impl ValueKind for UserName {
    type Out = String;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<String> {
        let user = match &node.value {
            YamlContent::Integer(number) => Some(number.to_string()),
            YamlContent::Text(text) => Some(text.clone()),
            _ => None,
        };
        let user = user.filter(|user| is_name(user) || is_number(user));
        if user.is_none() {
            reader.wrong(node, "the name of a user, the number of one, or \"UID:GID\"");
        }
        user
    }

    fn schema(&self) -> Json {
        json!({ "anyOf": [
            { "type": "integer", "minimum": 0, "maximum": u32::MAX - 1 },
            { "type": "string", "pattern": "^([A-Za-z_][A-Za-z0-9_.-]{0,31}|[0-9]+(:[0-9]+)?)$" },
        ] })
    }

    fn show(&self, value: &String) -> Option<Json> {
        Some(json!(value))
    }
}

/// A group: a name, or a number that need not be in a file.
pub(crate) struct GroupName;

impl ValueKind for GroupName {
    type Out = String;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<String> {
        let group = match &node.value {
            YamlContent::Integer(number) => Some(number.to_string()),
            YamlContent::Text(text) => Some(text.clone()),
            _ => None,
        };
        let group = group.filter(|group| is_name(group) || (!group.contains(':') && is_number(group)));
        if group.is_none() {
            reader.wrong(node, "the name of a group, or the number of one");
        }
        group
    }

    fn schema(&self) -> Json {
        json!({ "anyOf": [
            { "type": "integer", "minimum": 0, "maximum": u32::MAX - 1 },
            { "type": "string", "pattern": "^([A-Za-z_][A-Za-z0-9_.-]{0,31}|[0-9]+)$" },
        ] })
    }

    fn show(&self, value: &String) -> Option<Json> {
        Some(json!(value))
    }
}

/// A name as useradd(8) allows it, a little wider: letters of both cases and dots are met in directories.
fn is_name(user: &str) -> bool {
    let mut bytes = user.bytes();
    user.len() <= 32
        && bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
}

/// One or two ids; the highest number means "no id" to the kernel (chown(2)).
fn is_number(user: &str) -> bool {
    let id = |text: &str| digits(text).is_some_and(|id| id < u64::from(u32::MAX));
    match user.split_once(':') {
        Some((uid, gid)) => id(uid) && id(gid),
        None => id(user),
    }
}
