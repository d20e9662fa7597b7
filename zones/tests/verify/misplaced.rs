//! Zones that are not signed.

use rhumb_zones::FaultSeverity;
use rhumb_zones::verify::VerifyDepth;

use crate::kit::{NOW, told};

#[test]
fn records_where_nobody_asks_for_them() {
    const HEAD: &str = "@ 300 SOA ns x 1 1 1 1 60\n@ NS ns\nns A 192.0.2.1\n";
    for (lines, at, message) in [
        ("a DS 1 13 2 00", 4, "a.example.: DS without NS"),
        ("@ DS 1 13 2 00", 4, "example.: DS at the apex; it belongs in the parent zone"),
        ("a CDS 0 0 0 00", 4, "a.example.: CDS is of no use but at the apex"),
        ("@ NSEC3PARAM 1 0 0 -", 4, "example.: NSEC3PARAM, and no NSEC3 of its parameters"),
        ("a CNAME b", 4, "a.example.: CNAME points to b.example., which this zone does not have"),
        ("ns TXT t\na CNAME a", 5, "a.example.: the CNAME leads back to itself"),
    ] {
        let (all, _) = told(&format!("{HEAD}{lines}\n"), NOW, VerifyDepth::Full);
        assert_eq!(all, [(at, FaultSeverity::Warning, message.to_owned())], "{lines}");
        if lines.contains("CNAME") || lines.contains("a ") {
            assert_eq!(told(&format!("{HEAD}{lines}\n"), NOW, VerifyDepth::Load).0, [], "{lines} at load");
        }
    }
    for lines in
        ["a CNAME ns", "a CNAME b\nb CNAME elsewhere.", "a CNAME x.b\nb NS ns", "a CNAME x.b\n*.b CNAME ns"]
    {
        assert_eq!(told(&format!("{HEAD}{lines}\n"), NOW, VerifyDepth::Full).0, [], "{lines}");
    }
    let loop_of_two = told(&format!("{HEAD}a CNAME b\nb CNAME a\n"), NOW, VerifyDepth::Full).0;
    assert_eq!(loop_of_two.len(), 2, "{loop_of_two:?}");
}
