//! The issuer of tokens for which nobody signed in.

use std::sync::LazyLock;

use crate::testing::{Issuer, Token};

/// Its key is this process's own.
pub(super) static ISSUER: LazyLock<Issuer> = LazyLock::new(Issuer::new);

/// Returns a token of this person for a server with [`Server::dev`](crate::Server::dev) in this
/// process. It is valid for five minutes and has no scopes.
pub fn token(subject: impl Into<String>) -> Token {
    ISSUER.token(subject)
}
