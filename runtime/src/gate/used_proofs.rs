//! Proofs of possession that were used, in a store that several machines share (RFC 9449 §11.1).

use std::{sync::Arc, time::Duration};

use super::{AuthError, Credentials, Scheme};
use crate::{
    grant::{BriefWait, Clock, Namespace, Records, Revision, SaveError},
    support::crypto,
};

/// The proofs. Above the limit, the oldest are removed early. One caller has at most 50 000 at each
/// replica, whose memory is asked first.
const PROOFS: Namespace = Namespace::new("dpop-proof", 400_000).evicting();

/// How long a proof is remembered, which is longer than any proof is accepted.
const PROOF_TTL: Duration = Duration::from_secs(180);

/// The proofs that were used at any replica.
pub(crate) struct UsedProofs {
    records: Arc<dyn Records>,
    clock: Arc<dyn Clock>,
    wait: BriefWait,
}

impl UsedProofs {
    /// `None`: no other machine uses these records, and what this process remembers is enough.
    pub(crate) fn new(records: Arc<dyn Records>, clock: Arc<dyn Clock>) -> Option<Self> {
        let wait = BriefWait::default();
        records.is_shared().then_some(Self { records, clock, wait })
    }

    /// Fails if the proof of these credentials was used before.
    ///
    /// While the store does not answer in time, only the memory of this process is checked: a proof is
    /// valid for a minute, and for one method, URL and token.
    pub(super) async fn check(&self, credentials: &Credentials) -> Result<(), AuthError> {
        let proof = credentials.proof().filter(|_| credentials.scheme == Scheme::Dpop);
        let Some(proof) = proof else { return Ok(()) };
        // The signature is left out: anyone can make a second valid one of an ECDSA signature.
        let signed = proof.rsplit_once('.').map_or(proof, |(signed, _)| signed);
        let (key, until) = (crypto::sha256_base64url(signed), self.clock.now() + PROOF_TTL);
        let records = Arc::clone(&self.records);
        let record = || async move {
            match records.write(PROOFS, &key, b"", until, Revision::ABSENT).await {
                Ok(_) => Ok(true),
                Err(SaveError::Conflict) => Ok(false),
                Err(SaveError::Store(error)) => Err(Arc::new(error)),
            }
        };
        match self.wait.outcome("recording a proof of possession", record).await {
            Some(false) => Err(AuthError::Proof("it was used before")),
            Some(true) | None => Ok(()),
        }
    }
}
