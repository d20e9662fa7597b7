//! Lists that change, go bad and come back.

use std::fs;
use std::path::PathBuf;

use super::{ListFile, ListFileState, ListFormat, ListRefresh};

/// A file in a folder of its own, removed at the end.
struct QueryScratch(PathBuf);

impl QueryScratch {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("rhumb-lists-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.join("list")
    }

    fn write(&self, text: impl AsRef<[u8]>) {
        fs::write(self.file(), text).unwrap();
    }
}

impl Drop for QueryScratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn shown(list: &ListFile) -> Vec<String> {
    list.upstreams().iter().map(|(address, line)| format!("{line} {address}")).collect()
}

fn kept(outcome: &ListRefresh) -> &str {
    match outcome {
        ListRefresh::KeptLastGood(why) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_another_list_is_a_change() {
    let scratch = QueryScratch::new("change");
    let mut list = ListFile::new(scratch.file(), ListFormat::List);
    scratch.write("192.0.2.1\n192.0.2.2\n");
    assert_eq!(list.refresh(), ListRefresh::Changed);
    assert_eq!(list.state(), &ListFileState::Ok);
    let before = list.upstreams().clone();
    assert_eq!(list.refresh(), ListRefresh::Same);
    assert!(std::sync::Arc::ptr_eq(&before, list.upstreams()), "the same list keeps its object");
    scratch.write("# the first\n192.0.2.1\n\n192.0.2.2 # the second\n");
    assert_eq!(list.refresh(), ListRefresh::Same, "comments change nothing");
    assert_eq!(shown(&list), ["2 192.0.2.1", "4 192.0.2.2"], "but lines move");
    scratch.write("192.0.2.2\n192.0.2.1\n");
    assert_eq!(list.refresh(), ListRefresh::Changed, "the order counts, for the policy in-order");
    scratch.write("192.0.2.2\n192.0.2.1:5353\n");
    assert_eq!(list.refresh(), ListRefresh::Changed);
}

#[test]
fn good_lines_are_used_beside_bad_ones() {
    let scratch = QueryScratch::new("bad-lines");
    let mut list = ListFile::new(scratch.file(), ListFormat::List);
    scratch.write("192.0.2.1\nnot an address\n2001:db8::1\n");
    assert_eq!(list.refresh(), ListRefresh::Changed);
    assert_eq!(shown(&list), ["1 192.0.2.1", "3 2001:db8::1"]);
    assert_eq!(list.bad_lines().iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2]);
    scratch.write("192.0.2.1\n2001:db8::1\n");
    assert_eq!(list.refresh(), ListRefresh::Same);
    assert!(list.bad_lines().is_empty());
}

#[test]
fn a_useless_file_keeps_the_last_good_list() {
    let scratch = QueryScratch::new("kept");
    let mut list = ListFile::new(scratch.file(), ListFormat::ResolvConf);
    scratch.write("search example.com\nnameserver 192.0.2.1\n");
    assert_eq!(list.refresh(), ListRefresh::Changed);
    let large = format!("nameserver 192.0.2.9\n{}", "#\n".repeat(600_000));
    let useless: [(&[u8], &str); 6] = [
        (b"", "names no upstream"),
        (b"# nothing\nsearch example.com\n", "names no upstream"),
        (b"nameserver\n", "line 1"),
        (b"\nnameserver example.com\nnameserver 300.1.1.1\n", "line 2"),
        (b"nameserver \xff\xfe\x00\x01\n", "line 1"),
        (large.as_bytes(), "larger than 1024 KiB"),
    ];
    for (bytes, reason) in useless {
        scratch.write(bytes);
        let outcome = list.refresh();
        assert!(kept(&outcome).contains(reason), "{outcome:?} instead of {reason}");
        assert_eq!(shown(&list), ["2 192.0.2.1"]);
        assert!(matches!(list.state(), ListFileState::Kept { why, .. } if why.contains(reason)));
    }
    fs::remove_file(scratch.file()).unwrap();
    assert!(kept(&list.refresh()).contains("cannot be read"));
    fs::create_dir(scratch.file()).unwrap();
    assert!(kept(&list.refresh()).contains("not a file"));
    fs::remove_dir(scratch.file()).unwrap();
    nix::unistd::mkfifo(&scratch.file(), nix::sys::stat::Mode::S_IRWXU).unwrap();
    assert!(kept(&list.refresh()).contains("not a file"), "a pipe must not hold the reader");
    assert_eq!(shown(&list), ["2 192.0.2.1"]);

    fs::remove_file(scratch.file()).unwrap();
    scratch.write("nameserver 192.0.2.1\n");
    assert_eq!(list.refresh(), ListRefresh::Same);
    assert_eq!(list.state(), &ListFileState::Ok);
}

#[test]
fn the_time_of_the_first_failure_stays() {
    let scratch = QueryScratch::new("since");
    let mut list = ListFile::new(scratch.file(), ListFormat::List);
    scratch.write("192.0.2.1\n");
    list.refresh();
    scratch.write("");
    list.refresh();
    let ListFileState::Kept { since: first, .. } = list.state().clone() else { panic!() };
    scratch.write("garbage\n");
    list.refresh();
    assert!(matches!(list.state(), ListFileState::Kept { since, .. } if *since == first));
}

#[test]
fn before_the_first_good_read_the_list_is_empty() {
    let scratch = QueryScratch::new("first");
    let mut list = ListFile::new(scratch.file(), ListFormat::ResolvConf);
    assert!(kept(&list.refresh()).contains("cannot be read"));
    assert!(list.upstreams().is_empty());
    scratch.write("");
    assert_eq!(kept(&list.refresh()), "names no upstream");
    scratch.write("nameserver fe80::1%eth0\n");
    assert_eq!(list.refresh(), ListRefresh::Changed);
    assert_eq!(shown(&list), ["1 fe80::1%eth0"]);
}
