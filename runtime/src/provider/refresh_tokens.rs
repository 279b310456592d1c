//! Behaviour of refresh tokens, which differs from provider to provider.

use std::time::Duration;

/// How a provider's refresh tokens behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefreshTokens {
    /// Whether a refresh token works once, and each response has the next one.
    pub rotates: bool,
    /// How long a refresh token that was used still works.
    pub leeway: Duration,
    /// Whether a refresh ends the access token before it at once.
    pub revokes_access_token: bool,
}

impl RefreshTokens {
    /// Nothing is known: a refresh token may work once only.
    pub const STANDARD: Self =
        Self { rotates: true, leeway: Duration::ZERO, revokes_access_token: false };

    /// Sets [`Self::rotates`].
    #[must_use]
    pub const fn rotates(self, rotates: bool) -> Self {
        Self { rotates, ..self }
    }

    /// Sets [`Self::leeway`].
    #[must_use]
    pub const fn leeway(self, seconds: u64) -> Self {
        Self { leeway: Duration::from_secs(seconds), ..self }
    }

    /// Sets [`Self::revokes_access_token`].
    #[must_use]
    pub const fn revokes_access_token(self, revokes: bool) -> Self {
        Self { revokes_access_token: revokes, ..self }
    }

    /// Whether a refresh token may be sent again after this time, if the response to it was lost.
    pub fn can_be_sent_again(&self, after: Duration) -> bool {
        !self.rotates || after < self.leeway
    }
}
