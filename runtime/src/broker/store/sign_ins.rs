//! Sign-ins: a code, then a family of refresh tokens, then a record that it has ended.
//!
//! One record has all three stages, and every step is a compare-and-swap: of any number of replicas
//! one redeems a code, one rotates a token, and all notice reuse.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    step_up_record::StepUpRecord,
    typed_store::{SIGN_INS, millis, moment},
};
use crate::support::escape::escape;
use crate::{
    broker::{
        client::ClientTrust,
        client_authentication::AuthenticatedClient,
        endpoint::{error::OAuthError, request::AuthorizationRequest},
        state::Broker,
        tokens::{AccessToken, IssuedTokens},
    },
    grant::{
        SaveError, StoreError, Stored,
        audit::entry::{AuditEvent, Facts},
    },
    support::crypto,
    trace::{EventKind, Found, GrantType, ReuseOutcome},
};

/// How long a code is valid.
const CODE_TTL: Duration = Duration::from_secs(60);

/// How long a refresh token is valid that is not used.
pub(crate) const REFRESH_TOKEN_TTL: Duration = Duration::from_secs(30 * 24 * 3600);

/// The prefix of refresh tokens.
pub(super) const REFRESH_TOKEN_PREFIX: &str = "tgr_";

/// How long the record of a sign-in stays that has ended: longer than any code is valid.
const ENDED_RETENTION: Duration = Duration::from_secs(3600);

/// A sign-in, as it is stored.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SignInRecord {
    /// The broker that issued it: deployments may share a store.
    #[serde(default)]
    issuer: String,
    /// What its access tokens are for.
    #[serde(default)]
    resource: String,
    pub(crate) subject: String,
    pub(crate) client_id: String,
    #[serde(default)]
    pub(crate) client_name: Option<String>,
    /// Who vouches for the client.
    #[serde(default)]
    pub(crate) trust: Option<ClientTrust>,
    redirect_uri: String,
    challenge: String,
    pub(super) scopes: Vec<String>,
    /// Only the first access token has it: after a refresh the host may try again.
    #[serde(default)]
    withheld: Vec<String>,
    #[serde(default)]
    pub(crate) step_up: StepUpRecord,
    pub(super) begun: u64,
    /// Whether the client has to prove that it holds its key (RFC 7523).
    #[serde(default)]
    pub(crate) requires_assertion: bool,
    /// When it was last checked whether the person may sign in at all.
    #[serde(default)]
    pub(super) admitted_at: u64,
    pub(super) stage: Stage,
}

impl SignInRecord {
    /// Checks that the client has proved who it is, where it must.
    pub(super) fn check_client(&self, client: &AuthenticatedClient) -> Result<(), OAuthError> {
        if self.requires_assertion && !client.is_confidential {
            let why = "this client authenticates with its key: `client_assertion` is missing";
            return Err(OAuthError::client(why, false));
        }
        Ok(())
    }
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) enum Stage {
    Code { until: u64 },
    Family(TokenFamily),
    Over,
}

#[derive(Clone, Serialize, Deserialize)]
pub(super) struct TokenFamily {
    /// The key of the refresh tokens' MACs.
    pub(super) seed: String,
    pub(super) generation: u64,
    /// Generations whose successor was used, and when that was.
    #[serde(default)]
    pub(super) superseded: Vec<(u64, u64)>,
    /// The last access token, which parallel requests get as well.
    pub(super) last: AccessToken,
}

impl TokenFamily {
    /// The current refresh token of the sign-in `id`.
    pub(super) fn refresh_token(&self, id: &str) -> String {
        let mac = self.mac(id, self.generation);
        format!("{REFRESH_TOKEN_PREFIX}{id}.{}.{mac}", self.generation)
    }

    /// The MAC in the refresh token of a generation.
    pub(super) fn mac(&self, id: &str, generation: u64) -> String {
        crypto::hmac_sha256_base64url(&self.seed, &format!("{id}.{generation}"))
    }
}

/// The id of a code's record. The code itself is not stored.
fn record_id(code: &str) -> String {
    crypto::sha256_base64url(code)
}

impl Broker {
    /// Issues a code for the scopes that were granted.
    pub(crate) async fn issue_code(
        &self,
        subject: &str,
        request: &AuthorizationRequest,
        scopes: Vec<String>,
        withheld: Vec<String>,
        begun: u64,
    ) -> Result<String, StoreError> {
        let now = self.now();
        let code = format!("tgc_{}", crypto::random_token());
        let sign_in = SignInRecord {
            subject: subject.to_owned(),
            client_id: request.client_id.clone(),
            client_name: request.client_name.clone(),
            trust: Some(request.trust.clone()),
            redirect_uri: request.redirect_uri.clone(),
            challenge: request.challenge.clone(),
            issuer: self.0.issuer.clone(),
            resource: self.0.resource.clone(),
            requires_assertion: request.requires_assertion,
            admitted_at: millis(now),
            scopes,
            withheld,
            step_up: StepUpRecord::default(),
            begun,
            stage: Stage::Code { until: millis(now + CODE_TTL) },
        };
        self.0.records.put(SIGN_INS, &record_id(&code), &sign_in, now + CODE_TTL).await?;
        self.authorization_span(&request.challenge).emit(|| EventKind::CodeIssued {
            client: Found::new(&request.client_id),
            subject: Found::new(subject),
            granted: sign_in.scopes[..].into(),
            withheld: sign_in.withheld[..].into(),
        });
        self.keep(AuditEvent::SignedIn, &sign_in);
        Ok(code)
    }

    /// Redeems a code (OAuth 2.1 §4.1.3).
    pub(crate) async fn redeem(
        &self,
        client: &AuthenticatedClient,
        code: &str,
        redirect_uri: Option<&str>,
        verifier: &str,
    ) -> Result<IssuedTokens, OAuthError> {
        let id = record_id(code);
        loop {
            let unknown = || OAuthError::grant("the code is not known, or has expired");
            let found =
                self.0.records.read::<SignInRecord>(SIGN_INS, &id).await?.ok_or_else(unknown)?;
            let Stored { value: mut sign_in, revision } = found;
            if !self.has_issued(&sign_in) {
                return Err(unknown());
            }
            let until = match sign_in.stage {
                Stage::Code { until } => until,
                Stage::Family(_) => {
                    // Another party has the code as well.
                    tracing::warn!(target: "toolgate::broker", client = %escape(&sign_in.client_id), subject = %escape(&sign_in.subject), "a code was used twice; what came of it is revoked");
                    let of = (&*id, &*sign_in.client_id);
                    self.trace_reuse(of, GrantType::AuthorizationCode, ReuseOutcome::Ended);
                    self.end(&id).await?;
                    return Err(OAuthError::grant(
                        "the code was used before; its tokens are revoked",
                    ));
                }
                Stage::Over => return Err(OAuthError::grant("the code was used before")),
            };
            let now = self.now();
            if moment(until) <= now {
                return Err(unknown());
            }
            if sign_in.client_id != client.id {
                return Err(OAuthError::grant("the code was given to another client"));
            }
            sign_in.check_client(client)?;
            // OAuth 2.1 has removed the parameter; a client that sends it must send the same URI.
            if redirect_uri.is_some_and(|uri| uri != sign_in.redirect_uri) {
                return Err(OAuthError::grant("the redirect_uri is another than that of the code"));
            }
            if !verify_code_challenge(verifier, &sign_in.challenge) {
                // The right client with a code that it did not request: the code was injected.
                self.end(&id).await?;
                return Err(OAuthError::grant("the code_verifier does not fit; the code is spent"));
            }
            if self.has_ended(&sign_in.subject, sign_in.begun).await? {
                return Err(OAuthError::grant("the account was disconnected meanwhile"));
            }
            let access = self
                .sign_access_token(
                    (&sign_in.subject, &sign_in.client_id, Some(&id)),
                    &sign_in.scopes,
                    &sign_in.withheld,
                )
                .await?;
            let seed = crypto::random_token();
            let family =
                TokenFamily { seed, generation: 0, superseded: Vec::new(), last: access.clone() };
            let refresh = client.refreshes.then(|| family.refresh_token(&id));
            sign_in.stage = Stage::Family(family);
            // Before the write, so that a concurrent `disconnect` finds it.
            self.add_sign_in(&sign_in.subject, &id).await?;
            match self
                .0
                .records
                .write(SIGN_INS, &id, &sign_in, now + REFRESH_TOKEN_TTL, revision)
                .await
            {
                Ok(_) => {
                    let span = self.authorization_span(&sign_in.challenge);
                    let (grant_type, tokens) =
                        (GrantType::AuthorizationCode, (&access, refresh.is_some()));
                    self.trace_tokens((&span, &id), &sign_in.client_id, grant_type, tokens);
                    return Ok(IssuedTokens { access, refresh });
                }
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => return Err(error.into()),
            }
        }
    }

    /// Whether this broker has issued the code or the refresh tokens of a sign-in.
    pub(super) fn has_issued(&self, sign_in: &SignInRecord) -> bool {
        sign_in.issuer == self.0.issuer && sign_in.resource == self.0.resource
    }

    /// Ends a sign-in: its refresh tokens are no longer valid, and its code stays known as used.
    pub(crate) async fn end(&self, id: &str) -> Result<(), StoreError> {
        match self.end_family(id).await? {
            Some(subject) => self.remove_sign_in(&subject, id).await,
            None => Ok(()),
        }
    }

    /// As [`end`](Self::end), where the sign-in is none of the person's any more. Returns the person,
    /// if it had not ended before.
    pub(super) async fn end_family(&self, id: &str) -> Result<Option<String>, StoreError> {
        loop {
            let Some(found) = self.0.records.read::<SignInRecord>(SIGN_INS, id).await? else {
                return Ok(None);
            };
            let Stored { value: mut sign_in, revision } = found;
            if matches!(sign_in.stage, Stage::Over) {
                return Ok(None);
            }
            sign_in.stage = Stage::Over;
            // A short time, so that repeated sign-ins do not fill the store.
            let until = self.now() + ENDED_RETENTION;
            // Open connections wait for it.
            let namespace = SIGN_INS.watched();
            match self.0.records.write(namespace, id, &sign_in, until, revision).await {
                Ok(_) => {
                    self.0.step_ups.forget(id);
                    self.keep(AuditEvent::SignInEnded, &sign_in);
                    return Ok(Some(sign_in.subject));
                }
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => return Err(error),
            }
        }
    }

    /// Keeps in the audit what happened to a sign-in.
    fn keep(&self, event: AuditEvent, sign_in: &SignInRecord) {
        self.0.grants.audit().decision(|| {
            let facts = Facts::of(event, &sign_in.subject).client(Some(&sign_in.client_id));
            facts.scopes(sign_in.scopes.iter())
        });
    }
}

/// Whether the challenge is that of the verifier (RFC 7636 §4.6).
fn verify_code_challenge(verifier: &str, challenge: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    (43..=128).contains(&verifier.len())
        && verifier.bytes().all(unreserved)
        && crypto::constant_time_eq(crypto::sha256_base64url(verifier), challenge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifier_is_that_of_the_rfc() {
        let (verifier, challenge) = (
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        );
        assert!(verify_code_challenge(verifier, challenge));
        assert!(!verify_code_challenge(challenge, challenge), "not plain");
        assert!(!verify_code_challenge("", &crypto::sha256_base64url("")), "not a short one");
        let long = "a".repeat(129);
        assert!(!verify_code_challenge(&long, &crypto::sha256_base64url(&long)));
    }
}
