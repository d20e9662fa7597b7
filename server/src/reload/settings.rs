//! What differs between the keys of two configurations, in words.

use rhumb_config::{KeyChange, ServerConfig, ValueChange};

use crate::change::ChangeText;

/// What differs, but for what is said better by those who do it: listeners, zones and routes that come and go, and the
/// addresses of upstreams.
pub(super) fn changes(old: &ServerConfig, new: &ServerConfig) -> Vec<ChangeText> {
    let said_here = |change: &KeyChange| {
        let upstreams = change.key.starts_with("forward[") && change.key.ends_with("].upstreams");
        !upstreams && !matches!(change.change, ValueChange::EntryAdded | ValueChange::EntryRemoved)
    };
    let changes = rhumb_config::changes(old, new);
    changes.iter().filter(|change| said_here(change)).map(|change| ChangeText(change.to_string())).collect()
}
