//! How far the addresses of a zone's servers have been looked for.

use super::failure::IterationFailure;

/// Which servers of a zone were looked at.
#[derive(Debug, Default)]
pub(super) struct AddressProgress {
    /// Whether those that were known at the start are out.
    pub(super) known_taken: bool,
    /// Whether the parent was asked for those that it gave no addresses of.
    pub(super) parent_asked: bool,
    /// Indices of servers whose addresses were asked for.
    pub(super) asked: Vec<usize>,
    /// Why the first of them has no address.
    pub(super) why: Option<IterationFailure>,
}

impl AddressProgress {
    /// Notes why a server has no address.
    pub(super) fn failed(&mut self, why: IterationFailure) {
        self.why.get_or_insert(why);
    }

    /// Why no server has one; the cause of causes, since that of a zone which leads to others is theirs.
    pub(super) fn cause(self) -> Option<Box<IterationFailure>> {
        match self.why? {
            IterationFailure::NoAddress { why: Some(why), .. } => Some(why),
            why => Some(Box::new(why)),
        }
    }

    /// The next of `count` servers to ask for, beginning at one drawn by chance.
    pub(super) fn next(&mut self, count: usize, random: u64) -> Option<usize> {
        let start = usize::try_from(random % count.max(1) as u64).unwrap_or(0);
        let next = (0..count).map(|n| (start + n) % count).find(|index| !self.asked.contains(index))?;
        self.asked.push(next);
        Some(next)
    }
}
