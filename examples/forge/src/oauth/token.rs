//! The token endpoint (RFC 6749 §3.2) and the revocation endpoint (RFC 7009).

use std::collections::BTreeSet;

use aws_lc_rs::digest;
use axum::{
    Form, Json,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use base64::{
    Engine,
    prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD},
};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use subtle::ConstantTimeEq;
use url::form_urlencoded;

use crate::{
    Forge,
    config::{Config, Flavour},
    world::{Access, Family, Refresh, RefreshOutcome, World, random},
};

#[derive(Deserialize)]
pub(super) struct Parameters {
    grant_type: Option<String>,
    code: Option<String>,
    redirect_uri: Option<String>,
    code_verifier: Option<String>,
    refresh_token: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    token: Option<String>,
}

type Refusal = (StatusCode, &'static str, &'static str);

const INVALID_GRANT: StatusCode = StatusCode::BAD_REQUEST;

pub(super) async fn token(
    State(forge): State<Forge>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Form(asked): Form<Parameters>,
) -> Response {
    if let Some(fault) = forge.faults.before_token().await {
        return fault;
    }
    let under_way = asked.refresh_token.as_ref().map(|token| UnderWay::begin(&forge, token));
    let result = check_client(&headers, &asked).and_then(|()| match asked.grant_type.as_deref() {
        Some("refresh_token") => forge.refresh(&asked, query.as_deref().unwrap_or_default()),
        // GitHub does not ask for a grant_type.
        Some("authorization_code") | None => forge.redeem(&asked),
        Some(_) => Err((StatusCode::BAD_REQUEST, "unsupported_grant_type", "no such grant type")),
    });
    let answer = forge.answer(result, &headers);
    if let Some(under_way) = under_way {
        if !forge.config.token_latency.is_zero() {
            tokio::time::sleep(forge.config.token_latency).await;
        }
        under_way.end();
    }
    forge.faults.after_token(answer)
}

/// A refresh request, which ends when it is answered or its client has gone.
struct UnderWay {
    forge: Forge,
    family: Option<usize>,
    is_answered: bool,
}

impl UnderWay {
    fn begin(forge: &Forge, token: &str) -> Self {
        let mut world = forge.world();
        let family = world.refresh.get(token).map(|refresh| refresh.family);
        if let Some(family) = family {
            let at_once = world.refreshing.entry(family).or_default();
            *at_once += 1;
            let at_once = *at_once;
            world.counts.most_at_once = world.counts.most_at_once.max(at_once);
        }
        drop(world);
        Self { forge: forge.clone(), family, is_answered: false }
    }

    fn end(mut self) {
        self.is_answered = true;
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut world = self.forge.world();
        if !self.is_answered {
            world.counts.unanswered += 1;
        }
        if let Some(at_once) = self.family.and_then(|family| world.refreshing.get_mut(&family)) {
            *at_once -= 1;
        }
    }
}

pub(super) async fn revoke(
    State(forge): State<Forge>,
    headers: HeaderMap,
    Form(asked): Form<Parameters>,
) -> Response {
    if let Err((status, error, _)) = check_client(&headers, &asked) {
        return (status, Json(json!({ "error": error }))).into_response();
    }
    forge.faults.before_revoke().await;
    let token = asked.token.unwrap_or_default();
    let mut world = forge.world();
    let family = world
        .refresh
        .get(&token)
        .map(|refresh| refresh.family)
        .or_else(|| world.access.get(&token).map(|access| access.family));
    if let Some(family) = family {
        world.families[family].revoked = true;
        world.counts.revocations += 1;
    }
    // Also for a token that never was (RFC 7009 §2.2).
    StatusCode::OK.into_response()
}

fn check_client(headers: &HeaderMap, asked: &Parameters) -> Result<(), Refusal> {
    let decode = |text: &str| {
        form_urlencoded::parse(format!("x={text}").as_bytes())
            .next()
            .map(|(_, value)| value.into_owned())
    };
    let basic = headers.get(header::AUTHORIZATION).and_then(|value| {
        let pair = BASE64_STANDARD.decode(value.to_str().ok()?.strip_prefix("Basic ")?).ok()?;
        let pair = String::from_utf8(pair).ok()?;
        let (id, secret) = pair.split_once(':')?;
        Some((decode(id)?, decode(secret)?))
    });
    let posted = || Some((asked.client_id.clone()?, asked.client_secret.clone()?));
    let (id, secret) = basic.or_else(posted).unwrap_or_default();
    let right = id == Config::CLIENT_ID
        && bool::from(secret.as_bytes().ct_eq(Config::CLIENT_SECRET.as_bytes()));
    if right {
        Ok(())
    } else {
        Err((StatusCode::UNAUTHORIZED, "invalid_client", "the client is not known"))
    }
}

impl Forge {
    fn redeem(&self, asked: &Parameters) -> Result<Map<String, Value>, Refusal> {
        let refuse = |why| Err((INVALID_GRANT, "invalid_grant", why));
        let mut world = self.world();
        let now = world.now();
        let code = asked.code.clone().unwrap_or_default();
        let Some(known) = world.codes.get(&code).cloned() else {
            return refuse("the code is not known");
        };
        if let Some(family) = known.redeemed {
            // Somebody else has it, too (RFC 6749 §4.1.2).
            world.families[family].revoked = true;
            return refuse("the code was used before");
        }
        if known.expires_at <= now {
            return refuse("the code has expired");
        }
        if asked.redirect_uri.as_ref() != Some(&known.redirect_uri) {
            return refuse("the redirect_uri is another");
        }
        let verifier = asked.code_verifier.clone().unwrap_or_default();
        let digest = digest::digest(&digest::SHA256, verifier.as_bytes());
        if BASE64_URL_SAFE_NO_PAD.encode(digest) != known.challenge {
            return refuse("the code_verifier does not fit");
        }
        let is_first = world.families.iter().all(|family| family.user != known.user);
        let gives_refresh_token = self.config.flavour == Flavour::Standard
            && (!self.config.refresh_token_once
                || is_first
                || known.prompt.as_deref() == Some("consent"));
        world.families.push(Family { user: known.user, scopes: known.scopes, revoked: false });
        let family = world.families.len() - 1;
        if let Some(code) = world.codes.get_mut(&code) {
            code.redeemed = Some(family);
        }
        world.counts.codes += 1;
        let refresh = gives_refresh_token.then(random);
        Ok(self.issue(&mut world, family, refresh))
    }

    fn refresh(&self, asked: &Parameters, query: &str) -> Result<Map<String, Value>, Refusal> {
        let mut world = self.world();
        let token = asked.refresh_token.clone().unwrap_or_default();
        let known = world.refresh.get(&token).cloned();
        let refuse = |world: &mut World, why| {
            world.counts.refreshes_refused += 1;
            Err((INVALID_GRANT, "invalid_grant", why))
        };
        let Some(known) = known else {
            return refuse(&mut world, "the refresh token is not known");
        };
        if self.faults.refuses_refresh() || world.families[known.family].revoked {
            world.log_refresh(known.family, query, RefreshOutcome::Refused);
            return refuse(&mut world, "the grant was revoked");
        }
        let now = world.now();
        let outcome = match known.spent_at {
            None => RefreshOutcome::Renewed,
            Some(at) if now.duration_since(at).unwrap_or_default() < self.config.leeway => {
                world.counts.repeated += 1;
                RefreshOutcome::Repeated
            }
            Some(_) => RefreshOutcome::Reused,
        };
        world.log_refresh(known.family, query, outcome);
        if outcome == RefreshOutcome::Reused {
            world.counts.reuses += 1;
            // Two parties hold one token, and one of them stole it (OAuth 2.1 §4.3.1).
            world.families[known.family].revoked = true;
            return refuse(&mut world, "the refresh token was used before");
        }
        world.counts.refreshes += 1;
        let next = self.config.rotation.then(random);
        if next.is_some()
            && let Some(refresh) = world.refresh.get_mut(&token)
        {
            refresh.spent_at.get_or_insert(now);
        }
        Ok(self.issue(&mut world, known.family, next))
    }

    fn issue(
        &self,
        world: &mut World,
        family: usize,
        refresh: Option<String>,
    ) -> Map<String, Value> {
        let token = random();
        let expires_at = world.now()
            + match self.config.flavour {
                Flavour::Standard => self.config.access_ttl,
                Flavour::GitHub => std::time::Duration::from_secs(10 * 365 * 86400),
            };
        world.access.insert(token.clone(), Access { family, expires_at, used: 0 });
        let scopes: &BTreeSet<String> = &world.families[family].scopes;
        let separator = if self.config.flavour == Flavour::GitHub { "," } else { " " };
        let scope = scopes.iter().cloned().collect::<Vec<_>>().join(separator);
        let mut answer = Map::new();
        answer.insert("access_token".into(), token.into());
        answer.insert("token_type".into(), "Bearer".into());
        // An empty text says nothing of what was granted; an empty list says that nothing was.
        let scope = if scope.is_empty() { json!([]) } else { scope.into() };
        answer.insert("scope".into(), scope);
        if self.config.expiry && self.config.flavour == Flavour::Standard {
            answer.insert("expires_in".into(), self.config.access_ttl.as_secs().into());
        }
        if let Some(refresh) = refresh {
            world.refresh.insert(refresh.clone(), Refresh { family, spent_at: None });
            answer.insert("refresh_token".into(), refresh.into());
        }
        answer
    }

    fn answer(&self, result: Result<Map<String, Value>, Refusal>, headers: &HeaderMap) -> Response {
        let github = self.config.flavour == Flavour::GitHub;
        let (status, answer) = match result {
            Ok(answer) => (StatusCode::OK, answer),
            Err((status, error, description)) => {
                let error = match error {
                    "invalid_grant" if github => "bad_verification_code",
                    "invalid_client" if github => "incorrect_client_credentials",
                    error => error,
                };
                let mut answer = Map::new();
                answer.insert("error".into(), error.into());
                answer.insert("error_description".into(), description.into());
                (if github { StatusCode::OK } else { status }, answer)
            }
        };
        let wants_json = headers
            .get(header::ACCEPT)
            .is_some_and(|accept| accept.as_bytes().starts_with(b"application/json"));
        if github && !wants_json {
            let mut form = form_urlencoded::Serializer::new(String::new());
            for (name, value) in &answer {
                form.append_pair(name, value.as_str().unwrap_or_default());
            }
            let form_type = [(header::CONTENT_TYPE, "application/x-www-form-urlencoded")];
            return (status, form_type, form.finish()).into_response();
        }
        (status, [(header::CACHE_CONTROL, "no-store")], Json(answer)).into_response()
    }
}
