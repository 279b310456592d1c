//! Identifiers of spans.

use std::{fmt, num::NonZeroU64};

use serde::{Serialize, Serializer};

use crate::support::crypto::sha256;

/// The identifier of a span: eight bytes, written as 16 hexadecimal digits, as in OpenTelemetry.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanId(NonZeroU64);

impl SpanId {
    pub(super) fn new(number: u64) -> Self {
        Self(NonZeroU64::new(number).unwrap_or(NonZeroU64::MAX))
    }

    /// Returns its eight bytes, the identifier of a span of OpenTelemetry.
    pub fn to_bytes(self) -> [u8; 8] {
        self.0.get().to_be_bytes()
    }

    /// The identifier of what a secret stands for, such as the link of a consent: it is the same in
    /// every request and every process, and the secret does not follow from it.
    pub(crate) fn of_secret(secret: &str) -> Self {
        let digest = sha256(format!("toolgate span {secret}").as_bytes());
        let mut start = [0; 8];
        start.copy_from_slice(&digest[..8]);
        Self::new(u64::from_be_bytes(start))
    }
}

impl fmt::Display for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for SpanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for SpanId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identifier_has_sixteen_digits() {
        assert_eq!(SpanId::new(161).to_string(), "00000000000000a1");
        assert_eq!(serde_json::to_string(&SpanId::new(0)).unwrap(), "\"ffffffffffffffff\"");
        let of_secret = SpanId::of_secret("a secret").to_string();
        assert_eq!(of_secret.len(), 16);
        assert_eq!(of_secret, SpanId::of_secret("a secret").to_string());
        assert_ne!(of_secret, SpanId::of_secret("another").to_string());
    }
}
