//! Where records stand in zone files.

use std::path::Path;
use std::sync::Arc;

use rhumb_wire::NameRef;

use super::disk::{ZoneFolder, ZoneReadOptions};
use super::reader::ZoneReader;
use crate::builder::ZoneBuilder;
use crate::record_identity::RecordIdentity;

/// A line of a zone file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordPlace {
    /// The zone's file, or one that it includes.
    pub file: Arc<Path>,
    /// The line, from 1.
    pub line: u32,
}

/// Reads the file of the zone `origin` at `path`, and gives the first line that has each of `records`, in their order. Those that
/// the file does not have, or that stand behind something that cannot be read, have none.
pub fn find_records(
    origin: NameRef<'_>,
    path: &Path,
    options: &ZoneReadOptions,
    records: &[RecordIdentity],
) -> Vec<Option<RecordPlace>> {
    let files = ZoneFolder::of(path, options);
    let owners = records.iter().map(|record| record.owner.as_ref());
    let mut reader = ZoneReader::new(origin, ZoneBuilder::seeking(origin, owners), &files);
    // A file that cannot be read has no records.
    let _ = reader.file(path);
    let place = |record| {
        let (file, line) = reader.place_of_record(record)?;
        Some(RecordPlace { file, line })
    };
    records.iter().map(place).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rhumb_wire::{DomainName, Type};

    use super::*;

    #[test]
    fn records_are_found_where_they_stand() {
        let folder = std::env::temp_dir().join(format!("rhumb-places-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (zone, part) = (folder.join("zone"), folder.join("part"));
        let head = "$TTL 60\n@ SOA ns admin (\n 1 2 2 60 60 )\n@ NS ns\n@ NS NS\n\n";
        fs::write(&zone, format!("{head}$INCLUDE part\nns A 192.0.2.1\n$GENERATE 1-3 h$ A 192.0.2.$\n"))
            .unwrap();
        fs::write(&part, "www A 192.0.2.2\n    A 192.0.2.3\nwww MX 10 NS\n").unwrap();
        let origin: DomainName = "zone.test.".parse().unwrap();
        let record = |owner: &str, rtype, rdata: &[u8]| {
            RecordIdentity::new(owner.parse::<DomainName>().unwrap().as_ref(), rtype, rdata)
        };
        let (ns, mx) = (b"\x02ns\x04zone\x04test\x00".as_slice(), b"\x00\x0a\x02ns\x04zone\x04test\x00");
        let sought = [
            (record("zone.test.", Type::NS, ns), Some((&zone, 4))),
            (record("ns.zone.test.", Type::A, &[192, 0, 2, 1]), Some((&zone, 8))),
            (record("WWW.zone.test.", Type::A, &[192, 0, 2, 3]), Some((&part, 2))),
            (record("www.zone.test.", Type::MX, mx), Some((&part, 3))),
            (record("h2.zone.test.", Type::A, &[192, 0, 2, 2]), Some((&zone, 9))),
            (record("www.zone.test.", Type::A, &[192, 0, 2, 9]), None),
            (record("other.zone.test.", Type::A, &[192, 0, 2, 2]), None),
        ];
        let records: Vec<_> = sought.iter().map(|(record, _)| record.clone()).collect();
        let find = |path| find_records(origin.as_ref(), path, &ZoneReadOptions::default(), &records);
        for (found, (record, expected)) in find(&zone).into_iter().zip(&sought) {
            let found = found.map(|RecordPlace { file, line }| (file.to_path_buf(), line));
            assert_eq!(found, expected.map(|(file, line)| (file.clone(), line)), "{record:?}");
        }
        assert!(find(&folder.join("none")).iter().all(Option::is_none), "a file that is not there");
        fs::remove_dir_all(folder).unwrap();
    }
}
