//! Whom a parent wants to be told of its children: which names are asked for DSYNC records, and what they say (RFC 9859 section 4.1).
//! The look-ups are made elsewhere.

use rhumb_wire::{Class, DomainName, MessageSection, MessageView, NameBuf, NameRef, Rcode, Type};

/// What stands in front of the labels of the parent.
const LABEL: &[u8] = b"_dsync";
/// The scheme of messages by NOTIFY (RFC 9859 section 2.1).
const NOTIFY_SCHEME: u8 = 1;

/// Where the parent of a zone wants to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ParentEndpoint {
    /// The name of the server.
    pub(super) target: DomainName,
    /// Its port.
    pub(super) port: u16,
}

/// The way from one name to the next.
#[derive(Debug)]
pub(super) struct EndpointSearch {
    child: DomainName,
    /// How many labels of the child come before those of its parent, as far as is known.
    cut: usize,
    /// Whether the name begins with the label `_dsync`, without those of the child.
    is_bare: bool,
}

/// What a response says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum EndpointAnswer {
    /// There are DSYNC records; where they say that messages of the wanted type go, if they do.
    Found(Option<ParentEndpoint>),
    /// There are none, and this zone says so.
    Denied(Option<DomainName>),
    /// It is no answer.
    Failed(Rcode),
}

impl EndpointSearch {
    /// Begins as if the parent were one label above; none for the root, which has no parent.
    pub(super) fn new(child: NameRef<'_>) -> Option<Self> {
        (!child.is_root()).then(|| Self { child: child.to_name(), cut: 1, is_bare: false })
    }

    /// The name to be asked for; none where it would be too long.
    pub(super) fn name(&self) -> Option<DomainName> {
        let child = self.child.as_ref();
        let front = if self.is_bare { 0 } else { self.cut };
        let mut name = NameBuf::new();
        for label in child.labels().take(front) {
            name.push_label(label).ok()?;
        }
        name.push_label(LABEL).ok()?;
        name.finish(child.skip_labels(self.cut)).ok()?;
        Some(name.as_ref().to_name())
    }

    /// Goes on after an answer that there is nothing, which has the SOA of `zone`. Whether there is another name to be asked for: each
    /// has fewer labels of the parent than the one before, or none of the child.
    pub(super) fn denied(&mut self, zone: Option<NameRef<'_>>) -> bool {
        let above = self.child.as_ref().skip_labels(self.cut);
        let farther = zone.filter(|zone| above != *zone && above.is_at_or_below(*zone));
        let labels = |name: NameRef<'_>| name.label_count();
        if let Some(farther) = farther.filter(|farther| labels(*farther) < labels(above)) {
            self.cut = labels(self.child.as_ref()) - labels(farther);
            self.is_bare = false;
            return true;
        }
        !std::mem::replace(&mut self.is_bare, true)
    }
}

impl EndpointAnswer {
    /// Reads the response to a question for DSYNC records; `rtype` is what the message is to be about.
    pub(super) fn read(response: &[u8], rtype: Type) -> Self {
        let Ok(message) = MessageView::parse(response) else { return Self::Failed(Rcode::FORMERR) };
        let rcode = message.rcode().unwrap_or(Rcode::FORMERR);
        if rcode != Rcode::NOERROR && rcode != Rcode::NXDOMAIN {
            return Self::Failed(rcode);
        }
        let (mut is_there, mut found, mut zone) = (false, None, None);
        for record in message.records().map_while(Result::ok) {
            match (record.section, record.rtype) {
                _ if record.class != Class::IN => {}
                (MessageSection::Answer, Type::DSYNC) => {
                    is_there = true;
                    found = found.or_else(|| endpoint(record.rdata, rtype));
                }
                (MessageSection::Authority, Type::SOA) => {
                    let mut owner = NameBuf::new();
                    zone = record.owner(&mut owner).ok().map(|()| owner.as_ref().to_name());
                }
                _ => {}
            }
        }
        if is_there { Self::Found(found) } else { Self::Denied(zone) }
    }
}

/// Where a record says that messages about `rtype` go, if it is about them and of the scheme that is known here.
fn endpoint(rdata: &[u8], rtype: Type) -> Option<ParentEndpoint> {
    let (&[t0, t1, scheme, p0, p1], target) = rdata.split_first_chunk()?;
    let port = u16::from_be_bytes([p0, p1]);
    if u16::from_be_bytes([t0, t1]) != rtype.0 || scheme != NOTIFY_SCHEME || port == 0 {
        return None;
    }
    let target = NameRef::parse(target).ok().filter(|target| !target.is_root())?;
    Some(ParentEndpoint { target: target.to_name(), port })
}

#[cfg(test)]
mod tests;
