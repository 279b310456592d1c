//! Tests of the flow against a server that records requests and gives a fixed response.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Bytes, extract::State, routing::post};
use http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};

use super::*;
use crate::{
    provider::{ClientAuth, Dialect, Registration},
    scope::{Access, Scope},
};

const SCOPES: &[Scope] = &[
    Scope { name: "read", access: Access::Read, description: "", implies: &[] },
    Scope { name: "offline_access", access: Access::Read, description: "", implies: &[] },
];

/// What the server was sent, and what it answers.
#[derive(Clone, Default)]
struct Exchange {
    requests: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    status: u16,
    body: Arc<str>,
}

impl Exchange {
    fn new(status: u16, body: &str) -> Self {
        Self { status, body: body.into(), ..Self::default() }
    }

    async fn client(&self, dialect: Dialect, secret: Option<&str>) -> UpstreamClient {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/token", post(Self::answer))
            .route("/revoke", post(Self::answer))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let registration = Registration {
            type_name: "Test",
            type_id: std::any::TypeId::of::<Self>(),
            id: "test",
            name: "Test",
            api: base.clone(),
            authorize: format!("{base}/authorize?tenant=1"),
            token: format!("{base}/token?secret-in-query"),
            revoke: Some(format!("{base}/revoke")),
            issuer: None,
            catalogue: SCOPES,
            dialect,
            profile: None,
            stand_in: None,
            awaits_stand_in: false,
            refresh: None,
            client_id: "id:1".to_owned(),
            secret: secret.map(Into::into),
        };
        UpstreamClient::new(registration, reqwest::Client::new()).unwrap()
    }

    #[allow(clippy::unused_async, reason = "a handler of axum is async")]
    async fn answer(
        State(exchange): State<Self>,
        headers: HeaderMap,
        body: Bytes,
    ) -> (http::StatusCode, String) {
        let body = String::from_utf8(body.to_vec()).unwrap();
        exchange.requests.lock().unwrap().push((headers, body));
        (http::StatusCode::from_u16(exchange.status).unwrap(), exchange.body.to_string())
    }

    /// The `Authorization` header and the sorted form of the only request.
    fn request(&self) -> (Option<String>, String) {
        let requests = self.requests.lock().unwrap();
        let [(headers, body)] = &requests[..] else { panic!("{} requests", requests.len()) };
        let authorization = headers.get("authorization").map(|v| v.to_str().unwrap().to_owned());
        let mut form: Vec<&str> = body.split('&').collect();
        form.sort_unstable();
        (authorization, form.join("&"))
    }
}

fn redirect_url() -> RedirectUrl {
    RedirectUrl::new("http://localhost/callback/test".to_owned()).unwrap()
}

async fn exchange_code(client: &UpstreamClient) -> Result<TokenResponse, TokenError> {
    let code = AuthorizationCode::new("code-1".to_owned());
    let verifier = PkceCodeVerifier::new("v".repeat(43));
    client.exchange_code(code, &verifier, &redirect_url()).await
}

#[tokio::test]
async fn the_authorization_url_follows_the_dialect() {
    let state = CsrfToken::new("state-1".to_owned());
    for (separator, scopes, expected) in [
        (" ", &["read"][..], "read+offline_access"),
        (",", &["read"], "read%2Coffline_access"),
        (",", &["read", "offline_access"], "read%2Coffline_access"),
    ] {
        let dialect = Dialect::STANDARD
            .scope_separator(separator)
            .authorize_params(&[("access_type", "offline")]);
        let client = Exchange::default().client(dialect, Some("s")).await;
        let client = client.for_resource("http://localhost/mcp".to_owned());
        let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
        let (challenge, _) = new_pkce();
        let digest = challenge.as_str().to_owned();
        let url = client.authorization_url(&scopes, &state, challenge, &redirect_url());
        let mut query: Vec<&str> = url.query().unwrap().split('&').collect();
        query.sort_unstable();
        let code_challenge = format!("code_challenge={digest}");
        let scope = format!("scope={expected}");
        assert_eq!(
            query,
            [
                "access_type=offline",
                "client_id=id%3A1",
                &code_challenge,
                "code_challenge_method=S256",
                "redirect_uri=http%3A%2F%2Flocalhost%2Fcallback%2Ftest",
                "resource=http%3A%2F%2Flocalhost%2Fmcp",
                "response_type=code",
                &scope,
                "state=state-1",
                "tenant=1",
            ]
        );
    }
}

#[tokio::test]
async fn the_client_authenticates_as_the_dialect_says() {
    let code = "code=code-1&code_verifier=vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv&grant_type=authorization_code&redirect_uri=http%3A%2F%2Flocalhost%2Fcallback%2Ftest";
    let body = Dialect::STANDARD.client_auth(ClientAuth::Body);
    for (dialect, secret, authorization, credentials) in [
        // `id%3A1:s%25`, in base64.
        (Dialect::STANDARD, Some("s%"), Some("Basic aWQlM0ExOnMlMjU="), ""),
        (body, Some("s%"), None, "client_id=id%3A1&client_secret=s%25&"),
        (Dialect::STANDARD, None, None, "client_id=id%3A1&"),
    ] {
        let exchange = Exchange::new(200, r#"{"access_token":"at"}"#);
        let client = exchange.client(dialect, secret).await;
        let response = exchange_code(&client).await.unwrap();
        assert_eq!(response.access_token.expose_secret(), "at");
        let expected = format!("{credentials}{code}");
        assert_eq!(exchange.request(), (authorization.map(str::to_owned), expected));

        let exchange = Exchange::new(200, "");
        let client = exchange.client(dialect, secret).await;
        let revoked = client.revoke(&"rt".into(), TokenTypeHint::RefreshToken).await;
        assert!(revoked.unwrap());
        let expected = format!("{credentials}token=rt&token_type_hint=refresh_token");
        assert_eq!(exchange.request(), (authorization.map(str::to_owned), expected));
    }
}

#[tokio::test]
async fn an_error_response_keeps_its_status_and_its_description() {
    for (status, body, expected) in [
        (
            400,
            r#"{"error":"invalid_grant","error_description":"gone"}"#,
            r#"InvalidGrant { description: Some("gone") }"#,
        ),
        (200, r#"{"error":"bad_refresh_token"}"#, "InvalidGrant { description: None }"),
        (
            401,
            r#"{"error":"invalid_client","error_description":"a\nb"}"#,
            r#"Refused { status: 401, description: "invalid_client ab" }"#,
        ),
        (200, r#"{"error":"odd"}"#, r#"Refused { status: 200, description: "odd " }"#),
        (
            400,
            r#"{"error":"server_error"}"#,
            r#"Unreachable { description: "server_error", maybe_sent: true }"#,
        ),
    ] {
        let client = Exchange::new(status, body).client(Dialect::STANDARD, Some("s")).await;
        let error = client.refresh(&"rt".into()).await.unwrap_err();
        assert_eq!(format!("{error:?}"), expected, "{body}");
    }
}

#[tokio::test]
async fn an_error_names_no_secret_and_no_query() {
    let token = SecretString::from("secret-rt");
    let bodies = [
        r#"{"access_token":"secret-at","refresh_token":{"secret-key":1}}"#,
        r#"{"access_token":["secret-at"]}"#,
        r#"{"access_token":"secret-at","error":{"secret":1}}"#,
    ];
    for body in bodies {
        let client = Exchange::new(200, body).client(Dialect::STANDARD, Some("secret-s")).await;
        let error = client.refresh(&token).await.unwrap_err();
        assert!(matches!(error, TokenError::Unreachable { maybe_sent: true, .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
    // Nothing listens there.
    let mut client = Exchange::default().client(Dialect::STANDARD, Some("secret-s")).await;
    client.registration.token = "http://127.0.0.1:1/token?secret-in-query".to_owned();
    let client = UpstreamClient::new(client.registration, reqwest::Client::new()).unwrap();
    let error = client.refresh(&token).await.unwrap_err();
    assert!(matches!(error, TokenError::Unreachable { maybe_sent: false, .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
}
