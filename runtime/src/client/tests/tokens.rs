//! Tokens: where they are sent, and when they are renewed.

use super::*;

#[tokio::test]
async fn redirects_are_followed_within_the_api() {
    let api = Api::serve(|seen| match seen.uri.path() {
        "/old" => answer(301, &[("location", "/new?x=1")], ""),
        "/new" => ok(seen.header("authorization").to_owned()),
        "/circle" => answer(302, &[("location", "/circle")], ""),
        "/nowhere" => answer(302, &[], ""),
        _ => answer(307, &[("location", "/new")], ""),
    })
    .await;
    let forge = api.client();

    let response = forge.get("/old").send().await.unwrap();
    assert_eq!(response.text().await.unwrap(), format!("Bearer {TOKEN}"));
    assert_eq!(api.seen()[1].uri, "/new?x=1");

    let before = api.seen().len();
    let error = forge.get("/circle").send().await.unwrap_err();
    assert!(is_unreachable(&error) && error.message().contains("more than 5 redirects"), "{error}");
    assert_eq!(api.seen().len() - before, 6);
    assert!(is_unreachable(&forge.get("/nowhere").send().await.unwrap_err()));

    let before = api.seen().len();
    let error = forge.post("/moved").json(&1).send().await.unwrap_err();
    assert_eq!(status_of(&error), 307);
    assert_eq!(api.seen().len() - before, 1);
}

#[tokio::test]
async fn the_token_goes_to_no_other_origin() {
    let other = Api::serve(|_| ok("[]")).await;
    let port = other.address.port();
    for place in [
        format!("http://127.0.0.1:{port}/steal?t=secret"),
        format!("//127.0.0.1:{port}/steal"),
        format!("http://localhost:{port}/steal"),
        "https://evil.example/steal".to_owned(),
    ] {
        let link = format!("<{place}>; rel=next");
        let location = place.clone();
        let api = Api::serve(move |seen| match seen.uri.path() {
            "/pages" => answer(200, &[("link", &link)], "[1]"),
            _ => answer(302, &[("location", &location)], ""),
        })
        .await;
        let error = api.client().get("/download").send().await.unwrap_err();
        assert_eq!(status_of(&error), 302);
        assert!(error.message().contains("the token was not sent there"), "{error}");
        assert!(!error.message().contains("secret"), "{error}");
        let host = if place.contains("evil") { "evil.example" } else { &port.to_string() };
        assert!(error.message().contains(host), "{error}");
        tells_no_secret(&error);

        let mut pages = api.client().get("/pages").paginate::<u8>();
        assert_eq!(pages.next().await.unwrap().unwrap(), 1);
        let error = pages.next().await.unwrap().unwrap_err();
        assert!(error.message().contains("the token was not sent there"), "{error}");
        assert!(pages.next().await.is_none());
        assert_eq!(api.seen().len(), 2);
    }
    assert!(other.seen().is_empty());

    // A user and a password would be sent instead of the token.
    let api = Api::serve(|seen| {
        let host = seen.header("host");
        answer(302, &[("location", &format!("http://me:password@{host}/x"))], "")
    })
    .await;
    let error = api.client().get("/x").send().await.unwrap_err();
    assert!(
        error.message().contains("not followed") && !error.message().contains("password"),
        "{error}"
    );
    assert_eq!(api.seen().len(), 1);
}

/// Tokens that are renewed: `tok-0`, `tok-1`, ..
#[derive(Default)]
pub(super) struct RotatingTokens {
    renewals: AtomicUsize,
    rejections: AtomicUsize,
}

#[async_trait]
impl TokenSource for RotatingTokens {
    async fn token(&self) -> Result<SecretString, Error> {
        Ok(format!("tok-{}", self.renewals.load(Ordering::SeqCst)).into())
    }

    async fn renew(&self, rejected: &SecretString) -> Result<SecretString, Error> {
        assert_eq!(rejected.expose_secret(), self.token().await?.expose_secret());
        self.renewals.fetch_add(1, Ordering::SeqCst);
        self.token().await
    }

    async fn reject(&self, rejected: &SecretString) {
        assert_eq!(rejected.expose_secret(), self.token().await.unwrap().expose_secret());
        self.rejections.fetch_add(1, Ordering::SeqCst);
    }
}

fn rotating(api: &Api) -> (Client, Arc<RotatingTokens>) {
    let tokens = Arc::new(RotatingTokens::default());
    let http = Arc::new(http_client().unwrap());
    let connection = Connection::new("Forge", &api.url(), http, Arc::clone(&tokens) as _).unwrap();
    (AuthedClient::new(connection.into()), tokens)
}

#[tokio::test]
async fn a_rejected_token_is_renewed_and_the_request_repeated() {
    let api = Api::serve(|seen| match seen.header("authorization") {
        "Bearer tok-1" => ok("done"),
        _ => answer(401, &[], ""),
    })
    .await;
    let (forge, _) = rotating(&api);

    let response = forge.post("/x").json(&"once").send().await.unwrap();

    assert_eq!(response.text().await.unwrap(), "done");
    let bodies: Vec<_> = api.seen().iter().map(|seen| seen.body.clone()).collect();
    assert_eq!(bodies, ["\"once\"", "\"once\""]);
    forge.get("/x").send().await.unwrap();
    assert_eq!(api.seen().len(), 3);
}

#[tokio::test]
async fn a_second_rejection_ends_the_grant() {
    let api = Api::serve(|_| answer(401, &[], "")).await;
    let (forge, tokens) = rotating(&api);

    let error = forge.get("/x").send().await.unwrap_err();

    assert_eq!(*error.kind(), ErrorKind::GrantExpired { provider: "Forge" });
    assert_eq!((api.seen().len(), tokens.renewals.load(Ordering::SeqCst)), (2, 1));
    assert_eq!(tokens.rejections.load(Ordering::SeqCst), 1);
    // A token that cannot be renewed is used once.
    let error = api.client().get("/x").send().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::GrantExpired { provider: "Forge" });
    assert_eq!(api.seen().len(), 3);
}

#[tokio::test]
async fn a_stream_is_not_sent_twice_but_the_token_is_renewed() {
    let api = Api::serve(|seen| match seen.header("authorization") {
        "Bearer tok-0" => answer(401, &[], ""),
        _ => ok(""),
    })
    .await;
    let (forge, _) = rotating(&api);
    let stream = || {
        let chunks = futures::stream::iter([Ok::<_, std::io::Error>("chunk")]);
        reqwest::Body::wrap_stream(chunks)
    };

    let error = forge.put("/x").body(stream()).send().await.unwrap_err();
    assert_eq!(status_of(&error), 401);
    assert!(error.message().contains("Call again"), "{error}");
    assert_eq!(api.seen().len(), 1);
    forge.put("/x").body(stream()).send().await.unwrap();
}

/// A hub that responds 403 to an expired token.
#[provider(
    api = "https://hub.example/api",
    authorize = "https://hub.example/authorize",
    token = "https://hub.example/token",
    token_check = "/user"
)]
enum Hub {
    /// Reads.
    #[scope("read!user", access = read)]
    Read,
}

#[tokio::test]
async fn a_403_is_of_the_token_if_the_token_check_is_refused_too() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&asked);
    let hub = AuthedClient::<Hub>::testing_with(move |request| {
        assert_eq!(request.headers()["authorization"], "Bearer test-token");
        log.lock().unwrap().push(format!("{} {}", request.method(), request.uri().path()));
        http::Response::builder().status(403).body("".into()).unwrap()
    });
    let error = hub.post("/tokens").send().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::GrantExpired { provider: "Hub" });
    assert_eq!(*asked.lock().unwrap(), ["POST /api/tokens", "GET /api/user"]);
    asked.lock().unwrap().clear();
    let error = hub.get("/user").send().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::GrantExpired { provider: "Hub" });
    assert_eq!(asked.lock().unwrap().len(), 1, "the request was the token check");
}

#[tokio::test]
async fn a_403_is_of_the_request_unless_the_token_check_is_refused() {
    for probed in [200, 404, 429, 503] {
        let hub = AuthedClient::<Hub>::testing_with(move |request| {
            let status = if request.uri().path() == "/api/user" { probed } else { 403 };
            let body = r#"{"message":"not for you"}"#;
            http::Response::builder().status(status).body(body.into()).unwrap()
        });
        let error = hub.get("/users").send().await.unwrap_err();
        let refused =
            ErrorKind::UpstreamRefused { provider: "Hub", status: 403, retry_after: None };
        assert_eq!(*error.kind(), refused, "{probed}");
        assert!(error.message().ends_with("Hub says: not for you"), "{error}");
    }
}
