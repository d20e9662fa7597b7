//! A file that names upstreams.

use rhumb_config::UpstreamServer;
use rhumb_config::upstream_list::{
    MOST_COMPLAINTS, MOST_ENTRIES, ParsedUpstreams, parse_list, parse_resolv_conf,
};

/// Reads the input as a list of upstreams, and as a resolv.conf.
pub fn run(input: &[u8]) {
    // As the server does: what is no UTF-8 is garbage in its line alone.
    let text = String::from_utf8_lossy(input);
    let lines = u32::try_from(text.lines().count()).unwrap_or(u32::MAX).max(1);
    check(&parse_list(&text), lines);
    check(&parse_resolv_conf(&text), lines);
}

fn check((upstreams, complaints): &ParsedUpstreams, lines: u32) {
    assert!(upstreams.len() <= MOST_ENTRIES && complaints.len() <= MOST_COMPLAINTS);
    for (upstream, line) in upstreams {
        assert!((1..=lines).contains(line));
        let text = upstream.to_string();
        assert_eq!(text.parse::<UpstreamServer>().as_ref(), Ok(upstream), "{text}");
    }
    for (line, what) in complaints {
        assert!((1..=lines).contains(line) && !what.is_empty());
        assert!(!what.chars().any(char::is_control), "{what:?} would break a line of the log");
    }
}
