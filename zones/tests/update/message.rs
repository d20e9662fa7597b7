//! Messages out of lines that read as those of nsupdate do, and what a zone becomes by them.

use rhumb_wire::compress::NameCompression;
use rhumb_wire::{
    BufferFull, Class, DomainName, MessageSection, MessageWriter, NameRef, Opcode, Rcode, Type,
};
use rhumb_zones::{
    UpdateActions, UpdateBatch, UpdateGrant, UpdateLimits, UpdateMessage, UpdatePermission, UpdateRefusal,
    UpdateSummary, UpdatedZone, ZoneContents,
};

use super::kit;

/// The zone of the tables.
pub(crate) const ZONE: &str = "
    example. 300 IN SOA ns.example. admin.example. 7 1 1 1 60
    example. 300 IN NS ns.example.
    example. 300 IN NS ns.other.
    example. 300 IN MX 10 mail.example.
    ns.example. 300 IN A 192.0.2.1
    www.example. 300 IN A 192.0.2.2
    www.example. 300 IN A 192.0.2.3
    www.example. 300 IN TXT \"text\"
    alias.example. 300 IN CNAME www.example.
    below.empty.example. 300 IN TXT \"text\"
    dname.example. 300 IN DNAME other.
";

pub(crate) const LIMITS: UpdateLimits = UpdateLimits { set: 1000, zone: 1_000_000 };

/// All that there is.
pub(crate) const EVERYTHING: UpdateGrant = UpdateGrant {
    names: Vec::new(),
    types: Vec::new(),
    actions: UpdateActions { add: true, delete: true },
    max_records: None,
};

/// One record as it stands in a message.
#[derive(Debug)]
pub(crate) struct RawRecord {
    pub(crate) section: MessageSection,
    pub(crate) owner: DomainName,
    pub(crate) rtype: Type,
    pub(crate) class: Class,
    pub(crate) ttl: u32,
    pub(crate) rdata: Vec<u8>,
}

/// Reads a line: `yxdomain NAME`, `nxdomain NAME`, `yxrrset NAME TYPE [RDATA]`, `nxrrset NAME TYPE`, `add NAME TTL TYPE RDATA`,
/// `delete NAME [TYPE [RDATA]]`.
fn record(line: &str) -> RawRecord {
    let words: Vec<&str> = line.split_whitespace().collect();
    let rdata =
        |rtype: &str, fields: &[&str]| kit::line(&format!("x. 0 IN {rtype} {}", fields.join(" "))).rdata;
    let (section, class, owner, ttl, rtype, data) = match words.as_slice() {
        ["yxdomain", owner] => (MessageSection::Answer, Class::ANY, owner, 0, "ANY", vec![]),
        ["nxdomain", owner] => (MessageSection::Answer, Class::NONE, owner, 0, "ANY", vec![]),
        ["yxrrset", owner, rtype] => (MessageSection::Answer, Class::ANY, owner, 0, *rtype, vec![]),
        ["nxrrset", owner, rtype] => (MessageSection::Answer, Class::NONE, owner, 0, *rtype, vec![]),
        ["yxrrset", owner, rtype, fields @ ..] => {
            (MessageSection::Answer, Class::IN, owner, 0, *rtype, rdata(rtype, fields))
        }
        ["add", owner, ttl, rtype, fields @ ..] => {
            (MessageSection::Authority, Class::IN, owner, ttl.parse().unwrap(), *rtype, rdata(rtype, fields))
        }
        ["delete", owner] => (MessageSection::Authority, Class::ANY, owner, 0, "ANY", vec![]),
        ["delete", owner, rtype] => (MessageSection::Authority, Class::ANY, owner, 0, *rtype, vec![]),
        ["delete", owner, rtype, fields @ ..] => {
            (MessageSection::Authority, Class::NONE, owner, 0, *rtype, rdata(rtype, fields))
        }
        _ => panic!("{line}"),
    };
    let (owner, rtype) = (owner.parse().unwrap(), rtype.parse().unwrap());
    RawRecord { section, owner, rtype, class, ttl, rdata: data }
}

/// A message for a zone, its names compressed.
pub(crate) fn write(zone: NameRef<'_>, qtype: Type, class: Class, records: &[RawRecord]) -> Vec<u8> {
    let mut buffer = vec![0; 65_535];
    let mut compression = NameCompression::default();
    let mut w = MessageWriter::new(&mut buffer, 65_535, &mut compression);
    w.question(zone, qtype, class).unwrap();
    for section in [MessageSection::Answer, MessageSection::Authority] {
        for record in records.iter().filter(|record| record.section == section) {
            w.record(section, record.owner.as_ref(), record.rtype, record.class, record.ttl, |w| {
                if record.rdata.is_empty() {
                    return Ok::<(), BufferFull>(());
                }
                rhumb_wire::rdata::write(w, record.rtype, &record.rdata)
            })
            .unwrap();
        }
    }
    let length = w.finish(0x1234, u16::from(Opcode::UPDATE.0) << 11);
    buffer.truncate(length);
    buffer
}

/// A message for `example.` of lines.
pub(crate) fn message(lines: &[&str]) -> Vec<u8> {
    let records: Vec<RawRecord> = lines.iter().map(|line| record(line)).collect();
    write("example.".parse::<DomainName>().unwrap().as_ref(), Type::SOA, Class::IN, &records)
}

/// What a message comes to.
pub(crate) type Applied = Result<(UpdateSummary, Option<UpdatedZone>), UpdateRefusal>;

/// Carries out one message alone.
pub(crate) fn apply_bytes(
    contents: &ZoneContents,
    bytes: &[u8],
    grants: &[&UpdateGrant],
    key: Option<NameRef<'_>>,
) -> Applied {
    let message = UpdateMessage::parse(bytes)?;
    let mut batch = UpdateBatch::new(contents, LIMITS);
    let summary = batch.apply(&message, &UpdatePermission { grants, key })?;
    Ok((summary, batch.finish(rhumb_wire::serial::next)?))
}

/// Carries out lines with every right.
pub(crate) fn apply(contents: &ZoneContents, lines: &[&str]) -> Applied {
    apply_bytes(contents, &message(lines), &[&EVERYTHING], None)
}

/// The response code that lines get in the zone of the tables.
pub(crate) fn rcode(lines: &[&str]) -> Rcode {
    apply(&kit::zone(ZONE), lines).map_or_else(|refusal| refusal.rcode(), |_| Rcode::NOERROR)
}

/// The records of a zone as sorted lines with their TTLs, without the SOA.
pub(crate) fn lines(contents: &ZoneContents) -> Vec<String> {
    let mut lines = Vec::new();
    for set in contents.iter().filter(|set| set.rtype() != Type::SOA) {
        for record in set.records() {
            let mut rdata = Vec::new();
            record.rdata(&mut rdata);
            lines.push(format!("{} {}", kit::show(set.owner().as_ref(), set.rtype(), &rdata), record.ttl()));
        }
    }
    lines.sort();
    lines
}

/// What changes in the zone of the tables: lines that go with `-`, lines that come with `+`. The difference says the same as the
/// contents do.
pub(crate) fn changes(given: &[&str]) -> (UpdateSummary, Vec<String>) {
    let before = kit::zone(ZONE);
    let (summary, updated) = apply(&before, given).unwrap();
    let Some(UpdatedZone { contents, difference }) = updated else { return (summary, vec![]) };
    assert!(rhumb_wire::serial::is_newer(contents.serial(), before.serial()));
    assert_eq!((difference.from, difference.to), (before.serial(), contents.serial()));
    assert_eq!(lines(&before.apply([&difference]).unwrap()), lines(&contents));
    let (old, new) = (lines(&before), lines(&contents));
    let gone = old.iter().filter(|line| !new.contains(line)).map(|line| format!("-{line}"));
    let come = new.iter().filter(|line| !old.contains(line)).map(|line| format!("+{line}"));
    (summary, gone.chain(come).collect())
}
