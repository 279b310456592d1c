//! Resource of an authorization code (RFC 8707 §2.2): a code for this server must not be redeemed for
//! another.
//!
//! The check needs a sign-in, so it runs only where people need no password: at a server in
//! development.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};
use url::Url;

use super::{
    examination::Examination,
    registration::{OWN, forget, register},
    resource::texts,
    rules::issuer,
};
use crate::remote::{
    headless::{End, Headless},
    http::{Answer, Read},
    mcp, pkce,
    text::quoted,
    well_known::is_loopback,
};

/// A resource that does not exist (RFC 6761 §6.4).
const OTHER: &str = "https://toolgate-check.invalid/mcp";

pub(super) async fn examine(exam: &mut Examination, metadata: &Value, resource: &str) {
    let Some(person) = exam.options.person.clone() else {
        return exam.report.skipped(&issuer::CODE_RESOURCE, "tried with --as alone");
    };
    match redeemed(exam, metadata, resource, &person).await {
        Ok(answer) => {
            let seen = judged(exam, &answer).await;
            exam.report.judge(&issuer::CODE_RESOURCE, seen);
        }
        Err(reason) => exam.report.skipped(&issuer::CODE_RESOURCE, reason),
    }
}

/// What the token endpoint answers to a code for `resource` and to the name of another one.
async fn redeemed(
    exam: &Examination,
    metadata: &Value,
    resource: &str,
    person: &str,
) -> Result<Answer, String> {
    let endpoint = |name: &str| {
        let url = metadata[name].as_str().and_then(|url| Url::parse(url).ok());
        let url = url.ok_or_else(|| format!("there is no {name}"))?;
        // At any other server, the check would leave a registered client behind.
        if is_loopback(&url) { Ok(url) } else { Err(format!("{name} is not on this machine")) }
    };
    let (mut link, redeem) = (endpoint("authorization_endpoint")?, endpoint("token_endpoint")?);
    let registration = endpoint("registration_endpoint")?;
    let client = register(exam, &registration, &[OWN]).await.map_err(|error| error.to_string())?;
    let client = client.json().filter(|_| client.is_success()).unwrap_or_default();
    let id = client["client_id"].as_str().ok_or("no client is registered")?;
    let random = || pkce::random().map_err(|error| error.to_string());
    let (verifier, state) = (random()?, random()?);
    link.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", id)
        .append_pair("redirect_uri", OWN)
        .append_pair("state", &state)
        .append_pair("code_challenge", &pkce::challenge(&verifier))
        .append_pair("code_challenge_method", "S256")
        .append_pair("resource", resource);
    let code = code(exam, &link, person, &state).await;
    let answer = match &code {
        Ok(code) => {
            let form = [
                ("grant_type", "authorization_code"),
                ("code", code),
                ("redirect_uri", OWN),
                ("client_id", id),
                ("code_verifier", &verifier),
                ("resource", OTHER),
            ];
            let request = exam.http.request(Method::POST, &redeem).form(&form);
            exam.http.send(request, Read::Message).await.map_err(|failure| failure.to_string())
        }
        Err(reason) => Err(reason.clone()),
    };
    forget(exam, &client, &registration).await;
    answer
}

/// The code of a sign-in without a window.
async fn code(exam: &Examination, link: &Url, person: &str, state: &str) -> Result<String, String> {
    let own = Url::parse(OWN).map_err(|error| error.to_string())?;
    let browser = Headless::new(person, false, exam.http.timeout());
    let mut browser = browser.map_err(|error| error.to_string())?;
    let end = browser.walk(link, Some(&own)).await.map_err(|error| format!("{error:#}"))?;
    let End::Client(answer) = end else { return Err("the sign-in needs a person".to_owned()) };
    let get = |name: &str| {
        let mut pairs = answer.query_pairs();
        pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
    };
    let code = get("code").filter(|_| get("state").as_deref() == Some(state));
    code.ok_or_else(|| format!("the sign-in ends in {}", quoted(&get("error").unwrap_or_default())))
}

/// Whether the answer is a refusal, or a token for this server all the same.
async fn judged(exam: &Examination, answer: &Answer) -> Result<String, String> {
    let body = answer.json().unwrap_or_default();
    let Some(token) = body["access_token"].as_str().filter(|_| answer.is_success()) else {
        let error = body["error"].as_str().map(quoted).unwrap_or_default();
        return Ok(format!("{} {error}", answer.status).trim().to_owned());
    };
    if let Some(audiences) = audiences(token) {
        let is_for_other = audiences.iter().any(|audience| audience == OTHER);
        let seen = format!("a token for {}", audiences.join(", "));
        return if is_for_other { Err(seen) } else { Ok(seen) };
    }
    // An opaque token is for the server that it opens.
    let message = mcp::initialize(mcp::LEGACY, &json!({}));
    let opened = exam.remote(Some(token.to_owned())).send(&message).await;
    if opened.is_ok_and(|answer| answer.is_success()) {
        Ok("a token for this server".to_owned())
    } else {
        Err("an opaque token, which does not open this server".to_owned())
    }
}

/// The audiences of a JWT.
fn audiences(token: &str) -> Option<Vec<String>> {
    let [_, claims, _] = token.split('.').collect::<Vec<_>>().try_into().ok()?;
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    Some(match &claims["aud"] {
        Value::String(one) => vec![one.clone()],
        list => texts(list),
    })
}
