//! An answer without what servers may do as they like: order, TTLs, case, additional records, the choice of what ANY gets.

use std::collections::BTreeSet;
use std::fmt;

use rhumb_tests::rig::message::{AA, Message};
use rhumb_tests::rig::record::{Record, type_number};

/// What is compared.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Normal {
    pub(super) rcode: u16,
    pub(super) authoritative: bool,
    pub(super) answer: BTreeSet<String>,
    pub(super) authority: BTreeSet<String>,
}

impl Normal {
    /// Of an answer to a question of type `kind`.
    pub(super) fn of(message: &Message, kind: u16) -> Self {
        let mut answer = keys(&message.answer);
        // RFC 8482 section 4: some of the RRsets, or all; RRSIG alike. What leads on is compared all the same.
        if kind == type_number("ANY") || kind == type_number("RRSIG") {
            let mut more = answer.clone();
            more.retain(|key| ![" cname ", " rrsig ", " nsec "].iter().any(|kind| key.contains(kind)));
            let some = !answer.is_empty();
            answer.retain(|key| key.contains(" cname ") && !key.contains(" rrsig "));
            if some && (answer.is_empty() || !more.is_empty()) {
                answer.insert("something".to_owned());
            }
        }
        Self {
            rcode: message.rcode(),
            authoritative: message.has(AA),
            answer,
            authority: keys(&message.authority),
        }
    }

    /// Whether it sends the client to other servers.
    pub(super) fn is_referral(&self) -> bool {
        self.authority.iter().any(|key| key.split(' ').nth(1) == Some("ns"))
    }

    /// The same without NSEC, NSEC3 and their signatures in the authority section.
    pub(super) fn without_proofs(&self) -> Self {
        let proof = |key: &String| {
            [" nsec ", " nsec3 ", " rrsig nsec ", " rrsig nsec3 "].iter().any(|kind| key.contains(kind))
        };
        let authority = self.authority.iter().filter(|key| !proof(key)).cloned().collect();
        Self { authority, ..self.clone() }
    }

    /// In which parts two differ.
    pub(super) fn parts(&self, other: &Self) -> Vec<&'static str> {
        [
            ("rcode", self.rcode != other.rcode),
            ("AA", self.authoritative != other.authoritative),
            ("answer", self.answer != other.answer),
            ("authority", self.authority != other.authority),
        ]
        .into_iter()
        .filter_map(|(part, differs)| differs.then_some(part))
        .collect()
    }
}

impl fmt::Debug for Normal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rcode {} {}", self.rcode, if self.authoritative { "AA" } else { "" })?;
        for (title, section) in [("answer", &self.answer), ("authority", &self.authority)] {
            for key in section {
                // Signatures are long and known by what they cover.
                let end = key.char_indices().nth(150).map_or(key.len(), |(at, _)| at);
                write!(f, "\n        {title}: {}", &key[..end])?;
            }
        }
        Ok(())
    }
}

/// The records of a section, by owner, type and data.
pub(super) fn keys(records: &[Record]) -> BTreeSet<String> {
    records.iter().map(Record::key).collect()
}
