//! A sign-in: first a code, then a family of refresh tokens, then over. One record has all three
//! stages, and every step is a compare-and-swap, so that of any number of replicas one redeems a
//! code, one rotates a token, and reuse is noticed by all.
//!
//! A refresh token is `tgr_ID.GENERATION.MAC`; the record has the key of the MAC and the number of
//! the current generation. Hosts refresh in parallel: for [`GRACE`] a token that was just rotated
//! gets the answer that its successor was given in, and after that it is reuse, which ends the
//! family (OAuth 2.1 §4.3.1).

use std::time::Duration;

use aws_lc_rs::digest;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};

use super::typed_store::{SIGN_INS, millis, moment};
use crate::{
    broker::{
        Broker,
        client::Proven,
        endpoint::{error::OAuthError, request::Request, token::Access},
    },
    support::digest as secret,
};
use crate::{
    grant::{GrantKey, GrantState, SaveError, StoreError, Stored},
    scope,
    support::random,
};

/// How long a code is good.
const CODE: Duration = Duration::from_secs(60);
/// How long a rotated refresh token gets its successor's answer.
const GRACE: Duration = Duration::from_secs(30);
/// How long a family lasts that is not used.
pub(crate) const IDLE: Duration = Duration::from_secs(30 * 24 * 3600);
/// How long it is known that a code or a family is over: longer than any code is good.
const OVER: Duration = Duration::from_secs(3600);
/// How long a family lasts.
const LONGEST: Duration = Duration::from_secs(180 * 24 * 3600);

const PREFIX: &str = "tgr_";

/// A sign-in, as it is kept.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SignIn {
    pub(crate) subject: String,
    pub(crate) client_id: String,
    redirect_uri: String,
    challenge: String,
    scopes: Vec<String>,
    /// Told in the first access token alone: after a refresh the host may try again.
    #[serde(default)]
    withheld: Vec<String>,
    begun: u64,
    stage: Stage,
}

#[derive(Clone, Serialize, Deserialize)]
enum Stage {
    Code { until: u64 },
    Family(Family),
    Over,
}

#[derive(Clone, Serialize, Deserialize)]
struct Family {
    /// The key of the refresh tokens' MACs.
    seed: String,
    generation: u64,
    /// Generations that were rotated lately, and when.
    rotated: Vec<(u64, u64)>,
    /// The access token that was given last, for who comes within the grace.
    last: Access,
}

/// What the token endpoint answers.
pub(crate) struct Tokens {
    pub(crate) access: Access,
    pub(crate) refresh: Option<String>,
}

/// The record of a code: the code itself is kept nowhere.
fn id_of(code: &str) -> String {
    secret::digest(code)
}

fn refresh_token(id: &str, family: &Family) -> String {
    let mac = secret::mac(&family.seed, &format!("{id}.{}", family.generation));
    format!("{PREFIX}{id}.{}.{mac}", family.generation)
}

/// A refresh token in its parts; what is not of this form was never given.
fn parse(token: &str) -> Option<(&str, u64, &str)> {
    let mut parts = token.strip_prefix(PREFIX)?.split('.');
    let (id, generation, mac) = (parts.next()?, parts.next()?, parts.next()?);
    let number = generation.parse().ok()?;
    // `+1` and `01` are the number 1, and no token has them.
    let exact = parts.next().is_none() && id.len() == 43 && format!("{number}") == generation;
    exact.then_some((id, number, mac))
}

impl Broker {
    /// A code for what was granted.
    pub(crate) async fn issue_code(
        &self,
        subject: &str,
        request: &Request,
        scopes: Vec<String>,
        withheld: Vec<String>,
        begun: u64,
    ) -> Result<String, StoreError> {
        let now = self.now();
        let code = format!("tgc_{}", random::text());
        let sign_in = SignIn {
            subject: subject.to_owned(),
            client_id: request.client_id.clone(),
            redirect_uri: request.redirect_uri.clone(),
            challenge: request.challenge.clone(),
            scopes,
            withheld,
            begun,
            stage: Stage::Code { until: millis(now + CODE) },
        };
        self.0.shelf.put(SIGN_INS, &id_of(&code), &sign_in, now + CODE).await?;
        Ok(code)
    }

    /// Redeems a code (OAuth 2.1 §4.1.3).
    pub(crate) async fn redeem(
        &self,
        client: &Proven,
        code: &str,
        redirect_uri: Option<&str>,
        verifier: &str,
    ) -> Result<Tokens, OAuthError> {
        let id = id_of(code);
        loop {
            let unknown = || OAuthError::grant("the code is not known, or has expired");
            let found = self.0.shelf.read::<SignIn>(SIGN_INS, &id).await?.ok_or_else(unknown)?;
            let Stored { value: mut sign_in, revision } = found;
            let until = match sign_in.stage {
                Stage::Code { until } => until,
                Stage::Family(_) => {
                    // Somebody else has it, too.
                    tracing::warn!(target: "toolgate::broker", client = %sign_in.client_id, subject = %sign_in.subject, "a code was used twice; what came of it is revoked");
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
            // OAuth 2.1 has done away with the parameter; who sends it must mean the same.
            if redirect_uri.is_some_and(|uri| uri != sign_in.redirect_uri) {
                return Err(OAuthError::grant("the redirect_uri is another than that of the code"));
            }
            if !fits(verifier, &sign_in.challenge) {
                // The right client with a code that it did not ask for: somebody injected it.
                self.end(&id).await?;
                return Err(OAuthError::grant("the code_verifier does not fit; the code is spent"));
            }
            if sign_in.begun <= self.ended_before(&sign_in.subject).await? {
                return Err(OAuthError::grant("the account was disconnected meanwhile"));
            }
            let access = self
                .access(&sign_in.subject, &sign_in.client_id, &sign_in.scopes, &sign_in.withheld)
                .await?;
            let seed = random::text();
            let family = Family { seed, generation: 0, rotated: Vec::new(), last: access.clone() };
            let refresh = client.refreshes.then(|| refresh_token(&id, &family));
            sign_in.stage = Stage::Family(family);
            // First, so that whoever disconnects the person meanwhile finds it.
            self.belongs(&sign_in.subject, &id).await?;
            match self.0.shelf.write(SIGN_INS, &id, &sign_in, now + IDLE, revision).await {
                Ok(_) => return Ok(Tokens { access, refresh }),
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => return Err(error.into()),
            }
        }
    }

    /// Redeems a refresh token (OAuth 2.1 §4.3).
    pub(crate) async fn refresh(
        &self,
        client: &Proven,
        token: &str,
        narrowed: Option<&str>,
    ) -> Result<Tokens, OAuthError> {
        let unknown = || OAuthError::grant("the refresh token is not known, or has expired");
        let (id, generation, mac) = parse(token).ok_or_else(unknown)?;
        loop {
            let found = self.0.shelf.read::<SignIn>(SIGN_INS, id).await?.ok_or_else(unknown)?;
            let Stored { value: mut sign_in, revision } = found;
            let Stage::Family(family) = &mut sign_in.stage else { return Err(unknown()) };
            if !secret::same(mac, &secret::mac(&family.seed, &format!("{id}.{generation}"))) {
                return Err(unknown());
            }
            if sign_in.client_id != client.id {
                return Err(OAuthError::grant("the refresh token was given to another client"));
            }
            let scopes = self.narrow(&sign_in.scopes, narrowed)?;
            let now = self.now();
            if generation > family.generation {
                // The store was restored from a backup; nobody is to blame.
                return Err(unknown());
            }
            if generation < family.generation {
                let within_grace = family
                    .rotated
                    .iter()
                    .any(|(old, at)| *old == generation && now < moment(*at) + GRACE);
                if !within_grace {
                    tracing::warn!(target: "toolgate::broker", client = %sign_in.client_id, subject = %sign_in.subject, "a refresh token was used twice; its family is revoked");
                    self.end(id).await?;
                    return Err(OAuthError::grant(
                        "the refresh token was used before; all that came of it is revoked",
                    ));
                }
                let refresh = Some(refresh_token(id, family));
                let access = if family.last.scopes == scopes {
                    family.last.clone()
                } else {
                    self.access(&sign_in.subject, &sign_in.client_id, &scopes, &[]).await?
                };
                return Ok(Tokens { access, refresh });
            }
            if moment(sign_in.begun) + LONGEST <= now {
                self.end(id).await?;
                return Err(OAuthError::grant("it is too long ago that somebody signed in"));
            }
            self.check_connected(&sign_in.subject, id).await?;
            family.generation += 1;
            family.rotated.retain(|(_, at)| now < moment(*at) + GRACE);
            family.rotated.push((generation, millis(now)));
            let access = self.access(&sign_in.subject, &sign_in.client_id, &scopes, &[]).await?;
            family.last = access.clone();
            let refresh = Some(refresh_token(id, family));
            match self.0.shelf.write(SIGN_INS, id, &sign_in, now + IDLE, revision).await {
                Ok(_) => return Ok(Tokens { access, refresh }),
                // Another request was first: this one gets the same answer.
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => return Err(error.into()),
            }
        }
    }

    /// Revokes a refresh token and all of its family (RFC 7009); says whose it was.
    pub(crate) async fn revoke_family(
        &self,
        client: &Proven,
        token: &str,
    ) -> Result<Option<SignIn>, OAuthError> {
        let Some((id, generation, mac)) = parse(token) else { return Ok(None) };
        let Some(found) = self.0.shelf.read::<SignIn>(SIGN_INS, id).await? else {
            return Ok(None);
        };
        let sign_in = found.value;
        let Stage::Family(family) = &sign_in.stage else { return Ok(None) };
        if !secret::same(mac, &secret::mac(&family.seed, &format!("{id}.{generation}"))) {
            return Ok(None);
        }
        if sign_in.client_id != client.id {
            return Err(OAuthError::grant("the token was given to another client"));
        }
        self.end(id).await?;
        Ok(Some(sign_in))
    }

    /// Ends a sign-in: nothing that came of it is good any more, and its code stays known as used.
    pub(crate) async fn end(&self, id: &str) -> Result<(), StoreError> {
        loop {
            let Some(found) = self.0.shelf.read::<SignIn>(SIGN_INS, id).await? else {
                return Ok(());
            };
            let Stored { value: mut sign_in, revision } = found;
            if matches!(sign_in.stage, Stage::Over) {
                return Ok(());
            }
            sign_in.stage = Stage::Over;
            // Not for long: whoever signs in again and again must not fill the store.
            let until = self.now() + OVER;
            match self.0.shelf.write(SIGN_INS, id, &sign_in, until, revision).await {
                Ok(_) => return self.no_longer_belongs(&sign_in.subject, id).await,
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => return Err(error),
            }
        }
    }

    /// Is there still a grant at the provider? Without one a new sign-in helps, and no refresh.
    async fn check_connected(&self, subject: &str, id: &str) -> Result<(), OAuthError> {
        let provider = &self.0.oauth.registration;
        let key = GrantKey::new(subject, provider.id);
        let found = self.0.grants.store().load(&key).await?;
        if found.is_some_and(|row| row.value.state == GrantState::Live) {
            return Ok(());
        }
        self.end(id).await?;
        let name = provider.name;
        Err(OAuthError::grant(format!(
            "the account at {name} is no longer connected; sign in again"
        )))
    }

    /// The scopes of the next access token: those of the sign-in, or fewer (RFC 6749 §6).
    fn narrow(&self, held: &[String], asked: Option<&str>) -> Result<Vec<String>, OAuthError> {
        let Some(asked) = asked else { return Ok(held.to_vec()) };
        let catalogue = self.0.oauth.registration.catalogue;
        let held = held.iter().cloned().collect();
        let asked: Vec<&str> = asked
            .split(' ')
            .filter(|scope| !scope.is_empty() && *scope != scope::OFFLINE)
            .collect();
        if !scope::missing(catalogue, &held, &asked).is_empty() {
            return Err(OAuthError::new(
                "invalid_scope",
                "a refresh gives no more scopes than were granted; ask for authorization again",
            ));
        }
        let names = catalogue.iter().map(|known| known.name);
        Ok(names.filter(|name| asked.contains(name)).map(str::to_owned).collect())
    }
}

/// Is the challenge that of the verifier (RFC 7636 §4.6)?
fn fits(verifier: &str, challenge: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let digest = digest::digest(&digest::SHA256, verifier.as_bytes());
    (43..=128).contains(&verifier.len())
        && verifier.bytes().all(unreserved)
        && secret::same(&BASE64_URL_SAFE_NO_PAD.encode(digest), challenge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refresh_token_has_one_spelling() {
        let id = "a".repeat(43);
        assert_eq!(parse(&format!("tgr_{id}.7.mac")), Some((id.as_str(), 7, "mac")));
        for wrong in [
            format!("{id}.7.mac"),
            format!("tgr_{id}.07.mac"),
            format!("tgr_{id}.+7.mac"),
            format!("tgr_{id}.-7.mac"),
            format!("tgr_{id}.7.mac.x"),
            format!("tgr_{id}.7"),
            format!("tgr_{id}.99999999999999999999.mac"),
            format!("tgr_{id}x.7.mac"),
            String::new(),
        ] {
            assert_eq!(parse(&wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_verifier_is_that_of_the_rfc() {
        let (verifier, challenge) = (
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
            "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        );
        assert!(fits(verifier, challenge));
        assert!(!fits(challenge, challenge), "not plain");
        assert!(!fits("", &secret::digest("")), "not a short one");
        let long = "a".repeat(129);
        assert!(!fits(&long, &secret::digest(&long)));
    }
}
