//! NSEC and NSEC3.

use rhumb_zones::verify::VerifyDepth;

use crate::kit::{BIND_OPT_OUT, LDNS_NSEC, LDNS_NSEC3, NOW, line, one, replaced, told, without};

#[test]
fn nsec() {
    let mail = "mail.example. 300 IN NSEC";
    let at = line(LDNS_NSEC, mail);
    one(
        &without(LDNS_NSEC, mail),
        line(LDNS_NSEC, "mail.example. 3600 IN A"),
        "mail.example.: the name has no NSEC",
    );
    one(
        &replaced(LDNS_NSEC, mail, "A RRSIG", "A TXT RRSIG"),
        at,
        "mail.example.: NSEC lists TXT, which is not there",
    );
    one(
        &replaced(LDNS_NSEC, mail, "A RRSIG", "RRSIG"),
        at,
        "mail.example.: NSEC does not list A, which is there",
    );
    one(
        &replaced(LDNS_NSEC, mail, "both.mixed", "own.mixed"),
        at,
        "mail.example.: NSEC leads to own.mixed.example., the name that follows is both.mixed.example.",
    );
    one(
        &replaced(LDNS_NSEC, "www.example. 300 IN NSEC", "NSEC example.", "NSEC elsewhere."),
        line(LDNS_NSEC, "www.example. 300 IN NSEC"),
        "www.example.: NSEC leads to elsewhere., the name that follows is example.",
    );
    one(
        &replaced(LDNS_NSEC, "secure.example. 300 IN NSEC", "NS DS", "NS"),
        line(LDNS_NSEC, "secure.example. 300 IN NSEC"),
        "secure.example.: NSEC does not list DS, which is there",
    );
    let number = LDNS_NSEC.lines().count() as u32;
    one(
        &format!("{LDNS_NSEC}mail.example. 300 IN NSEC both.mixed.example. A NSEC\n"),
        at,
        "mail.example.: more than one NSEC",
    );
    one(
        &format!("{LDNS_NSEC}x.y.sub.example. 300 IN NSEC both.mixed.example. A NSEC\n"),
        number + 1,
        "x.y.sub.example.: NSEC at a name that is not authoritative here",
    );
}

#[test]
fn nsec3() {
    // The hash of mail.example, and that of the empty non-terminal c.example.
    const MAIL: &str = "aj6g8ga101bpehf5ag88s2s4pv0jj5gn.example. 300 IN NSEC3";
    const EMPTY: &str = "bq512i70gcod6v8ppla4dves4chei19v.example. 300 IN NSEC3";
    let at = line(LDNS_NSEC3, MAIL);
    let owner = "aj6g8ga101bpehf5ag88s2s4pv0jj5gn.example.";
    let a = line(LDNS_NSEC3, "mail.example. 3600 IN A");
    one(&without(LDNS_NSEC3, MAIL), a, "mail.example.: the name has no NSEC3");
    one(&without(LDNS_NSEC3, EMPTY), 0, "c.example.: the name has no NSEC3");
    one(
        &replaced(LDNS_NSEC3, MAIL, " A RRSIG", " A TXT RRSIG"),
        at,
        &format!("{owner}: NSEC3 of mail.example. lists TXT, which is not there"),
    );
    one(
        &replaced(LDNS_NSEC3, MAIL, " A RRSIG", " RRSIG"),
        at,
        &format!("{owner}: NSEC3 of mail.example. does not list A, which is there"),
    );
    one(
        &replaced(LDNS_NSEC3, MAIL, " 2 abcd ", " 2 abce "),
        at,
        &format!("{owner}: NSEC3 with parameters that no NSEC3PARAM gives"),
    );
    let next = LDNS_NSEC3.lines().nth(at as usize - 1).unwrap().split(' ').nth(8).unwrap();
    let last = next.chars().last().unwrap();
    let other = format!("{}{}", &next[..31], if last == 'g' { 'o' } else { 'g' });
    one(
        &replaced(LDNS_NSEC3, MAIL, next, &other),
        at,
        &format!("{owner}: NSEC3 leads to {other}, the hash that follows is {next}"),
    );
    let param = "example. 3600 IN NSEC3PARAM";
    let (all, _) = told(&without(LDNS_NSEC3, param), NOW, VerifyDepth::Load);
    let text = |part: &str| all.iter().any(|(_, _, text)| text.contains(part));
    assert!(text("no NSEC3PARAM that gives its parameters") && text("neither NSEC nor NSEC3"), "{all:?}");
}

#[test]
fn a_hash_that_is_wrong_in_its_last_digit_is_seen_by_the_full_check() {
    let changed = LDNS_NSEC3.replace("aj6g8ga101bpehf5ag88s2s4pv0jj5gn", "aj6g8ga101bpehf5ag88s2s4pv0jj5go");
    assert_eq!(told(&changed, NOW, VerifyDepth::Load).0, []);
    let texts: Vec<String> =
        told(&changed, NOW, VerifyDepth::Full).0.into_iter().map(|(_, _, text)| text).collect();
    assert_eq!(
        texts,
        [
            "aj6g8ga101bpehf5ag88s2s4pv0jj5go.example.: NSEC3 whose owner is the hash of no name of the zone",
            "mail.example.: the name has no NSEC3",
        ]
    );
}

#[test]
fn opt_out_exempts_insecure_delegations_alone() {
    // Records of chains with opt-out may be missing for these, at the cost of the ring being closed.
    let secure = BIND_OPT_OUT.lines().find(|line| line.ends_with(" NS DS RRSIG")).unwrap();
    let owner = secure.split(' ').next().unwrap();
    one(
        &without(BIND_OPT_OUT, &format!("{owner} 300 IN NSEC3")),
        line(BIND_OPT_OUT, "secure.example. 3600 IN NS"),
        "secure.example.: the name has no NSEC3",
    );
    // Without the flag the chain has to hold the four insecure delegations and the two names above them.
    let closed = BIND_OPT_OUT.replace("NSEC3 1 1 ", "NSEC3 1 0 ");
    let (all, _) = told(&closed, NOW, VerifyDepth::Full);
    let mut names: Vec<&str> = all.iter().map(|(_, _, text)| text.split(':').next().unwrap()).collect();
    names.sort_unstable();
    let wanted = [
        "both.mixed.example.",
        "deep.ent.example.",
        "deep2.ent.example.",
        "ent.example.",
        "more.deep2.ent.example.",
        "sub.example.",
    ];
    assert_eq!(names, wanted, "{all:?}");
}
