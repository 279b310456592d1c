//! Profiles: what a provider's endpoints answer, word for word, for a stand-in that takes its place.
//!
//! A profile repeats nothing of the provider's [`Dialect`](super::Dialect): one says how the provider
//! answers, the other how this crate reads it, so that a test of both shows that they agree.
//!
//! Bodies and headers are templates. A JSON string that is a name alone, such as `"$expires_in"`, is
//! replaced by a value of its type, and its member is left out where there is none; within a longer
//! string a name is replaced by its text. The names:
//!
//! | name | value |
//! |---|---|
//! | `$access`, `$refresh` | the issued tokens; `$refresh` is absent where none is issued |
//! | `$scope` | the granted scopes, with [`Profile::granted_separator`] between them |
//! | `$scopes`, `$granted` | the same as a list, and with `, ` between them |
//! | `$expires_in` | the access token's lifetime in seconds; absent where it does not expire |
//! | `$account`, `$email` | the person's name, and an address of it |
//! | `$number` | a number that identifies the person |
//! | `$needed`, `$needed_scopes` | the scopes of which a request needs one, separated by `,` and by a space |
//! | `$provided` | the scopes of the token of a request, separated by `,` |
//! | `$wait`, `$wait_ms` | seconds and milliseconds until a limit ends |
//! | `$reset`, `$reset_ms` | when a limit ends, in Unix seconds and milliseconds |
//! | `$title` | the member `title` of a request's body |

/// How a client proves itself at the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientProof {
    /// With HTTP Basic and not otherwise.
    Basic,
    /// In the body and not otherwise.
    Body,
    /// In either way.
    Either,
}

/// What the token endpoint takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestBody {
    /// A form.
    Form,
    /// JSON.
    Json,
    /// Either.
    Either,
}

/// What an authorization endpoint makes of a code challenge (RFC 7636).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pkce {
    /// A request without one is refused.
    Required,
    /// One that was sent is checked.
    Optional,
    /// A request with one is refused.
    Refused,
}

/// When a refresh token is issued with a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefreshTokens {
    /// Never.
    Never,
    /// Always.
    Always,
    /// If this scope was requested. It is not among the granted scopes that answers name.
    Scope(&'static str),
    /// If this scope was requested. Answers name it.
    NamedScope(&'static str),
    /// If the authorization request had this parameter.
    Param(&'static str, &'static str),
}

/// What becomes of a refresh token that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotation {
    /// It stays, and the answer has none.
    None,
    /// It stays, and the answer has it again.
    Repeated,
    /// There is a new one, and the old one stays good.
    OldStaysGood,
    /// There is a new one; the old one is good for so many seconds, and after them ends the grant.
    Leeway(u64),
    /// There is a new one, and the old one is refused.
    OldIsRefused,
    /// There is a new one, and a use of the old one ends the grant.
    OldEndsGrant,
}

/// An answer of the provider.
#[derive(Clone, Copy, Debug)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// The headers besides the content type.
    pub headers: &'static [(&'static str, &'static str)],
    /// The body: JSON, a text, or empty.
    pub body: &'static str,
}

impl Reply {
    /// An answer with this status and body.
    pub const fn new(status: u16, body: &'static str) -> Self {
        Self { status, headers: &[], body }
    }

    /// Sets [`Self::headers`].
    #[must_use]
    pub const fn headers(self, headers: &'static [(&'static str, &'static str)]) -> Self {
        Self { headers, ..self }
    }
}

/// A request of the API that the stand-in answers.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The method.
    pub method: &'static str,
    /// The URL, without a query. A segment in braces stands for any.
    pub url: &'static str,
    /// The scopes of which the token needs one; none: every good token does.
    pub scopes: &'static [&'static str],
    /// The headers that a request needs.
    pub needs_headers: &'static [&'static str],
    /// What the body of a request has in it, where one URL has several requests (GraphQL).
    pub body_has: &'static str,
    /// The answer.
    pub reply: Reply,
}

impl Route {
    /// A request that any of these scopes permits, and its answer with status 200.
    pub const fn new(
        method: &'static str,
        url: &'static str,
        scopes: &'static [&'static str],
        body: &'static str,
    ) -> Self {
        Self { method, url, scopes, needs_headers: &[], body_has: "", reply: Reply::new(200, body) }
    }

    /// Sets the status of the answer.
    #[must_use]
    pub const fn status(self, status: u16) -> Self {
        Self { reply: Reply { status, ..self.reply }, ..self }
    }

    /// Sets [`Self::body_has`].
    #[must_use]
    pub const fn body_has(self, text: &'static str) -> Self {
        Self { body_has: text, ..self }
    }

    /// Sets [`Self::needs_headers`].
    #[must_use]
    pub const fn needs_headers(self, names: &'static [&'static str]) -> Self {
        Self { needs_headers: names, ..self }
    }
}

/// Where a request to revoke a token has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenPlace {
    /// In this member of the form.
    Form(&'static str),
    /// In this member of the JSON body.
    Json(&'static str),
    /// In this parameter of the query.
    Query(&'static str),
    /// In the `Authorization` header.
    Bearer,
    /// In the last segment of the path.
    Path,
}

/// How a client proves itself where it revokes a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationProof {
    /// With HTTP Basic.
    Basic,
    /// In the body.
    Body,
    /// In one of the two ways.
    Either,
    /// By its identifier alone, in the body.
    Id,
    /// Not at all: having the token is enough.
    None,
}

/// The provider's way to revoke a token.
#[derive(Clone, Copy, Debug)]
pub struct Revocation {
    /// The method.
    pub method: &'static str,
    /// The URL. `{client_id}` is the client's identifier.
    pub url: &'static str,
    /// Where the token is.
    pub token: TokenPlace,
    /// How the client proves itself.
    pub proof: RevocationProof,
    /// Whether a refresh token can be revoked.
    pub takes_refresh_tokens: bool,
    /// Whether an access token can be revoked.
    pub takes_access_tokens: bool,
    /// Whether the whole grant ends with the token.
    pub ends_grant: bool,
    /// The answer.
    pub reply: Reply,
}

impl Revocation {
    /// As RFC 7009 says, with the client's secret in either way.
    pub const fn rfc7009(url: &'static str) -> Self {
        Self {
            method: "POST",
            url,
            token: TokenPlace::Form("token"),
            proof: RevocationProof::Either,
            takes_refresh_tokens: true,
            takes_access_tokens: true,
            ends_grant: true,
            reply: Reply::new(200, ""),
        }
    }
}

/// What a provider's endpoints answer.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Profile {
    /// The authorization endpoint.
    pub authorize: &'static str,
    /// The parameters that an authorization request must have.
    pub authorize_params: &'static [(&'static str, &'static str)],
    /// The parameter with the requested scopes.
    pub scope_param: &'static str,
    /// The characters that separate requested scopes.
    pub scope_separators: &'static str,
    /// Whether scopes that requests name are passed over, and every grant has all of them.
    pub without_scopes: bool,
    /// What a code challenge is good for.
    pub pkce: Pkce,
    /// `iss` of authorization responses (RFC 9207).
    pub issuer: Option<&'static str>,
    /// The token endpoint.
    pub token: &'static str,
    /// Where tokens are refreshed, if not there.
    pub refresh_url: Option<&'static str>,
    /// How the client proves itself.
    pub proof: ClientProof,
    /// What the token endpoint takes.
    pub body: RequestBody,
    /// Whether answers are forms for a client that does not accept JSON.
    pub form_by_default: bool,
    /// The parameters that a refresh must have, with any value.
    pub refresh_params: &'static [&'static str],
    /// The answer to a code.
    pub granted: &'static str,
    /// The answer to a refresh token; empty: as to a code.
    pub refreshed: &'static str,
    /// The separator of granted scopes in answers.
    pub granted_separator: &'static str,
    /// What granted scopes begin with in answers, and requested ones may.
    pub scope_prefix: &'static str,
    /// Other names of scopes in answers.
    pub granted_names: &'static [(&'static str, &'static str)],
    /// Whether answers leave out scopes that another granted one implies.
    pub normalizes_scopes: bool,
    /// The answer to a code that is not good.
    pub bad_code: Reply,
    /// The answer to a client that is not known.
    pub bad_client: Reply,
    /// The answer to a refresh token that is not good.
    pub bad_refresh: Reply,
    /// What access tokens begin with.
    pub access_prefix: &'static str,
    /// What refresh tokens begin with.
    pub refresh_prefix: &'static str,
    /// The lifetime of access tokens in seconds.
    pub access_ttl: Option<u64>,
    /// When there are refresh tokens.
    pub refresh_tokens: RefreshTokens,
    /// What becomes of a refresh token that was used.
    pub rotation: Rotation,
    /// Whether a refresh ends the access tokens of before.
    pub ends_old_access: bool,
    /// How tokens are revoked.
    pub revocation: Option<Revocation>,
    /// Who the token belongs to.
    pub who: Route,
    /// A request that reads.
    pub read: Route,
    /// A request that writes.
    pub write: Route,
    /// Further requests.
    pub more: &'static [Route],
    /// The headers of every answer of the API.
    pub headers: &'static [(&'static str, &'static str)],
    /// The API's answer to a token that is not good.
    pub dead_token: Reply,
    /// The API's answer to a token that lacks a scope.
    pub missing_scope: Reply,
    /// The API's answer to too many requests.
    pub rate_limited: Reply,
    /// The API's answer to a request without a header that it needs.
    pub missing_header: Reply,
}

impl Profile {
    /// What the RFCs say, at no address.
    pub const STANDARD: Self = Self {
        authorize: "",
        authorize_params: &[],
        scope_param: "scope",
        scope_separators: " ",
        without_scopes: false,
        pkce: Pkce::Optional,
        issuer: None,
        token: "",
        refresh_url: None,
        proof: ClientProof::Either,
        body: RequestBody::Form,
        form_by_default: false,
        refresh_params: &[],
        granted: r#"{"access_token":"$access","token_type":"Bearer","expires_in":"$expires_in","refresh_token":"$refresh","scope":"$scope"}"#,
        refreshed: "",
        granted_separator: " ",
        scope_prefix: "",
        granted_names: &[],
        normalizes_scopes: false,
        bad_code: Reply::new(400, r#"{"error":"invalid_grant"}"#),
        bad_client: Reply::new(401, r#"{"error":"invalid_client"}"#),
        bad_refresh: Reply::new(400, r#"{"error":"invalid_grant"}"#),
        access_prefix: "",
        refresh_prefix: "",
        access_ttl: Some(3600),
        refresh_tokens: RefreshTokens::Always,
        rotation: Rotation::OldEndsGrant,
        ends_old_access: false,
        revocation: None,
        who: Route::new("GET", "", &[], ""),
        read: Route::new("GET", "", &[], ""),
        write: Route::new("POST", "", &[], ""),
        more: &[],
        headers: &[],
        dead_token: Reply::new(401, r#"{"error":"invalid_token"}"#)
            .headers(&[("www-authenticate", r#"Bearer error="invalid_token""#)]),
        missing_scope: Reply::new(403, r#"{"error":"insufficient_scope"}"#).headers(&[(
            "www-authenticate",
            r#"Bearer error="insufficient_scope", scope="$needed""#,
        )]),
        rate_limited: Reply::new(429, r#"{"error":"too_many_requests"}"#)
            .headers(&[("retry-after", "$wait")]),
        missing_header: Reply::new(400, r#"{"error":"invalid_request"}"#),
    };

    /// Whether a person may withhold some of the requested scopes: answers name those that were
    /// granted.
    pub fn names_granted_scopes(&self) -> bool {
        !self.without_scopes && self.granted.contains("$scope")
    }
}
