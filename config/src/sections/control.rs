//! `control:`: the socket by which the running server is asked and commanded.

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use crate::in_force::InForce;
use crate::kind::ValueKind;
use crate::kinds::{FilePath, OptionalKind};
use crate::node::{YamlContent, YamlNode};
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};
use crate::sections::workers::GroupName;

/// The most bytes of a socket's path (unix(7): 108 with the final zero).
const MOST_PATH: usize = 107;

/// The control socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlSettings {
    /// The path of the unix socket, at most 107 bytes; `None` when the configuration names none.
    pub socket: Option<PathBuf>,
    /// The permission bits of the socket, at most 0o777.
    pub mode: u32,
    /// The group whose members may use the commands that change nothing: a name or a number.
    pub read_group: Option<String>,
}

impl Default for ControlSettings {
    fn default() -> Self {
        ControlSettings { socket: None, mode: 0o600, read_group: None }
    }
}

/// Permission bits as three or four octal digits.
///
/// A plain `0600` is text to YAML 1.2 and a plain 600 a decimal number, which would mean other bits than it shows:
/// so numbers are refused.
struct Mode;

impl ValueKind for Mode {
    type Out = u32;

    fn read(&self, node: &YamlNode, reader: &mut ConfigReader) -> Option<u32> {
        let mode = match &node.value {
            YamlContent::Text(text) if text.len() == 4 && text.starts_with('0') => {
                u32::from_str_radix(text, 8).ok()
            }
            _ => None,
        };
        if mode.is_none() {
            reader.wrong(node, "permission bits as four octal digits from 0000 to 0777, such as \"0600\"");
        }
        mode
    }

    fn schema(&self) -> Json {
        json!({ "type": "string", "pattern": "^0[0-7]{3}$" })
    }

    fn show(&self, value: &u32) -> Option<Json> {
        Some(json!(format!("{value:04o}")))
    }
}

impl ConfigSection for ControlSettings {
    type Draft = ControlSettings;

    const ABOUT: &'static str = "The socket for `rhumb reload`, `status`, `explain` and the like.";
    const EXAMPLE: Option<&'static str> = Some("{ socket: /run/rhumb/control.sock }");

    fn draft() -> ControlSettings {
        ControlSettings::default()
    }

    fn keys<K: KeyVisitor<ControlSettings>>(keys: &mut K) {
        keys.key(
            "socket",
            InForce::AtRestart,
            "The path of the unix socket.",
            OptionalKind(FilePath),
            |control| &mut control.socket,
        );
        keys.key(
            "mode",
            InForce::AtRestart,
            "The permission bits of the socket: who may write to it controls the server.",
            Mode,
            |control| &mut control.mode,
        );
        keys.key(
            "read-group",
            InForce::AtRestart,
            "A group whose members may use the commands that change nothing: a name or a number.",
            OptionalKind(GroupName),
            |control| &mut control.read_group,
        );
    }

    fn finish(draft: ControlSettings, node: &YamlNode, reader: &mut ConfigReader) -> Option<Self> {
        if draft.socket.as_ref().is_some_and(|socket| socket.as_os_str().len() > MOST_PATH) {
            let message =
                format!("the path is longer than {MOST_PATH} bytes, the most that a unix socket may have");
            reader.at_key("socket", |reader| reader.error(node.spot_of("socket"), message));
        }
        if draft.read_group.is_some() && draft.mode & 0o077 != 0 {
            let message = "with `read-group` the mode must let in the owner alone, such as \"0600\": the group is let in to look";
            reader.at_key("mode", |reader| reader.error(node.spot_of("mode"), message));
        }
        Some(draft)
    }

    fn values(&self) -> ControlSettings {
        self.clone()
    }
}
