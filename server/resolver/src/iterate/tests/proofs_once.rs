//! Proofs that stand beside a whole chain of aliases.

use rhumb_wire::Type;

use super::internet::ServerSays;
use super::signed::{NOW, nsec, resolver, told};

/// Aliases that are made from wildcards, with the proofs of all of them in one reply.
#[tokio::test(start_paused = true)]
async fn the_proofs_of_a_chain_are_checked_once() {
    let resolver = resolver(|asked, test, said| {
        if asked.name != "a.one.test." {
            return said;
        }
        let alias = |from: &str, to: &str| {
            test.sign_with(&[&format!("{from} 300 CNAME {to}")], 2, (NOW - 1000, NOW + 1000))
        };
        let links = [
            alias("a.one.test.", "a.three.test."),
            alias("a.three.test.", "a.two.test."),
            test.sign_with(&["a.two.test. 300 A 198.51.100.1"], 2, (NOW - 1000, NOW + 1000)),
        ];
        let proof =
            |zone: &str, next: &str| test.sign(&[&nsec(&format!("*.{zone}.test."), next, &[Type::CNAME])]);
        let proofs = [proof("one", "three.test."), proof("three", "two.test."), proof("two", "z.test.")];
        ServerSays {
            rcode: 0,
            authoritative: true,
            answer: links.concat(),
            authority: proofs.concat(),
            additional: Vec::new(),
            ..said
        }
    });
    assert_eq!(told(&resolver, "a.one.test", Type::A).await, "NOERROR AD");
    resolver.state.clear();
    // The keys of the root and of the zone, its DS, three links, three proofs.
    assert_eq!(resolver.ask("a.one.test", Type::A).await.unwrap().cost.signatures, 9);
}
