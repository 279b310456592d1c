//! JSON pointers (RFC 6901) to the members of a token endpoint's response.

/// Where a token endpoint's response has its members, as JSON pointers (RFC 6901).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenPointers {
    /// The access token.
    pub access_token: &'static str,
    /// The refresh token.
    pub refresh_token: &'static str,
    /// The granted scopes: text or a list.
    pub scope: &'static str,
    /// The access token's lifetime in seconds.
    pub expires_in: &'static str,
    /// The error. Besides `null`, the values `false`, `0`, `""` and `"ok"` are none.
    pub error: &'static str,
    /// The error's description.
    pub error_description: &'static str,
}

impl TokenPointers {
    /// The members of RFC 6749 §5.
    pub const STANDARD: Self = Self {
        access_token: "/access_token",
        refresh_token: "/refresh_token",
        scope: "/scope",
        expires_in: "/expires_in",
        error: "/error",
        error_description: "/error_description",
    };

    /// Sets [`Self::access_token`].
    #[must_use]
    pub const fn access_token(self, pointer: &'static str) -> Self {
        Self { access_token: pointer, ..self }
    }

    /// Sets [`Self::refresh_token`].
    #[must_use]
    pub const fn refresh_token(self, pointer: &'static str) -> Self {
        Self { refresh_token: pointer, ..self }
    }

    /// Sets [`Self::scope`].
    #[must_use]
    pub const fn scope(self, pointer: &'static str) -> Self {
        Self { scope: pointer, ..self }
    }

    /// Sets [`Self::expires_in`].
    #[must_use]
    pub const fn expires_in(self, pointer: &'static str) -> Self {
        Self { expires_in: pointer, ..self }
    }

    /// Sets [`Self::error`].
    #[must_use]
    pub const fn error(self, pointer: &'static str) -> Self {
        Self { error: pointer, ..self }
    }

    /// Sets [`Self::error_description`].
    #[must_use]
    pub const fn error_description(self, pointer: &'static str) -> Self {
        Self { error_description: pointer, ..self }
    }
}
