//! API of a stand-in: a few requests, and the provider's refusals.

use std::time::UNIX_EPOCH;

use axum::response::Response;
use serde_json::{Value, json};

use super::{
    engine::{Engine, Incoming, reply},
    template::Values,
    token::{granted_names, person},
    url_pattern,
};
use crate::provider::profile::{Profile, Reply, Route};

/// How long a rate limit lasts, in seconds.
const RATE_LIMIT_SECONDS: u64 = 30;

/// The requests that a profile answers.
pub(super) fn routes(profile: &'static Profile) -> impl Iterator<Item = &'static Route> {
    [&profile.who, &profile.read, &profile.write].into_iter().chain(profile.more)
}

/// Answers a request of the API.
pub(super) fn answer(engine: &Engine, request: &Incoming) -> Response {
    let profile = engine.profile;
    let body = String::from_utf8_lossy(&request.body);
    let route = routes(profile).find(|route| {
        route.method == request.method.as_str()
            && url_pattern::matches(route.url, &request.path)
            && body.contains(route.body_has)
    });
    let mut values = Values::new();
    let Some(route) = route else {
        return reply(&Reply::new(404, r#"{"message":"Not Found"}"#), &[], &values);
    };
    let mut world = engine.world();
    let granted = request.bearer().map(|token| world.granted(token).cloned());
    let Some(Ok(grant)) = granted else {
        world.counts.dead_tokens += 1;
        return reply(&profile.dead_token, &[], &values);
    };
    values.extend(person(&grant.account));
    values.insert("granted", json!(granted_names(engine, &grant.scopes).join(", ")));
    let needed: Vec<_> =
        route.scopes.iter().map(|scope| format!("{}{scope}", profile.scope_prefix)).collect();
    values.insert("needed", json!(needed.join(",")));
    values.insert("needed_scopes", json!(needed.join(" ")));
    values.insert("provided", json!(granted_names(engine, &grant.scopes).join(",")));
    let now = world.now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    values.insert("wait", json!(RATE_LIMIT_SECONDS));
    values.insert("wait_ms", json!(RATE_LIMIT_SECONDS * 1000));
    values.insert("reset", json!(now + RATE_LIMIT_SECONDS));
    values.insert("reset_ms", json!((now + RATE_LIMIT_SECONDS) * 1000));
    if engine.faults.takes_rate_limit() {
        world.counts.rate_limited += 1;
        return reply(&profile.rate_limited, profile.headers, &values);
    }
    if route.needs_headers.iter().any(|name| !request.headers.contains_key(*name)) {
        return reply(&profile.missing_header, profile.headers, &values);
    }
    let is_permitted =
        route.scopes.is_empty() || route.scopes.iter().any(|scope| grant.scopes.contains(*scope));
    if !is_permitted {
        world.counts.missing_scopes += 1;
        return reply(&profile.missing_scope, profile.headers, &values);
    }
    world.counts.answered += 1;
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    values.insert("title", body.get("title").cloned().unwrap_or_else(|| json!("untitled")));
    reply(&route.reply, profile.headers, &values)
}
