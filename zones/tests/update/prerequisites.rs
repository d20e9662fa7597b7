//! Zone section and prerequisites (RFC 2136 sections 3.1 and 3.2), and the scan of the update section (3.4.1).

use rhumb_wire::{Class, DomainName, MessageSection, Rcode, Type};
use rhumb_zones::UpdateMessage;

use super::kit;
use super::message::{EVERYTHING, RawRecord, ZONE, apply_bytes, message, rcode, write};

const CHANGE: &str = "add new.example. 60 A 192.0.2.9";

#[test]
fn prerequisites_hold_or_have_their_own_code() {
    for (line, wanted) in [
        // 2.4.1 and 3.2.1: an RRset exists.
        ("yxrrset www.example. A", Rcode::NOERROR),
        ("yxrrset WWW.Example. A", Rcode::NOERROR),
        ("yxrrset www.example. AAAA", Rcode::NXRRSET),
        ("yxrrset no.example. A", Rcode::NXRRSET),
        ("yxrrset empty.example. A", Rcode::NXRRSET),
        ("yxrrset example. SOA", Rcode::NOERROR),
        // An alias is not followed.
        ("yxrrset alias.example. A", Rcode::NXRRSET),
        // 2.4.3: it does not.
        ("nxrrset www.example. AAAA", Rcode::NOERROR),
        ("nxrrset no.example. A", Rcode::NOERROR),
        ("nxrrset www.example. A", Rcode::YXRRSET),
        // 2.4.4: a name owns records. A name that only has names below it does not.
        ("yxdomain www.example.", Rcode::NOERROR),
        ("yxdomain example.", Rcode::NOERROR),
        ("yxdomain no.example.", Rcode::NXDOMAIN),
        ("yxdomain empty.example.", Rcode::NXDOMAIN),
        // 2.4.5: it owns none.
        ("nxdomain no.example.", Rcode::NOERROR),
        ("nxdomain empty.example.", Rcode::NOERROR),
        ("nxdomain www.example.", Rcode::YXDOMAIN),
        ("nxdomain alias.example.", Rcode::YXDOMAIN),
        // 3.2.1.3: a name outside of the zone.
        ("yxdomain example.org.", Rcode::NOTZONE),
        ("nxrrset notexample. A", Rcode::NOTZONE),
    ] {
        assert_eq!(rcode(&[line, CHANGE]), wanted, "{line}");
        assert_eq!(rcode(&[line]), wanted, "{line}, and nothing to do");
    }
}

/// Section 2.4.2 and 3.2.3: the set is exactly this, whatever its order and TTL.
#[test]
fn a_set_with_its_records() {
    for (lines, wanted) in [
        (&["yxrrset www.example. A 192.0.2.3", "yxrrset www.example. A 192.0.2.2"][..], Rcode::NOERROR),
        (&["yxrrset www.example. A 192.0.2.2"], Rcode::NXRRSET),
        (
            &[
                "yxrrset www.example. A 192.0.2.2",
                "yxrrset www.example. A 192.0.2.3",
                "yxrrset www.example. A 192.0.2.4",
            ],
            Rcode::NXRRSET,
        ),
        (
            &[
                "yxrrset www.example. A 192.0.2.2",
                "yxrrset www.example. A 192.0.2.2",
                "yxrrset WWW.example. A 192.0.2.3",
            ],
            Rcode::NOERROR,
        ),
        (&["yxrrset example. MX 10 MAIL.example."], Rcode::NOERROR),
        (&["yxrrset www.example. TXT \"Text\""], Rcode::NXRRSET),
        (&["yxrrset no.example. A 192.0.2.2"], Rcode::NXRRSET),
        (&["yxrrset www.example. TXT \"text\"", "yxrrset example. MX 11 mail.example."], Rcode::NXRRSET),
    ] {
        let lines: Vec<&str> = lines.iter().copied().chain([CHANGE]).collect();
        assert_eq!(rcode(&lines), wanted, "{lines:?}");
    }
}

fn one(section: MessageSection, rtype: Type, class: Class, ttl: u32, rdata: &[u8]) -> RawRecord {
    RawRecord { section, owner: "www.example.".parse().unwrap(), rtype, class, ttl, rdata: rdata.to_vec() }
}

#[test]
fn what_means_nothing_is_malformed() {
    let (prerequisite, update) = (MessageSection::Answer, MessageSection::Authority);
    let address: &[u8] = &[192, 0, 2, 2];
    for (record, wanted) in [
        // 3.2.1: no TTL, no RDATA but in class IN, no class but three.
        (one(prerequisite, Type::A, Class::ANY, 1, &[]), Rcode::FORMERR),
        (one(prerequisite, Type::A, Class::NONE, 1, &[]), Rcode::FORMERR),
        (one(prerequisite, Type::A, Class::IN, 1, address), Rcode::FORMERR),
        (one(prerequisite, Type::A, Class::ANY, 0, address), Rcode::FORMERR),
        (one(prerequisite, Type::A, Class::NONE, 0, address), Rcode::FORMERR),
        (one(prerequisite, Type::A, Class::CH, 0, &[]), Rcode::FORMERR),
        (one(prerequisite, Type::ANY, Class::IN, 0, &[]), Rcode::FORMERR),
        (one(prerequisite, Type::AXFR, Class::ANY, 0, &[]), Rcode::FORMERR),
        (one(prerequisite, Type::A, Class::IN, 0, &[1, 2, 3]), Rcode::FORMERR),
        // 3.4.1.2 and 3.4.1.3.
        (one(update, Type::A, Class::CH, 0, address), Rcode::FORMERR),
        (one(update, Type::ANY, Class::IN, 60, &[]), Rcode::FORMERR),
        (one(update, Type::AXFR, Class::IN, 60, &[]), Rcode::FORMERR),
        (one(update, Type::MAILB, Class::ANY, 0, &[]), Rcode::FORMERR),
        (one(update, Type::A, Class::ANY, 1, &[]), Rcode::FORMERR),
        (one(update, Type::A, Class::ANY, 0, address), Rcode::FORMERR),
        (one(update, Type::A, Class::NONE, 1, address), Rcode::FORMERR),
        (one(update, Type::ANY, Class::NONE, 0, &[]), Rcode::FORMERR),
        (one(update, Type::OPT, Class::IN, 0, &[]), Rcode::FORMERR),
        (one(update, Type(0), Class::IN, 0, &[]), Rcode::FORMERR),
        (one(update, Type::A, Class::IN, 60, &[1, 2, 3]), Rcode::FORMERR),
        (one(update, Type::A, Class::NONE, 0, &[]), Rcode::FORMERR),
        (one(update, Type::A, Class::IN, 60, address), Rcode::NOERROR),
        (one(update, Type(65280), Class::IN, 60, address), Rcode::NOERROR),
    ] {
        let apex: DomainName = "example.".parse().unwrap();
        let shown = format!("{} {} {} {:?}", record.class, record.rtype, record.ttl, record.rdata);
        let bytes = write(apex.as_ref(), Type::SOA, Class::IN, &[record]);
        let found = apply_bytes(&kit::zone(ZONE), &bytes, &[&EVERYTHING], None);
        assert_eq!(found.map_or_else(|refusal| refusal.rcode(), |_| Rcode::NOERROR), wanted, "{shown}");
    }
}

/// Section 3.1.
#[test]
fn the_zone_section_names_the_zone() {
    for (zone, qtype, class, wanted) in [
        ("example.", Type::SOA, Class::IN, Rcode::NOERROR),
        ("EXAMPLE.", Type::SOA, Class::IN, Rcode::NOERROR),
        ("example.", Type::NS, Class::IN, Rcode::FORMERR),
        ("example.", Type::ANY, Class::IN, Rcode::FORMERR),
        ("example.", Type::SOA, Class::CH, Rcode::NOTAUTH),
        ("www.example.", Type::SOA, Class::IN, Rcode::NOTAUTH),
        (".", Type::SOA, Class::IN, Rcode::NOTAUTH),
    ] {
        let bytes = write(zone.parse::<DomainName>().unwrap().as_ref(), qtype, class, &[]);
        let found = apply_bytes(&kit::zone(ZONE), &bytes, &[&EVERYTHING], None);
        assert_eq!(
            found.map_or_else(|refusal| refusal.rcode(), |_| Rcode::NOERROR),
            wanted,
            "{zone} {qtype}"
        );
    }
}

/// Every message that is cut off anywhere is refused or says less; none is taken for more.
#[test]
fn a_message_that_is_cut_off_is_malformed() {
    let whole = message(&["yxdomain www.example.", CHANGE, "delete www.example. TXT \"text\""]);
    assert!(UpdateMessage::parse(&whole).is_ok());
    for length in 0..whole.len() {
        let refusal = UpdateMessage::parse(&whole[..length]).unwrap_err();
        assert_eq!(refusal.rcode(), Rcode::FORMERR, "{length}");
    }
}
