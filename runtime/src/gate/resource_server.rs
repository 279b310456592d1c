//! Resource server (RFC 6750, 8707, 9728): what the gate of a running server knows, and the
//! authorization of its calls.
//!
//! It knows nothing of JSON-RPC. A refusal is a [`GateError`], which the endpoint turns into a
//! response.

use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use url::Url;

use super::{
    AuthError, Challenge, Claims, Gate, Verifier,
    allowed_origin::check_allowed_origin,
    audit::AuditedCall,
    events::{challenged, log},
    gate_error::GateError,
    limits::{ConcurrencyPermit, Limits},
    other_endpoint::{EndpointPaths, OtherEndpoint},
    requested_scope::RequestedScopes,
    required_scopes::{RequiredScopes, default_scopes},
    resource_metadata::ResourceMetadata,
    sign_in_scopes::{SignInScopes, StepUp},
    used_proofs::UsedProofs,
};
use crate::{
    error::ConfigError,
    grant::audit::AuditTrail,
    support::{clock::Clock, escape::escape, url::is_loopback},
    trace::{CallOutcome, EventKind, MetadataDocument, Tracer},
};

/// How far the clock of the issuer may differ.
const LEEWAY: Duration = Duration::from_secs(30);

/// How long a stream lasts at most, whatever its token says: a token that was revoked listens for no
/// longer.
const MAX_STREAM_LIFETIME: Duration = Duration::from_secs(3600);

/// The identifier of the caller; empty for an anonymous one.
pub(crate) fn principal(caller: Option<&Claims>) -> String {
    caller.map(Claims::principal).unwrap_or_default()
}

/// The gate of a running server.
pub(crate) struct ResourceServer {
    pub(super) gate: Gate,
    pub(super) verifier: Arc<dyn Verifier>,
    /// Whether the tokens are those of this server's own broker, whose subjects are unique without
    /// their issuer.
    is_brokered: bool,
    /// Whether callers' tokens are kept for their calls, because a provider exchanges them.
    pub(super) keeps_tokens: bool,
    /// The proofs of possession that were used at other replicas, if there may be others.
    pub(super) used_proofs: Option<UsedProofs>,
    /// The sign-ins of that broker.
    pub(crate) sign_ins: Option<Arc<dyn SignInScopes>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tracer: Tracer,
    pub(super) audit: AuditTrail,
    pub(super) metadata: ResourceMetadata,
    /// The endpoints of other transports.
    pub(super) other_endpoints: Vec<OtherEndpoint>,
    limits: Limits,
    /// How clients ask for scopes.
    requested: RequestedScopes,
    /// The scopes that hosts ask for at sign-in.
    pub(super) default_scopes: Vec<String>,
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
        let requested = requested.besides(&gate.challenge_scopes)?;
        let default_scopes = requested.names(default_scopes(tools.iter().copied()));
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
            used_proofs: None,
            sign_ins: None,
            clock,
            tracer: Tracer::default(),
            audit: AuditTrail::default(),
            metadata,
            other_endpoints,
            limits,
            requested,
            default_scopes,
        })
    }

    /// Sets the observers of requests, and where refusals are counted.
    pub(crate) fn with_tracer(self, tracer: Tracer, audit: AuditTrail) -> Self {
        Self { tracer, audit, ..self }
    }

    /// Sets whether callers' tokens are kept for their calls.
    pub(crate) fn keeping_tokens(self, keeps_tokens: bool) -> Self {
        Self { keeps_tokens, ..self }
    }

    /// Sets where used proofs of possession are remembered for all replicas.
    pub(crate) fn with_used_proofs(self, used_proofs: Option<UsedProofs>) -> Self {
        Self { used_proofs, ..self }
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

    /// Counts a request of this client.
    pub(crate) fn count_client(&self, client: Option<IpAddr>) -> Result<(), GateError> {
        Ok(self.limits.check_ip(client)?)
    }

    /// Forgets the requests that were counted.
    #[cfg(feature = "inspector")]
    pub(crate) fn clear_rate_limits(&self) {
        self.limits.clear();
    }

    /// The endpoint of another transport that has this path, and the URL of the request.
    pub(super) fn other_endpoint(&self, path: &str) -> Option<(&OtherEndpoint, &str)> {
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

    /// Counts a request of this caller. It is under way as long as the permit is held. `may_answer`:
    /// it may be a response or a notification.
    pub(crate) fn acquire_permit(
        &self,
        caller: Option<&Claims>,
        may_answer: bool,
    ) -> Result<Option<ConcurrencyPermit>, GateError> {
        match caller {
            Some(claims) if self.limits.has_subject_limit() => {
                Ok(self.limits.check_subject(claims.principal(), may_answer)?)
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
            let mut scopes = self.requested.names(required.names());
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
