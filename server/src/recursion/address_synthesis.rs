//! IPv6 addresses that are made of IPv4 addresses, for clients that have IPv6 alone (RFC 6147).

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use rhumb_config::Dns64Prefix;
use rhumb_resolver::OutboundQuestion;
use rhumb_wire::compress::NameCompression;
use rhumb_wire::{
    Class, DomainName, MessageSection, MessageView, MessageWriter, NameBuf, NameRef, Rcode, Type, header,
    rdata,
};
use tokio::sync::mpsc;

use super::lookup::{LookupEvent, LookupKey, UpstreamLookup};
use super::lookup_answer::LookupAnswer;

/// The longest TTL of an address that was made where no SOA says how long a name has none (RFC 6147 section 5.1.7), in seconds.
const WITHOUT_SOA: u32 = 600;

impl UpstreamLookup {
    /// The prefix that addresses are made with, where this is a question for one; a client that validates is to get what there is (RFC
    /// 6147 section 5.5).
    pub(super) fn synthesis(&self) -> Option<Dns64Prefix> {
        let question = &self.key.question;
        let wanted = matches!(question.qtype, Type::AAAA | Type::PTR) && !self.key.known_only;
        let validates = question.dnssec_ok && question.checking_disabled;
        self.live.snapshot.load().iteration.dns64.filter(|_| wanted && !validates)
    }

    /// Whether `answer` lacks addresses that have to be made before it may be kept.
    pub(super) fn lacks_addresses(&self, answer: &[u8]) -> bool {
        self.key.question.qtype == Type::AAAA && self.synthesis().is_some() && denied(answer).is_some()
    }

    /// The answer with the addresses that are made; as it is where none have to be, or none can.
    pub(super) async fn with_addresses(
        &self,
        prefix: Dns64Prefix,
        events: &mpsc::UnboundedSender<LookupEvent>,
    ) -> LookupAnswer {
        let question = &self.key.question;
        if question.qtype == Type::PTR {
            let Some(name) = ipv4_name(prefix, question.name.as_ref()) else {
                return self.asked(events).await;
            };
            let reverse = OutboundQuestion { name: name.clone(), ..question.clone() };
            let found = Box::pin(self.beside(reverse).asked(events)).await;
            return self.made(
                found,
                WITHOUT_SOA,
                |w, ttl| {
                    w.record(
                        MessageSection::Answer,
                        question.name.as_ref(),
                        Type::CNAME,
                        Class::IN,
                        ttl,
                        |w| w.name(name.as_ref()),
                    )
                },
                None,
            );
        }
        let found = self.asked(events).await;
        let Some(ttl) = lacking(&found) else { return found };
        let addresses = OutboundQuestion { qtype: Type::A, ..question.clone() };
        let ipv4 = Box::pin(self.beside(addresses).asked(events)).await;
        if ipv4.bytes().is_some_and(has_addresses) {
            return self.made(ipv4, ttl, |_, _| Ok(()), Some(prefix));
        }
        // It has none of either.
        if found.message().is_some() { self.keep_denial(found, ttl) } else { found }
    }

    /// A look-up of another question on behalf of this one.
    fn beside(&self, question: OutboundQuestion) -> Self {
        let LookupKey { route, upstreams, known_only, .. } = *self.key;
        let explained = self.key.explained.clone();
        self.of_question(Arc::new(LookupKey { question, route, upstreams, known_only, explained }))
    }

    /// The answer to this question out of that to another one: what `head` writes, then its records, addresses with `prefix`.
    fn made(
        &self,
        found: LookupAnswer,
        most: u32,
        head: impl Fn(&mut MessageWriter<'_, '_>, u32) -> Result<(), rhumb_wire::BufferFull>,
        prefix: Option<Dns64Prefix>,
    ) -> LookupAnswer {
        let Some((message, ttl)) =
            found.bytes().and_then(|bytes| rewritten(&self.key.question, bytes, most, head, prefix))
        else {
            return found;
        };
        self.keep_made(message, ttl, found)
    }
}

/// How long a name is taken to have no IPv6 addresses: where it has none, and where any code but NXDOMAIN came or nothing in time (RFC 6147
/// sections 5.1.2 and 5.1.3). What is bogus stays so (section 5.5).
fn lacking(found: &LookupAnswer) -> Option<u32> {
    match &found.outcome {
        Ok(message) => denied(&message.bytes),
        Err(failure) => (failure.rcode != Rcode::NXDOMAIN && !failure.is_bogus()).then_some(WITHOUT_SOA),
    }
}

/// How long a name has no IPv6 addresses, if that is what `message` says: NOERROR, and none but IPv4-mapped ones (RFC 6147 section 5.1.4).
fn denied(message: &[u8]) -> Option<u32> {
    let view = MessageView::parse(message).ok()?;
    if view.header().rcode_low() != Rcode::NOERROR.0 {
        return None;
    }
    let mut ttl = WITHOUT_SOA;
    for record in view.records() {
        let record = record.ok()?;
        if record.rtype == Type::SOA && record.section == MessageSection::Authority {
            ttl = ttl.min(record.ttl);
        }
        let address = record.rdata.first_chunk::<16>().map(|bytes| Ipv6Addr::from(*bytes));
        let usable = address.is_none_or(|address| address.to_ipv4_mapped().is_none());
        if record.rtype == Type::AAAA && record.section == MessageSection::Answer && usable {
            return None;
        }
    }
    Some(ttl)
}

fn has_addresses(message: &[u8]) -> bool {
    MessageView::parse(message).is_ok_and(|view| {
        let answer =
            view.records().map_while(Result::ok).filter(|record| record.section == MessageSection::Answer);
        answer.into_iter().any(|record| record.rtype == Type::A)
    })
}

/// The answer section of `bytes` under another question, without signatures, and the least TTL in it. None if it cannot be written.
fn rewritten(
    question: &OutboundQuestion,
    bytes: &[u8],
    most: u32,
    head: impl Fn(&mut MessageWriter<'_, '_>, u32) -> Result<(), rhumb_wire::BufferFull>,
    prefix: Option<Dns64Prefix>,
) -> Option<(Vec<u8>, u32)> {
    let view = MessageView::parse(bytes).ok()?;
    let answer: Vec<_> = view
        .records()
        .map_while(Result::ok)
        .filter(|record| record.section == MessageSection::Answer && record.rtype != Type::RRSIG)
        .collect();
    let ttl = answer.iter().map(|record| record.ttl).min().unwrap_or(most).min(most);
    let mut buffer = vec![0; usize::from(u16::MAX)];
    let mut compression = NameCompression::default();
    let limit = buffer.len();
    let mut w = MessageWriter::new(&mut buffer, limit, &mut compression);
    w.question(question.name.as_ref(), question.qtype, question.class).ok()?;
    head(&mut w, ttl).ok()?;
    let (mut owner, mut data) = (NameBuf::new(), Vec::new());
    for record in answer {
        record.owner(&mut owner).ok()?;
        data.clear();
        rdata::expand(&record, &mut data).ok()?;
        let made = prefix.filter(|_| record.rtype == Type::A).zip(data.first_chunk::<4>().copied());
        let (rtype, made) = match made {
            Some((prefix, bytes)) => (Type::AAAA, Some(prefix.embed(Ipv4Addr::from(bytes)).octets())),
            None => (record.rtype, None),
        };
        w.record(MessageSection::Answer, owner.as_ref(), rtype, Class::IN, ttl, |w| match made {
            Some(address) => w.bytes(&address),
            None => rdata::write(w, rtype, &data),
        })
        .ok()?;
    }
    let rcode = view.header().rcode_low();
    let length = w.finish(0, header::QR | header::RD | header::RA | rcode);
    buffer.truncate(length);
    Some((buffer, ttl))
}

/// The name in `in-addr.arpa` of the IPv4 address that a name in `ip6.arpa` holds behind the prefix (RFC 6147 section 5.3.1).
fn ipv4_name(prefix: Dns64Prefix, name: NameRef<'_>) -> Option<DomainName> {
    let ip6: DomainName = "ip6.arpa".parse().ok()?;
    if name.label_count() != 34 || !name.is_at_or_below(ip6.as_ref()) {
        return None;
    }
    let mut bits = 0u128;
    for (at, label) in name.labels().take(32).enumerate() {
        let [digit] = label else { return None };
        bits |= u128::from(char::from(*digit).to_digit(16)?) << (4 * at);
    }
    let [a, b, c, d] = prefix.extract(Ipv6Addr::from_bits(bits))?.octets();
    format!("{d}.{c}.{b}.{a}.in-addr.arpa").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Vec<u8> {
        let head = [0, 0, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
        let (question, owner) = (b"\x04four\0\0\x01\0\x01", [0xc0, 12]);
        let record = [0, 1, 0, 1, 0, 0, 1, 44, 0, 4, 192, 0, 2, 33];
        [&head[..], question, &owner, &record].concat()
    }

    #[test]
    fn addresses_are_made_of_an_answer() {
        let name: DomainName = "four".parse().unwrap();
        let question = OutboundQuestion::new(name.as_ref(), Type::AAAA);
        let prefix: Dns64Prefix = "64:ff9b::/96".parse().unwrap();
        assert!(has_addresses(&answer()));
        let (made, ttl) = rewritten(&question, &answer(), 60, |_, _| Ok(()), Some(prefix)).unwrap();
        let view = MessageView::parse(&made).unwrap();
        let record = view.records().next().unwrap().unwrap();
        let expected: Ipv6Addr = "64:ff9b::c000:221".parse().unwrap();
        assert_eq!((record.rtype, record.rdata, ttl), (Type::AAAA, &expected.octets()[..], 60));
        assert_eq!((denied(&made), denied(&answer())), (None, Some(WITHOUT_SOA)));
    }

    #[test]
    fn names_of_made_addresses_lead_to_those_of_ipv4() {
        let prefix: Dns64Prefix = "64:ff9b::/96".parse().unwrap();
        let name = "1.2.0.0.0.0.0.c.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.b.9.f.f.4.6.0.0.ip6.arpa";
        let expected: DomainName = "33.0.0.192.in-addr.arpa".parse().unwrap();
        let read = |text: &str| ipv4_name(prefix, text.parse::<DomainName>().unwrap().as_ref());
        assert_eq!(read(name), Some(expected));
        for other in [&name.replacen('b', "c", 1), &name[2..], "x.ip6.arpa", &name.replacen("1.2", "1.22", 1)]
        {
            assert_eq!(read(other), None, "{other}");
        }
    }
}
