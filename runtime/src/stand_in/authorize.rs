//! Authorization endpoint of a stand-in, and the page on which a person grants scopes.

use std::collections::BTreeSet;

use axum::response::Response;
use http::{HeaderValue, StatusCode};
use maud::{Markup, html};
use url::Url;

use super::{
    engine::{CLIENT_ID, Engine, Incoming, Pairs, pairs},
    pages,
    token::OPENID_SCOPES,
    world::AuthorizationRequest,
};
use crate::{
    provider::profile::{Pkce, RefreshTokens},
    support::url::is_loopback,
};

/// The path that the consent page sends its form to.
pub(crate) const CONSENT_PATH: &str = "/stand-in/consent";

/// The people who have an account.
const PEOPLE: [&str; 2] = ["alice", "bob"];

/// The longest name of an account.
const MAX_ACCOUNT_LEN: usize = 32;

/// Shows the consent page (RFC 6749 §4.1.1).
pub(super) fn ask(engine: &Engine, request: &Incoming) -> Response {
    let query = &request.query;
    let get = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    if get("client_id") != CLIENT_ID {
        return pages::fault(engine, "No application is registered under this client_id.");
    }
    let redirect_uri = get("redirect_uri");
    // A stand-in is for this machine, and its codes go nowhere else.
    if !Url::parse(redirect_uri).is_ok_and(|url| is_loopback(&url)) {
        return pages::fault(engine, "The redirect_uri is not of this machine.");
    }
    match read(engine, query) {
        Ok(asked) => {
            let scopes = asked.scopes.clone();
            let id = engine.world().ask(asked);
            let body = consent_form(engine, &id, &scopes);
            let title = format!("May this server use your {} account?", engine.name);
            pages::page(engine, StatusCode::OK, &title, body, true)
        }
        Err(error) => send_back(engine, redirect_uri, query.get("state"), &[("error", error)]),
    }
}

/// The request, or the error of RFC 6749 §4.1.2.1.
fn read(engine: &Engine, query: &Pairs) -> Result<AuthorizationRequest, &'static str> {
    let profile = engine.profile;
    let get = |name: &str| query.get(name).map(String::as_str).unwrap_or_default();
    if get("response_type") != "code" {
        return Err("unsupported_response_type");
    }
    if profile.authorize_params.iter().any(|(name, value)| get(name) != *value) {
        return Err("invalid_request");
    }
    let challenge = query.get("code_challenge").cloned();
    let is_s256 = challenge.is_none() || get("code_challenge_method") == "S256";
    let fits = match profile.pkce {
        Pkce::Required => challenge.is_some(),
        Pkce::Optional => true,
        Pkce::Refused => challenge.is_none(),
    };
    if !is_s256 || !fits {
        return Err("invalid_request");
    }
    let mut scopes: BTreeSet<String> = get(profile.scope_param)
        .split(|c| profile.scope_separators.contains(c))
        .filter(|scope| !scope.is_empty())
        .map(|scope| scope.strip_prefix(profile.scope_prefix).unwrap_or(scope).to_owned())
        .collect();
    let gives_refresh_token = match profile.refresh_tokens {
        RefreshTokens::Never => false,
        RefreshTokens::Always => true,
        RefreshTokens::Scope(scope) => scopes.remove(scope),
        RefreshTokens::NamedScope(scope) => scopes.contains(scope),
        RefreshTokens::Param(name, value) => get(name) == value,
    };
    if profile.without_scopes {
        scopes = engine.catalogue.iter().map(|scope| scope.name.to_owned()).collect();
    }
    let is_known = |scope: &String| {
        OPENID_SCOPES.contains(&scope.as_str())
            || matches!(profile.refresh_tokens, RefreshTokens::NamedScope(name) if name == scope)
            || engine.catalogue.iter().any(|known| known.name == scope)
    };
    if !scopes.iter().all(is_known) {
        return Err("invalid_scope");
    }
    Ok(AuthorizationRequest {
        redirect_uri: get("redirect_uri").to_owned(),
        state: query.get("state").cloned(),
        scopes,
        challenge,
        gives_refresh_token,
    })
}

fn consent_form(engine: &Engine, id: &str, scopes: &BTreeSet<String>) -> Markup {
    let describe = |name: &str| {
        let known = engine.catalogue.iter().find(|scope| scope.name == name);
        known.map(|scope| scope.description.trim()).unwrap_or_default()
    };
    html! {
        form method="post" action=(CONSENT_PATH) {
            input type="hidden" name="request" value=(id);
            fieldset {
                legend { "Your account" }
                @for (at, person) in PEOPLE.iter().enumerate() {
                    label { input type="radio" name="account" value=(person) checked[at == 0]; " " (person) }
                }
            }
            @if engine.profile.without_scopes {
                p { (engine.name) " has no scopes: the application gets what it is registered for." }
            } @else if !engine.profile.names_granted_scopes() {
                p { (engine.name) " grants all of this or nothing:" }
                ul { @for scope in scopes { li { code { (scope) } " " (describe(scope)) } } }
            } @else {
                fieldset {
                    legend { "What it may do" }
                    @for scope in scopes {
                        label { input type="checkbox" name={ "scope:" (scope) } checked; " " code { (scope) } " " (describe(scope)) }
                    }
                }
            }
            button.main type="submit" name="decision" value="approve" { "Allow" }
            button type="submit" name="decision" value="deny" { "Deny" }
        }
    }
}

/// Takes a person's decision.
pub(super) fn decide(engine: &Engine, form: &[u8]) -> Response {
    let form = pairs(form);
    let get = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    let asked = engine.world().answer(get("request"));
    let Some(asked) = asked else {
        return pages::fault(engine, "This was decided before. Begin again where you came from.");
    };
    let (redirect_uri, state) = (asked.redirect_uri.clone(), asked.state.clone());
    let account = get("account");
    let is_name = account.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    if account.is_empty() || account.len() > MAX_ACCOUNT_LEN || !is_name {
        return pages::fault(engine, "There is no such account.");
    }
    if get("decision") != "approve" {
        let denied = [("error", "access_denied")];
        return send_back(engine, &redirect_uri, state.as_ref(), &denied);
    }
    let mut scopes = asked.scopes.clone();
    if engine.profile.names_granted_scopes() {
        scopes.retain(|scope| form.contains_key(&format!("scope:{scope}")));
    }
    let code = engine.world().grant(asked, account.to_owned(), scopes);
    send_back(engine, &redirect_uri, state.as_ref(), &[("code", &code)])
}

/// Sends the browser back, by a page of its own: browsers apply `form-action` to the redirects that
/// follow a form, and where the last of them leads is not known here.
fn send_back(
    engine: &Engine,
    redirect_uri: &str,
    state: Option<&String>,
    answer: &[(&str, &str)],
) -> Response {
    let Ok(mut url) = Url::parse(redirect_uri) else {
        return pages::fault(engine, "The redirect_uri is not a URL.");
    };
    url.query_pairs_mut()
        .extend_pairs(answer)
        .extend_pairs(state.map(|state| ("state", state)))
        .extend_pairs(engine.profile.issuer.map(|issuer| ("iss", issuer)));
    let body = html! { p { a href=(url) { "Go on" } } };
    let mut response = pages::page(engine, StatusCode::OK, "Back to the server", body, false);
    if let Ok(refresh) = HeaderValue::try_from(format!("0;url={url}")) {
        response.headers_mut().insert("refresh", refresh);
    }
    response
}
