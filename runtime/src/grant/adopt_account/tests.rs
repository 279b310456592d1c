use std::{collections::BTreeSet, time::SystemTime};

use secrecy::ExposeSecret as _;

use super::*;
use crate::{
    grant::{DeadReason, ManualClock, MemoryStore, TokenResponse, accounts::Renamed},
    provider::PlaceholderValues,
};

const ORIGIN: &str = "https://forge.example";

struct Bench {
    grants: Grants,
    first: GrantKey,
}

fn identity(id: &str) -> AccountIdentity {
    AccountIdentity::new(id, Some(&format!("login-{id}")))
}

impl Bench {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at(SystemTime::UNIX_EPOCH));
        let grants = Grants::new(Arc::new(MemoryStore::new()), clock);
        Self { grants, first: GrantKey::new("alice", "forge") }
    }

    fn new_grant(token: &str) -> NewGrant<'static> {
        NewGrant {
            tokens: TokenResponse::new(token),
            scopes: BTreeSet::from(["repo:read".to_owned()]),
            origin: ORIGIN,
            person: PlaceholderValues::new(),
            client: None,
            is_same_account: false,
        }
    }

    async fn try_adopt(&self, id: &str, wanted: &WantedAccount) -> Result<Adopted, AdoptError> {
        let new = Self::new_grant(&format!("token-{id}"));
        self.grants.adopt_account(&self.first, new, &identity(id), wanted).await
    }

    async fn adopt(&self, id: &str, wanted: WantedAccount) -> Adopted {
        self.try_adopt(id, &wanted).await.unwrap()
    }

    /// The names of the accounts, each with its token; the default has a star.
    async fn accounts(&self) -> Vec<String> {
        let all = self.grants.accounts("alice", "forge").await.unwrap();
        let shown = all.iter().map(|one| {
            let star = if one.is_default { "*" } else { "" };
            format!("{}{star}={}", one.name, one.grant.access_token.expose_secret())
        });
        shown.collect()
    }

    async fn key_of(&self, name: &str) -> GrantKey {
        let all = self.grants.accounts("alice", "forge").await.unwrap();
        all.into_iter().find(|one| one.name == name).unwrap().key
    }

    async fn kill(&self, key: &GrantKey) {
        let mut grant = self.grants.store().load(key).await.unwrap().unwrap().value;
        grant.state = GrantState::Dead { reason: DeadReason::Refused };
        self.grants.put(key, grant).await.unwrap();
    }
}

#[tokio::test]
async fn the_tokens_of_an_account_go_to_its_own_row() {
    let bench = Bench::new();
    let adopted = bench.adopt("work", WantedAccount::Default).await;
    assert_eq!((adopted.instead_of, adopted.is_one_of_several), (None, false));
    let first = bench.first.clone();
    assert_eq!(bench.key_of("login-work").await, first, "one account is where it always was");

    let adopted = bench.adopt("home", WantedAccount::Default).await;
    assert_eq!(adopted.instead_of.as_deref(), Some("login-work"), "the default is alive");
    assert!(adopted.is_one_of_several);
    assert_eq!(bench.accounts().await, ["login-work*=token-work", "login-home=token-home"]);

    let home = bench.key_of("login-home").await;
    let wanted = WantedAccount::Named(home.account.clone());
    let adopted = bench.adopt("work", wanted.clone()).await;
    assert_eq!(adopted.instead_of.as_deref(), Some("login-home"));
    assert_eq!(bench.adopt("home", wanted).await.instead_of, None);
    assert_eq!(bench.accounts().await, ["login-work*=token-work", "login-home=token-home"]);
}

#[tokio::test]
async fn an_account_in_the_place_of_one_that_ended_is_the_default() {
    let bench = Bench::new();
    bench.adopt("work", WantedAccount::Default).await;
    bench.kill(&bench.first).await;
    assert_eq!(bench.adopt("home", WantedAccount::Default).await.instead_of, None);
    assert_eq!(bench.accounts().await, ["login-work=token-work", "login-home*=token-home"]);
    // Its own tokens bring it back, and the choice stays.
    bench.adopt("work", WantedAccount::Named(String::new())).await;
    assert_eq!(bench.accounts().await, ["login-work=token-work", "login-home*=token-home"]);
}

#[tokio::test]
async fn a_row_of_an_unknown_account_is_replaced_as_a_whole_or_left_alone() {
    for (wanted, expected) in [
        (WantedAccount::Default, &["login-home*=token-home"][..]),
        (WantedAccount::Another, &["default*=old", "login-home=token-home"][..]),
    ] {
        let bench = Bench::new();
        let old = Grant::new("old", SystemTime::UNIX_EPOCH).refresh_token("refresh");
        bench.grants.put(&bench.first, old).await.unwrap();
        bench.adopt("home", wanted).await;
        assert_eq!(bench.accounts().await, expected);
        let row = bench.grants.store().load(&bench.key_of("login-home").await).await.unwrap();
        assert!(row.unwrap().value.refresh_token.is_none(), "it may be another account's");
    }
}

#[tokio::test]
async fn the_accounts_of_a_person_are_bounded() {
    let bench = Bench::new();
    for at in 0..MAX_ACCOUNTS {
        bench.adopt(&at.to_string(), WantedAccount::Another).await;
    }
    let refused = bench.try_adopt("more", &WantedAccount::Another).await;
    assert!(matches!(refused, Err(AdoptError::TooManyAccounts)), "{refused:?}");
    bench.adopt("3", WantedAccount::Another).await;
    assert_eq!(bench.accounts().await.len(), MAX_ACCOUNTS);
    let removed = bench.grants.take(&bench.first).await.unwrap();
    assert!(removed.is_some());
    bench.adopt("more", WantedAccount::Another).await;
    assert_eq!(bench.accounts().await.len(), MAX_ACCOUNTS);
}

#[tokio::test]
async fn the_default_is_chosen_and_survives_what_is_disconnected() {
    let bench = Bench::new();
    for id in ["work", "home", "club"] {
        bench.adopt(id, WantedAccount::Another).await;
    }
    let (home, club) = (bench.key_of("login-home").await, bench.key_of("login-club").await);
    let default = async || {
        let all = bench.grants.accounts("alice", "forge").await.unwrap();
        all.into_iter().find(|one| one.is_default).map(|one| one.name)
    };
    assert!(bench.grants.set_default_account(&home).await.unwrap());
    assert_eq!(default().await.as_deref(), Some("login-home"));
    assert!(bench.grants.take(&bench.first).await.unwrap().is_some());
    assert!(bench.grants.take(&bench.first).await.unwrap().is_none(), "it is gone");
    assert_eq!(default().await.as_deref(), Some("login-home"), "the choice stays");
    assert!(bench.grants.set_default_account(&club).await.unwrap());
    assert_eq!(default().await.as_deref(), Some("login-club"));
    assert!(!bench.grants.set_default_account(&bench.first).await.unwrap(), "it is gone");
    bench.grants.take(&club).await.unwrap();
    assert_eq!(default().await.as_deref(), Some("login-home"));
    bench.grants.take(&home).await.unwrap();
    assert_eq!(default().await, None);
    assert!(bench.grants.store().list("alice").await.unwrap().is_empty(), "nothing is left");
}

#[tokio::test]
async fn names_are_the_persons_and_no_two_are_the_same() {
    let bench = Bench::new();
    bench.adopt("work", WantedAccount::Default).await;
    bench.adopt("home", WantedAccount::Another).await;
    let home = bench.key_of("login-home").await;
    let rename = async |name| bench.grants.rename_account(&home, name).await.unwrap();
    assert_eq!(rename(Some("Login-Work")).await, Renamed::Taken);
    assert_eq!(rename(Some("private")).await, Renamed::Done);
    bench.adopt("home", WantedAccount::Default).await;
    assert_eq!(bench.accounts().await, ["login-work*=token-work", "private=token-home"]);
    assert_eq!(rename(None).await, Renamed::Done);
    assert_eq!(bench.accounts().await[1], "login-home=token-home");
    let unknown = bench.first.account("nothing");
    let missing = bench.grants.rename_account(&unknown, Some("x")).await.unwrap();
    assert_eq!(missing, Renamed::Missing);

    // A provider may call two accounts the same.
    let same = AccountIdentity::new("third", Some("LOGIN-home"));
    let new = Bench::new_grant("token-third");
    bench.grants.adopt_account(&bench.first, new, &same, &WantedAccount::Another).await.unwrap();
    let mut names: Vec<_> = bench
        .accounts()
        .await
        .iter()
        .map(|one| one.split('=').next().unwrap().to_owned())
        .collect();
    names.sort_by_key(|name| name.to_lowercase());
    names.dedup_by_key(|name| name.to_lowercase());
    assert_eq!(names.len(), 3, "{names:?}");
}
