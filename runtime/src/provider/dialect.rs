//! Dialects: where a provider departs from the RFCs.

/// How a client proves itself at the token endpoint (RFC 6749 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientAuth {
    /// HTTP Basic; what the RFC wants of every server.
    Basic,
    /// `client_id` and `client_secret` in the form.
    Body,
}

/// Where a provider departs from the RFCs.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Dialect {
    /// Between the scopes of an authorization request. The RFC says a space.
    pub scope_separator: &'static str,
    /// Between the scopes of a token response. The RFC says a space, GitHub a comma.
    pub response_scope_separator: &'static str,
    /// How the client proves itself.
    pub client_auth: ClientAuth,
    /// What the authorization request carries besides: `("access_type", "offline")`.
    pub authorize_params: &'static [(&'static str, &'static str)],
    /// Where tokens are refreshed, if not at the token endpoint.
    pub refresh: Option<&'static str>,
    /// A path of the API that every good token may read, where the API answers 403 rather than 401
    /// (RFC 6750 §3.1) to a token that has ended: `/user`. After a 403 it is read once; if it is
    /// refused too, the token has ended.
    pub token_check: Option<&'static str>,
}

impl Dialect {
    /// Just as the RFCs say.
    pub const STANDARD: Self = Self {
        scope_separator: " ",
        response_scope_separator: " ",
        client_auth: ClientAuth::Basic,
        authorize_params: &[],
        refresh: None,
        token_check: None,
    };

    /// Sets [`Self::scope_separator`].
    #[must_use]
    pub const fn scope_separator(self, separator: &'static str) -> Self {
        Self { scope_separator: separator, ..self }
    }

    /// Sets [`Self::response_scope_separator`].
    #[must_use]
    pub const fn response_scope_separator(self, separator: &'static str) -> Self {
        Self { response_scope_separator: separator, ..self }
    }

    /// Sets [`Self::client_auth`].
    #[must_use]
    pub const fn client_auth(self, client_auth: ClientAuth) -> Self {
        Self { client_auth, ..self }
    }

    /// Sets [`Self::authorize_params`].
    #[must_use]
    pub const fn authorize_params(self, params: &'static [(&'static str, &'static str)]) -> Self {
        Self { authorize_params: params, ..self }
    }

    /// Sets [`Self::refresh`].
    #[must_use]
    pub const fn refresh(self, url: &'static str) -> Self {
        Self { refresh: Some(url), ..self }
    }

    /// Sets [`Self::token_check`].
    #[must_use]
    pub const fn token_check(self, path: &'static str) -> Self {
        Self { token_check: Some(path), ..self }
    }
}
