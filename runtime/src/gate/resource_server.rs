//! The resource server (RFC 6750, 8707, 9728): authenticates requests and authorizes their calls.
//!
//! It knows nothing of JSON-RPC. What it refuses is a [`GateError`], which the endpoint turns into a
//! response.

use std::{collections::BTreeSet, net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header, request::Parts};
use tokio::sync::OwnedSemaphorePermit;
use url::Url;

use super::{
    audit,
    audit::CallOutcome,
    limits::{Limits, TooMuch},
    required_scopes::Demand,
    resource_metadata::Place,
};
use crate::{
    gate::{AuthError, Challenge, Claims, Credentials, Gate, Memory, Presented, Verifier, said_by},
    grant::Clock,
    provider::is_loopback,
};

/// The caller of a request, as it goes on beside it.
pub(crate) type Admitted = Option<Claims>;

/// Why the gate refuses a request.
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

impl From<TooMuch> for GateError {
    fn from(limit: TooMuch) -> Self {
        Self::TooManyRequests { retry_after: limit.retry_after }
    }
}

/// The gate of a server.
pub(crate) struct Admission {
    gate: Gate,
    verifier: Arc<dyn Verifier>,
    /// Its tokens are of this server's own broker, whose subjects need no issuer beside them.
    brokered: bool,
    clock: Arc<dyn Clock>,
    place: Place,
    limits: Limits,
    /// What hosts ask for at sign-in.
    basic: Vec<String>,
}

impl Admission {
    pub(crate) fn new<'a>(
        gate: Gate,
        brokered: bool,
        name: String,
        clock: Arc<dyn Clock>,
        (base, demands): (&Url, impl Iterator<Item = &'a Demand>),
    ) -> Result<Self, String> {
        let basic: BTreeSet<_> =
            demands.filter(|demand| demand.basic).flat_map(Demand::scopes).collect();
        let basic: Vec<_> = basic.into_iter().map(str::to_owned).collect();
        let verifier =
            gate.verifier.clone().ok_or("the gate has no verifier, and there is no broker")?;
        for origin in &gate.origins {
            check_origin(origin)?;
        }
        let limits = Limits::of(&gate, &clock);
        let resource = gate
            .resource
            .clone()
            .unwrap_or_else(|| format!("{}/mcp", base.as_str().trim_end_matches('/')));
        let place = Place::new(resource, name, &*verifier, &basic)?;
        Ok(Self { gate, verifier, brokered, clock, place, limits, basic })
    }

    /// May requests with these headers come at all, whoever sends them? The name of the host is
    /// looked at against pages that resolve their own name to this server.
    pub(crate) fn check_origin(
        &self,
        headers: &HeaderMap,
        uri: &http::Uri,
    ) -> Result<(), GateError> {
        let place = &self.place;
        let refuse = |reason| Err(GateError::Forbidden(reason));
        let mut hosts = headers.get_all(header::HOST).iter();
        let (host, another) = (hosts.next(), hosts.next());
        if another.is_some() {
            return refuse("there are two `Host` headers");
        }
        let exact = host.is_some_and(|host| host.as_bytes() == place.authority.as_bytes());
        if exact && !headers.contains_key(header::ORIGIN) {
            return Ok(());
        }
        let host = match host {
            Some(host) => host.to_str().ok(),
            None => uri.authority().map(http::uri::Authority::as_str),
        };
        let host =
            host.and_then(|host| Url::parse(&format!("{}://{host}/", place.url.scheme())).ok());
        let ours = |url: &Url| {
            url.origin() == place.url.origin() || (is_loopback(&place.url) && is_loopback(url))
        };
        if !host.is_some_and(|host| ours(&host)) {
            return refuse("the `Host` is not this server's");
        }
        for origin in headers.get_all(header::ORIGIN) {
            let text = origin.to_str().unwrap_or_default();
            let allowed = self.gate.origins.iter().any(|allowed| allowed == text)
                || Url::parse(text).is_ok_and(|origin| ours(&origin));
            if !allowed {
                return refuse("the `Origin` is not one whose pages may call");
            }
        }
        Ok(())
    }

    /// The caller, if the request may go on; `None` is a caller who needs no name. `page`: it says
    /// that it reads a widget's page, which is for everybody.
    pub(crate) async fn admit(
        &self,
        parts: &Parts,
        (address, memory): (Option<IpAddr>, Option<&Memory>),
        page: impl FnOnce() -> bool,
    ) -> Result<Admitted, GateError> {
        self.limits.address(address)?;
        let read = Credentials::read_over(&parts.headers, &parts.uri, memory);
        let verified = match read {
            Ok(Some(credentials)) => {
                let method = parts.method.as_str();
                let presented = Presented::new(&credentials, &self.place.resource, method);
                let presented = presented.over(memory);
                let verified = match self.verifier.verify_now(presented) {
                    Some(verified) => verified,
                    None => self.verifier.verify(presented).await,
                };
                return verified
                    .map(Some)
                    .map_err(|refusal| self.turn_away(&refusal, said_by(credentials.token())));
            }
            Ok(None) if self.gate.allow_anonymous || page() => Ok(None),
            Ok(None) => Err(AuthError::Missing),
            Err(refusal) => Err(refusal),
        };
        verified.map_err(|refusal| self.turn_away(&refusal, (None, None)))
    }

    /// Refuses a stranger who said to read a page and sent something else, or who wants what is not
    /// for everybody. `ours`: it is answered from the table of tools.
    pub(crate) fn check_stranger(
        &self,
        admitted: &Admitted,
        reads_page: impl FnOnce() -> bool,
        ours: impl FnOnce() -> bool,
    ) -> Result<(), GateError> {
        if admitted.is_some() || reads_page() || (self.gate.allow_anonymous && ours()) {
            return Ok(());
        }
        Err(self.turn_away(&AuthError::Missing, (None, None)))
    }

    /// Refuses whoever does not get in, whatever they call. The token says of itself who issued it,
    /// and with which key.
    fn turn_away(
        &self,
        refusal: &AuthError,
        (issuer, key): (Option<String>, Option<String>),
    ) -> GateError {
        let challenge = match refusal {
            AuthError::Missing => self.place.missing.clone(),
            _ => self.place.challenge(refusal, self.basic.clone()),
        };
        log(refusal, issuer.as_deref(), key.as_deref());
        GateError::Unauthorized(refusal.clone(), challenge)
    }

    /// One more request of this caller, under way as long as the turn is held.
    pub(crate) fn turn(
        &self,
        admitted: &Admitted,
    ) -> Result<Option<OwnedSemaphorePermit>, GateError> {
        match admitted {
            Some(claims) if self.limits.of_subjects() => {
                Ok(self.limits.subject(&claims.principal())?)
            }
            _ => Ok(None),
        }
    }

    /// Under which name the caller's grants are kept.
    pub(crate) fn subject(&self, claims: &Claims) -> String {
        if self.brokered { claims.subject().to_owned() } else { claims.principal() }
    }

    /// Checks that the caller's token covers the scopes of the tool. `accumulates`: does the client
    /// ask for exactly the scopes of the challenge, so that it has to repeat those of the token?
    /// Clients before 2026-07-28 do.
    pub(crate) fn check_call(
        &self,
        caller: Option<&Claims>,
        (tool, demand): (&str, &Demand),
        accumulates: impl FnOnce() -> bool,
    ) -> Result<(), GateError> {
        let Err(error) = demand.check(caller) else { return Ok(()) };
        audit::log(tool, demand, caller, CallOutcome::Refused(error.code()));
        let withheld = caller.filter(|_| self.brokered);
        if let Some(text) = withheld.and_then(|claims| demand.withheld(claims)) {
            return Err(GateError::InResult { text, challenge: None });
        }
        log(&error, caller.map(Claims::issuer), None);
        let accumulates = accumulates();
        let scopes = || {
            let mut scopes: Vec<String> = demand.scopes().map(str::to_owned).collect();
            if accumulates && let Some(claims) = caller {
                let others = claims.granted().iter().filter(|scope| !scopes.contains(scope));
                scopes.extend(others.cloned().collect::<Vec<_>>());
            }
            scopes
        };
        if !self.gate.in_results {
            let make = || self.place.challenge(&error, scopes());
            let challenge = match error {
                // The same for all callers whose token lacks a scope.
                AuthError::InsufficientScope { .. } if !accumulates => {
                    demand.challenge.get_or_init(make).clone()
                }
                _ => make(),
            };
            return Err(GateError::Unauthorized(error, challenge));
        }
        let metadata = &self.place.metadata;
        let mut challenge = Challenge { refusal: &error, metadata, scopes: scopes() }.text();
        if error.error().is_none() {
            // Hosts that read challenges from results expect both members.
            challenge.push_str(
                ",error=\"invalid_token\",error_description=\"an access token is needed\"",
            );
        }
        Err(GateError::InResult { text: format!("Refused: {error}."), challenge: Some(challenge) })
    }

    /// Is the tool listed to this caller?
    pub(crate) fn lists(&self, claims: Option<&Claims>, demand: &Demand) -> bool {
        !self.gate.hides || demand.check(claims).is_ok()
    }

    /// The origins whose pages may send requests, besides the server's own.
    pub(crate) fn allowed_origins(&self) -> &[String] {
        &self.gate.origins
    }

    /// Does the list of tools depend on who asks?
    pub(crate) fn hides(&self) -> bool {
        self.gate.hides
    }

    /// When the token of this caller ends: a stream goes on no longer.
    pub(crate) fn end_of(&self, admitted: &Admitted) -> Option<Duration> {
        let end = admitted.as_ref()?.expiration()?;
        Some((end + LEEWAY).duration_since(self.clock.now()).unwrap_or_default())
    }

    /// The protected resource metadata (RFC 9728), if it is found at this path.
    pub(crate) fn metadata(&self, path: &str) -> Option<Bytes> {
        let here = path == crate::gate::ROOT || path == self.place.path;
        here.then(|| self.place.document.clone())
    }
}

/// Is it an origin, as browsers send it?
fn check_origin(origin: &str) -> Result<(), String> {
    let url = Url::parse(origin).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    match url.map(|url| url.origin().ascii_serialization()) {
        Some(sent) if sent == origin => Ok(()),
        Some(sent) => Err(format!("`{origin}` is not what browsers send: write `{sent}`")),
        None => Err(format!(
            "`{origin}` is no origin: name each one whose pages may call, like `https://app.example`"
        )),
    }
}

/// The log says which check it was, of whose token: neither the token nor the whole of any claim.
fn log(refusal: &AuthError, issuer: Option<&str>, key: Option<&str>) {
    let code = refusal.code();
    match refusal {
        AuthError::Missing => tracing::debug!(target: "toolgate::gate", code, "{refusal}"),
        AuthError::Unavailable { .. } => {
            tracing::error!(target: "toolgate::gate", code, issuer, key, "{refusal}");
        }
        _ => tracing::info!(target: "toolgate::gate", code, issuer, key, "{refusal}"),
    }
}

/// How far two clocks may differ.
const LEEWAY: Duration = Duration::from_secs(30);

pub(crate) fn principal(admitted: &Admitted) -> String {
    admitted.as_ref().map(Claims::principal).unwrap_or_default()
}
