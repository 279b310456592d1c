//! Tests of placeholders whose values come when an account is connected.

use std::collections::BTreeSet;

use super::{
    TokenError, UpstreamClient,
    tests::{Exchange, exchange_code},
};
use crate::provider::{Dialect, Placeholder, PlaceholderSource, Registration};

const INSTANCE: Dialect = Dialect::STANDARD.placeholders(&[Placeholder::new(
    "instance_url",
    PlaceholderSource::TokenResponse { pointer: "/instance_url" },
)
.hosts(&["*.my.force.example"])]);

const SITE: Dialect = Dialect::STANDARD.placeholders(&[Placeholder::new(
    "cloud_id",
    PlaceholderSource::Api { url: "https://sites.example", pointer: "/sites/0/id" },
)]);

const TENANT: Dialect = Dialect::STANDARD.placeholders(&[Placeholder::new(
    "tenant",
    PlaceholderSource::Configuration { default: Some("common") },
)]);

/// A client of a server that answers everything with `body`.
async fn client(
    body: &str,
    dialect: &Dialect,
    change: impl FnOnce(&mut Registration, String),
) -> UpstreamClient {
    let mut registration = Exchange::new(200, body).client(dialect, Some("s")).await.registration;
    let base = registration.api.clone();
    change(&mut registration, base);
    UpstreamClient::new(registration, reqwest::Client::new()).unwrap()
}

fn unusable(error: &TokenError) -> &str {
    let TokenError::Unreachable { description, .. } = error else { panic!("{error:?}") };
    description
}

#[tokio::test]
async fn the_address_of_the_api_comes_with_the_token_and_is_one_that_is_declared() {
    let connect = async |body: &str| {
        let client =
            client(body, &INSTANCE, |it, _| it.api = "{instance_url}/data".to_owned()).await;
        let tokens = exchange_code(&client).await?;
        let api = client.registration.api_url(&tokens.placeholders).unwrap();
        Ok::<_, TokenError>(api.to_string())
    };
    let acme = r#"{"access_token":"a","instance_url":"https://acme.my.force.example"}"#;
    assert_eq!(connect(acme).await.unwrap(), "https://acme.my.force.example/data");
    let evil = r#"{"access_token":"a","instance_url":"https://evil.example"}"#;
    let error = connect(evil).await.unwrap_err();
    assert!(unusable(&error).contains("not an allowed one"), "{error}");
    for body in [r#"{"access_token":"a"}"#, r#"{"access_token":"a","instance_url":["x"]}"#] {
        let error = connect(body).await.unwrap_err();
        assert!(unusable(&error).contains("has no `instance_url`"), "{error}");
    }
}

#[tokio::test]
async fn a_refresh_keeps_the_address_unless_it_brings_an_allowed_one() {
    for (value, kept) in [("https://new.my.force.example", 1), ("https://evil.example", 0)] {
        let body = format!(r#"{{"access_token":"a","instance_url":"{value}"}}"#);
        let client =
            client(&body, &INSTANCE, |it, _| it.api = "{instance_url}/data".to_owned()).await;
        let tokens = client.refresh(&"rt".into(), &BTreeSet::new()).await.unwrap();
        assert_eq!(tokens.placeholders.len(), kept, "{value}");
    }
}

#[tokio::test]
async fn a_step_after_connecting_fills_the_path_of_the_api() {
    let connect = async |body: &str| {
        let client = client(body, &SITE, |it, base| {
            it.api = format!("{base}/ex/{{cloud_id}}");
            it.values.insert("cloud_id_url".to_owned(), format!("{base}/sites"));
        })
        .await;
        let tokens = exchange_code(&client).await?;
        let api = client.registration.api_url(&tokens.placeholders).unwrap();
        Ok::<_, TokenError>(api.path().to_owned())
    };
    let body = r#"{"access_token":"a","sites":[{"id":"c-1"},{"id":"c-2"}]}"#;
    assert_eq!(connect(body).await.unwrap(), "/ex/c-1");
    let none = r#"{"access_token":"a","sites":[]}"#;
    let error = connect(none).await.unwrap_err();
    assert!(unusable(&error).contains("does not say its `cloud_id`"), "{error}");
    let climbs = r#"{"access_token":"a","sites":[{"id":"../admin"}]}"#;
    let error = connect(climbs).await.unwrap_err();
    assert!(unusable(&error).contains("not an allowed one"), "{error}");
}

#[tokio::test]
async fn the_operator_names_the_tenant() {
    let url = async |value: Option<&str>| {
        let mut registration = Exchange::default().client(&TENANT, Some("s")).await.registration;
        registration.authorize = "https://login.example/{tenant}/authorize".to_owned();
        if let Some(value) = value {
            registration.values.insert("tenant".to_owned(), value.to_owned());
        }
        registration.resolve().map(|it| it.authorize)
    };
    assert_eq!(url(None).await.unwrap(), "https://login.example/common/authorize");
    assert_eq!(url(Some("acme")).await.unwrap(), "https://login.example/acme/authorize");
    let error = url(Some("../x")).await.unwrap_err().to_string();
    assert!(error.contains("TEST_TENANT"), "{error}");
}
