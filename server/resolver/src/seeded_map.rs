//! A hash table for keys that others choose.

use std::collections::HashMap;

/// With a seed of its own, which nobody outside knows; several times faster than the standard one on names.
pub(crate) type SeededMap<K, V> = HashMap<K, V, foldhash::quality::RandomState>;
