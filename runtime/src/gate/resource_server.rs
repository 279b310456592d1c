//! Who passes the gate, before anything of a message is read, and for which of its calls.
#![allow(clippy::result_large_err, reason = "the error is the answer, made once")]

use std::{collections::BTreeSet, net::IpAddr, sync::Arc, time::Duration};

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts};
use serde_json::{Value, json};
use tokio::sync::OwnedSemaphorePermit;
use tower_http::cors::CorsLayer;
use url::Url;

use super::{
    audit,
    audit::CallOutcome,
    limits::{Limits, TooMuch},
    required_scopes::Demand,
    resource_metadata::Place,
};
use crate::http::{
    endpoint::rpc_error,
    fast_path::{envelope::Envelope, params::REVISION},
    headers as head,
};
use crate::{
    gate::{AuthError, Challenge, Claims, Credentials, Gate, Memory, Presented, Verifier, said_by},
    grant::Clock,
    provider::is_loopback,
};

/// The caller of a request, as it goes on beside it.
pub(crate) type Admitted = Option<Claims>;

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
    ) -> Result<(), Response> {
        let place = &self.place;
        let refuse = |message| Err(rpc_error(StatusCode::FORBIDDEN, -32600, message));
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
    ) -> Result<Admitted, Response> {
        self.limits.address(address).map_err(|fault| too_much(&fault))?;
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
    ) -> Result<(), Response> {
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
    ) -> Response {
        let challenge = match refusal {
            AuthError::Missing => self.place.missing.clone(),
            _ => self.place.challenge(refusal, self.basic.clone()),
        };
        log(refusal, issuer.as_deref(), key.as_deref());
        refuse(refusal, challenge)
    }

    /// One more request of this caller, under way as long as the turn is held.
    pub(crate) fn turn(
        &self,
        admitted: &Admitted,
    ) -> Result<Option<OwnedSemaphorePermit>, Response> {
        match admitted {
            Some(claims) if self.limits.of_subjects() => {
                self.limits.subject(&claims.principal()).map_err(|fault| too_much(&fault))
            }
            _ => Ok(None),
        }
    }

    /// Under which name the caller's grants are kept.
    pub(crate) fn subject(&self, claims: &Claims) -> String {
        if self.brokered { claims.subject().to_owned() } else { claims.principal() }
    }

    /// May the caller call a tool with this demand? The answer that refuses it, if not.
    pub(crate) fn check_call(
        &self,
        admitted: &Admitted,
        (tool, demand): (&str, &Demand),
        headers: &HeaderMap,
        envelope: &Envelope<'_>,
    ) -> Result<(), Response> {
        let Err(refusal) = demand.check(admitted.as_ref()) else { return Ok(()) };
        audit::log(tool, demand, admitted.as_ref(), CallOutcome::Refused(refusal.code()));
        let withheld = admitted.as_ref().filter(|_| self.brokered);
        if let Some(text) = withheld.and_then(|claims| demand.withheld(claims)) {
            return Err(result(envelope.id(), &text, json!({})));
        }
        log(&refusal, admitted.as_ref().map(Claims::issuer), None);
        let modern = is_modern(headers);
        let scopes = || {
            let mut scopes: Vec<String> = demand.scopes().map(str::to_owned).collect();
            if !modern && let Some(claims) = admitted {
                // Clients of that era ask for what the challenge says, and nothing else.
                let others = claims.granted().iter().filter(|scope| !scopes.contains(scope));
                scopes.extend(others.cloned().collect::<Vec<_>>());
            }
            scopes
        };
        if !self.gate.in_results {
            let make = || self.place.challenge(&refusal, scopes());
            let challenge = match refusal {
                // The same for everybody whose token lacks something.
                AuthError::InsufficientScope { .. } if modern => {
                    demand.challenge.get_or_init(make).clone()
                }
                _ => make(),
            };
            return Err(refuse(&refusal, challenge));
        }
        let mut challenge =
            Challenge { refusal: &refusal, metadata: &self.place.metadata, scopes: scopes() }
                .text();
        if refusal.error().is_none() {
            // Such hosts want to see both.
            challenge.push_str(
                ",error=\"invalid_token\",error_description=\"an access token is needed\"",
            );
        }
        let meta = json!({ "mcp/www_authenticate": [challenge] });
        Err(result(envelope.id(), &format!("Refused: {refusal}."), meta))
    }

    /// Is the tool listed to this caller?
    pub(crate) fn lists(&self, claims: Option<&Claims>, demand: &Demand) -> bool {
        !self.gate.hides || demand.check(claims).is_ok()
    }

    /// What pages of other origins may do: nothing, unless the operator named them.
    pub(crate) fn cors(&self) -> Option<CorsLayer> {
        let origins = self.gate.origins.iter().map(|origin| HeaderValue::from_str(origin));
        let origins: Vec<_> = origins.filter_map(Result::ok).collect();
        let last_event = HeaderName::from_static("last-event-id");
        let ours = [&head::VERSION, &head::METHOD, &head::NAME, &head::SESSION, &head::DPOP];
        let sent = ours.into_iter().cloned().chain([last_event]);
        let ordinary = [header::AUTHORIZATION, header::CONTENT_TYPE, header::ACCEPT];
        (!origins.is_empty()).then(|| {
            CorsLayer::new()
                .allow_origin(origins)
                .allow_methods([Method::GET, Method::POST, Method::DELETE])
                .allow_headers(sent.chain(ordinary).collect::<Vec<_>>())
                .expose_headers([
                    head::SESSION.clone(),
                    HeaderName::from_static("dpop-nonce"),
                    header::WWW_AUTHENTICATE,
                ])
        })
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

    /// The document of RFC 9728, at its path.
    pub(crate) fn metadata(&self, path: &str) -> Response {
        if path != crate::gate::ROOT && path != self.place.path {
            return StatusCode::NOT_FOUND.into_response();
        }
        let headers = [
            // Clients in a page read it before they have anything to show.
            (header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*")),
            (header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
        ];
        (headers, self.place.document.clone()).into_response()
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

/// A refusal as the result of the call, which the model reads.
fn result(id: Value, text: &str, meta: Value) -> Response {
    let answer = json!({
        "jsonrpc": "2.0",
        "id": id,
        "result": {
            "resultType": "complete",
            "content": [{ "type": "text", "text": text }],
            "isError": true,
            "_meta": meta,
        },
    });
    Json(answer).into_response()
}

fn refuse(refusal: &AuthError, challenge: HeaderValue) -> Response {
    let mut response = rpc_error(refusal.status(), -32600, &refusal.to_string());
    let headers = response.headers_mut();
    match refusal {
        AuthError::Unavailable { retry_after } => {
            let seconds = retry_after.as_secs().max(1);
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        _ => {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
    }
    if let AuthError::Nonce { nonce } = refusal
        && let Ok(nonce) = HeaderValue::try_from(nonce)
    {
        headers.insert("dpop-nonce", nonce);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
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

fn too_much(fault: &TooMuch) -> Response {
    let part = u64::from(fault.retry_after.subsec_nanos() > 0);
    let seconds = (fault.retry_after.as_secs() + part).max(1);
    let message = format!("too many requests: try again in {seconds} s");
    let mut response = rpc_error(StatusCode::TOO_MANY_REQUESTS, -32600, &message);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    tracing::info!(target: "toolgate::gate", code = "too_much", "a request was refused");
    response
}

pub(crate) fn principal(admitted: &Admitted) -> String {
    admitted.as_ref().map(Claims::principal).unwrap_or_default()
}

fn is_modern(headers: &HeaderMap) -> bool {
    let version = headers.get(&head::VERSION).and_then(|version| version.to_str().ok());
    version.is_some_and(|version| version >= REVISION)
}
