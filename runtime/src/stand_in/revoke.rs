//! Revocation of tokens at a stand-in, in the provider's way.

use axum::response::Response;

use super::{
    engine::{CLIENT_ID, Engine, Incoming, reply},
    template::Values,
    token::{Proof, proof},
};
use crate::provider::profile::{Reply, Revocation, RevocationProof, TokenPlace};

/// Answers a request to revoke a token.
pub(super) fn answer(engine: &Engine, revocation: &Revocation, request: &Incoming) -> Response {
    let (form, nothing) = (request.members(), Values::new());
    let proof = proof(request, &form);
    let is_proved = match revocation.proof {
        RevocationProof::Basic => proof == Some(Proof::Basic),
        RevocationProof::Body => proof == Some(Proof::Body),
        RevocationProof::Either => proof.is_some(),
        RevocationProof::Id => form.get("client_id").is_some_and(|id| id == CLIENT_ID),
        RevocationProof::None => true,
    };
    if !is_proved {
        return reply(&engine.profile.bad_client, &[], &nothing);
    }
    let token = match revocation.token {
        TokenPlace::Form(name) if !request.is_json() => form.get(name).cloned(),
        TokenPlace::Json(name) if request.is_json() => form.get(name).cloned(),
        TokenPlace::Form(_) | TokenPlace::Json(_) => None,
        TokenPlace::Query(name) => request.query.get(name).cloned(),
        TokenPlace::Bearer => request.bearer().map(str::to_owned),
        TokenPlace::Path => request.path.rsplit('/').next().map(str::to_owned),
    };
    let mut world = engine.world();
    let token = token.filter(|token| {
        let is_refresh_token = world.is_refresh_token(token);
        let is_taken = if is_refresh_token {
            revocation.takes_refresh_tokens
        } else {
            revocation.takes_access_tokens
        };
        is_taken && (is_refresh_token || world.granted(token).is_ok())
    });
    let Some(token) = token else {
        // RFC 7009 §2.2 wants 200 for a token that is not known, other ways refuse it.
        let refusal = Reply::new(400, r#"{"error":"invalid_token"}"#);
        return reply(&refusal, &[], &nothing);
    };
    world.revoke(&token, revocation.ends_grant);
    reply(&revocation.reply, &[], &nothing)
}
