//! Questions for all types of a name.

use rhumb_wire::{MessageView, Type};

use super::internet::{ServerSays, name};
use super::signed::{NOW, resolver, told};
use super::{Resolver, told as told_records};
use crate::iterate::{ResolutionScope, resolve};
use crate::question::OutboundQuestion;

/// A name with signed sets of two types, the DNAME of `sub.test.`, and a name that has signatures alone.
fn any() -> Resolver {
    let mut resolver = resolver(|asked, test, said| {
        let www = [test.sign(&["www.test. 300 A 198.51.100.1"]), test.sign(&["www.test. 300 TXT x"])];
        let mut dname = test.sign(&["sub.test. 300 DNAME www.test."]);
        dname.push("a.sub.test. 300 CNAME a.www.test.".to_owned());
        let answer = match (asked.name.as_str(), asked.qtype) {
            ("www.test.", Type::ANY) => www.concat(),
            ("a.sub.test.", Type::ANY) => dname,
            ("only.test.", Type::ANY) => test.sign(&["only.test. 300 A 198.51.100.1"]).split_off(1),
            _ => return said,
        };
        ServerSays { authoritative: true, answer, ..ServerSays::default() }
    });
    resolver.settings.aggressive_nsec = false;
    resolver
}

#[tokio::test(start_paused = true)]
async fn all_types_of_a_name_are_secure_and_signatures_stand_there_once() {
    let resolver = any();
    assert_eq!(told(&resolver, "www.test", Type::ANY).await, "NOERROR AD");
    for (dnssec_ok, records) in [(false, 2), (true, 4)] {
        let question =
            OutboundQuestion { dnssec_ok, ..OutboundQuestion::new(name("www.test").as_ref(), Type::ANY) };
        let Resolver { net, state, settings } = &resolver;
        let found = resolve(net, state, settings, &question, ResolutionScope::whole(), (1000, NOW)).await;
        let header = MessageView::parse(&found.unwrap().message).unwrap().header();
        assert_eq!(header.answers, records, "{dnssec_ok}");
    }
    let found = resolver.ask("only.test", Type::ANY).await.unwrap();
    assert_eq!(told_records(&found), "NOERROR only.test. RRSIG");
}

/// The CNAME has no signature of its own (RFC 6672 section 5.3.1).
#[tokio::test(start_paused = true)]
async fn all_types_below_a_dname_are_what_it_makes() {
    let resolver = any();
    assert_eq!(told(&resolver, "a.sub.test", Type::ANY).await, "NOERROR AD");
    let found = resolver.ask("a.sub.test", Type::ANY).await.unwrap();
    assert_eq!(told_records(&found), "NOERROR sub.test. DNAME a.sub.test. CNAME");
}
