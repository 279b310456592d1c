//! The issuer of tokens for which nobody signed in.

use std::sync::OnceLock;

use crate::testing::{Issuer, Token, issuer::new_key};

static ISSUER: OnceLock<Issuer> = OnceLock::new();

/// The issuer of this process. Its key is the process's own, unless it was given one before.
pub(super) fn issuer() -> &'static Issuer {
    ISSUER.get_or_init(Issuer::new)
}

/// Gives the issuer this key, or a new one if it is none, unless the issuer has one. Returns the key.
pub(crate) fn use_key(kept: Option<Vec<u8>>) -> Vec<u8> {
    let is_key = |key: &Vec<u8>| Issuer::with_key(key).is_some();
    let key = kept.filter(is_key).unwrap_or_else(new_key);
    if let Some(issuer) = Issuer::with_key(&key) {
        let _ = ISSUER.set(issuer);
    }
    key
}

/// Returns a token of this person for a server with [`Server::dev`](crate::Server::dev) in this
/// process. It is valid for five minutes and has no scopes.
pub fn token(subject: impl Into<String>) -> Token {
    issuer().token(subject)
}
