//! Resource server (RFC 6750, 8707, 9728): authenticates requests and authorizes their calls.
//!
//! It knows nothing of JSON-RPC. A refusal is a [`GateError`], which the endpoint turns into a
//! response.

use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Extensions, HeaderMap, HeaderValue, header, request::Parts};
use url::Url;

use super::{
    AuthError, Challenge, Claims, Credentials, Gate, PresentedToken, TokenCache, Verifier,
    audit::AuditedCall,
    events::{challenged, log},
    limits::{ConcurrencyPermit, LimitExceeded, Limits},
    other_endpoint::{EndpointPaths, OtherEndpoint},
    requested_scope::RequestedScopes,
    required_scopes::{RequiredScopes, default_scopes},
    resource_metadata::ResourceMetadata,
    sign_in_scopes::{SignInScopes, StepUp},
    unverified_claims,
};
use crate::{
    error::ConfigError,
    support::{clock::Clock, escape::escape, url::is_loopback},
    trace::{
        Advice, AnonymousReason, CallOutcome, EventKind, Found, MetadataDocument, Span, Tracer,
    },
};

/// How far the clock of the issuer may differ.
const LEEWAY: Duration = Duration::from_secs(30);

/// How long a stream lasts at most, whatever its token says: a token that was revoked listens for no
/// longer.
const MAX_STREAM_LIFETIME: Duration = Duration::from_secs(3600);

/// The reason why the gate refuses a request.
#[derive(Debug)]
pub(crate) enum GateError {
    /// The request must not come from this host or page.
    Forbidden(&'static str),
    /// The access token is missing, invalid or insufficient.
    Unauthorized(AuthError, HeaderValue),
    /// A limit is exceeded.
    TooManyRequests { retry_after: Duration },
    /// A refusal that is sent as the result of the call: the text for the model, and the challenge
    /// for hosts that read it from `_meta`.
    InResult { text: String, challenge: Option<String> },
}

impl From<LimitExceeded> for GateError {
    fn from(limit: LimitExceeded) -> Self {
        Self::TooManyRequests { retry_after: limit.retry_after }
    }
}

/// The identifier of the caller; empty for an anonymous one.
pub(crate) fn principal(caller: Option<&Claims>) -> String {
    caller.map(Claims::principal).unwrap_or_default()
}

/// The gate of a running server.
pub(crate) struct ResourceServer {
    gate: Gate,
    verifier: Arc<dyn Verifier>,
    /// Whether the tokens are those of this server's own broker, whose subjects are unique without
    /// their issuer.
    is_brokered: bool,
    /// Whether callers' tokens are kept for their calls, because a provider exchanges them.
    keeps_tokens: bool,
    /// The sign-ins of that broker.
    pub(crate) sign_ins: Option<Arc<dyn SignInScopes>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tracer: Tracer,
    metadata: ResourceMetadata,
    /// The endpoints of other transports.
    other_endpoints: Vec<OtherEndpoint>,
    limits: Limits,
    /// How clients ask for scopes.
    requested: RequestedScopes,
    /// The scopes that hosts ask for at sign-in.
    default_scopes: Vec<String>,
}

impl ResourceServer {
    /// Creates the resource server of the tools with these required scopes. Without a configured
    /// resource its URL is `/mcp` below `base`. `endpoints` are those of other transports.
    ///
    /// # Errors
    ///
    /// The configuration of the gate is not valid.
    pub(crate) fn new<'a>(
        gate: Gate,
        is_brokered: bool,
        name: String,
        clock: Arc<dyn Clock>,
        (base, endpoints): (&Url, &[EndpointPaths]),
        tools: impl Iterator<Item = &'a RequiredScopes>,
    ) -> Result<Self, ConfigError> {
        let tools: Vec<_> = tools.collect();
        let verifier = gate
            .verifier
            .clone()
            .ok_or_else(|| ConfigError::new("the gate has no verifier, and there is no broker"))?;
        let known = tools.iter().flat_map(|tool| tool.catalogue_names());
        let requested = RequestedScopes::new(verifier.requested_scope_prefix(), known);
        let default_scopes = default_scopes(tools.iter().copied());
        let default_scopes: Vec<_> =
            default_scopes.into_iter().map(|scope| requested.name(scope)).collect();
        for origin in &gate.allowed_origins {
            check_allowed_origin(origin).map_err(ConfigError::new)?;
        }
        let limits = Limits::new(gate.limits()?, &clock);
        let resource = gate
            .resource
            .clone()
            .unwrap_or_else(|| format!("{}/mcp", base.as_str().trim_end_matches('/')));
        let other_endpoints = endpoints.iter().map(|&paths| {
            OtherEndpoint::new(paths, (base.as_str(), &name), &*verifier, &default_scopes)
        });
        let other_endpoints =
            other_endpoints.collect::<Result<_, _>>().map_err(ConfigError::new)?;
        let metadata = ResourceMetadata::new(resource, name, &*verifier, &default_scopes)
            .map_err(ConfigError::new)?;
        Ok(Self {
            gate,
            verifier,
            is_brokered,
            keeps_tokens: false,
            sign_ins: None,
            clock,
            tracer: Tracer::default(),
            metadata,
            other_endpoints,
            limits,
            requested,
            default_scopes,
        })
    }

    /// Sets the observers of requests.
    pub(crate) fn with_tracer(self, tracer: Tracer) -> Self {
        Self { tracer, ..self }
    }

    /// Sets whether callers' tokens are kept for their calls.
    pub(crate) fn keeping_tokens(self, keeps_tokens: bool) -> Self {
        Self { keeps_tokens, ..self }
    }

    /// Sets the sign-ins of the server's own broker, which can get more scopes.
    #[cfg(feature = "broker")]
    pub(crate) fn with_sign_ins(self, sign_ins: Arc<dyn SignInScopes>) -> Self {
        Self { sign_ins: Some(sign_ins), ..self }
    }

    /// Checks the `Origin` header, which a browser sends with requests of pages.
    ///
    /// The `Host` does not count: proxies rewrite it, and a page that resolves a name of its own to
    /// this server (DNS rebinding) has no access token, and another origin.
    pub(crate) fn check_origin(&self, headers: &HeaderMap) -> Result<(), GateError> {
        let resource = &self.metadata.resource_url;
        let refuse = |reason| Err(GateError::Forbidden(reason));
        let is_ours = |url: &Url| {
            url.origin() == resource.origin() || (is_loopback(resource) && is_loopback(url))
        };
        for origin in headers.get_all(header::ORIGIN) {
            let text = origin.to_str().unwrap_or_default();
            let allowed = self.gate.allowed_origins.iter().any(|allowed| allowed == text)
                || Url::parse(text).is_ok_and(|origin| is_ours(&origin));
            if !allowed {
                return refuse("the `Origin` is not one whose pages may call");
            }
        }
        Ok(())
    }

    /// Authenticates the caller of a request from the client address `client`. `None` is an anonymous
    /// caller, which is possible if the gate allows it or `is_public` says that the request may come
    /// from anyone.
    pub(crate) async fn authenticate(
        &self,
        parts: &Parts,
        (client, cache): (Option<IpAddr>, Option<&TokenCache>),
        is_public: impl FnOnce() -> bool,
    ) -> Result<Option<Claims>, GateError> {
        self.count_client(client)?;
        self.identify(parts, (client, cache), is_public).await
    }

    /// Counts a request of this client.
    pub(crate) fn count_client(&self, client: Option<IpAddr>) -> Result<(), GateError> {
        Ok(self.limits.check_ip(client)?)
    }

    /// Forgets the requests that were counted.
    #[cfg(feature = "inspector")]
    pub(crate) fn clear_rate_limits(&self) {
        self.limits.clear();
    }

    /// As [`authenticate`](Self::authenticate), for a request that is not counted.
    pub(crate) async fn identify(
        &self,
        parts: &Parts,
        (client, cache): (Option<IpAddr>, Option<&TokenCache>),
        is_public: impl FnOnce() -> bool,
    ) -> Result<Option<Claims>, GateError> {
        let span = &self.tracer.of(&parts.extensions);
        let error = match Credentials::read_cached(&parts.headers, &parts.uri, cache) {
            Ok(Some(credentials)) => {
                let (resource, method) = (&self.metadata.resource, parts.method.as_str());
                let presented = PresentedToken::new(&credentials, resource, method)
                    .on_connection(cache, client);
                let verified = match self.other_endpoint(parts.uri.path()) {
                    None => self.verify(presented).await,
                    Some((endpoint, url)) => {
                        Box::pin(self.verify_at(endpoint, presented.at(Some(url)))).await
                    }
                };
                return match verified {
                    Ok(claims) => {
                        let token = || claims.accepted(self.clock.now());
                        span.emit(|| EventKind::Authenticated { token: token() });
                        if self.keeps_tokens {
                            return Ok(Some(claims.carrying(&credentials)));
                        }
                        Ok(Some(claims))
                    }
                    Err(error) => {
                        Err(self.unauthorized(span, error, unverified_claims(credentials.token())))
                    }
                };
            }
            Ok(None) if self.gate.allow_anonymous => {
                span.emit(|| EventKind::Anonymous { reason: AnonymousReason::Allowed });
                return Ok(None);
            }
            Ok(None) if is_public() => {
                span.emit(|| EventKind::Anonymous { reason: AnonymousReason::PublicPage });
                return Ok(None);
            }
            Ok(None) => AuthError::Missing,
            Err(error) => error,
        };
        Err(self.unauthorized(span, error, (None, None)))
    }

    async fn verify(&self, presented: PresentedToken<'_>) -> Result<Claims, AuthError> {
        match self.verifier.verify_now(presented) {
            Some(verified) => verified,
            None => self.verifier.verify(presented).await,
        }
    }

    /// Verifies a token that was sent to the endpoint of another transport: it may be for that endpoint
    /// or for the server.
    async fn verify_at(
        &self,
        endpoint: &OtherEndpoint,
        presented: PresentedToken<'_>,
    ) -> Result<Claims, AuthError> {
        match self.verify(presented).await {
            Err(AuthError::WrongAudience { .. }) => {
                let resource = &endpoint.metadata.resource;
                self.verify(PresentedToken { resource, ..presented }).await
            }
            verified => verified,
        }
    }

    /// The endpoint of another transport that has this path, and the URL of the request.
    fn other_endpoint(&self, path: &str) -> Option<(&OtherEndpoint, &str)> {
        self.other_endpoints.iter().find_map(|endpoint| Some((endpoint, endpoint.url(path)?)))
    }

    /// Makes the challenge of a response, if it has one, point to the metadata of the endpoint at
    /// `path`.
    #[cfg(any(feature = "sse", feature = "websocket"))]
    pub(crate) fn relocate_challenge(&self, path: &str, headers: &mut HeaderMap) {
        if let Some((endpoint, _)) = self.other_endpoint(path) {
            endpoint.relocate(&self.metadata.url, headers);
        }
    }

    /// Refuses an anonymous caller whose request turns out not to be public. `is_listed`: it concerns
    /// the server's own tools, for which anonymous callers may be allowed.
    pub(crate) fn check_anonymous(
        &self,
        (extensions, caller): (&Extensions, Option<&Claims>),
        is_public: impl FnOnce() -> bool,
        is_listed: impl FnOnce() -> bool,
    ) -> Result<(), GateError> {
        if caller.is_some() || is_public() || (self.gate.allow_anonymous && is_listed()) {
            return Ok(());
        }
        let span = &self.tracer.of(extensions);
        Err(self.unauthorized(span, AuthError::Missing, (None, None)))
    }

    /// The refusal of a token, whatever was called, with the issuer and the key that the token names.
    pub(super) fn unauthorized(
        &self,
        span: &Span,
        error: AuthError,
        (issuer, key): (Option<String>, Option<String>),
    ) -> GateError {
        let challenge = match error {
            AuthError::Missing => self.metadata.missing_token.clone(),
            _ => self.metadata.challenge(&error, self.default_scopes.clone()),
        };
        let hint = self.hint(&error);
        log(&error, (issuer.as_deref(), key.as_deref()), hint.as_deref());
        span.emit(|| {
            let mut refusal = error.refusal();
            refusal.hint = hint.as_deref().map(Advice::new);
            refusal.issuer = issuer.as_deref().map(Found::new);
            refusal.key = key.as_deref().map(Found::new);
            EventKind::TokenRefused { refusal }
        });
        if error.retry_after().is_none() {
            challenged(span, &error, &self.default_scopes, false);
        }
        GateError::Unauthorized(error, challenge)
    }

    /// What to set at the authorization server so that tokens like the refused one are accepted.
    fn hint(&self, error: &AuthError) -> Option<String> {
        self.verifier.hint(error, &self.metadata.resource)
    }

    /// Counts a request of this caller. It is under way as long as the permit is held.
    pub(crate) fn acquire_permit(
        &self,
        caller: Option<&Claims>,
    ) -> Result<Option<ConcurrencyPermit>, GateError> {
        match caller {
            Some(claims) if self.limits.has_subject_limit() => {
                Ok(self.limits.check_subject(claims.principal())?)
            }
            _ => Ok(None),
        }
    }

    /// Whether a user's accounts may be used only through the clients that the user let use them.
    pub(crate) fn binds_accounts(&self) -> bool {
        !self.gate.share_accounts
    }

    /// The identifier by which the caller's grants are stored.
    pub(crate) fn subject(&self, claims: &Claims) -> String {
        if self.is_brokered { claims.subject().to_owned() } else { claims.principal() }
    }

    /// The refusal of a call whose token does not cover the scopes of the tool, for `error`.
    /// `accumulates`: does the client ask for exactly the scopes of the challenge, so that it has to
    /// repeat those of the token? Clients before 2026-07-28 do.
    pub(crate) fn refuse_call(
        &self,
        call: AuditedCall<'_>,
        error: AuthError,
        accumulates: bool,
    ) -> GateError {
        let AuditedCall { span, required_scopes: required, claims: caller, .. } = call;
        call.report(CallOutcome::Refused, error.code());
        let withheld = caller.filter(|_| self.is_brokered);
        if let Some(text) = withheld.and_then(|claims| required.explain_withheld(claims)) {
            return GateError::InResult { text, challenge: None };
        }
        let issuer = caller.map(Claims::issuer).map(escape);
        log(&error, (issuer.as_deref(), None), self.hint(&error).as_deref());
        let scopes = || {
            let mut scopes: Vec<String> =
                required.names().map(|scope| self.requested.name(scope)).collect();
            if accumulates && let Some(claims) = caller {
                let granted = claims.granted().iter();
                let again = granted.filter_map(|scope| self.requested.name_again(scope));
                let others: Vec<_> = again.filter(|scope| !scopes.contains(scope)).collect();
                scopes.extend(others);
            }
            scopes
        };
        if span.is_observed() {
            challenged(span, &error, &scopes(), self.gate.challenge_in_results);
        }
        if !self.gate.challenge_in_results {
            let make = || self.metadata.challenge(&error, scopes());
            let challenge = match error {
                // The same for all callers whose token lacks a scope.
                AuthError::InsufficientScope { .. } if !accumulates => {
                    required.challenge.get_or_init(make).clone()
                }
                _ => make(),
            };
            return GateError::Unauthorized(error, challenge);
        }
        let metadata_url = &self.metadata.url;
        let mut challenge = Challenge { error: &error, metadata_url, scopes: scopes() }.to_text();
        if error.error().is_none() {
            // Hosts that read challenges from results expect both members.
            challenge.push_str(
                ",error=\"invalid_token\",error_description=\"an access token is needed\"",
            );
        }
        GateError::InResult { text: format!("Refused: {error}."), challenge: Some(challenge) }
    }

    /// How a call is answered that lacks scopes. A host that reads challenges from results can read
    /// the link there as well, and so can one that gets no challenges.
    pub(crate) fn step_up_policy(&self, reads_challenges: bool) -> StepUp {
        match self.gate.step_up {
            StepUp::Auto if self.gate.challenge_in_results || !reads_challenges => StepUp::Link,
            policy => policy,
        }
    }

    /// The issuers of tokens, as the metadata names them.
    #[cfg(feature = "inspector")]
    pub(crate) fn authorization_servers(&self) -> Vec<String> {
        self.verifier.authorization_servers()
    }

    /// What MCP hosts cannot do at the authorization server.
    #[cfg(feature = "inspector")]
    pub(crate) fn host_notes(&self) -> &[&str] {
        self.verifier.host_notes()
    }

    /// The URL of the protected resource metadata.
    pub(crate) fn metadata_url(&self) -> &str {
        &self.metadata.url
    }

    /// Whether the tool is listed to this caller.
    pub(crate) fn is_listed(&self, caller: Option<&Claims>, required: &RequiredScopes) -> bool {
        !self.gate.hide_unauthorized_tools || required.check(caller).is_ok()
    }

    /// Whether callers without a token may list the tools.
    pub(crate) fn allows_anonymous(&self) -> bool {
        self.gate.allow_anonymous
    }

    /// The URL of the resource.
    pub(crate) fn resource(&self) -> &str {
        &self.metadata.resource
    }

    /// Whether the list of tools depends on the caller.
    pub(crate) fn hides_unauthorized_tools(&self) -> bool {
        self.gate.hide_unauthorized_tools
    }

    /// The origins whose pages may send requests, besides the server's own.
    pub(crate) fn allowed_origins(&self) -> &[String] {
        &self.gate.allowed_origins
    }

    /// How long a stream of the caller may last: as long as the token is valid, and at most
    /// [`MAX_STREAM_LIFETIME`]. A client that begins another one is verified again.
    pub(crate) fn remaining_lifetime(&self, caller: Option<&Claims>) -> Duration {
        let Some(end) = caller.and_then(Claims::expiration) else { return MAX_STREAM_LIFETIME };
        let left = (end + LEEWAY).duration_since(self.clock.now()).unwrap_or_default();
        left.min(MAX_STREAM_LIFETIME)
    }

    /// The `Host` of this server.
    pub(crate) fn host(&self) -> &HeaderValue {
        &self.metadata.host
    }

    /// The protected resource metadata (RFC 9728), if it is found at this path.
    pub(crate) fn metadata(&self, path: &str) -> Option<Bytes> {
        let document = MetadataDocument::ProtectedResource;
        self.tracer.span().emit(|| EventKind::MetadataRead { document });
        let others = self.other_endpoints.iter();
        self.metadata
            .at(path)
            .or_else(|| others.into_iter().find_map(|endpoint| endpoint.metadata.at(path)))
    }
}

/// Checks that the text is an origin as browsers send it.
fn check_allowed_origin(origin: &str) -> Result<(), String> {
    let url = Url::parse(origin).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    match url.map(|url| url.origin().ascii_serialization()) {
        Some(sent) if sent == origin => Ok(()),
        Some(sent) => Err(format!("`{origin}` is not what browsers send: write `{sent}`")),
        None => Err(format!(
            "`{origin}` is no origin: name each one whose pages may call, like `https://app.example`"
        )),
    }
}
