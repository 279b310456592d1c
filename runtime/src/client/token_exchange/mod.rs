//! Exchanged tokens: for each caller one of the API, got for the caller's own (RFC 8693).
//!
//! A token is exchanged when a tool sends its first request. Calls that want the same at once share one
//! exchange, and its token is kept for its life, bounded for each caller and for the process. The token
//! of the caller is sent to the authorization server that issued it, and nowhere else.

mod failure;
mod kept;
#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};

use self::{
    failure::Failure,
    kept::{KeptToken, KeptTokens, TokenKey},
};
use super::TokenSource;
use crate::{
    error::Error,
    oauth::{ExchangeError, TokenResponse, UpstreamClient},
    scope,
    support::{
        clock::Clock,
        crypto::{constant_time_eq, sha256},
        single_flight::SingleFlight,
    },
    trace::{EventKind, Found, RefreshOutcome, Span},
};

/// For how long a token is kept whose lifetime the authorization server does not say.
const UNKNOWN_LIFETIME: Duration = Duration::from_secs(60);

/// The longest time for which a token is kept.
const MAX_LIFETIME: Duration = Duration::from_hours(24);

/// How long before its end a token is no longer used.
const EXPIRY_MARGIN: Duration = Duration::from_secs(30);

/// The exchange at one authorization server for the tokens of one API.
pub(crate) struct TokenExchanger {
    oauth: UpstreamClient,
    clock: Arc<dyn Clock>,
    kept: KeptTokens,
    exchanges: SingleFlight<TokenKey, Result<SecretString, ExchangeError>>,
}

/// A caller, whose token is exchanged.
pub(crate) struct ExchangingCaller {
    /// Who it is: the digest of issuer, subject and client.
    pub(crate) id: [u8; 32],
    pub(crate) token: SecretString,
    pub(crate) expires_at: Option<SystemTime>,
}

impl TokenExchanger {
    pub(crate) fn new(oauth: UpstreamClient, clock: Arc<dyn Clock>) -> Self {
        Self { oauth, clock, kept: KeptTokens::new(), exchanges: SingleFlight::default() }
    }

    /// The issuer whose tokens are exchanged.
    pub(crate) fn issuer(&self) -> &str {
        self.oauth.registration.issuer.as_deref().unwrap_or_default()
    }

    /// The access token of a caller with these scopes; another than `rejected`.
    async fn token(
        self: &Arc<Self>,
        tokens: &ExchangedTokens,
        rejected: Option<&SecretString>,
    ) -> Result<SecretString, ExchangeError> {
        let (caller, key) = (&tokens.caller, tokens.key());
        if let Some(token) = self.kept.get(caller.id, &key, self.clock.now(), rejected) {
            return Ok(token);
        }
        let begin = || {
            // Another call may have got it since.
            if let Some(token) = self.kept.get(caller.id, &key, self.clock.now(), rejected) {
                return Err(token);
            }
            let (exchanger, key, id) = (Arc::clone(self), key.clone(), caller.id);
            let (token, end) = (caller.token.clone(), caller.expires_at);
            let span = tokens.span.clone();
            Ok(((), async move { exchanger.exchange(id, key, (&token, end), &span).await }))
        };
        match self.exchanges.join_or_start(&key, begin) {
            Ok(flight) => flight.outcome().await.unwrap_or(Err(ExchangeError::Aborted)),
            Err(token) => Ok(token),
        }
    }

    async fn exchange(
        &self,
        caller: [u8; 32],
        key: TokenKey,
        (token, end): (&SecretString, Option<SystemTime>),
        span: &Span,
    ) -> Result<SecretString, ExchangeError> {
        let (now, started) = (self.clock.now(), span.now());
        let result = self.oauth.exchange_token(token, key.scopes).await;
        let result = result.and_then(|response| self.check_scopes(response, key.scopes));
        span.emit(|| {
            let provider = Found::new(self.oauth.registration.id);
            let (joined, ms) = (0, crate::trace::ms_since(started));
            match &result {
                Ok(response) => EventKind::RefreshDone {
                    provider,
                    outcome: RefreshOutcome::Renewed,
                    joined,
                    rotated: false,
                    expires_in_s: response.expires_in.map(|life| life.as_secs()),
                    ms,
                },
                Err(error) => {
                    let failure = Failure::of(error);
                    let (reason, status) = (failure.reason(), failure.status());
                    EventKind::RefreshFailed { provider, reason, status, joined, ms }
                }
            }
        });
        let response = result.inspect_err(|error| failure::log(&self.oauth.registration, error))?;
        let token = response.access_token;
        let until = usable_until(now, response.expires_in, end);
        self.kept.set(caller, KeptToken { key, token: token.clone(), until }, self.clock.now());
        Ok(token)
    }

    /// Fails if the token lacks a scope that was asked for. A server that names none granted all.
    fn check_scopes(
        &self,
        response: TokenResponse,
        asked: &'static [&'static str],
    ) -> Result<TokenResponse, ExchangeError> {
        let Some(granted) = &response.scopes else { return Ok(response) };
        match scope::missing(self.oauth.registration.catalogue, granted, asked) {
            missing if missing.is_empty() => Ok(response),
            missing => Err(ExchangeError::WithoutScopes(missing)),
        }
    }
}

/// Until when a token is used that was asked for at `now`, for a token of the caller that ends at `end`.
fn usable_until(now: SystemTime, life: Option<Duration>, end: Option<SystemTime>) -> SystemTime {
    match life.filter(|life| !life.is_zero()) {
        Some(life) => {
            let life = life.min(MAX_LIFETIME);
            now + life.saturating_sub(EXPIRY_MARGIN.min(life / 4))
        }
        None => end.map_or(now + UNKNOWN_LIFETIME, |end| end.min(now + UNKNOWN_LIFETIME)),
    }
}

/// The access tokens of one call.
pub(crate) struct ExchangedTokens {
    exchanger: Arc<TokenExchanger>,
    caller: ExchangingCaller,
    scopes: &'static [&'static str],
    /// The call that uses them.
    span: Span,
    current: Mutex<Option<SecretString>>,
}

impl ExchangedTokens {
    pub(crate) fn new(
        exchanger: Arc<TokenExchanger>,
        caller: ExchangingCaller,
        scopes: &'static [&'static str],
        span: Span,
    ) -> Self {
        Self { exchanger, caller, scopes, span, current: Mutex::default() }
    }

    fn key(&self) -> TokenKey {
        let digest = sha256(self.caller.token.expose_secret().as_bytes());
        TokenKey { digest, scopes: self.scopes }
    }

    fn current(&self) -> Option<SecretString> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn get(&self, rejected: Option<&SecretString>) -> Result<SecretString, Error> {
        let token = self.exchanger.token(self, rejected).await;
        let registration = &self.exchanger.oauth.registration;
        let token = token.map_err(|error| failure::explain(registration, self.scopes, error))?;
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        Ok(token)
    }
}

#[async_trait]
impl TokenSource for ExchangedTokens {
    async fn token(&self) -> Result<SecretString, Error> {
        self.get(None).await
    }

    async fn renew(&self, rejected: &SecretString) -> Result<SecretString, Error> {
        // Of two concurrent requests of a call that are rejected, the second uses the token that the
        // first got.
        let is_rejected = |token: &SecretString| {
            constant_time_eq(token.expose_secret(), rejected.expose_secret())
        };
        match self.current().filter(|token| !is_rejected(token)) {
            Some(token) => Ok(token),
            None => self.get(Some(rejected)).await,
        }
    }

    async fn reject(&self, rejected: &SecretString) {
        let now = self.exchanger.clock.now();
        self.exchanger.kept.get(self.caller.id, &self.key(), now, Some(rejected));
    }

    fn rejection(&self) -> Option<Error> {
        Some(failure::rejected(&self.exchanger.oauth.registration))
    }
}
