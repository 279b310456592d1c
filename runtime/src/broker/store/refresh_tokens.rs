//! Refresh tokens: rotation, reuse, revocation (OAuth 2.1 §4.3, RFC 7009).
//!
//! A refresh token is `tgr_ID.GENERATION.MAC`; the record has the key of the MAC and the number of
//! the current generation. Hosts refresh in parallel, and lose answers: a token stays good until its
//! successor has been used, and for the reuse interval afterwards. All of them get the current token.
//! After that it is reuse, which ends the family (OAuth 2.1 §4.3.1).

use std::time::{Duration, SystemTime};

use super::{
    sign_ins::{REFRESH_TOKEN_PREFIX, REFRESH_TOKEN_TTL, SignInRecord, Stage, TokenFamily},
    typed_store::{SIGN_INS, millis, moment},
};
use crate::support::escape::escape;
use crate::{
    broker::{
        client_authentication::AuthenticatedClient,
        endpoint::error::OAuthError,
        state::Broker,
        step_up::answer::all_scopes,
        tokens::{AccessToken, IssuedTokens},
    },
    grant::{GrantKey, GrantState, SaveError, Stored},
    scope,
    support::crypto,
    trace::{GrantType, ReuseOutcome},
};

/// How long a refresh token stays good after its successor was used, unless the operator says
/// otherwise.
pub(crate) const REUSE_INTERVAL: Duration = Duration::from_secs(600);

/// The most superseded tokens that stay good at a time.
const MAX_SUPERSEDED: usize = 64;

/// How long a person stays signed in, however often the tokens are rotated.
const MAX_SIGN_IN_AGE: Duration = Duration::from_secs(180 * 24 * 3600);

/// The parts of a refresh token. A token of another form was never issued.
fn parse(token: &str) -> Option<(&str, u64, &str)> {
    let mut parts = token.strip_prefix(REFRESH_TOKEN_PREFIX)?.split('.');
    let (id, generation, mac) = (parts.next()?, parts.next()?, parts.next()?);
    let number = generation.parse().ok()?;
    // `+1` and `01` parse as 1, and no token has them.
    let exact = parts.next().is_none() && id.len() == 43 && format!("{number}") == generation;
    exact.then_some((id, number, mac))
}

impl TokenFamily {
    /// Whether a token was used so long after its successor that another party must have it. The
    /// current one never was, nor the one before it, because its successor was not used yet.
    fn is_reuse(&self, generation: u64, now: SystemTime, interval: Duration) -> bool {
        let recently = |&(old, at): &(u64, u64)| old == generation && now < moment(at) + interval;
        generation + 1 < self.generation && !self.superseded.iter().any(recently)
    }

    /// Issues the next token. The use of the current one supersedes the one before it.
    fn rotate(&mut self, now: SystemTime, interval: Duration) {
        self.superseded.retain(|&(_, at)| now < moment(at) + interval);
        let surplus = (self.superseded.len() + 1).saturating_sub(MAX_SUPERSEDED);
        self.superseded.drain(..surplus);
        self.superseded.extend(self.generation.checked_sub(1).map(|old| (old, millis(now))));
        self.generation += 1;
    }
}

impl Broker {
    /// Redeems a refresh token (OAuth 2.1 §4.3).
    pub(crate) async fn refresh(
        &self,
        client: &AuthenticatedClient,
        token: &str,
        narrowed: Option<&str>,
    ) -> Result<IssuedTokens, OAuthError> {
        let unknown = || OAuthError::grant("the refresh token is not known, or has expired");
        let interval = self.0.refresh_token_reuse_interval;
        let (id, generation, mac) = parse(token).ok_or_else(unknown)?;
        loop {
            let found =
                self.0.records.read::<SignInRecord>(SIGN_INS, id).await?.ok_or_else(unknown)?;
            let Stored { value: mut sign_in, revision } = found;
            if !self.has_issued(&sign_in) {
                return Err(unknown());
            }
            let Stage::Family(mut family) = sign_in.stage else { return Err(unknown()) };
            if !crypto::constant_time_eq(mac, family.mac(id, generation)) {
                return Err(unknown());
            }
            // A later generation: the store was restored from a backup, which is not reuse.
            if generation > family.generation {
                return Err(unknown());
            }
            sign_in.stage = Stage::Over;
            if sign_in.client_id != client.id {
                return Err(OAuthError::grant("the refresh token was given to another client"));
            }
            sign_in.check_client(client)?;
            let now = self.now();
            if family.is_reuse(generation, now, interval) {
                tracing::warn!(target: "toolgate::broker", client = %escape(&sign_in.client_id), subject = %escape(&sign_in.subject), "a refresh token was used twice; its family is revoked");
                let of = (id, &*sign_in.client_id);
                self.trace_reuse(of, GrantType::RefreshToken, ReuseOutcome::Ended);
                self.end(id).await?;
                return Err(OAuthError::grant(
                    "the refresh token was used before; all that came of it is revoked",
                ));
            }
            let catalogue = self.0.oauth.registration.catalogue;
            let held = all_scopes(catalogue, &sign_in.scopes, &sign_in.step_up.added);
            let scopes = self.narrow(&held, narrowed)?;
            // A client that wants less than it signed in for gets no more by a step-up.
            let begun_with: Vec<&str> = sign_in.scopes.iter().map(String::as_str).collect();
            let given = scopes.iter().cloned().collect();
            let is_whole = scope::missing(catalogue, &given, &begun_with).is_empty();
            let was_checked = self.check_sign_in(&mut sign_in, id, now).await?;
            let is_current = generation == family.generation;
            // Parallel requests, and those that lost the answer, get the same tokens.
            let is_repeated = !is_current && !was_checked && family.last.scopes == scopes;
            if is_repeated && self.is_fresh(&family.last, now) {
                let (refresh, access) = (family.refresh_token(id), family.last);
                let of = (id, &*sign_in.client_id);
                self.trace_reuse(of, GrantType::RefreshToken, ReuseOutcome::Tolerated);
                self.trace_refreshed(of, &access);
                return Ok(IssuedTokens { access, refresh: Some(refresh) });
            }
            // What protects the token of a confidential client is its secret. A token that cannot be
            // used without it need not change, and hosts lose changed ones.
            if is_current && !client.is_confidential {
                family.rotate(now, interval);
            }
            let of = (&*sign_in.subject, &*sign_in.client_id, is_whole.then_some(id));
            let access = self.sign_access_token(of, &scopes, &[]).await?;
            family.last = access.clone();
            let refresh = Some(family.refresh_token(id));
            sign_in.stage = Stage::Family(family);
            match self
                .0
                .records
                .write(SIGN_INS, id, &sign_in, now + REFRESH_TOKEN_TTL, revision)
                .await
            {
                Ok(_) => {
                    self.trace_refreshed((id, &sign_in.client_id), &access);
                    return Ok(IssuedTokens { access, refresh });
                }
                // A concurrent request was first; this one gets the same answer.
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => return Err(error.into()),
            }
        }
    }

    fn trace_refreshed(&self, (id, client): (&str, &str), access: &AccessToken) {
        let of = (&self.span_of(id), id);
        self.trace_tokens(of, client, GrantType::RefreshToken, (access, true));
    }

    /// Whether an access token has more than half of its lifetime left.
    fn is_fresh(&self, token: &AccessToken, now: SystemTime) -> bool {
        let half = self.0.access_token_ttl / 2;
        token.expires_at.saturating_sub(millis(now) / 1000) > half.as_secs()
    }

    /// Checks that a sign-in still gives tokens, and ends it if it does not. Returns whether the
    /// record has changed.
    async fn check_sign_in(
        &self,
        sign_in: &mut SignInRecord,
        id: &str,
        now: SystemTime,
    ) -> Result<bool, OAuthError> {
        if moment(sign_in.begun) + MAX_SIGN_IN_AGE <= now {
            self.end(id).await?;
            return Err(OAuthError::grant("the sign-in is too long ago; sign in again"));
        }
        if self.has_ended(&sign_in.subject, sign_in.begun).await? {
            self.end(id).await?;
            return Err(OAuthError::grant("the account was disconnected; sign in again"));
        }
        self.check_connected(&sign_in.subject, id).await?;
        if self.0.admit.is_none() || now < moment(sign_in.admitted_at) + self.0.admission_ttl {
            return Ok(false);
        }
        match self.still_admits(&sign_in.subject).await {
            Ok(true) => {
                sign_in.admitted_at = millis(now);
                Ok(true)
            }
            Ok(false) => {
                tracing::info!(target: "toolgate::broker", client = %escape(&sign_in.client_id), subject = %escape(&sign_in.subject), "a person may no longer sign in");
                self.end(id).await?;
                Err(OAuthError::grant("this person may no longer sign in at this server"))
            }
            Err(error) => {
                tracing::warn!(target: "toolgate::broker", subject = %escape(&sign_in.subject), error = ?error.message(), cause = ?error.report(), "it cannot be decided whether a person may still sign in");
                Err(OAuthError::unavailable(
                    "it cannot be decided now whether this person may still sign in; try again later",
                ))
            }
        }
    }

    /// Returns the sign-in of a refresh token that its client wants to revoke (RFC 7009), with its ID.
    pub(crate) async fn find_sign_in<'a>(
        &self,
        client: &AuthenticatedClient,
        token: &'a str,
    ) -> Result<Option<(&'a str, SignInRecord)>, OAuthError> {
        let Some((id, generation, mac)) = parse(token) else { return Ok(None) };
        let Some(found) = self.0.records.read::<SignInRecord>(SIGN_INS, id).await? else {
            return Ok(None);
        };
        let sign_in = found.value;
        if !self.has_issued(&sign_in) {
            return Ok(None);
        }
        let Stage::Family(family) = &sign_in.stage else { return Ok(None) };
        if !crypto::constant_time_eq(mac, family.mac(id, generation)) {
            return Ok(None);
        }
        if sign_in.client_id != client.id {
            return Err(OAuthError::grant("the token was given to another client"));
        }
        sign_in.check_client(client)?;
        Ok(Some((id, sign_in)))
    }

    /// Checks that there is a grant at the provider. Without one, only a new sign-in helps.
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
}
