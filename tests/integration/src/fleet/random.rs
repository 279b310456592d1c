//! Random numbers whose seed is printed, so that a failure can be tried again.

use std::time::{SystemTime, UNIX_EPOCH};

/// A generator (xorshift64*).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Starts with a seed; 0 takes one of the clock.
    pub fn new(seed: u64) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let of_clock = u64::from(now.subsec_nanos()) ^ now.as_secs().rotate_left(32);
        Self(if seed == 0 { of_clock | 1 } else { seed })
    }

    /// The seed, or what has become of it.
    pub fn seed(&self) -> u64 {
        self.0
    }

    /// A number below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap_or_default() % end.max(1)
    }

    /// One of these.
    pub fn of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}
