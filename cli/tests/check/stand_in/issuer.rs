//! Authorization server of the stand-in.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Form, Json,
    extract::{Query, State},
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Redirect, Response},
};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use url::Url;

use super::{Callers, Shared, fault::Fault, reply};

pub(super) async fn metadata(State(state): State<Shared>) -> Response {
    if state.has(Fault::NoIssuerMetadata) || state.kind.callers == Callers::Anyone {
        return StatusCode::NOT_FOUND.into_response();
    }
    let base = &state.issuer;
    let mut document = json!({
        "issuer": base,
        "authorization_endpoint": format!("{base}/authorize"),
        "token_endpoint": format!("{base}/token"),
        "registration_endpoint": format!("{base}/register"),
        "jwks_uri": format!("{base}/keys"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "authorization_response_iss_parameter_supported": true,
        "scopes_supported": ["notes:read", "offline_access"],
    });
    let changed = match state.kind.fault {
        Some(Fault::ForeignIssuer) => Some(("issuer", json!("https://other.example"))),
        Some(Fault::PlainEndpoint) => {
            Some(("jwks_uri", json!(format!("http://0.0.0.0:{}/keys", port(base)))))
        }
        Some(Fault::NoTokenEndpoint) => Some(("token_endpoint", Value::Null)),
        Some(Fault::NoCode) => Some(("response_types_supported", json!(["token"]))),
        Some(Fault::NoCodeGrant) => {
            Some(("grant_types_supported", json!(["implicit", "refresh_token"])))
        }
        Some(Fault::NoRefresh) => Some(("grant_types_supported", json!(["authorization_code"]))),
        Some(Fault::PlainPkce) => Some(("code_challenge_methods_supported", json!(["plain"]))),
        Some(Fault::NoIss) => Some(("authorization_response_iss_parameter_supported", Value::Null)),
        Some(Fault::NoRegistration) => Some(("registration_endpoint", Value::Null)),
        Some(Fault::SecretsOnly) => {
            Some(("token_endpoint_auth_methods_supported", json!(["client_secret_basic"])))
        }
        _ => None,
    };
    if let Some((member, value)) = changed {
        document[member] = value;
    }
    let mut response = reply(200, &document);
    if state.kind.has_cors && !state.has(Fault::PrivateIssuerMetadata) {
        let everyone = HeaderValue::from_static("*");
        response.headers_mut().insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, everyone);
    }
    response
}

fn port(url: &str) -> u16 {
    Url::parse(url).unwrap().port().unwrap()
}

pub(super) async fn keys(State(state): State<Shared>) -> Response {
    let mut key = json!({ "kty": "EC", "crv": "P-256", "kid": "one", "x": "eA", "y": "eQ" });
    match state.kind.fault {
        Some(Fault::KeysAreMissing) => return StatusCode::NOT_FOUND.into_response(),
        Some(Fault::NoKeys) => return reply(200, &json!({ "keys": [] })),
        Some(Fault::PrivateKeys) => key["d"] = json!("cHJpdmF0ZQ"),
        _ => {}
    }
    reply(200, &json!({ "keys": [key] }))
}

pub(super) async fn authorize(
    State(state): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    let get = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    let redirect = || Redirect::to(&format!("{}?error=invalid_request", get("redirect_uri")));
    let clients = state.clients.lock().unwrap();
    let Some(registered) = clients.get(get("client_id")) else {
        if state.has(Fault::OpenRedirect) {
            return redirect().into_response();
        }
        return (StatusCode::BAD_REQUEST, Html("Unknown client")).into_response();
    };
    if state.has(Fault::AnyRedirect) {
        return redirect().into_response();
    }
    let uri = get("redirect_uri");
    let is_known = registered.iter().any(|known| {
        known == uri || !state.has(Fault::ExactPort) && without_port(known) == without_port(uri)
    });
    if is_known && state.kind.callers == Callers::People {
        drop(clients);
        let mut codes = state.codes.lock().unwrap();
        let code = format!("code-{}", codes.len());
        let page = format!(
            "<form action=\"/oauth/consent\"><input type=\"hidden\" name=\"code\" value=\"{code}\"><button name=\"decision\" value=\"allow\">Allow</button></form>"
        );
        codes.insert(code, query);
        Html(page).into_response()
    } else if is_known {
        Html("<form>Sign in</form>").into_response()
    } else {
        (StatusCode::BAD_REQUEST, Html("Unknown redirect URI")).into_response()
    }
}

/// The URI, with no port if it is one of loopback.
fn without_port(uri: &str) -> Option<String> {
    let mut url = Url::parse(uri).ok()?;
    if matches!(url.host_str(), Some("127.0.0.1" | "localhost")) {
        url.set_port(None).ok()?;
    }
    Some(url.into())
}

/// Sends the browser back to the client.
pub(super) async fn consent(
    State(state): State<Shared>,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    let codes = state.codes.lock().unwrap();
    let request = &codes[&form["code"]];
    let mut url = Url::parse(&request["redirect_uri"]).unwrap();
    url.query_pairs_mut()
        .append_pair("code", &form["code"])
        .append_pair("state", &request["state"])
        .append_pair("iss", &state.issuer);
    Redirect::to(url.as_str()).into_response()
}

pub(super) async fn token_of_person(
    State(state): State<Shared>,
    Query(query): Query<HashMap<String, String>>,
) -> Response {
    if state.kind.callers != Callers::People {
        return StatusCode::NOT_FOUND.into_response();
    }
    if query.get("user").is_none_or(|user| user != "alice") {
        return (StatusCode::BAD_REQUEST, "`user` is one of: alice").into_response();
    }
    state.token().into_response()
}

pub(super) async fn token(
    State(state): State<Shared>,
    Form(form): Form<HashMap<String, String>>,
) -> Response {
    if state.has(Fault::TokenErrorsAsHtml) {
        return (StatusCode::BAD_REQUEST, Html("<h1>No</h1>")).into_response();
    }
    let Some(request) = state.codes.lock().unwrap().remove(&form["code"]) else {
        return reply(400, &json!({ "error": "invalid_grant" }));
    };
    let verifier = URL_SAFE_NO_PAD.encode(digest(&SHA256, form["code_verifier"].as_bytes()));
    if ["client_id", "redirect_uri"].iter().any(|name| form[*name] != request[*name])
        || verifier != request["code_challenge"]
    {
        return reply(400, &json!({ "error": "invalid_grant" }));
    }
    let token = match state.kind.fault {
        Some(Fault::CodeForAnyResource) => state.token_for(&form["resource"]),
        Some(Fault::OpaqueForAnyResource) => "opaque".to_owned(),
        Some(Fault::ResourceIgnored) => state.token(),
        _ if form["resource"] != request["resource"] => {
            return reply(400, &json!({ "error": "invalid_target" }));
        }
        _ => state.token(),
    };
    reply(200, &json!({ "access_token": token, "token_type": "Bearer" }))
}

pub(super) async fn register(State(state): State<Shared>, Json(client): Json<Value>) -> Response {
    let uris: Vec<String> =
        serde_json::from_value(client["redirect_uris"].clone()).unwrap_or_default();
    let is_refused = |uri: &String| {
        let is_dangerous =
            ["javascript:", "data:", "http://toolgate"].iter().any(|begin| uri.starts_with(begin));
        is_dangerous && !state.has(Fault::ScriptsRegistered)
            || uri.contains("chatgpt.com") && state.has(Fault::ChatGptRefused)
    };
    if uris.iter().any(is_refused) || state.has(Fault::RegistrationRefused) {
        return reply(400, &json!({ "error": "invalid_redirect_uri" }));
    }
    let mut clients = state.clients.lock().unwrap();
    let id = format!("client-{}", clients.len());
    clients.insert(id.clone(), uris.clone());
    let status = if state.has(Fault::RegistrationWith200) { 200 } else { 201 };
    reply(status, &json!({ "client_id": id, "redirect_uris": uris }))
}
