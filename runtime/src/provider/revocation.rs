//! Revocation of tokens in a provider's own way.

use super::client_auth::ClientAuth;

/// The format of a request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BodyFormat {
    /// `application/x-www-form-urlencoded`, as the RFCs say.
    Form,
    /// A JSON object.
    Json,
}

/// The method of a revocation request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevocationMethod {
    /// `POST`, as RFC 7009 says.
    Post,
    /// `GET`.
    Get,
    /// `DELETE`.
    Delete,
}

/// Where a revocation request has the token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenPlace {
    /// In the body, as RFC 7009 says.
    Body,
    /// In the `Authorization` header, as its own proof: no client authentication, no body.
    Bearer,
    /// In the endpoint's path, for `{token}`.
    Path,
}

/// Which tokens of a grant are revoked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RevokedTokens {
    /// The refresh token, then the access token.
    Both,
    /// The access token only.
    AccessToken,
    /// The refresh token only; without one, the access token.
    RefreshToken,
}

/// How a provider revokes tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Revocation {
    /// The request's method.
    pub method: RevocationMethod,
    /// Where the token is.
    pub token: TokenPlace,
    /// The name of the token's member in the body.
    pub param: &'static str,
    /// The body's format.
    pub body: BodyFormat,
    /// How the client proves itself, if not as at the token endpoint.
    pub client_auth: Option<ClientAuth>,
    /// The tokens to revoke.
    pub tokens: RevokedTokens,
}

impl Revocation {
    /// As RFC 7009 says.
    pub const STANDARD: Self = Self {
        method: RevocationMethod::Post,
        token: TokenPlace::Body,
        param: "token",
        body: BodyFormat::Form,
        client_auth: None,
        tokens: RevokedTokens::Both,
    };

    /// Sets [`Self::method`].
    #[must_use]
    pub const fn method(self, method: RevocationMethod) -> Self {
        Self { method, ..self }
    }

    /// Sets [`Self::token`].
    #[must_use]
    pub const fn token(self, token: TokenPlace) -> Self {
        Self { token, ..self }
    }

    /// Sets [`Self::param`].
    #[must_use]
    pub const fn param(self, param: &'static str) -> Self {
        Self { param, ..self }
    }

    /// Sets [`Self::body`].
    #[must_use]
    pub const fn body(self, body: BodyFormat) -> Self {
        Self { body, ..self }
    }

    /// Sets [`Self::client_auth`].
    #[must_use]
    pub const fn client_auth(self, client_auth: ClientAuth) -> Self {
        Self { client_auth: Some(client_auth), ..self }
    }

    /// Sets [`Self::tokens`].
    #[must_use]
    pub const fn tokens(self, tokens: RevokedTokens) -> Self {
        Self { tokens, ..self }
    }
}
