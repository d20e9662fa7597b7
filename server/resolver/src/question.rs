//! What is to be found out.

use rhumb_wire::{Class, DomainName, NameRef, Type};

/// A question for others, without anything that tells which client asked it: equal questions may share one lookup.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct OutboundQuestion {
    /// QNAME in lower case.
    pub name: DomainName,
    /// QTYPE; never one that is no lookup, as AXFR or IXFR.
    pub qtype: Type,
    /// QCLASS.
    pub class: Class,
    /// Whether signatures and proofs are wanted (DO, RFC 3225).
    pub dnssec_ok: bool,
    /// Whether data that fails validation is wanted all the same (CD, RFC 4035 section 3.2.2).
    pub checking_disabled: bool,
}

impl OutboundQuestion {
    /// A question of class IN without DO and CD; the name is put into lower case.
    pub fn new(name: NameRef<'_>, qtype: Type) -> Self {
        Self {
            name: name.to_lowercase(),
            qtype,
            class: Class::IN,
            dnssec_ok: false,
            checking_disabled: false,
        }
    }

    /// QNAME, QTYPE and QCLASS as they stand in a message.
    pub fn to_wire(&self) -> Box<[u8]> {
        let name = self.name.as_ref().as_bytes();
        [name, &self.qtype.0.to_be_bytes(), &self.class.0.to_be_bytes()].concat().into()
    }
}
