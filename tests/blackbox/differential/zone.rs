//! The records of one generated zone, and what is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::name;

/// One record; owner and names in its data are absolute.
#[derive(Clone)]
pub(super) struct Line {
    pub(super) owner: String,
    pub(super) kind: &'static str,
    pub(super) data: String,
}

/// How a zone is to be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Signing {
    /// By ldns-signzone, not dnssec-signzone.
    pub(super) ldns: bool,
    /// NSEC3 with these iterations, this salt, opt-out; NSEC otherwise.
    pub(super) hashed: Option<(u16, &'static str, bool)>,
}

/// One zone.
pub(super) struct Zone {
    pub(super) origin: String,
    pub(super) lines: Vec<Line>,
    pub(super) signing: Option<Signing>,
    /// Types by owner in lower case.
    types: BTreeMap<String, BTreeSet<&'static str>>,
}

impl Zone {
    pub(super) fn new(origin: String, signing: Option<Signing>) -> Self {
        Self { origin, lines: Vec::new(), signing, types: BTreeMap::new() }
    }

    /// The types of a name; none for an empty non-terminal.
    pub(super) fn types(&self, name: &str) -> Option<&BTreeSet<&'static str>> {
        self.types.get(name)
    }

    pub(super) fn has(&self, name: &str, kind: &str) -> bool {
        self.types(name).is_some_and(|types| types.contains(kind))
    }

    /// Whether the name is there, be it as an empty non-terminal.
    pub(super) fn exists(&self, name: &str) -> bool {
        self.types.keys().any(|owner| name::at_or_below(owner, name))
    }

    /// Whether its denials are NSEC3.
    pub(super) fn is_hashed(&self) -> bool {
        self.signing.is_some_and(|signing| signing.hashed.is_some())
    }

    /// Whether a name has records that are signed: it is no delegation without DS, nor does it lie below one.
    pub(super) fn is_secure(&self, name: &str) -> bool {
        let cut = |above: &&str| **above != *self.origin && self.has(above, "NS");
        match name::upwards(name).filter(cut).last() {
            Some(cut) => cut == name && self.has(name, "DS"),
            None => true,
        }
    }

    /// Every owner in lower case.
    pub(super) fn owners(&self) -> impl Iterator<Item = &String> {
        self.types.keys()
    }

    /// Adds a record, unless what is there forbids it (RFC 1034 section 3.6.2, RFC 2181 section 10, RFC 6672 section 2.4).
    pub(super) fn add(&mut self, owner: &str, kind: &'static str, data: String, below_dnames: bool) -> bool {
        let key = name::lower(owner);
        if !name::at_or_below(&key, &self.origin) || name::wire_length(&key) > 250 {
            return false;
        }
        let types = self.types.get(&key);
        let holds = |kind: &str| types.is_some_and(|types| types.contains(kind));
        let apex = key == self.origin;
        let clash = match kind {
            "CNAME" => types.is_some() || apex,
            "DNAME" => holds("DNAME") || holds("CNAME") || holds("NS"),
            "NS" => holds("CNAME") || holds("DNAME"),
            _ => holds("CNAME"),
        };
        let under = |upper: &str, lower: &str| upper != lower && name::at_or_below(lower, upper);
        let occluded = self.types.iter().any(|(owner, types)| {
            types.contains("DNAME") && under(owner, &key) || kind == "DNAME" && under(&key, owner)
        });
        let again = self.lines.iter().any(|line| {
            line.kind == kind
                && name::lower(&line.owner) == key
                && name::lower(&line.data) == name::lower(&data)
        });
        if clash || occluded && !below_dnames || again {
            return false;
        }
        self.types.entry(key).or_default().insert(kind);
        self.lines.push(Line { owner: owner.to_owned(), kind, data });
        true
    }

    /// The zone file, without signatures.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for Line { owner, kind, data } in &self.lines {
            let _ = writeln!(text, "{owner} 300 IN {kind} {data}");
        }
        text
    }
}
