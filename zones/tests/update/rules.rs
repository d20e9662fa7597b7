//! What rules allow and deny.

use rhumb_wire::{DomainName, Type};
use rhumb_zones::{UpdateActions, UpdateGrant, UpdateNamePattern, UpdateRefusal};

use super::kit;
use super::message::{Applied, EVERYTHING, ZONE, apply_bytes, message};

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

/// Names in front of that of the zone.
fn inside(labels: &str, subtree: bool) -> UpdateNamePattern {
    UpdateNamePattern::Labels { name: name(labels), below_apex: true, subtree }
}

fn for_names(names: Vec<UpdateNamePattern>) -> UpdateGrant {
    UpdateGrant { names, ..EVERYTHING }
}

fn with(grants: &[&UpdateGrant], lines: &[&str]) -> Applied {
    apply_bytes(&kit::zone(ZONE), &message(lines), grants, Some(name("host.example.").as_ref()))
}

fn denied(grants: &[&UpdateGrant], lines: &[&str], what: &str) {
    match with(grants, lines) {
        Err(refusal @ UpdateRefusal::Denied(_)) => {
            let text = refusal.to_string();
            assert_eq!(text, format!("{what}: no rule of the zone allows it"), "{lines:?}");
        }
        other => panic!("{lines:?}: {other:?}"),
    }
}

#[test]
fn names() {
    let absolute =
        |text: &str| UpdateNamePattern::Labels { name: name(text), below_apex: false, subtree: false };
    for (pattern, yes, no) in [
        (
            inside("www.", false),
            &["www.example.", "WWW.example."][..],
            &["a.www.example.", "example.", "ww.example."][..],
        ),
        (inside("dyn.", true), &["dyn.example.", "a.b.dyn.example."], &["adyn.example.", "example."]),
        (
            inside("_acme-challenge.*.", false),
            &["_acme-challenge.www.example.", "_ACME-challenge.a.example."],
            &["_acme-challenge.example.", "_acme-challenge.a.b.example.", "x.www.example."],
        ),
        (inside("*.", false), &["a.example.", "*.example."], &["example.", "a.b.example."]),
        (inside(".", false), &["example."], &["a.example."]),
        (inside(".", true), &["example.", "a.b.example."], &[]),
        (absolute("www.example."), &["www.example."], &["a.www.example.", "example."]),
        (UpdateNamePattern::KeyName, &["host.example.", "HOST.example."], &["a.host.example.", "example."]),
    ] {
        let grant = for_names(vec![pattern.clone()]);
        for owner in yes {
            let line = format!("add {owner} 60 HTTPS 1 .");
            assert!(with(&[&grant], &[&line]).is_ok(), "{owner} {pattern:?}");
        }
        for owner in no {
            let line = format!("add {owner} 60 HTTPS 1 .");
            denied(&[&grant], &[&line], &format!("add HTTPS of {owner}"));
        }
    }
    let own = for_names(vec![UpdateNamePattern::KeyName]);
    let unsigned = apply_bytes(&kit::zone(ZONE), &message(&["delete host.example."]), &[&own], None);
    assert!(matches!(unsigned, Err(UpdateRefusal::Denied(_))));
}

#[test]
fn types_and_actions() {
    let texts = UpdateGrant { types: vec![Type::TXT], ..EVERYTHING };
    let add = UpdateGrant { actions: UpdateActions { add: true, delete: false }, ..EVERYTHING };
    assert!(with(&[&texts], &["delete www.example. TXT", "add a.example. 60 TXT \"x\""]).is_ok());
    denied(&[&texts], &["delete www.example. TXT", "delete www.example. A"], "delete all A of www.example.");
    denied(
        &[&add],
        &["add a.example. 60 A 192.0.2.9", "delete a.example. A 192.0.2.9"],
        "delete one A of a.example.",
    );
    // The rules are asked for each record; together they allow more than each of them.
    assert!(with(&[&texts, &add], &["delete www.example. TXT", "add a.example. 60 A 192.0.2.9"]).is_ok());
    denied(&[&texts, &add], &["delete www.example. A"], "delete all A of www.example.");
}

/// A deletion of all that a name owns is one of each of its sets.
#[test]
fn all_of_a_name() {
    let types = |types: &[Type]| UpdateGrant { types: types.to_vec(), ..EVERYTHING };
    let (texts, addresses) = (types(&[Type::TXT]), types(&[Type::A]));
    assert!(with(&[&types(&[Type::A, Type::TXT])], &["delete www.example."]).is_ok());
    assert!(with(&[&texts, &addresses], &["delete www.example."]).is_ok());
    assert!(with(&[&texts], &["delete no.example."]).is_ok());
    denied(&[&texts], &["delete www.example."], "delete all records of www.example., of which A is one");
    // SOA and NS of the apex are not meant by it.
    assert!(with(&[&types(&[Type::MX])], &["delete example."]).is_ok());
}

#[test]
fn the_first_rule_that_allows_decides_how_many() {
    let few = UpdateGrant { types: vec![Type::A], max_records: Some(2), ..EVERYTHING };
    let add = ["add www.example. 60 A 192.0.2.4"];
    let refusal = with(&[&few, &EVERYTHING], &add).unwrap_err();
    assert_eq!(refusal, UpdateRefusal::SetTooLarge(name("www.example."), Type::A, 2));
    assert!(with(&[&EVERYTHING, &few], &add).is_ok());
    assert!(with(&[&few], &["delete www.example. A 192.0.2.2", add[0]]).is_ok());
}

/// A client without rules learns nothing of what the zone holds.
#[test]
fn a_stranger_learns_nothing() {
    for line in ["yxdomain www.example.", "nxdomain www.example.", "yxrrset no.example. A"] {
        assert_eq!(with(&[], &[line]).unwrap_err(), UpdateRefusal::NoRule);
    }
    let narrow = for_names(vec![inside("a.", false)]);
    denied(&[&narrow], &["nxdomain www.example.", "add b.example. 60 A 192.0.2.1"], "add A of b.example.");
}
