//! Chance that can be repeated: the same seed gives the same zones and questions (`SplitMix64`).

/// A stream of choices.
#[derive(Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    /// The stream of a seed.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ word >> 31
    }

    /// A number below `limit`, which is not zero.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.bits() >> 11) as usize % limit
    }

    /// True in so many of a hundred cases.
    pub(crate) fn percent(&mut self, part: usize) -> bool {
        self.below(100) < part
    }

    /// One of them; there is at least one.
    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// One of these texts.
    pub(crate) fn label(&mut self, from: &[&'static str]) -> &'static str {
        from[self.below(from.len())]
    }
}
