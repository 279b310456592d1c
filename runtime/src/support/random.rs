//! Random bytes, from the system: what is secret because nobody can guess it.
//!
//! They are not those of the crypto library, which measures the processor's jitter before it gives
//! its first ones, and makes every start wait for that.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

pub(crate) fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the system has randomness");
}

/// 256 random bits, for a URL.
pub(crate) fn text() -> String {
    let mut bytes = [0; 32];
    fill(&mut bytes);
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_alike_and_each_is_as_long_as_it_must_be() {
        let (one, other) = (text(), text());
        assert_ne!(one, other);
        assert_eq!([one.len(), other.len()], [43; 2]);
    }
}
