//! Tokens that a server must refuse, and the one that it must accept.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::{Method, header::AUTHORIZATION};
use serde_json::{Value, json};

use super::{
    examination::{Examination, Issuer},
    finding::Rule,
    resource::{Resource, texts},
    rules::access,
};
use crate::remote::{
    challenge::bearer,
    http::{Answer, Read},
    mcp::{self, message_headers},
    well_known::is_loopback,
};

/// A subject that does not exist.
const SUBJECT: &str = "toolgate-check";

/// Sends forged tokens. None of them has a valid signature.
pub(super) async fn refused(
    exam: &mut Examination,
    resource: Option<&Resource>,
    issuers: &[Issuer],
) {
    let endpoint = exam.options.endpoint.to_string();
    let audience = resource.map_or(endpoint, |resource| resource.identifier.clone());
    let issuer = issuers.first();
    let claims =
        claims(issuer.map_or("https://issuer.invalid", |issuer| &issuer.identifier), &audience);
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        claims
    };
    let now = now();
    let header = json!({
        "alg": "ES256",
        "typ": "at+jwt",
        "kid": issuer.and_then(|issuer| issuer.key_id.clone()).unwrap_or_else(|| "key".to_owned()),
    });
    let unsigned = json!({ "alg": "none", "typ": "at+jwt" });
    let expired = with("exp", (now - 3600).into());
    let foreign = with("iss", "https://toolgate-check.invalid".into());
    let other = with("aud", "https://toolgate-check.invalid/mcp".into());
    let cases: [(&'static Rule, String); 6] = [
        (&access::TOKEN_GARBAGE, "toolgate-check-no-token".to_owned()),
        (&access::TOKEN_UNSIGNED, format!("{}.{}.", part(&unsigned), part(&claims))),
        (&access::TOKEN_SIGNATURE, forged(&header, &claims)),
        (&access::TOKEN_EXPIRED, forged(&header, &expired)),
        (&access::TOKEN_ISSUER, forged(&header, &foreign)),
        (&access::TOKEN_AUDIENCE, forged(&header, &other)),
    ];
    let (mut statuses, mut silent) = (Vec::new(), Vec::new());
    for (rule, token) in cases {
        let name = rule.id.trim_start_matches("token.");
        let Some(answer) = shown(exam, &token).await else {
            exam.report.skipped(rule, "no answer");
            continue;
        };
        if answer.is_success() {
            exam.report.violated(rule, format!("accepted with {}", answer.status));
            continue;
        }
        exam.report.ok(rule, answer.status.to_string());
        if answer.status != 401 {
            statuses.push(format!("{name}: {}", answer.summary()));
        } else if bearer(&answer.headers).is_some_and(|found| found.get("error").is_none()) {
            silent.push(name.to_owned());
        }
    }
    let seen = if statuses.is_empty() { Ok("401".to_owned()) } else { Err(statuses.join("; ")) };
    exam.report.judge(&access::TOKEN_STATUS, seen);
    let seen = if silent.is_empty() {
        Ok("it is there".to_owned())
    } else {
        Err(format!("no `error`: {}", silent.join(", ")))
    };
    exam.report.judge(&access::TOKEN_ERROR, seen);
}

/// Sends the token that the user has given. Returns whether it opens the server.
pub(super) async fn accepted(exam: &mut Examination, resource: Option<&Resource>) -> bool {
    let Some(token) = exam.options.token.clone() else {
        let why = if exam.withholds_token {
            "the endpoint redirects to another server, to which the token is not sent"
        } else {
            "no token was given"
        };
        exam.report.skipped(&access::TOKEN_ACCEPTED, why);
        return false;
    };
    let Some(answer) = shown(exam, &token).await else {
        exam.report.violated(&access::TOKEN_ACCEPTED, "no answer");
        return false;
    };
    if matches!(answer.status, 401 | 403) {
        let challenge = bearer(&answer.headers);
        let error = challenge
            .as_ref()
            .and_then(|found| found.get("error_description").or_else(|| found.get("error")));
        let seen = error.map_or_else(
            || answer.status.to_string(),
            |error| format!("{}: {error}", answer.status),
        );
        exam.report.violated(&access::TOKEN_ACCEPTED, seen);
        return false;
    }
    exam.report.ok(&access::TOKEN_ACCEPTED, answer.status.to_string());
    bound(exam, &token, resource);
    query(exam, &token).await;
    true
}

fn bound(exam: &mut Examination, token: &str, resource: Option<&Resource>) {
    let claims = token.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let claims = claims.and_then(|claims| serde_json::from_slice::<Value>(&claims).ok());
    let Some(claims) = claims.filter(|_| token.split('.').count() == 3) else {
        return exam.report.skipped(&access::TOKEN_AUDIENCE_BOUND, "the token is opaque");
    };
    let audiences = match &claims["aud"] {
        Value::String(one) => vec![one.clone()],
        list => texts(list),
    };
    let endpoint = exam.options.endpoint.as_str();
    let named = resource.map_or(endpoint, |resource| &resource.identifier);
    let is_this = |audience: &String| {
        let audience = audience.trim_end_matches('/');
        [endpoint, named].iter().any(|one| one.trim_end_matches('/') == audience)
    };
    let is_bound = audiences.iter().any(is_this);
    let seen = if audiences.is_empty() { "no `aud`".to_owned() } else { audiences.join(", ") };
    exam.report.judge(&access::TOKEN_AUDIENCE_BOUND, if is_bound { Ok(seen) } else { Err(seen) });
}

async fn query(exam: &mut Examination, token: &str) {
    if !is_loopback(&exam.endpoint) {
        // The token is good, and a reader of a proxy's log could use it (RFC 6750 §5.3).
        let why = "URLs are in the logs of what is on the way: tried on this machine alone";
        return exam.report.skipped(&access::TOKEN_QUERY, why);
    }
    let mut url = exam.endpoint.clone();
    url.query_pairs_mut().append_pair("access_token", token);
    let message = mcp::initialize(mcp::LEGACY, &json!({}));
    let request = message_headers(exam.http.request(Method::POST, &url)).body(message.to_string());
    match exam.http.send(request, Read::Headers).await {
        Ok(answer) if answer.is_success() => {
            exam.report.violated(&access::TOKEN_QUERY, format!("accepted with {}", answer.status));
        }
        Ok(answer) => exam.report.ok(&access::TOKEN_QUERY, answer.status.to_string()),
        Err(failure) => exam.report.skipped(&access::TOKEN_QUERY, failure.to_string()),
    }
}

/// The answer to `initialize` with this token.
async fn shown(exam: &Examination, token: &str) -> Option<Answer> {
    let message = mcp::initialize(mcp::LEGACY, &json!({}));
    let request = message_headers(exam.http.request(Method::POST, &exam.endpoint));
    let request =
        request.header(AUTHORIZATION, format!("Bearer {token}")).body(message.to_string());
    exam.http.send(request, Read::Message).await.ok()
}

/// Claims that a server would accept, if they were signed.
fn claims(issuer: &str, audience: &str) -> Value {
    let now = now();
    json!({
        "iss": issuer,
        "aud": audience,
        "sub": SUBJECT,
        "client_id": SUBJECT,
        "scope": "",
        "jti": "toolgate-check",
        "iat": now - 60,
        "exp": now + 300,
    })
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A JWT whose signature has the right length, but was made with no key.
fn forged(header: &Value, claims: &Value) -> String {
    format!("{}.{}.{}", part(header), part(claims), URL_SAFE_NO_PAD.encode([0x5a; 64]))
}
