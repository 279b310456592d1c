//! Tests of the flow against a server that records requests and gives a fixed response.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    routing::{any, post},
};
use http::{HeaderMap, Method, Uri};
use secrecy::{ExposeSecret, SecretString};

use super::{revocation::TokenTypeHint, *};
use crate::{
    provider::{
        BodyFormat, ClientAuth, Dialect, Registration, Revocation, RevocationMethod, RevokedTokens,
        TokenPlace, TokenPointers,
    },
    scope::{Access, Scope},
};

const SCOPES: &[Scope] = &[
    Scope { name: "read", access: Access::Read, description: "", implies: &[] },
    Scope { name: "offline_access", access: Access::Read, description: "", implies: &[] },
];

/// What the server was sent, and what it answers.
#[derive(Clone, Default)]
pub(super) struct Exchange {
    requests: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    status: u16,
    body: Arc<str>,
}

impl Exchange {
    pub(super) fn new(status: u16, body: &str) -> Self {
        Self { status, body: body.into(), ..Self::default() }
    }

    pub(super) async fn client(&self, dialect: &Dialect, secret: Option<&str>) -> UpstreamClient {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new()
            .route("/token", post(Self::answer))
            .route("/revoke", any(Self::answer))
            .route("/apps/{client}/token", any(Self::answer))
            .route("/tokens/{token}", any(Self::answer))
            .route("/sites", any(Self::answer))
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
            values: std::collections::BTreeMap::new(),
            issuer: None,
            catalogue: SCOPES,
            dialect: Box::leak(Box::new(*dialect)),
            profile: None,
            stand_in: None,
            awaits_stand_in: false,
            is_from_env: false,
            refresh: None,
            client_id: "id:1".to_owned(),
            secret: secret.map(Into::into),
        };
        UpstreamClient::new(registration, reqwest::Client::new()).unwrap()
    }

    #[allow(clippy::unused_async, reason = "a handler of axum is async")]
    async fn answer(
        State(exchange): State<Self>,
        method: Method,
        uri: Uri,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> (http::StatusCode, String) {
        let body = String::from_utf8(body.to_vec()).unwrap();
        let line = format!("{method} {}", uri.path());
        headers.insert("x-line", line.parse().unwrap());
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

pub(super) async fn exchange_code(client: &UpstreamClient) -> Result<TokenResponse, TokenError> {
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
        let client = Exchange::default().client(&dialect, Some("s")).await;
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
        let client = exchange.client(&dialect, secret).await;
        let response = exchange_code(&client).await.unwrap();
        assert_eq!(response.access_token.expose_secret(), "at");
        let expected = format!("{credentials}{code}");
        assert_eq!(exchange.request(), (authorization.map(str::to_owned), expected));

        let exchange = Exchange::new(200, "");
        let client = exchange.client(&dialect, secret).await;
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
        let client = Exchange::new(status, body).client(&Dialect::STANDARD, Some("s")).await;
        let error = client.refresh(&"rt".into(), &BTreeSet::new()).await.unwrap_err();
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
        let client = Exchange::new(200, body).client(&Dialect::STANDARD, Some("secret-s")).await;
        let error = client.refresh(&token, &BTreeSet::new()).await.unwrap_err();
        assert!(matches!(error, TokenError::Unreachable { maybe_sent: true, .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
    }
    // Nothing listens there.
    let mut client = Exchange::default().client(&Dialect::STANDARD, Some("secret-s")).await;
    client.registration.token = "http://127.0.0.1:1/token?secret-in-query".to_owned();
    let client = UpstreamClient::new(client.registration, reqwest::Client::new()).unwrap();
    let error = client.refresh(&token, &BTreeSet::new()).await.unwrap_err();
    assert!(matches!(error, TokenError::Unreachable { maybe_sent: false, .. }), "{error:?}");
    assert!(!format!("{error} {error:?}").contains("secret"), "{error:?}");
}

/// A dialect in which everything is elsewhere, like Slack's for the token of a user.
const NESTED: Dialect = Dialect::STANDARD
    .client_auth(ClientAuth::Body)
    .scope_param("user_scope")
    .scope_separator(",")
    .response_scope_separator(",")
    .token_response(
        TokenPointers::STANDARD
            .access_token("/authed_user/access_token")
            .refresh_token("/authed_user/refresh_token")
            .scope("/authed_user/scope")
            .expires_in("/authed_user/expires_in"),
    )
    .refresh_response(TokenPointers::STANDARD)
    .invalid_grant(&["token_expired", "invalid_request: expired due to inactivity"]);

#[tokio::test]
async fn the_token_of_the_user_is_nested_and_that_of_the_bot_is_not_taken() {
    let both = r#"{"ok":true,"access_token":"bot","scope":"bot:all","authed_user":{"access_token":"user","refresh_token":"next","scope":"a,b","expires_in":43200}}"#;
    let client = Exchange::new(200, both).client(&NESTED, Some("s")).await;
    let tokens = exchange_code(&client).await.unwrap();
    assert_eq!(tokens.access_token.expose_secret(), "user");
    assert_eq!(tokens.refresh_token.unwrap().expose_secret(), "next");
    assert_eq!(tokens.scopes.unwrap().into_iter().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(tokens.expires_in.unwrap().as_secs(), 43200);

    let bot = r#"{"ok":true,"access_token":"bot","authed_user":{"id":"U1"}}"#;
    let client = Exchange::new(200, bot).client(&NESTED, Some("s")).await;
    let error = exchange_code(&client).await.unwrap_err();
    assert!(error.to_string().contains("no access token"), "{error}");

    // A refresh has its members where the RFC has them.
    let flat = r#"{"ok":true,"access_token":"user-2","token_type":"user"}"#;
    let client = Exchange::new(200, flat).client(&NESTED, Some("s")).await;
    let tokens = client.refresh(&"rt".into(), &BTreeSet::new()).await.unwrap();
    assert_eq!(tokens.access_token.expose_secret(), "user-2");
}

#[tokio::test]
async fn words_for_a_dead_refresh_token_are_an_invalid_grant() {
    for (status, body) in [
        (200, r#"{"ok":false,"error":"invalid_refresh_token"}"#),
        (200, r#"{"ok":false,"error":"token_expired"}"#),
        (
            400,
            r#"{"error":"invalid_request","error_description":"it expired due to inactivity on"}"#,
        ),
        (400, r#"{"error":"interaction_required"}"#),
        (400, r#"{"error":"consent_required"}"#),
        (401, r#"{"error":"login_required"}"#),
    ] {
        let client = Exchange::new(status, body).client(&NESTED, Some("s")).await;
        let error = client.refresh(&"rt".into(), &BTreeSet::new()).await.unwrap_err();
        assert!(matches!(error, TokenError::InvalidGrant { .. }), "{body}: {error:?}");
    }
    let other = r#"{"error":"invalid_request","error_description":"no refresh_token"}"#;
    let client = Exchange::new(400, other).client(&NESTED, Some("s")).await;
    let error = client.refresh(&"rt".into(), &BTreeSet::new()).await.unwrap_err();
    assert!(matches!(error, TokenError::Refused { .. }), "{error:?}");
}

#[tokio::test]
async fn a_refusal_is_an_answer_in_every_form() {
    for (status, body, expected) in [
        (400, r#"{"error":{"code":"bad_token","message":"gone"}}"#, "bad_token gone"),
        (401, r#"{"error":{"type":"OAuthException","code":190}}"#, "190 "),
        (400, r#"{"errors":[{"code":"E1","detail":"no such token"}]}"#, "E1 no such token"),
        (400, r#"{"errors":["not this token"]}"#, "not this token "),
        (401, r#"{"message":"Unauthorized"}"#, "status 401 Unauthorized"),
        (403, r#"{"message":"Forbidden"}"#, "status 403 Forbidden"),
        (400, "{}", "status 400 "),
        (200, r#"{"errors":[{"message":"no"}]}"#, "error no"),
    ] {
        let client = Exchange::new(status, body).client(&Dialect::STANDARD, Some("s")).await;
        let error = client.refresh(&"rt".into(), &BTreeSet::new()).await.unwrap_err();
        let TokenError::Refused { status: found, description } = &error else {
            panic!("{body}: {error:?}")
        };
        assert_eq!((*found, description.as_str()), (status, expected), "{body}");
        assert!(!error.is_of_client(), "{body}");
    }
    // A page of a proxy is none.
    let client = Exchange::new(400, "<html>").client(&Dialect::STANDARD, Some("s")).await;
    let error = client.refresh(&"rt".into(), &BTreeSet::new()).await.unwrap_err();
    assert!(matches!(error, TokenError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn an_error_at_a_pointer_is_one_with_any_status_unless_it_is_none() {
    let dialect = Dialect::STANDARD.token_response(
        TokenPointers::STANDARD.error("/meta/code").error_description("/meta/text"),
    );
    for (code, is_error) in
        [("0", false), ("null", false), (r#""ok""#, false), ("40001", true), (r#""no""#, true)]
    {
        let body = format!(r#"{{"access_token":"a","meta":{{"code":{code},"text":"why"}}}}"#);
        let client = Exchange::new(200, &body).client(&dialect, Some("s")).await;
        assert_eq!(exchange_code(&client).await.is_err(), is_error, "{code}");
    }
}

#[tokio::test]
async fn scopes_come_as_a_list_empty_or_under_other_names() {
    let scopes = async |dialect: Dialect, scope: &str| {
        let body = format!(r#"{{"access_token":"a","scope":{scope}}}"#);
        let client = Exchange::new(200, &body).client(&dialect, Some("s")).await;
        let scopes = exchange_code(&client).await.unwrap().scopes;
        scopes.map(|scopes| scopes.into_iter().collect::<Vec<_>>().join(" "))
    };
    let standard = Dialect::STANDARD;
    assert_eq!(scopes(standard, r#"["a","b"]"#).await.as_deref(), Some("a b"));
    assert_eq!(
        scopes(standard.response_scope_separator(","), r#""a,b c""#).await.as_deref(),
        Some("a b c")
    );
    assert_eq!(scopes(standard, r#""""#).await, None, "as requested");
    assert_eq!(scopes(standard, "[]").await.as_deref(), Some(""), "nothing");
    let strict = standard.empty_scope_is_none(true);
    assert_eq!(scopes(strict, r#""""#).await.as_deref(), Some(""));
    let named = standard.scope_prefix("https://a.example/").scope_synonyms(&[("mail", "email")]);
    let found = scopes(named, r#""https://a.example/Read mail openid""#).await;
    assert_eq!(found.as_deref(), Some("Read email openid"));
}

#[tokio::test]
async fn token_requests_follow_the_dialect() {
    let dialect = Dialect::STANDARD
        .client_auth(ClientAuth::Body)
        .pkce(false)
        .scope_prefix("api://1/")
        .refresh_scope(true)
        .token_params(&[("audience", "code")])
        .refresh_params(&[("audience", "refresh")]);
    let exchange = Exchange::new(200, r#"{"access_token":"at"}"#);
    exchange_code(&exchange.client(&dialect, Some("s")).await).await.unwrap();
    let form = exchange.request().1;
    assert!(form.contains("audience=code") && !form.contains("code_verifier"), "{form}");

    let exchange = Exchange::new(200, r#"{"access_token":"at"}"#);
    let client = exchange.client(&dialect, Some("s")).await;
    let granted = ["openid".to_owned(), "read".to_owned()].into();
    client.refresh(&"rt".into(), &granted).await.unwrap();
    assert_eq!(
        exchange.request().1,
        "audience=refresh&client_id=id%3A1&client_secret=s&grant_type=refresh_token&refresh_token=rt&scope=openid+api%3A%2F%2F1%2Fread+offline_access"
    );

    let state = CsrfToken::new("state-1".to_owned());
    let (challenge, _) = new_pkce();
    let url = client.authorization_url(&["read".to_owned()], &state, challenge, &redirect_url());
    let query = url.query().unwrap();
    assert!(!query.contains("code_challenge"), "{query}");
    assert!(query.contains("scope=api%3A%2F%2F1%2Fread+offline_access"), "{query}");

    let exchange = Exchange::new(200, r#"{"access_token":"at"}"#);
    let dialect = Dialect::STANDARD.token_body(BodyFormat::Json);
    exchange_code(&exchange.client(&dialect, Some("s")).await).await.unwrap();
    let requests = exchange.requests.lock().unwrap();
    let (headers, body) = &requests[0];
    assert_eq!(headers["content-type"], "application/json");
    assert!(headers["authorization"].to_str().unwrap().starts_with("Basic "));
    let json: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        (&json["code"], &json["grant_type"]),
        (&"code-1".into(), &"authorization_code".into())
    );
}

#[tokio::test]
async fn a_token_is_revoked_in_the_way_of_the_provider() {
    let github = Revocation::STANDARD
        .method(RevocationMethod::Delete)
        .client_auth(ClientAuth::Basic)
        .body(BodyFormat::Json)
        .param("access_token");
    let slack = Revocation::STANDARD.token(TokenPlace::Bearer);
    let hubspot = Revocation::STANDARD.method(RevocationMethod::Delete).token(TokenPlace::Path);
    // `id%3A1:s`, in base64.
    let basic = Some("Basic aWQlM0ExOnM=");
    for (revocation, path, line, authorization, body) in [
        (
            github,
            "/apps/{client_id}/token",
            "DELETE /apps/id%3A1/token",
            basic,
            r#"{"access_token":"to/ken"}"#,
        ),
        (slack, "/revoke", "POST /revoke", Some("Bearer to/ken"), ""),
        (
            hubspot,
            "/tokens/{token}",
            "DELETE /tokens/to%2Fken",
            None,
            "client_id=id%3A1&client_secret=s",
        ),
    ] {
        let exchange = Exchange::new(200, r#"{"ok":true}"#);
        let dialect = Dialect::STANDARD.client_auth(ClientAuth::Body).revocation(revocation);
        let mut client = exchange.client(&dialect, Some("s")).await;
        let base = client.registration.api.clone();
        client.registration.revoke = Some(format!("{base}{path}"));
        assert!(client.revoke(&"to/ken".into(), TokenTypeHint::AccessToken).await.unwrap());
        let line_of = exchange.requests.lock().unwrap()[0].0["x-line"].to_str().unwrap().to_owned();
        let (found, form) = exchange.request();
        assert_eq!(
            (line_of.as_str(), found.as_deref(), form.as_str()),
            (line, authorization, body)
        );
    }
    for body in [r#"{"ok":false,"error":"token_revoked"}"#, r#"{"error":"invalid_request"}"#] {
        let client = Exchange::new(200, body).client(&Dialect::STANDARD, Some("s")).await;
        let error = client.revoke(&"t".into(), TokenTypeHint::AccessToken).await.unwrap_err();
        assert!(matches!(error, TokenError::Refused { .. }), "{body}: {error:?}");
    }
}

#[tokio::test]
async fn only_the_tokens_that_the_dialect_names_are_revoked() {
    let (refresh, access) = (SecretString::from("r"), SecretString::from("a"));
    for (tokens, expected, without_refresh) in [
        (RevokedTokens::Both, "ra", "a"),
        (RevokedTokens::AccessToken, "a", "a"),
        (RevokedTokens::RefreshToken, "r", "a"),
    ] {
        let dialect = Dialect::STANDARD.revocation(Revocation::STANDARD.tokens(tokens));
        let client = Exchange::default().client(&dialect, None).await;
        let names = |refresh| -> String {
            client.tokens_to_revoke(refresh, &access).map(|(t, _)| t.expose_secret()).collect()
        };
        assert_eq!(
            (names(Some(&refresh)).as_str(), names(None).as_str()),
            (expected, without_refresh)
        );
    }
}
