//! One walk that finds what a name is in a zone (RFC 1034 section 4.3.2, RFC 4592, RFC 6672).

mod name_match;
mod path;
mod prefetch;

use rhumb_wire::NameRef;

use crate::contents::{ZoneContents, below_bytes};
use path::{LabelPath, PathMisfit, WILDCARD};

pub use name_match::{MatchKind, NameMatch};
pub use prefetch::LookupPrefetch;

impl ZoneContents {
    /// Finds what `name` is here; none if it does not lie in this zone.
    #[inline]
    pub fn lookup(&self, name: NameRef<'_>) -> Option<NameMatch<'_>> {
        let below = below_bytes(name, self.apex())?;
        match below.first() {
            Some(&length) if below.len() == 1 + usize::from(length) => Some(self.lookup_label(below)),
            Some(_) => self.lookup_labels(below),
            None => Some(self.decide(self.node(self.root), true, 0, |_| None, || None)),
        }
    }

    /// One label below the apex: the rule, and nothing to remember on the way.
    #[inline]
    fn lookup_label(&self, below: &[u8]) -> NameMatch<'_> {
        let root = || self.node(self.root);
        match self.find_hashed(below, self.start.label(below).finish()) {
            Some(node) => self.decide(node, true, below.len(), |_| Some((root(), 0)), || None),
            None => self.decide(
                root(),
                false,
                0,
                |_| None,
                || self.find_hashed(WILDCARD, self.start.label(WILDCARD).finish()),
            ),
        }
    }

    #[inline(never)]
    fn lookup_labels(&self, below: &[u8]) -> Option<NameMatch<'_>> {
        // Few labels are the rule: a small array on the stack is quicker to set up.
        match LabelPath::<8>::new(self, below) {
            Err(PathMisfit::Labels) => self.lookup_many_labels(below),
            path => path.ok().map(|path| path.find()),
        }
    }

    #[cold]
    fn lookup_many_labels(&self, below: &[u8]) -> Option<NameMatch<'_>> {
        LabelPath::<128>::new(self, below).ok().map(|path| path.find())
    }
}
