//! State of a stand-in: what people granted, and the tokens of it.

use std::{
    collections::{BTreeSet, HashMap},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

use crate::{
    provider::profile::{Profile, Rotation},
    support::crypto::random_token,
};

/// The most entries of each kind. A process on this machine that makes more empties the table.
const MAX_ENTRIES: usize = 10_000;

/// How long a code is good.
const CODE_TTL: Duration = Duration::from_secs(60);

/// How often a stand-in was asked for what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Counts {
    /// Codes that were exchanged.
    pub codes: usize,
    /// Refresh tokens that were exchanged.
    pub refreshes: usize,
    /// Refresh tokens that were refused.
    pub refused_refreshes: usize,
    /// Tokens that were revoked.
    pub revocations: usize,
    /// Requests of the API that were answered.
    pub answered: usize,
    /// Requests of the API with a token that was not good.
    pub dead_tokens: usize,
    /// Requests of the API whose token lacked a scope.
    pub missing_scopes: usize,
    /// Requests of the API that were refused as too many.
    pub rate_limited: usize,
}

/// What a person is asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct AuthorizationRequest {
    pub(super) redirect_uri: String,
    pub(super) state: Option<String>,
    pub(super) scopes: BTreeSet<String>,
    pub(super) challenge: Option<String>,
    pub(super) gives_refresh_token: bool,
}

/// What a person granted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Grant {
    pub(super) account: String,
    pub(super) scopes: BTreeSet<String>,
    gives_refresh_token: bool,
    is_revoked: bool,
}

#[derive(Serialize, Deserialize)]
struct Code {
    grant: usize,
    redirect_uri: String,
    challenge: Option<String>,
    expires_at: SystemTime,
}

#[derive(Serialize, Deserialize)]
struct AccessToken {
    grant: usize,
    expires_at: Option<SystemTime>,
}

#[derive(Serialize, Deserialize)]
struct RefreshToken {
    grant: usize,
    used_at: Option<SystemTime>,
}

/// Tokens that were issued together.
#[derive(Debug)]
pub(super) struct Issued {
    pub(super) access: String,
    pub(super) refresh: Option<String>,
    pub(super) grant: Grant,
}

/// A token was not good.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NotGood;

/// What a stand-in knows.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct World {
    pub(super) counts: Counts,
    advanced: Duration,
    requests: HashMap<String, AuthorizationRequest>,
    grants: Vec<Grant>,
    codes: HashMap<String, Code>,
    access: HashMap<String, AccessToken>,
    refresh: HashMap<String, RefreshToken>,
}

/// Inserts into a table that does not grow without end.
fn insert<V>(table: &mut HashMap<String, V>, key: String, value: V) {
    if table.len() >= MAX_ENTRIES {
        table.clear();
    }
    table.insert(key, value);
}

impl World {
    pub(super) fn now(&self) -> SystemTime {
        SystemTime::now() + self.advanced
    }

    pub(super) fn advance(&mut self, by: Duration) {
        self.advanced += by;
    }

    pub(super) fn ask(&mut self, request: AuthorizationRequest) -> String {
        let id = random_token();
        insert(&mut self.requests, id.clone(), request);
        id
    }

    pub(super) fn answer(&mut self, id: &str) -> Option<AuthorizationRequest> {
        self.requests.remove(id)
    }

    /// The code for what a person granted.
    pub(super) fn grant(
        &mut self,
        request: AuthorizationRequest,
        account: String,
        scopes: BTreeSet<String>,
    ) -> String {
        if self.grants.len() >= MAX_ENTRIES {
            *self =
                Self { counts: self.counts.clone(), advanced: self.advanced, ..Self::default() };
        }
        let AuthorizationRequest { redirect_uri, challenge, gives_refresh_token, .. } = request;
        self.grants.push(Grant { account, scopes, gives_refresh_token, is_revoked: false });
        let code = random_token();
        let expires_at = self.now() + CODE_TTL;
        let grant = self.grants.len() - 1;
        insert(&mut self.codes, code.clone(), Code { grant, redirect_uri, challenge, expires_at });
        code
    }

    /// Exchanges a code, whose challenge `verified` compares.
    pub(super) fn exchange(
        &mut self,
        profile: &Profile,
        code: &str,
        redirect_uri: &str,
        verified: impl FnOnce(&str) -> bool,
    ) -> Result<Issued, NotGood> {
        let code = self.codes.remove(code).ok_or(NotGood)?;
        let is_verified = code.challenge.as_deref().is_none_or(verified);
        if code.expires_at <= self.now() || code.redirect_uri != redirect_uri || !is_verified {
            return Err(NotGood);
        }
        self.counts.codes += 1;
        let refresh = self.grants[code.grant].gives_refresh_token.then(|| new_refresh(profile));
        Ok(self.issue(profile, code.grant, refresh))
    }

    /// Exchanges a refresh token.
    pub(super) fn refresh(&mut self, profile: &Profile, token: &str) -> Result<Issued, NotGood> {
        let renewed = self.try_refresh(profile, token);
        match renewed {
            Ok(_) => self.counts.refreshes += 1,
            Err(NotGood) => self.counts.refused_refreshes += 1,
        }
        renewed
    }

    fn try_refresh(&mut self, profile: &Profile, token: &str) -> Result<Issued, NotGood> {
        let now = self.now();
        let known = self.refresh.get_mut(token).ok_or(NotGood)?;
        let grant = known.grant;
        if self.grants[grant].is_revoked {
            return Err(NotGood);
        }
        if let Some(used_at) = known.used_at {
            match profile.rotation {
                Rotation::None | Rotation::Repeated | Rotation::OldStaysGood => {}
                Rotation::Leeway(seconds) if now <= used_at + Duration::from_secs(seconds) => {}
                Rotation::OldIsRefused => return Err(NotGood),
                Rotation::Leeway(_) | Rotation::OldEndsGrant => {
                    self.grants[grant].is_revoked = true;
                    return Err(NotGood);
                }
            }
        }
        known.used_at.get_or_insert(now);
        if profile.ends_old_access {
            self.access.retain(|_, access| access.grant != grant);
        }
        let refresh = match profile.rotation {
            Rotation::None => None,
            Rotation::Repeated => Some(token.to_owned()),
            _ => Some(new_refresh(profile)),
        };
        Ok(self.issue(profile, grant, refresh))
    }

    fn issue(&mut self, profile: &Profile, grant: usize, refresh: Option<String>) -> Issued {
        let access = format!("{}{}", profile.access_prefix, random_token());
        let expires_at = profile.access_ttl.map(|ttl| self.now() + Duration::from_secs(ttl));
        insert(&mut self.access, access.clone(), AccessToken { grant, expires_at });
        if let Some(refresh) = &refresh {
            let known = RefreshToken { grant, used_at: None };
            if !self.refresh.contains_key(refresh) {
                insert(&mut self.refresh, refresh.clone(), known);
            }
        }
        Issued { access, refresh, grant: self.grants[grant].clone() }
    }

    /// What an access token allows.
    pub(super) fn granted(&self, access: &str) -> Result<&Grant, NotGood> {
        let token = self.access.get(access).ok_or(NotGood)?;
        let has_ended = token.expires_at.is_some_and(|end| end <= self.now());
        let grant = &self.grants[token.grant];
        if has_ended || grant.is_revoked { Err(NotGood) } else { Ok(grant) }
    }

    /// Revokes a token, and all others of its grant if `ends_grant`. Returns whether it was known.
    pub(super) fn revoke(&mut self, token: &str, ends_grant: bool) -> bool {
        let access = self.access.remove(token).map(|token| token.grant);
        let refresh = self.refresh.remove(token).map(|token| token.grant);
        let Some(grant) = access.or(refresh) else { return false };
        self.counts.revocations += 1;
        if ends_grant {
            self.grants[grant].is_revoked = true;
        }
        true
    }

    /// Whether a token is a refresh token.
    pub(super) fn is_refresh_token(&self, token: &str) -> bool {
        self.refresh.contains_key(token)
    }

    /// Ends all access tokens; refresh tokens stay.
    pub(super) fn expire_access_tokens(&mut self) {
        self.access.clear();
    }

    /// Ends everything that was granted.
    pub(super) fn revoke_everything(&mut self) {
        for grant in &mut self.grants {
            grant.is_revoked = true;
        }
    }

    /// Whether every code and token is of a grant that is there.
    #[cfg(feature = "dev")]
    pub(super) fn is_whole(&self) -> bool {
        let codes = self.codes.values().map(|code| code.grant);
        let access = self.access.values().map(|token| token.grant);
        let refresh = self.refresh.values().map(|token| token.grant);
        codes.chain(access).chain(refresh).all(|grant| grant < self.grants.len())
    }

    /// How many grants are good.
    pub(super) fn live_grants(&self) -> usize {
        self.grants.iter().filter(|grant| !grant.is_revoked).count()
    }
}

fn new_refresh(profile: &Profile) -> String {
    format!("{}{}", profile.refresh_prefix, random_token())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signed_in(profile: &Profile) -> (World, Issued) {
        let mut world = World::default();
        let request = AuthorizationRequest {
            redirect_uri: "http://127.0.0.1/callback".to_owned(),
            state: None,
            scopes: BTreeSet::new(),
            challenge: None,
            gives_refresh_token: true,
        };
        let code = world.grant(request, "alice".to_owned(), BTreeSet::new());
        let issued =
            world.exchange(profile, &code, "http://127.0.0.1/callback", |_| false).unwrap();
        (world, issued)
    }

    /// What a second use of a refresh token gives, and whether the tokens of the first use are good
    /// afterwards.
    fn reused(rotation: Rotation, after: u64) -> (bool, bool) {
        let profile = Profile { rotation, access_ttl: None, ..Profile::STANDARD };
        let (mut world, issued) = signed_in(&profile);
        let old = issued.refresh.unwrap();
        let first = world.refresh(&profile, &old).unwrap();
        world.advance(Duration::from_secs(after));
        let second = world.refresh(&profile, &old);
        (second.is_ok(), world.granted(&first.access).is_ok())
    }

    #[test]
    fn a_refresh_token_that_was_used_is_good_as_the_provider_has_it() {
        assert_eq!(reused(Rotation::None, 100), (true, true));
        assert_eq!(reused(Rotation::Repeated, 100), (true, true));
        assert_eq!(reused(Rotation::OldStaysGood, 100), (true, true));
        assert_eq!(reused(Rotation::OldIsRefused, 0), (false, true));
        assert_eq!(reused(Rotation::OldEndsGrant, 0), (false, false));
        assert_eq!(reused(Rotation::Leeway(60), 30), (true, true));
        assert_eq!(reused(Rotation::Leeway(60), 61), (false, false));
    }

    #[test]
    fn a_refresh_ends_the_access_token_of_before_where_the_provider_does() {
        for ends_old_access in [false, true] {
            let profile = Profile { ends_old_access, ..Profile::STANDARD };
            let (mut world, issued) = signed_in(&profile);
            world.refresh(&profile, &issued.refresh.unwrap()).unwrap();
            assert_eq!(world.granted(&issued.access).is_err(), ends_old_access);
        }
    }

    #[test]
    fn access_tokens_expire_and_codes_are_good_once() {
        let profile = Profile::STANDARD;
        let (mut world, issued) = signed_in(&profile);
        world.advance(Duration::from_secs(3599));
        assert!(world.granted(&issued.access).is_ok());
        world.advance(Duration::from_secs(1));
        assert!(world.granted(&issued.access).is_err());
        assert!(world.exchange(&profile, "", "", |_| true).is_err());
    }
}
