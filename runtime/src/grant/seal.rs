//! Sealing at rest: AES-256-GCM under a key of its own for every record.
//!
//! The key of a record is derived from the master key with a random salt (HKDF, RFC 5869), so a
//! nonce is never used twice however many records there are. What a record is for is part of the
//! derivation: one that is copied to another place does not open.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest, hkdf,
    rand::{SecureRandom, SystemRandom},
};
use zeroize::Zeroizing;

const VERSION: u8 = 1;
const KEY_ID: usize = 4;
const SALT: usize = 32;
const HEADER: usize = 1 + KEY_ID + SALT;

/// Seals and opens records under one master key.
#[derive(Clone)]
pub(crate) struct Sealer {
    master: Zeroizing<[u8; 32]>,
    id: [u8; KEY_ID],
}

/// It was sealed under another key, for another purpose, or was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unopened;

impl Sealer {
    pub(crate) fn new(master: Zeroizing<[u8; 32]>) -> Self {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(b"toolgate key id");
        context.update(&*master);
        let mut id = [0; KEY_ID];
        id.copy_from_slice(&context.finish().as_ref()[..KEY_ID]);
        Self { master, id }
    }

    /// A sealer whose key nobody else has, for what need not outlive the process.
    pub(crate) fn ephemeral() -> Self {
        Self::new(random())
    }

    /// Seals `plain` for `purpose`.
    pub(crate) fn seal(&self, purpose: &str, plain: &[u8]) -> Vec<u8> {
        let salt: Zeroizing<[u8; SALT]> = random();
        let mut sealed = Vec::with_capacity(HEADER + plain.len() + 16);
        sealed.push(VERSION);
        sealed.extend_from_slice(&self.id);
        sealed.extend_from_slice(&*salt);
        let mut body = plain.to_vec();
        self.key(purpose, &*salt)
            .seal_in_place_append_tag(nonce(), Aad::from(&sealed[..HEADER]), &mut body)
            .expect("a record is smaller than 64 GiB");
        sealed.extend_from_slice(&body);
        sealed
    }

    /// Opens what was sealed for `purpose`.
    pub(crate) fn open(
        &self,
        purpose: &str,
        sealed: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Unopened> {
        let (header, body) = sealed.split_at_checked(HEADER).ok_or(Unopened)?;
        if header[0] != VERSION || header[1..=KEY_ID] != self.id {
            return Err(Unopened);
        }
        let mut body = Zeroizing::new(body.to_vec());
        let plain = self
            .key(purpose, &header[1 + KEY_ID..])
            .open_in_place(nonce(), Aad::from(header), &mut body)
            .map_err(|_| Unopened)?
            .len();
        body.truncate(plain);
        Ok(body)
    }

    fn key(&self, purpose: &str, salt: &[u8]) -> LessSafeKey {
        let mut key = Zeroizing::new([0; 32]);
        hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
            .extract(&*self.master)
            .expand(&[b"toolgate v1 ", purpose.as_bytes()], hkdf::HKDF_SHA256)
            .and_then(|output| output.fill(&mut *key))
            .expect("HKDF gives 32 bytes");
        LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &*key).expect("AES-256 takes 32 bytes"))
    }
}

/// Each key seals once.
fn nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

/// Random bytes of the system.
pub(crate) fn random<const N: usize>() -> Zeroizing<[u8; N]> {
    let mut bytes = Zeroizing::new([0; N]);
    SystemRandom::new().fill(&mut *bytes).expect("the system has randomness");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_what_it_sealed_for_that_purpose() {
        let sealer = Sealer::ephemeral();
        let sealed = sealer.seal("grant alice github", b"token");
        assert_eq!(&**sealer.open("grant alice github", &sealed).unwrap(), b"token");
        assert_eq!(sealer.open("grant bob github", &sealed).unwrap_err(), Unopened);
        assert_eq!(Sealer::ephemeral().open("grant alice github", &sealed).unwrap_err(), Unopened);
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(sealer.open("grant alice github", &changed).is_err(), "byte {at}");
            assert!(sealer.open("grant alice github", &sealed[..at]).is_err(), "cut at {at}");
        }
        assert!(!sealed.windows(5).any(|window| window == b"token"));
        assert_ne!(sealed, sealer.seal("grant alice github", b"token"));
    }
}
