//! Handles by label: each counts for itself, and the page has a bounded number of them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The label of all those that have no series of their own.
const OTHER: &str = "other";

/// Figures that can be put together with others of their kind.
pub(super) trait SharedFigures: Default {
    /// Adds what `other` counts, and takes the worse of the two where it is a state.
    fn absorb(&self, other: &Self);
}

/// Handles by label. A label lives while somebody outside holds its handle.
#[derive(Debug)]
pub(super) struct LabelledHandles<T> {
    /// How many have series of their own.
    most: usize,
    table: Mutex<HandleTable<T>>,
}

#[derive(Debug)]
struct HandleTable<T> {
    live: BTreeMap<String, NumberedHandle<T>>,
    /// The number of the next one.
    next: u64,
    /// Labels beyond which those that nobody holds are looked for.
    prune_at: usize,
}

/// A handle, and which one it was: the first have series of their own, so that a series does not come and go with later ones.
#[derive(Debug)]
struct NumberedHandle<T> {
    number: u64,
    handle: Arc<T>,
}

/// What is on the page under one label.
#[derive(Debug)]
pub(super) struct HeldFigures<T> {
    pub(super) label: String,
    pub(super) figures: Arc<T>,
    /// How many handles it stands for that have no series of their own; 0 for one that has.
    pub(super) stands_for: u64,
}

impl<T: SharedFigures> LabelledHandles<T> {
    /// The first `most` have series of their own.
    pub(super) fn new(most: usize) -> Self {
        let table = HandleTable { live: BTreeMap::new(), next: 0, prune_at: most };
        Self { most, table: Mutex::new(table) }
    }

    /// The handle of this label; all who ask for it get the same as long as one of them holds it.
    pub(super) fn get(&self, label: &str) -> Arc<T> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = table.live.get(label) {
            return Arc::clone(&known.handle);
        }
        if table.live.len() >= table.prune_at {
            table.prune();
            table.prune_at = table.live.len().saturating_mul(2).max(self.most);
        }
        let handle = Arc::<T>::default();
        let number = table.next;
        table.next += 1;
        table.live.insert(label.to_owned(), NumberedHandle { number, handle: Arc::clone(&handle) });
        handle
    }

    /// What is on the page: the figures of the first handles that somebody holds, by label, and those of all others together.
    pub(super) fn held(&self) -> Vec<HeldFigures<T>> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.prune();
        let mut numbers: Vec<u64> = table.live.values().map(|known| known.number).collect();
        numbers.sort_unstable();
        let first_beyond = numbers.get(self.most).copied().unwrap_or(u64::MAX);
        let (mut held, rest, mut stands_for) = (Vec::new(), T::default(), 0);
        for (label, known) in &table.live {
            if known.number < first_beyond {
                let (label, figures) = (label.clone(), Arc::clone(&known.handle));
                held.push(HeldFigures { label, figures, stands_for: 0 });
            } else {
                rest.absorb(&known.handle);
                stands_for += 1;
            }
        }
        if stands_for > 0 {
            held.push(HeldFigures { label: OTHER.to_owned(), figures: Arc::new(rest), stands_for });
        }
        held
    }
}

impl<T> HandleTable<T> {
    /// Forgets the labels that nobody holds any more. No handle can be made from a dropped one while the table is locked, so a
    /// count of one stays one.
    fn prune(&mut self) {
        self.live.retain(|_, known| Arc::strong_count(&known.handle) > 1);
    }
}
