//! Looking ahead: what the answers to a batch will read is asked of memory before the first of them is made.

use rhumb_net::fetch;
use rhumb_wire::{NameRef, header};
use rhumb_zones::LookupPrefetch;

use super::context::QueryContext;
use crate::snapshot::ServedZone;

/// Messages looked at. More are answered all the same.
const MOST: usize = 64;

/// Looks ahead for the names that `messages` ask for. A message that is no query, or names nothing in a large zone, is passed over.
pub fn look_ahead<'m, 'q>(context: &QueryContext<'m>, messages: impl Iterator<Item = &'q [u8]>) {
    let mut found: [Option<(&'m ServedZone, LookupPrefetch)>; MOST] = [None; MOST];
    for (slot, message) in found.iter_mut().zip(messages) {
        *slot = begin(context, message);
    }
    for (zone, ahead) in found.iter().flatten() {
        context.with_contents(zone, |contents| {
            if let Some(contents) = contents {
                contents.prefetch_nodes(ahead, fetch);
            }
        });
    }
}

fn begin<'m>(context: &QueryContext<'m>, message: &[u8]) -> Option<(&'m ServedZone, LookupPrefetch)> {
    let name = NameRef::parse(message.get(header::LENGTH..)?).ok()?;
    let zone: &'m ServedZone = &context.snapshot.view.zones.find(name)?.zone;
    let look = |contents: &rhumb_zones::ZoneContents| contents.prefetch_slots(name, fetch);
    let ahead = context
        .with_contents(zone, |contents| contents.filter(|contents| contents.is_large()).and_then(look))?;
    Some((zone, ahead))
}
