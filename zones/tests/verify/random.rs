//! Every line left out by itself, and changes at random.

use std::path::Path;

use proptest::prelude::*;
use rhumb_wire::DomainName;
use rhumb_zones::file::read_zone_bytes;
use rhumb_zones::verify::{VerifyDepth, verify};

use crate::kit::{ALL, BIND_OPT_OUT, LDNS_ZONEMD, NOW, told};

proptest! {
    /// Whatever is left of a signed zone is looked at to the end.
    #[test]
    fn broken_at_random(
        which in 0..ALL.len(),
        left_out in proptest::collection::vec(0usize..100, 0..4),
        changed in proptest::collection::vec((0usize..13_000, any::<u8>()), 0..4),
        now: u32,
    ) {
        let text = ALL[which];
        let kept = text.lines().enumerate().filter(|(at, _)| !left_out.contains(at));
        let mut bytes = kept.fold(String::new(), |text, (_, line)| text + line + "\n").into_bytes();
        for (at, byte) in changed {
            if let Some(room) = bytes.get_mut(at) {
                *room = byte;
            }
        }
        let origin: DomainName = "example.".parse().unwrap();
        if let Ok(loaded) = read_zone_bytes(origin.as_ref(), Path::new("zone"), &bytes) {
            for depth in [VerifyDepth::Load, VerifyDepth::Full] {
                let verdict = verify(&loaded.contents, now, depth);
                prop_assert!(verdict.findings.iter().all(|finding| !finding.defect.to_string().is_empty()));
            }
        }
    }
}

#[test]
fn a_line_less_is_noticed() {
    for text in ALL.into_iter().filter(|text| *text != LDNS_ZONEMD) {
        for line in text.lines().skip(1) {
            let word: Vec<&str> = line.split(' ').collect();
            let signatures =
                |rtype| text.lines().filter(|line| line.contains(&format!(" IN RRSIG {rtype} "))).count();
            // One of several NS or signatures, glue and hidden records may be missing. An insecure delegation under
            // opt-out is not there at all without its NS, unless there is glue.
            let quiet = word[0] == "example." && word[3] == "NS"
                || word[3] == "RRSIG" && word[4] == "DNSKEY" && signatures("DNSKEY") > 1
                || word[0].ends_with(".sub.example.")
                || word[0] == "ns.secure.example."
                || text == BIND_OPT_OUT && word[3] == "NS" && !word[0].starts_with('s');
            let less: String =
                text.lines().filter(|other| *other != line).flat_map(|line| [line, "\n"]).collect();
            let (told, _) = told(&less, NOW, VerifyDepth::Load);
            assert_eq!(told.is_empty(), quiet, "without {line}: {told:?}");
        }
    }
}
