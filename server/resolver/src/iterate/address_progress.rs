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
    asked: Vec<usize>,
    /// Those of them that may have addresses of the other family.
    other_left: Vec<usize>,
    /// Why the first of them has no address.
    why: Option<IterationFailure>,
}

/// Which addresses of a server to ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum AddressFamily {
    /// Those of either.
    Any,
    /// Those that were not needed before: the first ones lead nowhere.
    Other,
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

    /// Whether there is one of `count` servers left to ask for.
    pub(super) fn may_go_on(&self, count: usize) -> bool {
        self.asked.len() < count || !self.other_left.is_empty()
    }

    /// The next of `count` servers to ask for, beginning at one drawn by chance; each once more after all others, for a whole family
    /// may be dead.
    pub(super) fn next(&mut self, count: usize, random: u64) -> Option<(usize, AddressFamily)> {
        let start = usize::try_from(random % count.max(1) as u64).unwrap_or(0);
        let next = (0..count).map(|n| (start + n) % count).find(|index| !self.asked.contains(index));
        if let Some(next) = next {
            self.asked.push(next);
            self.other_left.push(next);
            return Some((next, AddressFamily::Any));
        }
        self.other_left.pop().map(|next| (next, AddressFamily::Other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_is_asked_for_and_then_for_its_other_addresses() {
        let mut progress = AddressProgress::default();
        assert!(progress.may_go_on(3));
        let order: Vec<_> = std::iter::from_fn(|| progress.next(3, 4)).collect();
        let (any, other) = (AddressFamily::Any, AddressFamily::Other);
        assert_eq!(order, [(1, any), (2, any), (0, any), (0, other), (2, other), (1, other)]);
        assert!(!progress.may_go_on(3));
        assert_eq!(AddressProgress::default().next(0, 1), None);
    }
}
