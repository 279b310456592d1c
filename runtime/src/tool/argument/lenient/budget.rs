//! Budget of work: what reading one value may cost, whatever is in it.

/// The bytes that are read of a small value.
const MIN_BYTES: usize = 64 * 1024;
/// How often a large value is read. Each level of a value is read once, and each alternative of an
/// enum.
const MAX_READINGS: usize = 16;
/// What a value costs besides its bytes.
const BYTES_OF_A_STEP: usize = 16;

pub(super) struct Budget {
    bytes: usize,
}

impl Budget {
    pub(super) fn new(raw: &str) -> Self {
        Self { bytes: MIN_BYTES + raw.len().saturating_mul(MAX_READINGS) }
    }

    /// Whether `raw` can be read once more.
    pub(super) fn spend(&mut self, raw: &str) -> bool {
        let cost = raw.len() + BYTES_OF_A_STEP;
        let can = self.bytes >= cost;
        self.bytes = self.bytes.saturating_sub(cost);
        can
    }
}
