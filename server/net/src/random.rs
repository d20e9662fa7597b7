//! Unpredictable numbers for query ids and source ports (RFC 5452, section 9).

use std::cell::RefCell;
use std::io;

/// Small enough that little of it is ever known ahead, should the memory of the process be copied.
const STORE: usize = 256;

struct Store {
    bytes: [u8; STORE],
    left: usize,
}

thread_local! {
    static STORED: RefCell<Store> = const { RefCell::new(Store { bytes: [0; STORE], left: 0 }) };
}

/// Fills the buffer from the kernel's generator (getrandom(2)). Small requests are served from a store of each
/// thread, which forgets what it gave out. The error is the kernel's: it has no generator, and there is no
/// other to fall back on.
pub fn random(buffer: &mut [u8]) -> io::Result<()> {
    if buffer.len() > STORE / 4 {
        return Ok(getrandom::fill(buffer)?);
    }
    STORED.with_borrow_mut(|store| store.take(buffer))
}

/// A number drawn uniformly from all 65 536; errors as for [`random`].
pub fn random_u16() -> io::Result<u16> {
    let mut bytes = [0; 2];
    random(&mut bytes)?;
    Ok(u16::from_ne_bytes(bytes))
}

/// A number drawn uniformly from `0..count`; 0 if `count` is 0. Errors as for [`random`].
pub(crate) fn below(count: u16) -> io::Result<u16> {
    // The largest multiple of `count`: numbers from there on would favour the small ones.
    let fair = 0x1_0000 - 0x1_0000 % u32::from(count.max(1));
    loop {
        let number = u32::from(random_u16()?);
        if number < fair {
            return Ok((number % u32::from(count.max(1))) as u16);
        }
    }
}

impl Store {
    fn take(&mut self, buffer: &mut [u8]) -> io::Result<()> {
        if self.left < buffer.len() {
            getrandom::fill(&mut self.bytes)?;
            self.left = STORE;
        }
        let rest = self.left - buffer.len();
        if let Some(given) = self.bytes.get_mut(rest..self.left) {
            buffer.copy_from_slice(given);
            given.fill(0);
        }
        self.left = rest;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chi-squared over 256 buckets of each byte of the number; 255 degrees of freedom, p = 0.00001 at 360.
    #[test]
    fn numbers_are_uniform() {
        let mut buckets = [[0_u32; 256]; 2];
        for _ in 0..65_536 {
            for (bucket, byte) in buckets.iter_mut().zip(random_u16().unwrap().to_be_bytes()) {
                bucket[usize::from(byte)] += 1;
            }
        }
        for bucket in buckets {
            let chi: f64 = bucket.iter().map(|n| (f64::from(*n) - 256.0).powi(2) / 256.0).sum();
            assert!((150.0..360.0).contains(&chi), "{chi}");
        }
    }

    #[test]
    fn threads_do_not_repeat_each_other() {
        let draw = || (0..64).map(|_| random_u16().unwrap()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(draw)).collect();
        let mut drawn: Vec<_> = threads.into_iter().map(|t| t.join().unwrap()).collect();
        drawn.sort();
        drawn.dedup();
        assert_eq!(drawn.len(), 4);
    }

    #[test]
    fn what_was_given_out_is_forgotten() {
        let mut store = Store { bytes: [0; STORE], left: 0 };
        let mut buffer = [0; 16];
        store.take(&mut buffer).unwrap();
        assert_eq!(store.left, STORE - 16);
        assert_eq!(store.bytes[STORE - 16..], [0; 16]);
        assert_ne!(buffer, [0; 16]);
    }

    #[test]
    fn large_and_empty_requests() {
        let mut large = [0; 4096];
        random(&mut large).unwrap();
        let zeros: Vec<_> = large.iter().filter(|byte| **byte == 0).collect();
        assert!(zeros.len() < 64);
        random(&mut []).unwrap();
    }

    #[test]
    fn below_covers_its_range_and_no_more() {
        let mut seen = [false; 5];
        for _ in 0..1000 {
            seen[usize::from(below(5).unwrap())] = true;
        }
        assert_eq!(seen, [true; 5]);
        assert_eq!(below(0).unwrap(), 0);
    }
}
