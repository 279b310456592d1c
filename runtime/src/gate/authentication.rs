//! Authentication of requests: the caller of a request, or the challenge with which it is refused.

use std::net::IpAddr;

use http::{Extensions, request::Parts};

use super::{
    AuthError, Claims, Credentials, PresentedToken, TokenCache,
    events::{challenged, log},
    gate_error::GateError,
    other_endpoint::OtherEndpoint,
    resource_server::ResourceServer,
    unverified_claims,
};
use crate::trace::{Advice, AnonymousReason, EventKind, Found, Span};

impl ResourceServer {
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
                let verified = match (&self.used_proofs, verified) {
                    (Some(used), Ok(claims)) => {
                        Box::pin(used.check(&credentials)).await.map(|()| claims)
                    }
                    (_, verified) => verified,
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
        self.audit.refuse("access_token", error.code());
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
    pub(super) fn hint(&self, error: &AuthError) -> Option<String> {
        self.verifier.hint(error, &self.metadata.resource)
    }
}
