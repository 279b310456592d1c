//! Dynamic client registration (RFC 7591), tried only where the user has asked for it, because it
//! leaves clients behind.

use reqwest::{Method, header::CONTENT_TYPE};
use serde_json::{Value, json};
use url::Url;

use super::{
    authorize::{FOREIGN, asked, leads_to},
    examination::Examination,
    resource::texts,
    rules::issuer,
};
use crate::remote::http::{Answer, Failure, Read};

/// The redirect URI of the client that is registered.
pub(super) const OWN: &str = "http://127.0.0.1:33418/callback";

/// The redirect URIs of hosts.
const OF_HOSTS: [(&str, &str); 7] = [
    ("Claude", "https://claude.ai/api/mcp/auth_callback"),
    ("ChatGPT", "https://chatgpt.com/connector_platform_oauth_redirect"),
    ("Claude Code", "http://localhost:3118/callback"),
    ("Codex", "http://127.0.0.1:1455/callback"),
    ("Cursor", "cursor://anysphere.cursor-mcp/oauth/callback"),
    ("VS Code", "http://127.0.0.1:33418/"),
    ("VS Code", "https://vscode.dev/redirect"),
];

/// Redirect URIs that no authorization server should accept.
const DANGEROUS: [&str; 3] =
    ["javascript:alert(1)", "data:text/html,x", "http://toolgate-check.invalid/callback"];

pub(super) async fn examine(exam: &mut Examination, metadata: &Value) {
    let endpoint = metadata["registration_endpoint"].as_str();
    let Some(endpoint) = endpoint.and_then(|url| Url::parse(url).ok()) else { return };
    if !exam.options.register {
        return exam.report.skipped(&issuer::REGISTERED, "tried with --register alone");
    }
    let Some(client) = registered(exam, &endpoint).await else { return };
    redirects(exam, metadata, client["client_id"].as_str().unwrap_or_default()).await;
    of_hosts(exam, &endpoint).await;
    dangerous(exam, &endpoint).await;
    forget(exam, &client, &endpoint).await;
}

pub(super) async fn register(
    exam: &Examination,
    endpoint: &Url,
    redirect_uris: &[&str],
) -> Result<Answer, Failure> {
    let document = json!({
        "client_name": "cargo toolgate check",
        "redirect_uris": redirect_uris,
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "application_type": "native",
    });
    let request = exam.http.request(Method::POST, endpoint);
    let request = request.header(CONTENT_TYPE, "application/json").body(document.to_string());
    exam.http.send(request, Read::Message).await
}

/// The client of this command.
async fn registered(exam: &mut Examination, endpoint: &Url) -> Option<Value> {
    let answer = match register(exam, endpoint, &[OWN]).await {
        Ok(answer) if answer.status == 429 => {
            exam.report.skipped(&issuer::REGISTERED, "429: it wants to be asked later");
            return None;
        }
        Ok(answer) => answer,
        Err(failure) => {
            exam.report.violated(&issuer::REGISTERED, failure.to_string());
            return None;
        }
    };
    let client =
        answer.json().filter(|client| answer.is_success() && client["client_id"].is_string());
    let Some(client) = client else {
        // The body is not printed: a successful answer may contain a secret.
        let seen = if answer.is_success() { "no client_id".to_owned() } else { answer.summary() };
        exam.report.violated(&issuer::REGISTERED, seen);
        return None;
    };
    exam.report.ok(&issuer::REGISTERED, "a client was registered");
    let status = answer.status.to_string();
    exam.report.judge(
        &issuer::REGISTERED_STATUS,
        if answer.status == 201 { Ok(status) } else { Err(status) },
    );
    Some(client)
}

/// How the authorization endpoint treats redirect URIs of the client.
async fn redirects(exam: &mut Examination, metadata: &Value, client: &str) {
    let others = [FOREIGN, "http://127.0.0.1:33418/other"];
    let mut seen = Ok("none".to_owned());
    for other in others {
        let visit = asked(exam, metadata, client, other).await;
        let target = visit.and_then(|visit| visit.redirected_to);
        if target.is_some_and(|target| leads_to(&target, other)) {
            seen = Err(format!("to {other}"));
        }
    }
    exam.report.judge(&issuer::EXACT_REDIRECT, seen);
    let other_port = "http://127.0.0.1:33419/callback";
    let (own, moved) =
        (asked(exam, metadata, client, OWN).await, asked(exam, metadata, client, other_port).await);
    let (Some(own), Some(moved)) = (own, moved) else {
        return exam.report.skipped(&issuer::LOOPBACK_PORT, "it does not answer");
    };
    if own.status >= 400 {
        return exam
            .report
            .skipped(&issuer::LOOPBACK_PORT, format!("{} to its own port", own.status));
    }
    let seen = moved.status.to_string();
    exam.report
        .judge(&issuer::LOOPBACK_PORT, if moved.status < 400 { Ok(seen) } else { Err(seen) });
}

/// Registers all at once, or one by one if that is refused.
async fn of_hosts(exam: &mut Examination, endpoint: &Url) {
    let all: Vec<_> = OF_HOSTS.iter().map(|(_, uri)| *uri).collect();
    if is_registered(register(exam, endpoint, &all).await, &all) == Some(true) {
        return exam.report.ok(&issuer::REDIRECT_URIS, "of six hosts");
    }
    let mut refused = Vec::new();
    for (host, uri) in OF_HOSTS {
        match is_registered(register(exam, endpoint, &[uri]).await, &[uri]) {
            Some(true) => {}
            Some(false) => refused.push(format!("{host}: {uri}")),
            None => {
                return exam.report.skipped(&issuer::REDIRECT_URIS, "it wants to be asked later");
            }
        }
    }
    let seen =
        if refused.is_empty() { Ok("of six hosts".to_owned()) } else { Err(refused.join(", ")) };
    exam.report.judge(&issuer::REDIRECT_URIS, seen);
}

async fn dangerous(exam: &mut Examination, endpoint: &Url) {
    let mut accepted = Vec::new();
    for uri in DANGEROUS {
        match is_registered(register(exam, endpoint, &[uri]).await, &[uri]) {
            Some(true) => accepted.push(uri),
            Some(false) => {}
            None => {
                return exam.report.skipped(&issuer::DANGEROUS_URIS, "it wants to be asked later");
            }
        }
    }
    let seen =
        if accepted.is_empty() { Ok("refused".to_owned()) } else { Err(accepted.join(", ")) };
    exam.report.judge(&issuer::DANGEROUS_URIS, seen);
}

/// Whether all of the redirect URIs are registered; `None` if that was not decided.
fn is_registered(answer: Result<Answer, Failure>, uris: &[&str]) -> Option<bool> {
    let answer = answer.ok().filter(|answer| answer.status != 429 && answer.status < 500)?;
    if !answer.is_success() {
        return Some(false);
    }
    let document = answer.json().unwrap_or_default();
    // A server that does not return them has accepted them as they are.
    if !document["redirect_uris"].is_array() {
        return Some(document["client_id"].is_string());
    }
    let registered = texts(&document["redirect_uris"]);
    Some(uris.iter().all(|uri| registered.iter().any(|registered| registered == uri)))
}

/// Removes the client (RFC 7592 §2.3), where the authorization server says how.
pub(super) async fn forget(exam: &Examination, client: &Value, endpoint: &Url) {
    let place = client["registration_client_uri"].as_str().and_then(|url| Url::parse(url).ok());
    let token = client["registration_access_token"].as_str();
    let (Some(place), Some(token)) = (place, token) else { return };
    if place.origin() == endpoint.origin() {
        let request = exam.http.request(Method::DELETE, &place).bearer_auth(token);
        let _ = exam.http.send(request, Read::Headers).await;
    }
}
