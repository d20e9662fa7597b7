//! Trust anchors as text.

use std::io::{self, Write};

use super::amount::{counted, utc};
use super::table::{TextTable, plain};
use crate::operator::anchor_status::TrustAnchorStatus;

/// A line for each key, and one for each anchor.
pub(super) fn write_anchors(out: &mut dyn Write, anchors: &[TrustAnchorStatus]) -> io::Result<()> {
    if anchors.is_empty() {
        return Ok(());
    }
    writeln!(out)?;
    let mut table = TextTable::with_head(["TRUST ANCHOR", "KEY", "STATE", "SINCE"]);
    for anchor in anchors {
        for key in &anchor.keys {
            let state = match key.trusted_from {
                Some(from) => format!("{}, trusted from {}", key.state, utc(from)),
                None => key.state.clone(),
            };
            table.row([&*anchor.zone, &key.tag.to_string(), &state, &utc(key.since)]);
        }
    }
    table.write(out)?;
    for anchor in anchors {
        let refreshed = anchor.refreshed.map_or("never".to_owned(), utc);
        let failing = anchor.failure.as_ref().map_or_else(String::new, |why| {
            format!("; {} in a row: {why}", counted(anchor.failures.into(), "failure", "failures"))
        });
        let line =
            format!("keys of {}: refreshed {refreshed}, next {}{failing}", anchor.zone, utc(anchor.next));
        writeln!(out, "{}", plain(&line))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operator::anchor_status::AnchorKeyStatus;

    #[test]
    fn anchors_in_words() {
        let key = |tag, state: &str, trusted_from| AnchorKeyStatus {
            tag,
            algorithm: 8,
            state: state.to_owned(),
            since: 86_400,
            trusted_from,
        };
        let anchor = TrustAnchorStatus {
            zone: ".".to_owned(),
            keys: vec![key(20326, "valid", None), key(38696, "pending", Some(31 * 86_400))],
            refreshed: None,
            next: 90_000,
            failures: 2,
            failure: Some("silence".to_owned()),
        };
        let mut text = Vec::new();
        write_anchors(&mut text, &[anchor]).unwrap();
        let text = String::from_utf8(text).unwrap();
        for words in [
            "20326  valid ",
            "38696  pending, trusted from 1970-02-01 00:00:00 UTC",
            "keys of .: refreshed never, next 1970-01-02 01:00:00 UTC; 2 failures in a row: silence",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        let mut none = Vec::new();
        write_anchors(&mut none, &[]).unwrap();
        assert!(none.is_empty());
    }
}
