//! From a registration to a token and on: the broker as hosts and people meet it.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use forge::Config;
use integration::{
    broker::{Application, Browser, REDIRECT, Site, listen},
    host::client_at,
};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use toolgate::{
    broker::{Broker, DisconnectOutcome},
    grant::{
        Grant, GrantKey, Grants, ManualClock, MasterKey, MemoryStore, SqliteStore, SystemClock,
    },
};

async fn granted(site: &Site, subject: &str) -> BTreeSet<String> {
    let stored = site.grants.store().load(&GrantKey::new(subject, "forge")).await.unwrap();
    stored.map(|stored| stored.value.scopes).unwrap_or_default()
}

fn set<const N: usize>(scopes: [&str; N]) -> BTreeSet<String> {
    scopes.map(str::to_owned).into()
}

#[tokio::test]
async fn a_host_registers_and_a_person_signs_in_once() {
    let site = Site::start().await;
    let host = Application::register(&site).await;
    let browser = Browser::new();

    let page = browser.open(&host.link("repo:read", &[])).await;
    assert!(page.is_consent(), "{}", page.body);
    for words in ["Test Host", "not verified", "127.0.0.1", "Read your repositories", "Forge"] {
        assert!(page.body.contains(words), "`{words}` in {}", page.body);
    }
    let page = browser.decide(&page, "allow").await;
    assert!(page.url.as_str().starts_with(site.forge.url()), "{}", page.url);
    let page = browser.at_forge(page, "alice", "approve").await;
    assert!(host.expects(&page.url), "{}", page.url);
    let answer = page.answer();
    assert_eq!(answer.get("state"), Some("the-state"));
    assert_eq!(answer.get("iss"), Some(site.url.as_str()));
    assert_eq!(site.forge.counts().last_asked, "repo:read", "exactly what was asked for");

    let tokens = host.redeem(answer.code()).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    assert_eq!(tokens.cache_control, "no-store");
    assert_eq!(tokens.body["token_type"], "Bearer");
    assert_eq!(tokens.body["expires_in"], 600);
    assert_eq!(tokens.body["scope"], "repo:read");
    let claims = tokens.claims();
    assert_eq!(claims["iss"], site.url);
    assert_eq!(claims["aud"], site.resource);
    assert_eq!(claims["sub"], "forge:alice");
    assert_eq!(claims["client_id"], host.id);
    assert_eq!(claims["scope"], "repo:read");

    let grant = site.grants.store().load(&GrantKey::new("forge:alice", "forge")).await.unwrap();
    let grant = grant.expect("the provider's grant is kept under the subject").value;
    assert!(grant.scopes.contains("repo:read"));

    let renewed = host.refresh(&tokens.text("refresh_token")).await;
    assert_eq!(renewed.status, 200, "{}", renewed.body);
    assert_ne!(renewed.text("refresh_token"), tokens.text("refresh_token"));
    assert_eq!(renewed.claims()["sub"], "forge:alice");
}

#[tokio::test]
async fn tokens_verify_with_the_published_keys() {
    use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
    let site = Site::start().await;
    let host = Application::register(&site).await;
    let tokens = host.sign_in(&Browser::new(), "repo:read", "alice").await;
    let token = tokens.text("access_token");
    let header = decode_header(&token).unwrap();
    assert_eq!((header.typ.as_deref(), header.alg), (Some("at+jwt"), Algorithm::ES256));
    let kid = header.kid.unwrap();

    let published: jsonwebtoken::jwk::JwkSet =
        reqwest::get(site.endpoint("jwks")).await.unwrap().json().await.unwrap();
    assert_eq!(published.keys.len(), 2, "the key that signs, and the next");
    let here = site.broker.jwks().await.unwrap();
    for keys in [published, here] {
        let key = DecodingKey::from_jwk(keys.find(&kid).unwrap()).unwrap();
        let mut rules = Validation::new(Algorithm::ES256);
        rules.set_audience(&[&site.resource]);
        rules.set_issuer(&[&site.url]);
        rules.validate_exp = false;
        let claims = decode::<Value>(&token, &key, &rules).unwrap().claims;
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 600);
    }
}

#[tokio::test]
async fn the_metadata_says_what_hosts_look_for() {
    let site = Site::start().await;
    let url = format!("{}/.well-known/oauth-authorization-server", site.url);
    let document: Value = reqwest::get(url).await.unwrap().json().await.unwrap();
    assert_eq!(document["issuer"], site.url);
    assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(document["authorization_response_iss_parameter_supported"], true);
    let offered = Site::with(Config::default(), |broker| broker.client_metadata_documents(true));
    let offered = offered.await.broker.metadata();
    assert_eq!(document["client_id_metadata_document_supported"], false);
    assert_eq!(offered["client_id_metadata_document_supported"], true);
    let methods = offered["token_endpoint_auth_methods_supported"].as_array().unwrap();
    assert!(methods.contains(&json!("private_key_jwt")), "{methods:?}");
    let algorithms = &offered["token_endpoint_auth_signing_alg_values_supported"];
    assert!(algorithms.as_array().unwrap().contains(&json!("ES256")), "{algorithms}");
    assert_eq!(document["scopes_supported"], Value::Null, "clients ask for all that is listed");
    for name in ["authorize", "token", "register", "revoke", "jwks"] {
        let found = document.as_object().unwrap().values().any(|v| *v == site.endpoint(name));
        assert!(found, "{name}: {document}");
    }
}

#[tokio::test]
async fn a_step_up_asks_only_for_what_is_missing() {
    let site = Site::start().await;
    let host = Application::register(&site).await;
    let browser = Browser::new();
    let first = host.sign_in(&browser, "repo:read", "alice").await;
    let page = browser.open(&host.link("repo:read repo:delete", &[])).await;
    assert!(page.is_consent(), "{:?}", page.visited);
    let (new, before) = page.body.split_once("What you have allowed it before").unwrap();
    assert!(new.contains("Delete your repositories") && !new.contains("Read your"), "{new}");
    assert!(before.contains("Read your repositories"), "{before}");
    let page = browser.decide(&page, "allow").await;
    let page = browser.at_forge(page, "alice", "approve").await;
    let second = host.redeem(page.answer().code()).await;
    assert_eq!(second.body["scope"], "repo:read repo:delete");
    assert_eq!(granted(&site, "forge:alice").await, set(["repo:delete", "repo:read"]));
    let old = host.refresh(&first.text("refresh_token")).await;
    assert_eq!(old.body["scope"], "repo:read", "an earlier sign-in stays what it was");
}

#[tokio::test]
async fn a_second_host_does_not_take_from_the_first() {
    for same_browser in [true, false] {
        let site = Site::start().await;
        let (first, second) =
            (Application::register(&site).await, Application::register(&site).await);
        let browser = Browser::new();
        first.sign_in(&browser, "repo:write repo:delete", "alice").await;
        let other = if same_browser { browser } else { Browser::new() };
        let tokens = second.sign_in(&other, "repo:read", "alice").await;
        assert_eq!(tokens.body["scope"], "repo:read", "each host has what it asked for");
        let all = granted(&site, "forge:alice").await;
        assert!(all.contains("repo:write") && all.contains("repo:delete"), "{all:?}");
        assert_eq!(site.forge.counts().codes, if same_browser { 2 } else { 3 });
    }
}

#[tokio::test]
async fn a_grant_of_less_gives_a_token_of_less() {
    let site = Site::with(Config::default().withhold("repo:delete"), |builder| builder).await;
    let host = Application::register(&site).await;
    let tokens = host.sign_in(&Browser::new(), "repo:read repo:delete", "alice").await;
    assert_eq!(tokens.body["scope"], "repo:read");
    assert_eq!(tokens.claims()["scope"], "repo:read");
}

#[tokio::test]
async fn who_asks_for_nothing_gets_what_the_operator_says() {
    let plain = Site::start().await;
    let host = Application::register(&plain).await;
    let browser = Browser::new();
    let page = browser.open(&host.link("", &[])).await;
    assert!(page.body.contains("learn who you are there, and nothing else"), "{}", page.body);
    let tokens = host.sign_in(&browser, "", "alice").await;
    assert_eq!(tokens.body["scope"], "");
    assert_eq!(tokens.claims()["sub"], "forge:alice");

    let site = Site::with(Config::default(), |builder| builder.default_scopes(["repo:read"])).await;
    let host = Application::register(&site).await;
    let tokens = host.sign_in(&Browser::new(), "", "alice").await;
    assert_eq!(tokens.body["scope"], "repo:read");
    assert_eq!(site.broker.metadata()["scopes_supported"], json!(["repo:read"]));
    let offline = host.sign_in(&Browser::new(), "offline_access repo:read", "alice").await;
    assert_eq!(offline.body["scope"], "repo:read", "what every host gets is no scope of ours");
}

#[tokio::test]
async fn a_resource_that_is_not_named_is_ours() {
    let site = Site::start().await;
    let host = Application::register(&site).await;
    let slash = format!("{}/", site.resource);
    for resource in ["", slash.as_str()] {
        let link = host.link("repo:read", &[("resource", resource)]);
        let code = Browser::new().sign_in(&link, "alice").await.answer().code().to_owned();
        let tokens = host.redeem_with(&code, &[("resource", resource)]).await;
        assert_eq!(tokens.claims()["aud"], site.resource);
    }
}

#[tokio::test]
async fn hosts_of_every_kind_are_answered() {
    let site = Site::start().await;
    for redirect in [
        "https://app.example/callback",
        "https://app.example/callback?fixed=1",
        "http://localhost:7777/app/callback",
        "com.example.app:/callback",
        "cursor://anysphere.cursor-retrieval/oauth/callback",
    ] {
        let host = Application::register_with(&site, json!({ "redirect_uris": [redirect] })).await;
        let page = Browser::new().sign_in(&host.link("repo:read", &[]), "alice").await;
        assert!(page.url.as_str().starts_with(redirect), "{}", page.url);
        host.redeem(page.answer().code()).await.text("access_token");
    }
}

#[tokio::test]
async fn keys_are_rotated_and_tokens_stay_good() {
    let site = Site::start().await;
    let host = Application::register(&site).await;
    let kid = |token: &str| jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let mut tokens = host.sign_in(&Browser::new(), "repo:read", "alice").await;
    let first = kid(&tokens.text("access_token"));
    for _ in 0..2 {
        site.clock.advance(Duration::from_secs(15 * 24 * 3600));
        tokens = host.refresh(&tokens.text("refresh_token")).await;
    }
    let second = kid(&tokens.text("access_token"));
    assert_ne!(first, second);
    let keys = site.broker.jwks().await.unwrap();
    assert!(keys.find(&first).is_some() && keys.find(&second).is_some());
}

#[tokio::test]
async fn everything_outlives_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let key = MasterKey::generate();
    let clock = Arc::new(ManualClock::at(std::time::SystemTime::now()));
    let open = async || {
        let store = SqliteStore::at(directory.path()).key(key.clone()).clock(clock.clone());
        Arc::new(store.open().await.unwrap())
    };
    let before = open().await;
    let site = Site::over(Config::default(), clock.clone(), before.clone(), |b| b).await;
    let host = Application::register(&site).await;
    let browser = Browser::new();
    let tokens = host.sign_in(&browser, "repo:read", "alice").await;
    let keys = serde_json::to_string(&site.broker.jwks().await.unwrap()).unwrap();
    before.close().await;

    let url = site.replica(open().await).await;
    let renewed = host.refresh_at(&url, &tokens.text("refresh_token")).await;
    assert_eq!(renewed.status, 200, "{}", renewed.body);
    let published = reqwest::get(format!("{url}/oauth/jwks")).await.unwrap().text().await.unwrap();
    assert_eq!(published, keys);
    let page = browser.open(&host.link("repo:read", &[]).replace(&site.url, &url)).await;
    assert!(!page.is_consent(), "the consent is remembered: {}", page.body);
}

#[tokio::test]
async fn a_broker_below_a_path() {
    let config = Config::default().redirect("http://127.0.0.1/auth/callback/forge");
    let forge = forge::start(config).await.unwrap();
    let store = Arc::new(MemoryStore::new());
    let grants = Grants::new(store.clone(), Arc::new(SystemClock));
    let url = listen(|url| {
        let (public, resource) = (format!("{url}/auth"), format!("{url}/mcp"));
        let broker = Broker::builder(public, resource, client_at(forge.url()), grants, store)
            .user("/user", "login")
            .build()
            .unwrap();
        broker.standalone_router()
    })
    .await;
    let document = format!("{url}/.well-known/oauth-authorization-server/auth");
    let document: Value = reqwest::get(document).await.unwrap().json().await.unwrap();
    assert_eq!(document["issuer"], format!("{url}/auth"));
    let endpoint = |name: &str| document[name].as_str().unwrap().to_owned();
    let http = reqwest::Client::new();
    let registered: Value = http
        .post(endpoint("registration_endpoint"))
        .json(&json!({ "redirect_uris": [REDIRECT], "token_endpoint_auth_method": "none" }))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let verifier = "v".repeat(43);
    let link = format!(
        "{}?response_type=code&client_id={}&redirect_uri={REDIRECT}&code_challenge={}&code_challenge_method=S256",
        endpoint("authorization_endpoint"),
        registered["client_id"].as_str().unwrap(),
        integration::broker::s256(&verifier),
    );
    let answer = Browser::new().sign_in(&link, "alice").await.answer();
    assert_eq!(answer.get("iss"), Some(format!("{url}/auth").as_str()));
    let form = [
        ("grant_type", "authorization_code"),
        ("client_id", registered["client_id"].as_str().unwrap()),
        ("code", answer.code()),
        ("code_verifier", &verifier),
    ];
    let tokens = http.post(endpoint("token_endpoint")).form(&form).send().await.unwrap();
    assert_eq!(tokens.status(), 200);
}

#[tokio::test]
async fn a_provider_that_cannot_revoke_is_named_as_such() {
    let site = Site::start().await;
    let host = Application::register(&site).await;
    host.sign_in(&Browser::new(), "repo:read", "alice").await;
    let forge = &site.forge;
    let store = Arc::new(MemoryStore::new());
    let grants = Grants::new(store.clone(), Arc::new(SystemClock));
    let key = GrantKey::new("forge:alice", "forge");
    // Without its origin, so that a provider at another address counts as the one that issued it.
    let issued = site.grants.store().load(&key).await.unwrap().unwrap().value;
    let grant = Grant::new(issued.access_token.expose_secret(), issued.obtained_at);
    for (client, expected) in [
        (client_at(forge.url()), DisconnectOutcome::Forgotten),
        (client_at(forge.url()).revoke("http://127.0.0.1:1/revoke"), DisconnectOutcome::NotRevoked),
    ] {
        grants.put(&key, grant.clone()).await.unwrap();
        let (public, resource) = ("http://127.0.0.1:2", "http://127.0.0.1:2/mcp");
        let broker = Broker::builder(public, resource, client, grants.clone(), store.clone())
            .user("/user", "login")
            .build()
            .unwrap();
        assert_eq!(broker.disconnect("forge:alice").await.unwrap(), expected);
        assert!(grants.store().load(&key).await.unwrap().is_none(), "forgotten all the same");
    }
}

#[test]
fn what_is_set_up_wrongly_is_said_at_the_start() {
    let build = |public: &str, resource: &str, member: &str, scope: &str, life: u64| {
        let store = Arc::new(MemoryStore::new());
        let grants = Grants::new(store.clone(), Arc::new(SystemClock));
        let client = client_at("http://127.0.0.1:1");
        let mut builder = Broker::builder(public, resource, client, grants, store)
            .default_scopes([scope])
            .access_token_ttl(Duration::from_secs(life));
        if !member.is_empty() {
            builder = builder.user("/user", member);
        }
        builder.build().map(drop).map_err(|error| error.to_string())
    };
    let (fine, mcp) = ("https://a.example", "https://a.example/mcp");
    assert_eq!(build(fine, mcp, "id", "repo:read", 600), Ok(()));
    for (wrong, words) in [
        (build("a.example", mcp, "id", "repo:read", 600), "public URL"),
        (build("http://a.example", mcp, "id", "repo:read", 600), "https"),
        (build("https://a.example?x=1", mcp, "id", "repo:read", 600), "query"),
        (build(fine, "http://a.example/mcp", "id", "repo:read", 600), "resource"),
        (build(fine, mcp, "", "repo:read", 600), ".user("),
        (build(fine, mcp, "id", "admin", 600), "`admin`"),
        (build(fine, mcp, "id", "repo:read", 7200), "an hour"),
    ] {
        let message = wrong.unwrap_err();
        assert!(message.contains(words), "{message}");
    }
}
