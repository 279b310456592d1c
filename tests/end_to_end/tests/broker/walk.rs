//! From a registration to a token and on: the broker as hosts and people meet it.

use end_to_end::broker::{Application, Browser, Site};
use serde_json::{Value, json};
use toolgate::grant::GrantKey;

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
    assert_eq!(document["client_id_metadata_document_supported"], true);
    assert_eq!(document["scopes_supported"], Value::Null, "clients ask for all that is listed");
    for name in ["authorize", "token", "register", "revoke", "jwks"] {
        let found = document.as_object().unwrap().values().any(|v| *v == site.endpoint(name));
        assert!(found, "{name}: {document}");
    }
}
