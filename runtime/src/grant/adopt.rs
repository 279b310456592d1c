//! Grants that a consent at the provider creates or widens, and the clients that may use them.

use std::{collections::BTreeSet, sync::Arc};

use secrecy::ExposeSecret as _;

use super::{
    account::GrantAccount,
    audit::entry::{AuditEvent, Facts},
    clients::{GrantClient, GrantClients},
    model::{Grant, GrantKey, GrantState, Revision, Stored},
    refresh::{Grants, renew::Renew},
    store_error::{SaveError, StoreError},
};
use crate::{oauth::TokenResponse, provider::PlaceholderValues, support::crash_point::crash_point};

/// A consent at a provider, and the response to its code.
pub(crate) struct NewGrant<'a> {
    pub(crate) tokens: TokenResponse,
    /// Everything that is granted now.
    pub(crate) scopes: BTreeSet<String>,
    /// The origin of the token endpoint.
    pub(crate) origin: &'a str,
    /// The values of placeholders that the person gave.
    pub(crate) person: PlaceholderValues,
    /// The client through which the user was asked, where grants are bound to clients.
    pub(crate) client: Option<GrantClient>,
    /// Whether the account is known to be the one that was connected before.
    pub(crate) is_same_account: bool,
}

impl Grants {
    /// Stores what a consent has given, in the place of the grant before.
    pub(crate) async fn adopt(&self, key: &GrantKey, new: NewGrant<'_>) -> Result<(), StoreError> {
        loop {
            let found = self.store().load(key).await?;
            let account = found.as_ref().and_then(|row| row.value.account.clone());
            match self.adopt_over(key, &new, found, account).await {
                Ok(()) => return Ok(()),
                // After each conflict another writer made progress, so this ends.
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => return Err(error),
            }
        }
    }

    /// Stores what a consent has given over the row that was `found`.
    pub(super) async fn adopt_over(
        &self,
        key: &GrantKey,
        new: &NewGrant<'_>,
        found: Option<Stored<Grant>>,
        account: Option<Arc<GrantAccount>>,
    ) -> Result<(), SaveError> {
        let NewGrant { tokens, scopes, origin, person, client, is_same_account } = new;
        let scopes = scopes.iter().cloned();
        let mut grant = Grant::new(tokens.access_token.expose_secret(), self.now()).scopes(scopes);
        if let Some(lifetime) = tokens.expires_in {
            grant = grant.expires_in(lifetime);
        }
        grant.account = account;
        grant.origin = Some((*origin).to_owned());
        grant.placeholders.clone_from(&tokens.placeholders);
        grant.placeholders.extend(person.clone());
        let is_there = |before: &Grant| {
            let same = |(name, value)| before.placeholders.get(name) == Some(value);
            before.is_from(Some(origin)) && person.iter().all(same)
        };
        let expected = found.as_ref().map_or(Revision::ABSENT, |row| row.revision);
        let before = found.map(|row| row.value).filter(&is_there);
        grant.refresh_token = match (&tokens.refresh_token, &before) {
            (Some(token), _) => Some(token.clone()),
            // Google sends one with the first response only, and it stays valid. That of another
            // account would renew the access to that account.
            (None, Some(before)) if *is_same_account => before.refresh_token.clone(),
            (None, _) => None,
        };
        grant.clients = match before.filter(|before| before.state == GrantState::Live) {
            Some(before) => before.clients,
            None => Some(GrantClients::default()),
        };
        if let Some(client) = client {
            grant.clients = grant.clients.map(|clients| clients.with(client.clone()));
        }
        self.forget_history(key);
        self.store().save(key, &grant, expected).await?;
        crash_point("consent.stored");
        self.audit().decision(|| {
            let client = client.as_ref().map(GrantClient::key);
            let connected = Facts::of_grant(AuditEvent::AccountConnected, key);
            connected.client(client).scopes(grant.scopes.iter())
        });
        Ok(())
    }

    /// Changes the clients that may use a grant, and returns its scopes. `None`: there is no live
    /// grant that the provider issued.
    pub(crate) async fn change_clients(
        &self,
        key: &GrantKey,
        provider: &dyn Renew,
        change: impl Fn(&GrantClients) -> GrantClients + Send + Sync,
    ) -> Result<Option<BTreeSet<String>>, StoreError> {
        loop {
            let Some(row) = self.store().load(key).await? else { return Ok(None) };
            let mut grant = row.value;
            if grant.state != GrantState::Live || !provider.has_issued(&grant) {
                return Ok(None);
            }
            let Some(clients) = &grant.clients else { return Ok(Some(grant.scopes)) };
            grant.clients = Some(change(clients));
            match self.store().save(key, &grant, row.revision).await {
                Ok(_) => return Ok(Some(grant.scopes)),
                // After each conflict another writer made progress, so this ends.
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        sync::Arc,
        time::{Duration, SystemTime},
    };

    use super::*;
    use crate::grant::{
        AccessError, Clock, DeadReason, ManualClock, MemoryStore, held_provider::HeldProvider,
    };

    const ORIGIN: &str = "https://forge.example";

    struct Bench {
        grants: Grants,
        clock: Arc<ManualClock>,
        key: GrantKey,
    }

    impl Bench {
        fn new() -> Self {
            let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH));
            let grants = Grants::new(Arc::new(MemoryStore::new()), clock.clone());
            Self { grants, clock, key: GrantKey::new("alice", "forge") }
        }

        async fn adopt(&self, tokens: TokenResponse, client: Option<&str>, same: bool) {
            let client = client.map(|id| GrantClient::new(id, id, self.clock.now()));
            let scopes = BTreeSet::from(["repo:read".to_owned()]);
            let person = PlaceholderValues::new();
            let new =
                NewGrant { tokens, scopes, origin: ORIGIN, person, client, is_same_account: same };
            self.grants.adopt(&self.key, new).await.unwrap();
        }

        async fn grant(&self) -> Grant {
            self.grants.store().load(&self.key).await.unwrap().unwrap().value
        }

        async fn allow(&self, client: &str) -> bool {
            let add =
                |all: &GrantClients| all.with(GrantClient::new(client, client, self.clock.now()));
            self.grants
                .change_clients(&self.key, &*HeldProvider::at(ORIGIN), add)
                .await
                .unwrap()
                .is_some()
        }
    }

    #[tokio::test]
    async fn a_refresh_token_stays_only_with_the_account_it_was_given_for() {
        let bench = Bench::new();
        let first = || TokenResponse::new("work").refresh_token("refresh-of-work");
        let refresh =
            |grant: Grant| grant.refresh_token.map(|token| token.expose_secret().to_owned());
        bench.adopt(first(), None, false).await;
        bench.adopt(TokenResponse::new("home"), None, false).await;
        assert_eq!(refresh(bench.grant().await), None, "it may be another account's");
        bench.adopt(first(), None, true).await;
        bench.adopt(TokenResponse::new("again"), None, true).await;
        assert_eq!(refresh(bench.grant().await).as_deref(), Some("refresh-of-work"));
    }

    #[tokio::test]
    async fn another_address_of_the_same_origin_is_another_account() {
        let bench = Bench::new();
        let adopt = async |shop: &str, tokens: TokenResponse| {
            let new = NewGrant {
                tokens,
                scopes: BTreeSet::new(),
                origin: ORIGIN,
                person: PlaceholderValues::from([("shop".to_owned(), shop.to_owned())]),
                client: Some(GrantClient::new("claude", "claude", bench.clock.now())),
                is_same_account: true,
            };
            bench.grants.adopt(&bench.key, new).await.unwrap();
            bench.grant().await
        };
        adopt("acme", TokenResponse::new("a").refresh_token("of-acme")).await;
        assert!(bench.allow("codex").await);
        let again = adopt("acme", TokenResponse::new("b")).await;
        assert!(again.refresh_token.is_some() && again.allows("codex"));
        let other = adopt("other", TokenResponse::new("c")).await;
        assert!(other.refresh_token.is_none(), "it would renew the access at the other address");
        assert!(!other.allows("codex"));
        assert_eq!(other.placeholders.get("shop").map(String::as_str), Some("other"));
    }

    #[tokio::test]
    async fn clients_stay_while_the_account_is_connected_and_no_longer() {
        let bench = Bench::new();
        assert!(!bench.allow("codex").await, "there is no account");
        bench.adopt(TokenResponse::new("a"), Some("claude"), false).await;
        assert!(!bench.grant().await.allows("codex"));
        assert!(bench.allow("codex").await);
        bench.adopt(TokenResponse::new("b"), Some("claude"), false).await;
        assert!(bench.grant().await.allows("codex"), "a wider scope changes nothing about it");

        let mut dead = bench.grant().await;
        dead.state = GrantState::Dead { reason: DeadReason::Refused };
        bench.grants.put(&bench.key, dead).await.unwrap();
        assert!(!bench.allow("cursor").await, "a dead one is given to nobody");
        bench.adopt(TokenResponse::new("c"), Some("claude"), false).await;
        let grant = bench.grant().await;
        assert!(grant.allows("claude") && !grant.allows("codex"));
    }

    #[tokio::test]
    async fn what_the_user_says_of_a_grant_during_a_renewal_is_not_lost() {
        let bench = Bench::new();
        let tokens = TokenResponse::new("a").refresh_token("r").expires_in(Duration::from_secs(60));
        bench.adopt(tokens, Some("claude"), false).await;
        bench.allow("codex").await;
        bench.clock.advance(Duration::from_secs(61));
        let endpoint = HeldProvider::at(ORIGIN);
        let renew: Arc<dyn Renew> = endpoint.clone();
        let (grants, key) = (bench.grants.clone(), bench.key.clone());
        let renewal = tokio::spawn(async move { grants.access(&key, &renew).await });
        endpoint.asked.notified().await;
        assert!(bench.allow("cursor").await);
        let without = |all: &GrantClients| all.without("codex");
        bench.grants.change_clients(&bench.key, &*endpoint, without).await.unwrap();
        bench.grants.rename_account(&bench.key, Some("work")).await.unwrap();
        endpoint.answer.notify_one();
        renewal.await.unwrap().unwrap();
        let grant = bench.grant().await;
        assert_eq!(grant.access_token.expose_secret(), "renewed");
        assert!(grant.allows("claude") && grant.allows("cursor") && !grant.allows("codex"));
        assert_eq!(grant.account_name(), "work");
    }

    #[tokio::test]
    async fn tokens_are_not_sent_to_another_provider_with_the_same_id() {
        let bench = Bench::new();
        let tokens = TokenResponse::new("a").refresh_token("r").expires_in(Duration::from_secs(60));
        bench.adopt(tokens, None, false).await;
        let other: Arc<dyn Renew> = HeldProvider::at("https://evil.example");
        for wait in [0, 61] {
            bench.clock.advance(Duration::from_secs(wait));
            let error = bench.grants.access(&bench.key, &other).await.unwrap_err();
            assert!(matches!(error, AccessError::OtherProvider), "{error}");
        }
        let endpoint = HeldProvider::at(ORIGIN);
        endpoint.answer.notify_one();
        let renew: Arc<dyn Renew> = endpoint;
        let access = bench.grants.access(&bench.key, &renew).await.unwrap();
        let error = bench.grants.rejected(&bench.key, &access, &other).await.unwrap_err();
        assert!(matches!(error, AccessError::OtherProvider), "{error}");
        assert_eq!(bench.grant().await.origin.as_deref(), Some(ORIGIN), "a renewal keeps it");
        let elsewhere = NewGrant {
            tokens: TokenResponse::new("b"),
            scopes: BTreeSet::new(),
            origin: "https://evil.example",
            person: PlaceholderValues::new(),
            client: None,
            is_same_account: true,
        };
        bench.grants.adopt(&bench.key, elsewhere).await.unwrap();
        assert!(bench.grant().await.refresh_token.is_none(), "it is the other provider's");
    }
}
