//! A zone file.

use std::fmt::Write;
use std::path::Path;

use rhumb_wire::{DomainName, NameRef, Type, rdata};
use rhumb_zones::file::{rdata_text, read_zone_bytes};
use rhumb_zones::verify::{VerifyDepth, verify};
use rhumb_zones::{FaultSeverity, ZoneContents};

use super::walk;

/// Errors told of one file, and as many warnings: a hundred, and a last one that counts the rest.
const MOST_OF_A_SEVERITY: usize = 101;
/// Zones with more records are not written out.
const MOST_RECORDS: usize = 2000;
/// Findings of a zone: ten of each of some forty kinds, and their numbers.
const MOST_FINDINGS: usize = 500;

/// Owner, type, TTL and canonical RDATA.
type Record = (DomainName, Type, u32, Vec<u8>);

/// Reads the input as the zone `example.com`; nothing can be included. A zone written as text must be the same when it is
/// read again; what is refused is refused in words.
pub fn run(input: &[u8]) {
    let Ok(origin) = NameRef::parse(b"\x07example\x03com\0") else { return };
    let path = Path::new("example.com.zone");
    match read_zone_bytes(origin, path, input) {
        Ok(loaded) => {
            assert!(loaded.contents.soa().is_some(), "a zone without SOA");
            let findings = verify(&loaded.contents, 1_800_000_000, VerifyDepth::Full).findings;
            assert!(findings.len() <= MOST_FINDINGS, "{} findings", findings.len());
            assert!(findings.iter().all(|finding| !finding.defect.to_string().is_empty()));
            let (records, text) = written(&loaded.contents, origin);
            if records.len() <= MOST_RECORDS {
                let again = read_zone_bytes(origin, path, text.as_bytes());
                let again = again.map(|again| written(&again.contents, origin).0);
                assert_eq!(again.as_ref(), Ok(&records), "written:\n{text}");
            }
        }
        Err(problems) => {
            let errors = problems.iter().filter(|problem| problem.severity == FaultSeverity::Error).count();
            let warnings = problems.len() - errors;
            assert!((1..=MOST_OF_A_SEVERITY).contains(&errors), "{errors} errors");
            assert!(warnings <= MOST_OF_A_SEVERITY, "{warnings} warnings");
            assert!(problems.iter().all(|problem| !problem.message.is_empty()));
        }
    }
}

/// All records in order, and the text of a zone file with them.
fn written(contents: &ZoneContents, origin: NameRef<'_>) -> (Vec<Record>, String) {
    let (mut records, mut text) = (Vec::new(), String::new());
    for set in contents {
        let owner = set.owner();
        let owner = owner.as_ref();
        walk::check_name(owner);
        assert!(owner.is_at_or_below(origin), "{owner:?} is outside");
        // NSEC3 records have names of their own, apart from the others; signatures of nothing are no set to be found.
        let apart = set.rtype() == Type::NSEC3 || set.is_empty();
        assert!(apart || contents.find(owner, set.rtype()).is_some(), "{owner:?} is lost");
        for record in set.records().chain(set.signatures()) {
            let mut bytes = Vec::new();
            record.rdata(&mut bytes);
            let shown = rdata_text(record.rtype(), &bytes);
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{owner} {} IN {} {shown}", record.ttl(), record.rtype());
            rdata::make_canonical(record.rtype(), &mut bytes);
            records.push((owner.to_lowercase(), record.rtype(), record.ttl(), bytes));
        }
    }
    records.sort();
    (records, text)
}
