//! The authorization endpoint, and the pages behind it (RFC 6749 §4.1.1, RFC 9207).

use std::{collections::BTreeSet, time::Duration};

use axum::{
    Form,
    extract::{Query, State},
    response::{IntoResponse, Redirect, Response},
};
use http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;
use subtle::ConstantTimeEq;
use url::{Host, Url};

use super::scopes;
use crate::{
    Forge,
    config::Config,
    page,
    world::{AuthorizationRequest, Code, USERS, random},
};

#[derive(Deserialize)]
pub(super) struct Parameters {
    response_type: Option<String>,
    client_id: Option<String>,
    redirect_uri: Option<String>,
    scope: Option<String>,
    state: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
    prompt: Option<String>,
}

pub(super) async fn start(
    State(forge): State<Forge>,
    headers: HeaderMap,
    Query(asked): Query<Parameters>,
) -> Response {
    if asked.client_id.as_deref() != Some(Config::CLIENT_ID) {
        return page::fault("No application is registered under this client_id.");
    }
    let registered = |uri: &&String| forge.config.redirects.iter().any(|known| matches(known, uri));
    let Some(redirect_uri) = asked.redirect_uri.as_ref().filter(registered) else {
        // Where it says to go is nowhere one would send anybody.
        return page::fault("The redirect_uri is not registered for this application.");
    };
    let refuse = |error, description| {
        forge.send_back(
            redirect_uri,
            asked.state.as_deref(),
            &[("error", error), ("error_description", description)],
        )
    };
    if asked.response_type.as_deref() != Some("code") {
        return refuse("unsupported_response_type", "only `code` is supported");
    }
    let Some(challenge) = asked.code_challenge.filter(|challenge| challenge.len() == 43) else {
        return refuse("invalid_request", "code_challenge is missing");
    };
    if asked.code_challenge_method.as_deref() != Some("S256") {
        return refuse("invalid_request", "code_challenge_method must be S256");
    }
    let text = asked.scope.unwrap_or_default();
    let asked_scopes: BTreeSet<String> =
        text.split([' ', ',']).filter(|scope| !scope.is_empty()).map(str::to_owned).collect();
    if asked_scopes.iter().any(|scope| scopes::find(forge.config.flavour, scope).is_none()) {
        return refuse("invalid_scope", "there is no such scope");
    }
    let session = session_of(&headers);
    let id = random();
    let user = {
        let mut world = forge.world();
        world.counts.last_asked = text;
        let request = AuthorizationRequest {
            scopes: asked_scopes,
            redirect_uri: redirect_uri.clone(),
            state: asked.state,
            challenge,
            prompt: asked.prompt,
            session: session.clone(),
        };
        world.requests.insert(id.clone(), request);
        session.and_then(|session| world.sessions.get(&session).cloned())
    };
    match user {
        Some(user) => forge.consent_page(&id, &user),
        None => page::login(&id, None),
    }
}

/// Exactly, but for the port of a loopback address (RFC 8252 §7.3).
fn matches(registered: &str, asked: &str) -> bool {
    if registered == asked {
        return true;
    }
    let (Ok(mut registered), Ok(url)) = (Url::parse(registered), Url::parse(asked)) else {
        return false;
    };
    let loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        _ => false,
    };
    // What the parser makes of it must be what was written, or it hides something.
    loopback
        && url.as_str() == asked
        && registered.set_port(url.port()).is_ok()
        && registered == url
}

#[derive(Deserialize)]
pub(super) struct Login {
    request: String,
    user: String,
    password: String,
}

pub(super) async fn login(State(forge): State<Forge>, Form(login): Form<Login>) -> Response {
    let is_known = USERS.iter().any(|user| user.name == login.user)
        || (0..forge.config.crowd).any(|number| login.user == format!("person-{number}"));
    let password = format!("{}-password", login.user);
    if !is_known || !bool::from(password.as_bytes().ct_eq(login.password.as_bytes())) {
        return page::login(&login.request, Some("User name or password are not right."));
    }
    let user = &login.user;
    let session = random();
    {
        let mut world = forge.world();
        let Some(request) = world.requests.get_mut(&login.request) else {
            return page::fault("This sign-in is too old. Start again where you came from.");
        };
        request.session = Some(session.clone());
        world.sessions.insert(session.clone(), user.clone());
    }
    let mut response = forge.consent_page(&login.request, user);
    let cookie = format!("forge-session={session}; Path=/; HttpOnly; SameSite=Lax");
    response.headers_mut().append(
        header::SET_COOKIE,
        HeaderValue::try_from(cookie).expect("base64 fits into a header"),
    );
    response
}

#[derive(Deserialize)]
#[allow(clippy::struct_field_names, reason = "it is the field of the form")]
pub(super) struct Decision {
    request: String,
    csrf: String,
    decision: String,
}

pub(super) async fn decide(
    State(forge): State<Forge>,
    headers: HeaderMap,
    Form(decision): Form<Decision>,
) -> Response {
    let Some(session) = session_of(&headers) else { return page::login(&decision.request, None) };
    // The session is the secret that a stranger's form does not know.
    if !bool::from(decision.csrf.as_bytes().ct_eq(csrf(&session).as_bytes())) {
        return page::fault("This form was not made for you.");
    }
    let (request, user) = {
        let mut world = forge.world();
        let Some(user) = world.sessions.get(&session).cloned() else {
            return page::login(&decision.request, None);
        };
        match world.requests.remove(&decision.request) {
            Some(request) if request.session.as_ref() == Some(&session) => (request, user),
            _ => return page::fault("This was decided already."),
        }
    };
    let state = request.state.as_deref();
    if decision.decision != "approve" {
        return forge.send_back(&request.redirect_uri, state, &[("error", "access_denied")]);
    }
    let code = random();
    {
        let mut world = forge.world();
        let scopes: BTreeSet<String> = request
            .scopes
            .iter()
            .filter(|scope| !forge.config.withhold.contains(scope))
            .chain(&forge.config.on_top)
            .cloned()
            .collect();
        world.approved.entry(user.clone()).or_default().extend(scopes.iter().cloned());
        let expires_at = world.now() + Duration::from_secs(60);
        let redirect_uri = request.redirect_uri.clone();
        let (challenge, prompt) = (request.challenge, request.prompt);
        world.codes.insert(
            code.clone(),
            Code { user, scopes, redirect_uri, challenge, prompt, expires_at, redeemed: None },
        );
    }
    forge.send_back(&request.redirect_uri, state, &[("code", &code)])
}

impl Forge {
    fn consent_page(&self, id: &str, user: &str) -> Response {
        let world = self.world();
        let Some(request) = world.requests.get(id) else {
            return page::fault("This request is too old. Start again where you came from.");
        };
        let approved = world.approved.get(user);
        let scopes: Vec<_> = request
            .scopes
            .iter()
            .filter_map(|name| {
                let scope = scopes::find(self.config.flavour, name)?;
                let new = approved.is_none_or(|approved| !approved.contains(name));
                Some((name.clone(), scope.words, new))
            })
            .collect();
        let csrf = request.session.as_deref().map(csrf).unwrap_or_default();
        page::consent(id, &csrf, user, &scopes)
    }

    fn send_back(
        &self,
        redirect_uri: &str,
        state: Option<&str>,
        pairs: &[(&str, &str)],
    ) -> Response {
        let Ok(mut url) = Url::parse(redirect_uri) else {
            return page::fault("The redirect_uri is not a URL.");
        };
        let issuer = if self.config.wrong_issuer { "https://evil.example" } else { &*self.base };
        let mut query = url.query_pairs_mut();
        query.extend_pairs(pairs);
        query.extend_pairs(state.map(|state| ("state", state)));
        query.append_pair("iss", issuer);
        drop(query);
        Redirect::to(url.as_str()).into_response()
    }
}

fn csrf(session: &str) -> String {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let digest =
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, format!("csrf {session}").as_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(digest)
}

fn session_of(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix("forge-session="))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn only_the_port_of_a_loopback_address_is_free() {
        let registered = "http://127.0.0.1/callback";
        assert!(matches(registered, "http://127.0.0.1/callback"));
        assert!(matches(registered, "http://127.0.0.1:8080/callback"));
        for asked in [
            "http://127.0.0.1:8080/callback/",
            "http://127.0.0.1:8080/callback?x=1",
            "http://127.0.0.1:8080/a/../callback",
            "http://user@127.0.0.1:8080/callback",
            "https://127.0.0.1:8080/callback",
            "http://127.0.0.2:8080/callback",
            "http://localhost:8080/callback",
            "http://evil.example/callback",
        ] {
            assert!(!matches(registered, asked), "{asked}");
        }
        assert!(!matches("https://app.example/cb", "https://app.example:8443/cb"));
    }
}
