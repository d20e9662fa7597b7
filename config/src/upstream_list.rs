//! Files that name upstreams: plain lists, and the form of resolv.conf(5).
//!
//! What is wrong in such a file is reported line by line beside what is right, never by refusing the whole: the caller
//! decides. Work and results are bounded by the constants here.

use std::collections::HashSet;
use std::path::Path;

use crate::address::AddressError;
use crate::node::shown;
use crate::regular_file::{FileError, read_regular_file};
use crate::resolv_conf;
use crate::upstream_server::{UPSTREAM_FORMS, UpstreamServer};

/// The largest file that is looked at, in bytes.
pub const MOST_BYTES: usize = 1 << 20;
/// The most upstreams that are taken from one file.
pub const MOST_ENTRIES: usize = 1024;
/// The most wrong lines that are reported of one file; what comes after them is not reported, but still read.
pub const MOST_COMPLAINTS: usize = 100;

/// The text of a list; bytes that are no UTF-8 become characters that no address has.
///
/// Errors: it is no regular file, it cannot be read, or it is larger than [`MOST_BYTES`].
pub fn read(path: &Path) -> Result<String, FileError> {
    let (bytes, _) = read_regular_file(path, MOST_BYTES)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The upstreams of a file with their lines, and what is wrong with its other lines. Lines count from 1.
pub type ParsedUpstreams = (Vec<(UpstreamServer, u32)>, Vec<(u32, String)>);

/// Reads a list: one upstream a line in a form of [`UpstreamServer`].
///
/// Blank lines are passed over, `#` and `;` begin a comment at the start of a line or after a blank, lines may end
/// in CRLF. An upstream that comes again is dropped.
pub fn parse_list(text: &str) -> ParsedUpstreams {
    parse(text, |line| {
        let content = without_comment(line).trim_matches([' ', '\t', '\r']);
        let read = |text: &str| text.parse::<UpstreamServer>().map_err(|error| wrong(text, &error));
        (!content.is_empty()).then(|| read(content))
    })
}

/// Reads a resolv.conf as the C library does (resolv.conf(5)): the address behind each `nameserver`, in the order of the file.
///
/// All of them count, up to the bound of lists: three (`MAXNS`) is what the C library can ask before its callers give up, and here those
/// that are down cost no client more.
/// Other keywords are passed over, and so is what stands behind the address. Short and hexadecimal forms of IPv4 addresses
/// (`inet_aton(3)`) are read, `0.0.0.0` and `::` are this host, a scope counts on link-local addresses and is passed over on
/// others. What the C library would not ask is reported as wrong.
pub fn parse_resolv_conf(text: &str) -> ParsedUpstreams {
    parse(text, |line| {
        let address = resolv_conf::nameserver(line)?;
        Some(match address {
            Ok("") => Err(format!("an address is missing; accepted: {}", resolv_conf::FORMS)),
            Ok(text) => resolv_conf::read_address(text)
                .map_err(|error| format!("{} {error}; accepted: {}", shown(text), resolv_conf::FORMS)),
            Err(message) => Err(message.to_owned()),
        })
    })
}

fn wrong(text: &str, error: &AddressError) -> String {
    format!("{} {error}; accepted: {UPSTREAM_FORMS}", shown(text))
}

/// Goes through the lines; `read` finds the upstream in one, or what is wrong with it, or nothing.
fn parse(text: &str, read: impl Fn(&str) -> Option<Result<UpstreamServer, String>>) -> ParsedUpstreams {
    let mut list = List::default();
    if text.len() > MOST_BYTES {
        list.complain(1, format!("the file is larger than {} KiB and is not read", MOST_BYTES >> 10));
        return (list.entries, list.complaints);
    }
    for (line, number) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().zip(1..) {
        if without_comment(line)
            .chars()
            .any(|character| character.is_control() && !matches!(character, '\t' | '\r'))
        {
            list.complain(number, format!("{} holds control characters", shown(line)));
            continue;
        }
        match read(line) {
            None => {}
            Some(Err(message)) => list.complain(number, message),
            Some(Ok(upstream)) if list.take(&upstream, number) => {}
            Some(Ok(_)) => {
                let message = format!("there are more than {MOST_ENTRIES} upstreams; the rest is not read");
                list.complain(number, message);
                break;
            }
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
    entries: Vec<(UpstreamServer, u32)>,
    seen: HashSet<UpstreamServer>,
    complaints: Vec<(u32, String)>,
}

impl List {
    /// Adds an upstream that is not there yet; false when the list is full.
    fn take(&mut self, upstream: &UpstreamServer, line: u32) -> bool {
        if self.seen.contains(upstream) {
            return true;
        }
        if self.entries.len() >= MOST_ENTRIES {
            return false;
        }
        self.seen.insert(upstream.clone());
        self.entries.push((upstream.clone(), line));
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
