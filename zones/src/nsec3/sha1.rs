//! SHA-1 (RFC 3174), for hashed names alone: nothing here rests on its strength.

/// Bytes of a digest.
pub(super) const LENGTH: usize = 20;
const BLOCK: usize = 64;

/// A digest under way.
pub(super) struct Sha1 {
    state: [u32; 5],
    block: [u8; BLOCK],
    filled: usize,
    bits: u64,
}

impl Sha1 {
    /// The digest of the parts, one after the other.
    pub(super) fn of(parts: &[&[u8]]) -> [u8; LENGTH] {
        let state = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
        let mut digest = Self { state, block: [0; BLOCK], filled: 0, bits: 0 };
        for part in parts {
            digest.update(part);
        }
        digest.finish()
    }

    fn update(&mut self, mut bytes: &[u8]) {
        self.bits += bytes.len() as u64 * 8;
        while !bytes.is_empty() {
            let take = bytes.len().min(BLOCK - self.filled);
            let Some((head, rest)) = bytes.split_at_checked(take) else { return };
            if let Some(room) = self.block.get_mut(self.filled..self.filled + take) {
                room.copy_from_slice(head);
            }
            self.filled += take;
            bytes = rest;
            if self.filled == BLOCK {
                compress(&mut self.state, &self.block);
                self.filled = 0;
            }
        }
    }

    fn finish(mut self) -> [u8; LENGTH] {
        let bits = self.bits.to_be_bytes();
        self.update(&[0x80]);
        let zeros = (2 * BLOCK - 8 - self.filled) % BLOCK;
        self.update([0; BLOCK].get(..zeros).unwrap_or(&[]));
        self.update(&bits);
        let mut digest = [0; LENGTH];
        for (room, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(self.state) {
            *room = word.to_be_bytes();
        }
        digest
    }
}

#[expect(clippy::many_single_char_names, reason = "the names of RFC 3174")]
#[expect(clippy::indexing_slicing, reason = "the indices are bounded by the loop and a mask")]
fn compress(state: &mut [u32; 5], block: &[u8; BLOCK]) {
    let mut w = [0u32; 80];
    for (word, bytes) in w.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    for t in 16..80 {
        w[t] = (w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16]).rotate_left(1);
    }
    let [mut a, mut b, mut c, mut d, mut e] = *state;
    for (t, word) in w.iter().enumerate() {
        let (f, k) = match t {
            0..20 => (b & c | !b & d, 0x5a82_7999),
            20..40 => (b ^ c ^ d, 0x6ed9_eba1),
            40..60 => (b & c | b & d | c & d, 0x8f1b_bcdc),
            _ => (b ^ c ^ d, 0xca62_c1d6u32),
        };
        let next = a.rotate_left(5).wrapping_add(f).wrapping_add(e).wrapping_add(*word).wrapping_add(k);
        (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
    }
    for (word, add) in state.iter_mut().zip([a, b, c, d, e]) {
        *word = word.wrapping_add(add);
    }
}

#[cfg(test)]
mod tests {
    use super::Sha1;

    #[test]
    fn the_digests_of_fips_180() {
        let million = vec![b'a'; 1_000_000];
        for (text, wanted) in [
            (&b""[..], "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            (b"abc", "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
            ),
            (&million, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
        ] {
            let digest = Sha1::of(&[text]);
            let words = digest.as_chunks::<4>().0.iter().map(|word| u32::from_be_bytes(*word));
            let wanted = (0..5).map(|i| u32::from_str_radix(&wanted[8 * i..8 * i + 8], 16).unwrap());
            assert!(words.eq(wanted), "{}", text.len());
        }
    }
}
