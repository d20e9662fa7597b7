//! The four operations and what they leave out (RFC 2136 section 3.4.2), several messages in one version, limits.

use rhumb_wire::{Rcode, serial};
use rhumb_zones::{
    IgnoredReason, UpdateBatch, UpdateLimits, UpdateMessage, UpdatePermission, UpdateRefusal, ZoneContents,
};

use super::kit;
use super::message::{EVERYTHING, LIMITS, ZONE, apply, changes, lines, message, rcode};

/// What lines change, and why some of them do nothing.
fn check(given: &[&str], wanted: &[&str], ignored: &[(usize, IgnoredReason)]) {
    let (summary, found) = changes(given);
    assert_eq!(found, wanted, "{given:?}");
    let left_out: Vec<_> = summary.ignored.iter().map(|one| (one.index, one.reason)).collect();
    assert_eq!(left_out, ignored, "{given:?}");
}

/// Section 3.4.2.2.
#[test]
fn records_are_added() {
    check(&["add new.example. 60 A 192.0.2.9"], &["+new.example. A 192.0.2.9 60"], &[]);
    check(&["add a.b.new.example. 60 A 192.0.2.9"], &["+a.b.new.example. A 192.0.2.9 60"], &[]);
    check(&["add www.example. 300 A 192.0.2.2"], &[], &[]);
    check(&["add example. 300 MX 10 MAIL.example."], &[], &[]);
    // The TTL is that of the set (RFC 2181 section 5.2).
    check(
        &["add www.example. 60 A 192.0.2.2"],
        &[
            "-www.example. A 192.0.2.2 300",
            "-www.example. A 192.0.2.3 300",
            "+www.example. A 192.0.2.2 60",
            "+www.example. A 192.0.2.3 60",
        ],
        &[],
    );
    check(&["add ex.example. 4294967295 A 192.0.2.2"], &["+ex.example. A 192.0.2.2 0"], &[]);
}

/// A record whose digest has another length than its type says is not added: BIND would not take the zone any more. One that is there
/// can be deleted.
#[test]
fn digests_have_their_length() {
    let digest = |length| format!("add new.example. 60 DS 1 8 2 {}", "ab".repeat(length));
    assert_eq!(rcode(&[&digest(32)]), Rcode::NOERROR);
    for length in [31, 33] {
        assert_eq!(rcode(&[&digest(length)]), Rcode::FORMERR, "{length}");
    }
    let before = kit::zone(&format!("{ZONE}\nold.example. 300 IN DS 1 8 2 abcd"));
    let (summary, _) = apply(&before, &["delete old.example. DS 1 8 2 abcd"]).unwrap();
    assert_eq!(summary.removed, 1);
}

/// Section 3.4.2.2: a CNAME stands alone, and takes the place of another; so does a DNAME of another DNAME.
#[test]
fn aliases_stand_alone() {
    check(&["add www.example. 60 CNAME ns.example."], &[], &[(0, IgnoredReason::AliasBesideData)]);
    check(&["add alias.example. 60 A 192.0.2.9"], &[], &[(0, IgnoredReason::DataBesideAlias)]);
    check(&["add empty.example. 60 CNAME ns.example."], &["+empty.example. CNAME ns.example. 60"], &[]);
    check(&["add example. 60 CNAME ns.example."], &[], &[(0, IgnoredReason::AliasBesideData)]);
    check(
        &["add alias.example. 300 CNAME ns.example."],
        &["-alias.example. CNAME www.example. 300", "+alias.example. CNAME ns.example. 300"],
        &[],
    );
    check(&["add alias.example. 300 CNAME WWW.example."], &[], &[]);
    check(
        &["add dname.example. 300 DNAME else."],
        &["-dname.example. DNAME other. 300", "+dname.example. DNAME else. 300"],
        &[],
    );
    check(
        &["delete alias.example. CNAME", "add alias.example. 60 A 192.0.2.9"],
        &["-alias.example. CNAME www.example. 300", "+alias.example. A 192.0.2.9 60"],
        &[],
    );
    // In the other order the first has no effect.
    check(
        &["add alias.example. 60 A 192.0.2.9", "delete alias.example. CNAME"],
        &["-alias.example. CNAME www.example. 300"],
        &[(0, IgnoredReason::DataBesideAlias)],
    );
}

/// Section 3.4.2.2: the serial only goes forward.
#[test]
fn the_soa_goes_forward() {
    let soa = |serial: u32| format!("add example. 300 SOA ns.example. admin.example. {serial} 1 1 1 60");
    for (serial, after) in [(8, 8), (100, 100), (0x8000_0006, 0x8000_0006)] {
        let updated = apply(&kit::zone(ZONE), &[&soa(serial)]).unwrap().1.unwrap();
        assert_eq!(updated.contents.serial(), after);
        // Not moved once more where it came with other records (section 3.6).
        let updated = apply(&kit::zone(ZONE), &[&soa(serial), "delete www.example."]).unwrap().1.unwrap();
        assert_eq!(updated.contents.serial(), after);
    }
    for serial in [7, 6, 0, 0x8000_0007, u32::MAX] {
        check(&[&soa(serial)], &[], &[(0, IgnoredReason::OldSerial)]);
    }
    check(&[&soa(9).replace("add example.", "add www.example.")], &[], &[(0, IgnoredReason::MisplacedSoa)]);
}

/// Sections 3.4.2.3 and 3.4.2.4.
#[test]
fn records_are_deleted() {
    check(&["delete www.example. A 192.0.2.2"], &["-www.example. A 192.0.2.2 300"], &[]);
    check(&["delete www.example. A 192.0.2.9"], &[], &[]);
    check(
        &["delete WWW.example. A"],
        &["-www.example. A 192.0.2.2 300", "-www.example. A 192.0.2.3 300"],
        &[],
    );
    check(
        &["delete www.example."],
        &[
            "-www.example. A 192.0.2.2 300",
            "-www.example. A 192.0.2.3 300",
            "-www.example. TXT \\x04text 300",
        ],
        &[],
    );
    check(
        &["delete no.example.", "delete no.example. A", "delete www.example. AAAA", "delete empty.example."],
        &[],
        &[],
    );
    check(&["delete dname.example. DNAME Other."], &["-dname.example. DNAME other. 300"], &[]);
    check(&["add new.example. 60 A 192.0.2.9", "delete new.example. A 192.0.2.9"], &[], &[]);
}

/// Sections 3.4.2.3 and 3.4.2.4: SOA and the last NS of the apex stay.
#[test]
fn the_apex_keeps_what_makes_it_a_zone() {
    check(&["delete example."], &[r"-example. MX \x00\n\x04mail\x07example\x00 300"], &[]);
    check(&["delete example. NS"], &[], &[(0, IgnoredReason::ApexRecord)]);
    check(&["delete example. SOA"], &[], &[(0, IgnoredReason::ApexRecord)]);
    check(
        &["delete example. SOA ns.example. admin.example. 7 1 1 1 60"],
        &[],
        &[(0, IgnoredReason::ApexRecord)],
    );
    check(
        &["delete example. NS ns.example.", "delete example. NS NS.other."],
        &["-example. NS ns.example. 300"],
        &[(1, IgnoredReason::ApexRecord)],
    );
    // That is no rule for NS elsewhere.
    check(&["add sub.example. 60 NS ns.example.", "delete sub.example. NS ns.example."], &[], &[]);
}

/// One version of several messages: each sees those before it, and one that is refused leaves nothing.
#[test]
fn messages_follow_one_another() {
    let base = kit::zone(ZONE);
    let permission = UpdatePermission { grants: &[&EVERYTHING], key: None };
    let mut batch = UpdateBatch::new(&base, LIMITS);
    for (given, wanted) in [
        (&["nxdomain one.example.", "add one.example. 60 A 192.0.2.9"][..], Rcode::NOERROR),
        (&["nxdomain one.example.", "add two.example. 60 A 192.0.2.9"], Rcode::YXDOMAIN),
        (&["yxrrset one.example. A 192.0.2.9", "add one.example. 60 A 192.0.2.10"], Rcode::NOERROR),
        (&["delete www.example.", "add one.example. 60 NSEC one.example. A"], Rcode::REFUSED),
        (&["add three.example. 60 A 192.0.2.9", "add example.org. 60 A 192.0.2.9"], Rcode::NOTZONE),
    ] {
        let done =
            UpdateMessage::parse(&message(given)).and_then(|message| batch.apply(&message, &permission));
        assert_eq!(done.map_or_else(|refusal| refusal.rcode(), |_| Rcode::NOERROR), wanted, "{given:?}");
    }
    let updated = batch.finish(serial::next).unwrap().unwrap();
    assert_eq!(updated.contents.serial(), 8, "one step for all of them");
    let mut wanted = lines(&base);
    wanted.extend(["one.example. A 192.0.2.9 60".to_owned(), "one.example. A 192.0.2.10 60".to_owned()]);
    wanted.sort();
    assert_eq!(lines(&updated.contents), wanted);
}

#[test]
fn nothing_new_is_no_version() {
    for given in
        [&[][..], &["yxdomain www.example."], &["delete no.example."], &["add www.example. 300 A 192.0.2.2"]]
    {
        assert!(apply(&kit::zone(ZONE), given).unwrap().1.is_none(), "{given:?}");
    }
}

fn limited(
    base: &ZoneContents,
    limits: UpdateLimits,
    given: &[&[&str]],
) -> Vec<Result<usize, UpdateRefusal>> {
    let permission = UpdatePermission { grants: &[&EVERYTHING], key: None };
    let mut batch = UpdateBatch::new(base, limits);
    let each = given.iter().map(|lines| {
        let message = UpdateMessage::parse(&message(lines)).unwrap();
        batch.apply(&message, &permission).map(|summary| summary.added)
    });
    let done = each.collect();
    if let Some(updated) = batch.finish(serial::next).unwrap() {
        assert!(updated.contents.record_count() <= limits.zone.max(base.record_count()));
    }
    done
}

/// RFC 6672 section 5.2.
#[test]
fn nothing_is_added_below_a_dname() {
    let soa = "example. 300 IN SOA ns.other. admin.example. 7 1 1 1 60\nexample. 300 IN NS ns.other.\n";
    let of = |above: &str| kit::zone(&format!("{soa}{above} 300 IN DNAME other."));
    let below = |owner: &str, above: &str| {
        Err(UpdateRefusal::BelowDname(owner.parse().unwrap(), above.parse().unwrap()))
    };
    for (above, owner) in [
        ("d.example.", "a.d.example."),
        ("d.example.", "A.b.D.example."),
        ("example.", "a.example."),
        ("example.", "a.b.example."),
    ] {
        let add = format!("add {owner} 300 A 192.0.2.4");
        let found = limited(&of(above), LIMITS, &[&[add.as_str()]]);
        assert_eq!(found, [below(owner, above)], "{owner}");
    }
    let base = of("d.example.");
    let allowed: [&[&str]; 4] = [
        &["add d.example. 300 A 192.0.2.4"],
        &["add ad.example. 300 A 192.0.2.4"],
        &["add example. 300 A 192.0.2.4"],
        // In the order of the message.
        &["delete d.example. DNAME", "add a.d.example. 300 A 192.0.2.4"],
    ];
    assert_eq!(limited(&base, LIMITS, &allowed), [Ok(1), Ok(1), Ok(1), Ok(1)]);
    let order = ["add e.example. 300 DNAME other.", "add a.e.example. 300 A 192.0.2.4"];
    assert_eq!(limited(&base, LIMITS, &[&order]), [below("a.e.example.", "e.example.")]);
}

#[test]
fn sets_and_the_zone_have_their_limits() {
    let base = kit::zone(ZONE);
    let one = ["add www.example. 300 A 192.0.2.4"];
    let two = ["add www.example. 300 A 192.0.2.5"];
    let exchange = ["delete www.example. A 192.0.2.2", "add www.example. 300 A 192.0.2.5"];
    let limits = UpdateLimits { set: 3, ..LIMITS };
    let found = limited(&base, limits, &[&one, &two, &exchange, &two]);
    let full = UpdateRefusal::SetTooLarge("www.example.".parse().unwrap(), rhumb_wire::Type::A, 3);
    assert_eq!(found, [Ok(1), Err(full), Ok(1), Ok(0)]);
    let limits = UpdateLimits { zone: base.record_count() + 1, ..LIMITS };
    let found = limited(&base, limits, &[&one, &two, &exchange, &["delete www.example. TXT"], &two, &two]);
    let full = || Err(UpdateRefusal::ZoneTooLarge(limits.zone));
    assert_eq!(found, [Ok(1), full(), Ok(1), Ok(0), Ok(0), Ok(0)]);
    // A zone that is larger already may shrink.
    let limits = UpdateLimits { zone: 1, ..LIMITS };
    assert_eq!(limited(&base, limits, &[&["delete www.example. TXT"], &exchange]), [Ok(0), Ok(1)]);
}

/// A zone whose signatures were made elsewhere.
#[test]
fn signatures_made_elsewhere_are_not_broken() {
    let base = kit::zone(
        "example. 300 IN SOA ns.example. admin.example. 7 1 1 1 60
         example. 300 IN NS ns.other.
         example. 300 IN NSEC example. NS SOA",
    );
    assert_eq!(apply(&base, &["delete www.example."]).unwrap_err(), UpdateRefusal::SignedElsewhere);
    assert!(apply(&base, &["yxdomain example."]).unwrap().1.is_none());
}

#[test]
fn what_signing_makes_is_not_updated() {
    for line in [
        "add www.example. 300 RRSIG A example.",
        "add www.example. 300 NSEC example. A",
        "delete www.example. RRSIG",
        "delete example. NSEC3PARAM",
        "add example. 300 NSEC3PARAM 1 0 0 -",
    ] {
        let refusal = apply(&kit::zone(ZONE), &[line]).unwrap_err();
        assert!(matches!(refusal, UpdateRefusal::SignerType(..)), "{line}: {refusal}");
    }
}

/// RFC 4035 section 2.4: a client that takes the child for the zone to be changed does no harm.
#[test]
fn a_ds_is_not_for_the_apex() {
    let ds = |owner: &str| format!("add {owner} 60 DS 14364 13 2 {}", "00".repeat(32));
    check(&[&ds("example.")], &[], &[(0, IgnoredReason::MisplacedDs)]);
    let (summary, found) = changes(&[&ds("sub.example.")]);
    assert_eq!((summary.added, summary.ignored.len(), found.len()), (1, 0, 1));
}
