//! `update:` of a zone: who may change it while it is served (RFC 2136).

use std::fmt;
use std::str::FromStr;

use rhumb_wire::{DomainName, Type};

use super::keys::KEY_NAME;
use crate::in_force::InForce;
use crate::kinds::{DomainKind, NumberKind, OptionalKind, ParsedKind, ValueList, WordKind};
use crate::nearest::nearest;
use crate::network::IpNetwork;
use crate::node::YamlNode;
use crate::reader::ConfigReader;
use crate::section::{ConfigSection, KeyVisitor};

/// What some clients may change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpdateRule {
    /// What their messages have to be signed with.
    pub key: Option<DomainName>,
    /// Where they are.
    pub network: Option<IpNetwork>,
    /// A DNS name of the certificate that they show.
    pub tls_name: Option<DomainName>,
    /// The names that they may change; any where it is empty.
    pub names: Vec<UpdateNames>,
    /// The types that they may change; any where it is empty.
    pub types: Vec<Type>,
    /// What they may do; both where it is empty.
    pub actions: Vec<UpdateAction>,
    /// The most records that a set may have after an addition.
    pub max_records: Option<u32>,
}

/// What may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateAction {
    /// Records may be added.
    Add,
    /// Records may be deleted.
    Delete,
}

/// Names that may be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpdateNames {
    /// The name of the key.
    KeyName,
    /// Names by their labels, of which `*` stands for any one.
    Labels {
        /// The labels in lower case; the root where there are none.
        name: DomainName,
        /// Whether they stand in front of the zone's own name.
        below_apex: bool,
        /// Whether all names below are meant too.
        subtree: bool,
    },
}

/// Why a text is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no name or pattern of names")]
pub struct UpdateNamesError;

impl FromStr for UpdateNames {
    type Err = UpdateNamesError;

    /// `self`, or labels, with a final dot where they are the whole name, with a final slash where the names below are meant
    /// too; `@` is the name of the zone.
    fn from_str(text: &str) -> Result<Self, UpdateNamesError> {
        if text == "self" {
            return Ok(Self::KeyName);
        }
        let (labels, subtree) = text.strip_suffix('/').map_or((text, false), |labels| (labels, true));
        let plain = !labels.is_empty() && labels.bytes().all(|byte| byte.is_ascii_graphic());
        if !plain || labels == "." {
            return Err(UpdateNamesError);
        }
        if labels == "@" {
            return Ok(Self::Labels { name: DomainName::root(), below_apex: true, subtree });
        }
        let name: DomainName = labels.parse().map_err(|_| UpdateNamesError)?;
        let name = name.as_ref().to_lowercase();
        Ok(Self::Labels { below_apex: !ends_with_dot(labels), name, subtree })
    }
}

/// Whether a text ends with a dot that is not part of a label.
fn ends_with_dot(text: &str) -> bool {
    let Some(before) = text.strip_suffix('.') else { return false };
    before.bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 0
}

impl fmt::Display for UpdateNames {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Labels { name, below_apex, subtree } = self else { return f.write_str("self") };
        let text = name.to_string();
        let text = match (below_apex, text.as_str()) {
            (true, ".") => "@",
            (true, text) => text.strip_suffix('.').unwrap_or(text),
            (false, text) => text,
        };
        write!(f, "{text}{}", if *subtree { "/" } else { "" })
    }
}

/// The name of a client.
const TLS_NAME: DomainKind = DomainKind { accepted: "a name of a certificate such as host.example.com" };

const ACTION: WordKind<UpdateAction> =
    WordKind { words: &[("add", UpdateAction::Add), ("delete", UpdateAction::Delete)], later: &[] };

/// A record type that zones may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UpdateType(pub(crate) Type);

/// Why a text is none, and what may have been meant.
#[derive(Clone, Copy, Debug)]
pub(crate) struct UpdateTypeError(Option<&'static str>);

impl UpdateTypeError {
    fn of(text: &str) -> Self {
        let known: Vec<&str> =
            (1..=u8::MAX.into()).filter_map(|number| UpdateType::of(Type(number))?.0.mnemonic()).collect();
        Self(nearest(text, &known))
    }
}

impl fmt::Display for UpdateTypeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("is no type of records that a zone holds")?;
        self.0.map_or(Ok(()), |near| write!(f, " (did you mean `{near}`?)"))
    }
}

impl UpdateType {
    fn of(rtype: Type) -> Option<Self> {
        (!rtype.is_meta() && rtype.0 != 0).then_some(Self(rtype))
    }
}

impl FromStr for UpdateType {
    type Err = UpdateTypeError;

    fn from_str(text: &str) -> Result<Self, UpdateTypeError> {
        text.parse().ok().and_then(Self::of).ok_or_else(|| UpdateTypeError::of(text))
    }
}

impl fmt::Display for UpdateType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[derive(Default)]
pub(crate) struct UpdateRuleDraft {
    key: Option<DomainName>,
    network: Option<IpNetwork>,
    tls_name: Option<DomainName>,
    names: Vec<UpdateNames>,
    types: Vec<UpdateType>,
    actions: Vec<UpdateAction>,
    max_records: Option<u32>,
}

impl ConfigSection for UpdateRule {
    type Draft = UpdateRuleDraft;

    const ABOUT: &'static str = "What some clients may change. What is left out allows all.";

    fn draft() -> UpdateRuleDraft {
        UpdateRuleDraft::default()
    }

    fn keys<K: KeyVisitor<UpdateRuleDraft>>(keys: &mut K) {
        keys.key(
            "key",
            InForce::AtReload,
            "The key of `keys` that messages have to be signed with. Without it they need not be signed.",
            OptionalKind(KEY_NAME),
            |draft| &mut draft.key,
        );
        keys.key(
            "network",
            InForce::AtReload,
            "The network of the clients. Without it, any.",
            OptionalKind(ParsedKind::new(
                "a network such as 192.0.2.0/24 or \"2001:db8::/32\", or an address",
            )),
            |draft| &mut draft.network,
        );
        keys.key(
            "tls-name",
            InForce::AtReload,
            "A name of the certificate that the client shows by tls, one of its subject alternative names, verified by `client-ca` of the \
             listener. Without it, none is needed.",
            OptionalKind(TLS_NAME),
            |draft| &mut draft.tls_name,
        );
        keys.key(
            "names",
            InForce::AtReload,
            "The names that may be changed: `www` one name of the zone, `@` that of the zone itself, `dyn/` a name and all below it, \
             `_acme-challenge.*` with any one label for the `*`, `host.example.com.` a whole name, `self` the name of the key.",
            ValueList {
                of: ParsedKind::new("a name such as www or _acme-challenge.*, a name and all below it such as dyn/, or self"),
                filled: true,
            },
            |draft| &mut draft.names,
        );
        keys.key(
            "types",
            InForce::AtReload,
            "The types of records that may be changed, such as TXT.",
            ValueList { of: ParsedKind::new("a type of records such as TXT or TYPE65280"), filled: true },
            |draft| &mut draft.types,
        );
        keys.key(
            "actions",
            InForce::AtReload,
            "What may be done: add, delete.",
            ValueList { of: ACTION, filled: true },
            |draft| &mut draft.actions,
        );
        keys.key(
            "max-records",
            InForce::AtReload,
            "The most records that a set may have after an addition.",
            OptionalKind(NumberKind::new(1, 1_000_000)),
            |draft| &mut draft.max_records,
        );
    }

    fn finish(draft: UpdateRuleDraft, node: &YamlNode, reader: &mut ConfigReader) -> Option<Self> {
        if ["network", "key", "tls-name"].iter().all(|key| node.entry(key).is_none()) {
            reader.error(node.spot, "`network`, `key` or `tls-name` is missing");
        }
        if draft.key.is_none() && draft.names.contains(&UpdateNames::KeyName) {
            let message = "`self` is the name of the key, and the rule has no `key`";
            reader.at_key("names", |reader| reader.error(node.spot_of("names"), message));
        }
        let UpdateRuleDraft { key, network, tls_name, names, types, actions, max_records } = draft;
        let types = types.into_iter().map(|UpdateType(rtype)| rtype).collect();
        let rule = Self { key, network, tls_name, names, types, actions, max_records };
        (rule.key.is_some() || rule.network.is_some() || rule.tls_name.is_some()).then_some(rule)
    }

    fn values(&self) -> UpdateRuleDraft {
        UpdateRuleDraft {
            key: self.key.clone(),
            network: self.network,
            tls_name: self.tls_name.clone(),
            names: self.names.clone(),
            types: self.types.iter().copied().map(UpdateType).collect(),
            actions: self.actions.clone(),
            max_records: self.max_records,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_and_shown() {
        for (text, shown, matches) in [
            ("www", "www", (true, false)),
            ("WWW", "www", (true, false)),
            ("a.b", "a.b", (true, false)),
            ("dyn/", "dyn/", (true, true)),
            ("@", "@", (true, false)),
            ("@/", "@/", (true, true)),
            ("_acme-challenge.*", "_acme-challenge.*", (true, false)),
            ("*", "*", (true, false)),
            ("Host.example.com.", "host.example.com.", (false, false)),
            ("dyn.example.com./", "dyn.example.com./", (false, true)),
            (r"a\.", r"a\.", (true, false)),
            ("0/25", "0/25", (true, false)),
        ] {
            let names: UpdateNames = text.parse().unwrap();
            assert_eq!(names.to_string(), shown, "{text}");
            assert_eq!(names.to_string().parse(), Ok(names.clone()), "{text}");
            let UpdateNames::Labels { below_apex, subtree, .. } = names else { panic!("{text}") };
            assert_eq!((below_apex, subtree), matches, "{text}");
        }
        assert_eq!("self".parse(), Ok(UpdateNames::KeyName));
        for text in ["", "/", ".", "a..b", "a b", "ü", ".a", "./"] {
            assert_eq!(text.parse::<UpdateNames>(), Err(UpdateNamesError), "{text}");
        }
    }
}
