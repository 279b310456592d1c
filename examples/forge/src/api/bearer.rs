//! Who asks, what the token permits, and how often (RFC 6750).

use std::{collections::BTreeSet, time::UNIX_EPOCH};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use super::error;
use crate::{
    Forge,
    oauth::{Permission, permits, that_permit},
};

/// Who asks, for the handlers.
#[derive(Clone, Debug)]
pub(super) struct Asker {
    pub(super) user: String,
    scopes: BTreeSet<String>,
}

pub(super) async fn check(
    State(forge): State<Forge>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    *forge.world().counts.api.entry(path).or_default() += 1;
    if let Some(fault) = forge.faults.before_api().await {
        return fault;
    }
    let (asker, remaining) = match forge.authenticate(request.headers()) {
        Ok(known) => known,
        Err(refusal) => return *refusal,
    };
    let scopes = asker.scopes.iter().cloned().collect::<Vec<_>>().join(", ");
    let reset = forge.world().now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() + 3600;
    let mut response = if remaining == 0 {
        let mut response = error(StatusCode::TOO_MANY_REQUESTS, "API rate limit exceeded");
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("60"));
        response
    } else {
        request.extensions_mut().insert(asker);
        next.run(request).await
    };
    let headers = response.headers_mut();
    headers.insert("x-ratelimit-limit", forge.config.rate_limit.into());
    headers.insert("x-ratelimit-remaining", remaining.saturating_sub(1).into());
    headers.insert("x-ratelimit-reset", reset.into());
    if let Ok(scopes) = HeaderValue::try_from(scopes) {
        headers.insert("x-oauth-scopes", scopes);
    }
    response
}

impl Forge {
    fn authenticate(&self, headers: &HeaderMap) -> Result<(Asker, u32), Box<Response>> {
        let refuse = || {
            let mut response = error(StatusCode::UNAUTHORIZED, "Bad credentials");
            response.headers_mut().insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer error=\"invalid_token\""),
            );
            Box::new(response)
        };
        let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = bearer.and_then(|bearer| bearer.strip_prefix("Bearer ")).ok_or_else(refuse)?;
        let mut world = self.world();
        let now = world.now();
        let access = world
            .access
            .get_mut(token)
            .filter(|access| access.expires_at > now)
            .ok_or_else(refuse)?;
        let remaining = self.config.rate_limit.saturating_sub(access.used);
        access.used += 1;
        let family = access.family;
        let family = &world.families[family];
        if family.revoked {
            return Err(refuse());
        }
        Ok((Asker { user: family.user.clone(), scopes: family.scopes.clone() }, remaining))
    }

    /// A 403 that says which scopes would do, unless the token has one of them.
    pub(super) fn require(&self, asker: &Asker, wanted: Permission) -> Result<(), Response> {
        if permits(self.config.flavour, &asker.scopes, wanted) {
            return Ok(());
        }
        let accepted = that_permit(self.config.flavour, wanted).join(", ");
        let mut response = error(StatusCode::FORBIDDEN, "The token lacks a scope for this");
        if let Ok(accepted) = HeaderValue::try_from(accepted) {
            response.headers_mut().insert("x-accepted-oauth-scopes", accepted);
        }
        Err(response)
    }

    /// Reading needs one scope, everything else another.
    pub(super) fn require_for(&self, asker: &Asker, method: &Method) -> Result<(), Response> {
        let wanted = if *method == Method::GET { Permission::Read } else { Permission::Write };
        self.require(asker, wanted)
    }
}
