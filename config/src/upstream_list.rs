//! Files that name upstreams: plain lists, and the form of resolv.conf(5).
//!
//! What is wrong in such a file is told line by line beside what is right, never by refusing the whole: the caller
//! decides. Work and results are bounded by the constants here.

use std::collections::HashSet;

use crate::address::{UPSTREAM_FORMS, UpstreamAddress};
use crate::node::shown;

/// The largest file that is looked at, in bytes.
pub const MOST_BYTES: usize = 1 << 20;
/// The most upstreams that are taken from one file.
pub const MOST_ENTRIES: usize = 1024;
/// The most wrong lines that are told of one file; what comes after them is not told, but still read.
pub const MOST_COMPLAINTS: usize = 100;

/// The upstreams of a file with their lines, and what is wrong with its other lines. Lines count from 1.
pub type Parsed = (Vec<(UpstreamAddress, u32)>, Vec<(u32, String)>);

/// Reads a list: one upstream a line in a form of [`UpstreamAddress`].
///
/// Blank lines are passed over, `#` and `;` begin a comment at the start of a line or after a blank, lines may end
/// in CRLF. An upstream that comes again is dropped.
pub fn parse_list(text: &str) -> Parsed {
    parse(text, |line| Some(line))
}

/// Reads a resolv.conf: the address after each `nameserver`, in the order of the file.
///
/// Other keywords are passed over. As in the C library only the first word after `nameserver` counts.
pub fn parse_resolv_conf(text: &str) -> Parsed {
    parse(text, |line| {
        let mut words = line.split_ascii_whitespace();
        (words.next() == Some("nameserver")).then(|| words.next().unwrap_or_default())
    })
}

/// Goes through the lines; `address` finds what should be an upstream in one, or nothing.
fn parse(text: &str, address: impl Fn(&str) -> Option<&str>) -> Parsed {
    let mut list = List::default();
    if text.len() > MOST_BYTES {
        list.complain(1, format!("the file is larger than {} KiB and is not read", MOST_BYTES >> 10));
        return (list.entries, list.complaints);
    }
    for (line, number) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().zip(1..) {
        let content = without_comment(line).trim_matches([' ', '\t', '\r']);
        if content.is_empty() {
            continue;
        }
        if content.chars().any(|character| character.is_control() && character != '\t') {
            list.complain(number, format!("{} holds control characters", shown(content)));
            continue;
        }
        match address(content) {
            None => {}
            Some("") => list.complain(number, format!("an address is missing; accepted: {UPSTREAM_FORMS}")),
            Some(found) => match found.parse() {
                Err(error) => {
                    list.complain(number, format!("{} {error}; accepted: {UPSTREAM_FORMS}", shown(found)));
                }
                Ok(upstream) => {
                    if !list.take(upstream, number) {
                        list.complain(
                            number,
                            format!("there are more than {MOST_ENTRIES} upstreams; the rest is not read"),
                        );
                        break;
                    }
                }
            },
        }
    }
    (list.entries, list.complaints)
}

/// The part of a line before its comment.
fn without_comment(line: &str) -> &str {
    let mut blank = true;
    for (index, byte) in line.bytes().enumerate() {
        if blank && matches!(byte, b'#' | b';') {
            return line.get(..index).unwrap_or(line);
        }
        blank = matches!(byte, b' ' | b'\t');
    }
    line
}

#[derive(Default)]
struct List {
    entries: Vec<(UpstreamAddress, u32)>,
    seen: HashSet<UpstreamAddress>,
    complaints: Vec<(u32, String)>,
}

impl List {
    /// Adds an upstream that is not there yet; false when the list is full.
    fn take(&mut self, upstream: UpstreamAddress, line: u32) -> bool {
        if self.seen.contains(&upstream) {
            return true;
        }
        if self.entries.len() >= MOST_ENTRIES {
            return false;
        }
        self.seen.insert(upstream.clone());
        self.entries.push((upstream, line));
        true
    }

    fn complain(&mut self, line: u32, message: String) {
        if self.complaints.len() < MOST_COMPLAINTS {
            self.complaints.push((line, message));
        }
    }
}

#[cfg(test)]
mod tests;
