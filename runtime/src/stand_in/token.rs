//! Token endpoint of a stand-in (RFC 6749 §3.2).

use std::collections::BTreeSet;

use axum::{body::Body, response::Response};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures::stream;
use http::{HeaderValue, header};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{
    engine::{CLIENT_ID, CLIENT_SECRET, Engine, Incoming, Pairs, reply},
    template::{self, Values},
    world::Issued,
};
use crate::{
    provider::profile::{ClientProof, Profile, Reply, RequestBody},
    support::crypto::{constant_time_eq, sha256_base64url},
};

/// Scopes of `OpenID` Connect, which providers know besides their own.
pub(super) const OPENID_SCOPES: [&str; 5] = ["openid", "profile", "email", "address", "phone"];

/// How the client of a request proves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    Basic,
    Body,
}

/// Answers a request for tokens.
pub(super) fn answer(
    engine: &Engine,
    request: &Incoming,
    takes_codes: bool,
    refreshes: bool,
) -> Response {
    let profile = engine.profile;
    let form = request.members();
    let get = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let fits = match profile.body {
        RequestBody::Form => !request.is_json(),
        RequestBody::Json => request.is_json(),
        RequestBody::Either => true,
    };
    if !fits {
        return refuse(profile, request, &Reply::new(400, r#"{"error":"invalid_request"}"#));
    }
    let is_client = match proof(request, &form) {
        Some(Proof::Basic) => profile.proof != ClientProof::Body,
        Some(Proof::Body) => profile.proof != ClientProof::Basic,
        None => false,
    };
    if !is_client {
        return refuse(profile, request, &profile.bad_client);
    }
    match get("grant_type") {
        "refresh_token" if refreshes => refresh(engine, request, &form),
        // GitHub does not ask for it.
        "authorization_code" | "" if takes_codes => {
            let verified = |challenge: &str| sha256_base64url(get("code_verifier")) == challenge;
            let exchanged =
                engine.world().exchange(profile, get("code"), get("redirect_uri"), verified);
            match exchanged {
                Ok(issued) => success(engine, request, profile.granted, &issued),
                Err(_) => refuse(profile, request, &profile.bad_code),
            }
        }
        _ => refuse(profile, request, &Reply::new(400, r#"{"error":"unsupported_grant_type"}"#)),
    }
}

fn refresh(engine: &Engine, request: &Incoming, form: &Pairs) -> Response {
    let profile = engine.profile;
    if profile.refresh_params.iter().any(|name| !form.contains_key(*name)) {
        return refuse(profile, request, &Reply::new(400, r#"{"error":"invalid_request"}"#));
    }
    let token = form.get("refresh_token").map(String::as_str).unwrap_or_default();
    if engine.faults.takes_race() {
        // The answer to the other process, which was first.
        drop(engine.world().refresh(profile, token));
    }
    let refreshed = engine.world().refresh(profile, token);
    let template = if profile.refreshed.is_empty() { profile.granted } else { profile.refreshed };
    match refreshed {
        Ok(issued) => success(engine, request, template, &issued),
        Err(_) => refuse(profile, request, &profile.bad_refresh),
    }
}

fn success(
    engine: &Engine,
    request: &Incoming,
    template: &'static str,
    issued: &Issued,
) -> Response {
    if engine.faults.takes_lost_answer() {
        // A body that fails makes the server close the connection.
        let error = std::io::Error::other("the answer is lost");
        return Response::new(Body::from_stream(stream::iter([Err::<&[u8], _>(error)])));
    }
    respond(engine.profile, request, &Reply::new(200, template), &values(engine, issued))
}

fn refuse(profile: &Profile, request: &Incoming, refusal: &Reply) -> Response {
    respond(profile, request, refusal, &Values::new())
}

fn respond(profile: &Profile, request: &Incoming, answer: &Reply, values: &Values) -> Response {
    let accepts_json = request.header(header::ACCEPT).contains("application/json");
    if !profile.form_by_default || accepts_json {
        return reply(answer, &[("cache-control", "no-store")], values);
    }
    let mut response = reply(answer, &[], values);
    let filled = serde_json::from_str(answer.body).ok();
    let filled = filled.and_then(|body| template::fill_in_value(body, values));
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in filled.as_ref().and_then(Value::as_object).into_iter().flatten() {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        form.append_pair(name, &text);
    }
    *response.body_mut() = form.finish().into();
    let form = HeaderValue::from_static("application/x-www-form-urlencoded; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, form);
    response
}

/// The values of an answer with tokens.
fn values(engine: &Engine, issued: &Issued) -> Values {
    let profile = engine.profile;
    let scopes = if profile.without_scopes {
        Vec::new()
    } else {
        granted_names(engine, &issued.grant.scopes)
    };
    let mut values = Values::from([
        ("access", json!(issued.access)),
        ("scope", json!(scopes.join(profile.granted_separator))),
        ("scopes", json!(scopes)),
    ]);
    values.extend(issued.refresh.as_ref().map(|token| ("refresh", json!(token))));
    values.extend(profile.access_ttl.map(|ttl| ("expires_in", json!(ttl))));
    values.extend(person(&issued.grant.account));
    values
}

/// What identifies a person.
pub(super) fn person(account: &str) -> Values {
    let number = account
        .bytes()
        .fold(583_231_u64, |number, byte| (number.wrapping_mul(31) + u64::from(byte)) % 90_000_000);
    Values::from([
        ("account", json!(account)),
        ("email", json!(format!("{account}@example.com"))),
        ("number", json!(number + 10_000_000)),
    ])
}

/// The granted scopes, as the provider's answers name them.
pub(super) fn granted_names(engine: &Engine, scopes: &BTreeSet<String>) -> Vec<String> {
    let profile = engine.profile;
    let is_implied = |name: &str| {
        engine
            .catalogue
            .iter()
            .filter(|other| scopes.contains(other.name))
            .any(|other| other.implies.iter().any(|&at| engine.catalogue[at].name == name))
    };
    let shown = scopes.iter().filter(|name| !profile.normalizes_scopes || !is_implied(name));
    let rename = |name: &String| {
        let other = profile.granted_names.iter().find(|(own, _)| own == name);
        match other {
            Some((_, other)) => (*other).to_owned(),
            None if OPENID_SCOPES.contains(&name.as_str()) => name.clone(),
            None => format!("{}{name}", profile.scope_prefix),
        }
    };
    shown.map(rename).collect()
}

/// How the client of a request proves itself; `None` if it does not.
pub(super) fn proof(request: &Incoming, form: &Pairs) -> Option<Proof> {
    let decode = |text: &str| {
        let pairs = format!("x={text}");
        form_urlencoded::parse(pairs.as_bytes()).next().map(|(_, value)| value.into_owned())
    };
    let basic = || {
        let encoded = request.header(header::AUTHORIZATION).strip_prefix("Basic ")?;
        let pair = String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?;
        let (id, secret) = pair.split_once(':')?;
        is_client(&decode(id)?, &decode(secret)?).then_some(Proof::Basic)
    };
    let body = || {
        let is_client = is_client(form.get("client_id")?, form.get("client_secret")?);
        is_client.then_some(Proof::Body)
    };
    basic().or_else(body)
}

fn is_client(id: &str, secret: &str) -> bool {
    id == CLIENT_ID && constant_time_eq(secret, CLIENT_SECRET)
}
