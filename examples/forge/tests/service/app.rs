//! An application registered at a forge, and its user.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use axum::{Router, routing::get};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use forge::{Config, Running, person::Person};
use reqwest::{Client, Response, StatusCode, redirect::Policy};
use serde_json::Value;
use tokio::net::TcpListener;
use url::Url;

pub(crate) const VERIFIER: &str = "a-verifier-of-at-least-forty-three-characters";

pub(crate) struct App {
    pub(crate) forge: Running,
    /// Where the browser comes back to.
    pub(crate) redirect_uri: String,
    pub(crate) http: Client,
}

/// The authorization response.
pub(crate) type Answer = HashMap<String, String>;

impl App {
    pub(crate) async fn start(config: Config) -> Self {
        let forge = forge::start(config).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let redirect_uri = format!("http://{}/callback/forge", listener.local_addr().unwrap());
        let back = Router::new().route("/callback/forge", get(|| async { "back" }));
        tokio::spawn(async move { axum::serve(listener, back).await });
        let http = Client::builder().redirect(Policy::none()).build().unwrap();
        Self { forge, redirect_uri, http }
    }

    /// The authorization request, with these parameters instead of the usual ones; an empty value
    /// leaves one out.
    pub(crate) fn authorize(&self, changes: &[(&str, &str)]) -> Url {
        let challenge = challenge(VERIFIER);
        let mut pairs = vec![
            ("response_type", "code"),
            ("client_id", Config::CLIENT_ID),
            ("redirect_uri", &self.redirect_uri),
            ("scope", "repo:read"),
            ("state", "a state"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ];
        for (name, value) in changes {
            pairs.retain(|(other, _)| other != name);
            pairs.push((name, value));
        }
        pairs.retain(|(_, value)| !value.is_empty());
        Url::parse_with_params(&format!("{}/oauth/authorize", self.forge.url()), pairs).unwrap()
    }

    /// What comes back when `person` approves.
    pub(crate) async fn approved(&self, person: &Person, changes: &[(&str, &str)]) -> Answer {
        let page = person.approve(self.authorize(changes).as_str()).await.unwrap();
        assert_eq!(page.body, "back", "{}", page.url);
        page.url.query_pairs().into_owned().collect()
    }

    pub(crate) async fn token(&self, form: &[(&str, &str)]) -> Response {
        self.http
            .post(format!("{}/oauth/token", self.forge.url()))
            .basic_auth(Config::CLIENT_ID, Some(Config::CLIENT_SECRET))
            .header("accept", "application/json")
            .form(form)
            .send()
            .await
            .unwrap()
    }

    pub(crate) async fn redeem(&self, code: &str, verifier: &str) -> (StatusCode, Value) {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
            ("code_verifier", verifier),
        ];
        read(self.token(&form).await).await
    }

    pub(crate) async fn refresh(&self, token: &Value) -> (StatusCode, Value) {
        let token = token.as_str().unwrap();
        let form = [("grant_type", "refresh_token"), ("refresh_token", token)];
        read(self.token(&form).await).await
    }

    /// Tokens of the user `name` with these scopes.
    pub(crate) async fn tokens(&self, name: &str, scopes: &str) -> Value {
        let answer = self.approved(&Person::new(name), &[("scope", scopes)]).await;
        let (status, tokens) = self.redeem(&answer["code"], VERIFIER).await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    pub(crate) fn api(&self, method: &str, path: &str, tokens: &Value) -> reqwest::RequestBuilder {
        let token = tokens["access_token"].as_str().unwrap();
        self.http
            .request(method.parse().unwrap(), format!("{}/api{path}", self.forge.url()))
            .bearer_auth(token)
    }

    pub(crate) async fn get(&self, path: &str, tokens: &Value) -> (StatusCode, Value) {
        read(self.api("GET", path, tokens).send().await.unwrap()).await
    }
}

pub(crate) fn challenge(verifier: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

pub(crate) async fn read(response: Response) -> (StatusCode, Value) {
    let status = response.status();
    (status, response.json().await.unwrap_or_default())
}
