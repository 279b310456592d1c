//! The client against a real server, and with tokens that change.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use axum::{Router, body::Body, extract::Request as Incoming, response::Response as Answer};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt};
use http::{Method, Uri, header};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::Notify,
    task::JoinHandle,
};

use super::{pages::MOST, *};
use crate::{ErrorKind, prelude::*};

/// A code host.
#[provider(
    api = "https://api.forge.example/v3/",
    authorize = "https://forge.example/authorize",
    token = "https://forge.example/token"
)]
enum Forge {
    /// Reads.
    #[scope("repo:read", access = read)]
    Read,
}

type Client = AuthedClient<Forge>;

const TOKEN: &str = "tok-3n-of-alice";

/// An API on a free port, gone with its owner, that remembers what it was asked.
struct Api {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    task: JoinHandle<()>,
}

#[derive(Clone, Debug)]
struct Seen {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
}

use http::HeaderMap;

impl Seen {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl Api {
    async fn serve(answer: impl Fn(&Seen) -> Answer + Clone + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let log = Arc::clone(&seen);
        let router = Router::new().fallback(move |request: Incoming| {
            let (answer, log) = (answer.clone(), Arc::clone(&log));
            async move {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
                let seen =
                    Seen { method: parts.method, uri: parts.uri, headers: parts.headers, body };
                log.lock().unwrap().push(seen.clone());
                answer(&seen)
            }
        });
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, seen, task }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn client(&self) -> Client {
        Client::testing(&self.url(), TOKEN)
    }

    fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn answer(status: u16, headers: &[(&str, &str)], body: impl Into<Body>) -> Answer {
    let mut answer = Answer::builder().status(status);
    for (name, value) in headers {
        answer = answer.header(*name, *value);
    }
    answer.body(body.into()).unwrap()
}

fn ok(body: impl Into<Body>) -> Answer {
    answer(200, &[], body)
}

fn status_of(error: &Error) -> u16 {
    match error.kind() {
        ErrorKind::UpstreamRefused { status, .. } => *status,
        kind => panic!("{kind:?}: {error}"),
    }
}

fn is_unreachable(error: &Error) -> bool {
    *error.kind() == ErrorKind::UpstreamUnreachable { provider: "Forge" }
}

/// Neither text of the error holds the token, and neither does its `Debug`.
fn tells_no_secret(error: &Error) {
    let texts = format!("{error} {error:?} {:?} {:?}", error.kind(), error.report());
    assert!(!texts.contains(TOKEN), "{texts}");
}

#[tokio::test]
async fn a_request_arrives_as_it_was_built() {
    let api =
        Api::serve(|_| answer(201, &[("etag", "\"7\""), ("x-kind", "issue")], r#"{"number":7}"#))
            .await;
    let forge = Client::testing(&format!("{}/api/v3/", api.url()), TOKEN);
    let owner = "a/../b";

    let response = forge
        .post(path!("/repos/{owner}/issues"))
        .query(&[("per_page", 3)])
        .query(&[("q", "a b&c")])
        .header("X-Api-Version", "3")
        .json(&serde_json::json!({ "title": "Ä" }))
        .send()
        .await
        .unwrap();

    assert_eq!(response.status(), 201);
    assert_eq!((response.etag(), response.header("X-Kind")), (Some("\"7\""), Some("issue")));
    assert!(!response.not_modified());
    assert_eq!(response.json::<serde_json::Value>().await.unwrap()["number"], 7);
    let [seen] = &api.seen()[..] else { panic!("one request") };
    assert_eq!(seen.method, Method::POST);
    assert_eq!(seen.uri, "/api/v3/repos/a%2F..%2Fb/issues?per_page=3&q=a+b%26c");
    assert_eq!(seen.header("authorization"), format!("Bearer {TOKEN}"));
    assert_eq!(seen.header("user-agent"), format!("toolgate/{}", env!("CARGO_PKG_VERSION")));
    assert_eq!(seen.header("content-type"), "application/json");
    assert_eq!(seen.header("x-api-version"), "3");
    assert_eq!(seen.body, r#"{"title":"Ä"}"#);
}

#[tokio::test]
async fn every_method_and_every_body() {
    let api = Api::serve(|_| answer(204, &[], "")).await;
    let forge = api.client();
    let chunks = ["a", "b"].map(|chunk| Ok::<_, std::io::Error>(Bytes::from(chunk)));

    forge.get("/x").send().await.unwrap().json::<()>().await.unwrap();
    forge.post("/x").form(&[("a", "b c")]).send().await.unwrap();
    forge.put("/x").body("text").header("content-type", "text/plain").send().await.unwrap();
    let stream = reqwest::Body::wrap_stream(futures::stream::iter(chunks));
    forge.patch("/x").body(stream).send().await.unwrap();
    forge.delete("/x").send().await.unwrap();

    let seen = api.seen();
    let methods: Vec<_> = seen.iter().map(|seen| seen.method.as_str()).collect();
    assert_eq!(methods, ["GET", "POST", "PUT", "PATCH", "DELETE"]);
    assert_eq!(
        (seen[1].header("content-type"), &seen[1].body[..]),
        ("application/x-www-form-urlencoded", &b"a=b+c"[..])
    );
    assert_eq!((seen[2].header("content-type"), &seen[2].body[..]), ("text/plain", &b"text"[..]));
    assert_eq!(&seen[3].body[..], b"ab");
}

#[tokio::test]
async fn what_cannot_be_built_is_not_sent() {
    #[derive(Serialize)]
    struct Unfit {
        nested: Vec<Vec<u8>>,
    }
    struct Broken;
    impl Serialize for Broken {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("broken"))
        }
    }
    let forge = Client::testing_with(|_| unreachable!("nothing is sent"));
    let owner = "..";
    let unfit = Unfit { nested: vec![vec![1]] };

    for (request, kind) in [
        (forge.get(path!("/repos/{owner}")), ErrorKind::InvalidArgument),
        (forge.get("repos"), ErrorKind::Internal),
        (forge.get("/repos/{owner}"), ErrorKind::Internal),
        (forge.get("/x").query(&unfit), ErrorKind::Internal),
        (forge.get("/x").query(&7), ErrorKind::Internal),
        (forge.post("/x").form(&unfit), ErrorKind::Internal),
        (forge.post("/x").json(&Broken), ErrorKind::Internal),
        (forge.get("/x").header("a b", "c"), ErrorKind::Internal),
        (forge.get("/x").header("a", "b\r\nc: d"), ErrorKind::InvalidArgument),
        // The first fault is the one that is told.
        (forge.get(path!("/{owner}")).header("cookie", "a=b"), ErrorKind::InvalidArgument),
    ] {
        assert_eq!(*request.send().await.unwrap_err().kind(), kind);
    }
    for name in [
        "Authorization",
        "authorization",
        "HOST",
        "Cookie",
        "Proxy-Authorization",
        "Content-Length",
    ] {
        let error = forge.get("/x").header(name, "x").send().await.unwrap_err();
        assert!(error.report().unwrap().contains(&name.to_lowercase()), "{name}");
    }
    let error = Client::testing("http://127.0.0.1:9", "a\nb").get("/x").send().await.unwrap_err();
    assert_eq!(*error.kind(), ErrorKind::Internal);
    assert!(!format!("{error:?}").contains("a\nb"));
}

#[tokio::test]
async fn an_unmodified_answer_is_no_error() {
    let api = Api::serve(|seen| match seen.header("if-none-match") {
        "\"1\"" => answer(304, &[("etag", "\"1\"")], ""),
        _ => answer(200, &[("etag", "\"1\"")], "new"),
    })
    .await;
    let forge = api.client();

    let first = forge.get("/x").send().await.unwrap();
    let etag = first.etag().unwrap().to_owned();
    assert_eq!(first.text().await.unwrap(), "new");
    let second = forge.get("/x").header(header::IF_NONE_MATCH, &etag).send().await.unwrap();
    assert!(second.not_modified());
    assert!(forge.get("/x").header("if-none-match", etag).paginate::<u8>().next().await.is_none());
}

#[tokio::test]
async fn a_refusal_is_an_error_that_says_what_to_do() {
    let api = Api::serve(|seen| match seen.uri.path() {
        "/limited" => answer(429, &[("retry-after", "90")], r#"{"message":"Slow down."}"#),
        "/scope" => answer(403, &[("x-accepted-oauth-scopes", "admin")], ""),
        // Echoes the credential, as debug pages do.
        "/echo" => answer(
            400,
            &[],
            format!(r#"{{"message":"bad header {}"}}"#, seen.header("authorization")),
        ),
        "/page" => answer(500, &[], "<html>stack trace</html>"),
        _ => answer(404, &[], r#"{"message":"Not Found"}"#),
    })
    .await;
    let forge = api.client();
    let refused = async |path: &'static str| {
        let error = forge.get(path).query(&[("q", "private")]).send().await.unwrap_err();
        tells_no_secret(&error);
        assert!(!error.message().contains("private"), "{error}");
        error
    };

    let error = refused("/limited").await;
    let wait = Some(Duration::from_secs(90));
    assert_eq!(
        *error.kind(),
        ErrorKind::UpstreamRefused { provider: "Forge", status: 429, retry_after: wait }
    );
    assert_eq!(
        error.message(),
        "Forge limits how often it may be asked, and did not do `GET /limited` (429). \
         Call again in 90 seconds, and not before. Forge says: Slow down",
    );
    let error = refused("/scope").await;
    assert_eq!(
        *error.kind(),
        ErrorKind::ScopeMissing { provider: "Forge", scopes: vec!["admin".to_owned()] }
    );
    assert!(refused("/echo").await.message().ends_with("bad header Bearer [redacted]"));
    let error = refused("/page").await;
    assert_eq!(status_of(&error), 500);
    assert!(!error.message().contains("html"), "{error}");
    assert_eq!(status_of(&refused("/nothing").await), 404);
}

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

    // A name and a password would be sent in the token's place.
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
struct Rotating(AtomicUsize, AtomicUsize);

#[async_trait]
impl Tokens for Rotating {
    async fn token(&self) -> Result<SecretString, Error> {
        Ok(format!("tok-{}", self.0.load(Ordering::SeqCst)).into())
    }

    async fn renew(&self, rejected: &SecretString) -> Result<SecretString, Error> {
        assert_eq!(rejected.expose_secret(), self.token().await?.expose_secret());
        self.0.fetch_add(1, Ordering::SeqCst);
        self.token().await
    }

    async fn give_up(&self, rejected: &SecretString) {
        assert_eq!(rejected.expose_secret(), self.token().await.unwrap().expose_secret());
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

fn rotating(api: &Api) -> (Client, Arc<Rotating>) {
    let tokens = Arc::new(Rotating::default());
    let http = Arc::new(http_client().unwrap());
    let connection = Connection::new("Forge", &api.url(), http, Arc::clone(&tokens) as _).unwrap();
    (AuthedClient::over(Arc::new(connection)), tokens)
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
async fn a_second_rejection_is_the_end_of_the_grant() {
    let api = Api::serve(|_| answer(401, &[], "")).await;
    let (forge, tokens) = rotating(&api);

    let error = forge.get("/x").send().await.unwrap_err();

    assert_eq!(*error.kind(), ErrorKind::GrantExpired { provider: "Forge" });
    assert_eq!((api.seen().len(), tokens.0.load(Ordering::SeqCst)), (2, 1));
    assert_eq!(tokens.1.load(Ordering::SeqCst), 1);
    // A token that cannot be renewed is asked with once.
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

#[tokio::test]
async fn a_slow_api_is_unreachable_and_its_query_stays_private() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let forge = Client::testing(&format!("http://{}", listener.local_addr().unwrap()), TOKEN);
    let request = forge.get("/slow").query(&[("q", "private")]).timeout(Duration::from_millis(50));

    // The kernel takes the connection; nobody reads it.
    let error = request.send().await.unwrap_err();

    assert!(is_unreachable(&error));
    let message = error.message();
    assert!(
        message.starts_with("Forge (127.0.0.1) did not answer `GET /slow` within 1 second"),
        "{message}"
    );
    let texts = format!("{message} {}", error.report().unwrap());
    assert!(!texts.contains("private"), "{texts}");
    let error = forge.post("/slow").timeout(Duration::from_millis(50)).send().await.unwrap_err();
    assert!(error.message().contains("look before calling again"), "{error}");
}

#[tokio::test]
async fn an_api_that_is_not_there_is_unreachable_by_name() {
    // Bound and let go: nobody listens there.
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let refused =
        Client::testing(&format!("http://{address}"), TOKEN).post("/x").send().await.unwrap_err();
    assert!(is_unreachable(&refused));
    assert!(
        refused.message().contains("(127.0.0.1) refuses connections. Nothing was asked for"),
        "{refused}"
    );

    let unknown =
        Client::testing("https://forge.invalid", TOKEN).get("/x").send().await.unwrap_err();
    assert!(is_unreachable(&unknown));
    assert!(unknown.message().contains("(forge.invalid)"), "{unknown}");

    let api = Api::serve(|_| ok("")).await;
    let plain = format!("https://{}", api.address);
    let error = Client::testing(&plain, TOKEN).get("/x").send().await.unwrap_err();
    assert!(is_unreachable(&error) && error.message().contains("TLS"), "{error:?}");
}

/// A server that reads a request and hangs up, `breaks` times, and then answers.
async fn breaking(breaks: usize) -> (Client, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let forge = Client::testing(&format!("http://{}", listener.local_addr().unwrap()), TOKEN);
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 4096];
            let _ = stream.read(&mut buffer).await;
            if count.fetch_add(1, Ordering::SeqCst) >= breaks {
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
                let _ = stream.write_all(answer).await;
            }
        }
    });
    (forge, asked)
}

#[tokio::test]
async fn a_broken_connection_is_tried_once_more_where_that_is_safe() {
    let (forge, asked) = breaking(1).await;
    assert_eq!(forge.get("/x").send().await.unwrap().text().await.unwrap(), "ok");
    assert_eq!(asked.load(Ordering::SeqCst), 2);

    let (forge, asked) = breaking(2).await;
    assert!(is_unreachable(&forge.get("/x").send().await.unwrap_err()));
    assert_eq!(asked.load(Ordering::SeqCst), 2);

    let (forge, asked) = breaking(1).await;
    let error = forge.post("/x").send().await.unwrap_err();
    assert!(is_unreachable(&error) && error.message().contains("look before"), "{error}");
    assert_eq!(asked.load(Ordering::SeqCst), 1);
}

#[derive(Debug, Deserialize)]
struct Issue {
    #[allow(dead_code, reason = "read by serde")]
    title: String,
}

#[tokio::test]
async fn an_unfit_answer_names_the_place_and_the_type_but_no_value() {
    let read = async |body: &'static str| {
        let forge = Client::testing_with(move |_| http::Response::new(body.into()));
        let error =
            forge.get("/issues").send().await.unwrap().json::<Vec<Issue>>().await.unwrap_err();
        assert!(is_unreachable(&error));
        error.message().to_owned()
    };
    let message = read(r#"[{"title":"a"},{"title":8675309}]"#).await;
    assert!(
        message.contains("`Vec<Issue>`: at `[1].title`: expected a string, found integer"),
        "{message}"
    );
    assert!(!message.contains("8675309"), "{message}");
    assert!(
        message.starts_with("Forge answered `GET /v3/issues` with JSON that is not"),
        "{message}"
    );
    assert!(read("[{}]").await.contains("at `[0]`: missing field `title`"));
    assert!(read("{}").await.contains("`Vec<Issue>`: expected a sequence, found map"));
    assert!(read("[").await.contains("JSON that breaks off"));
    assert!(read("<html>").await.contains("what is not JSON"));
    assert!(read("[] []").await.contains("more than one JSON value"));
    assert!(read("").await.contains("no body"));

    let forge = Client::testing_with(|_| http::Response::new("".into()));
    assert!(forge.get("/x").send().await.unwrap().json::<Option<Issue>>().await.unwrap().is_none());
    let forge = Client::testing_with(|_| http::Response::new(vec![0xff].into()));
    assert!(is_unreachable(&forge.get("/x").send().await.unwrap().text().await.unwrap_err()));
}

#[tokio::test]
async fn a_large_answer_is_refused_but_can_be_streamed() {
    const MIB: usize = 1 << 20;
    let api = Api::serve(|seen| {
        let chunks = (0..11).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![b' '; MIB])));
        match seen.uri.path() {
            "/known" => ok(vec![b' '; 11 * MIB]),
            _ => ok(Body::from_stream(futures::stream::iter(chunks))),
        }
    })
    .await;
    let forge = api.client();

    for path in ["/known", "/unknown"] {
        let error = forge.get(path).send().await.unwrap().bytes().await.unwrap_err();
        assert!(error.message().contains("more than 10 MiB"), "{error}");
    }
    let chunks = forge.get("/unknown").send().await.unwrap().stream();
    let length =
        chunks.try_fold(0, |sum, chunk| async move { Ok(sum + chunk.len()) }).await.unwrap();
    assert_eq!(length, 11 * MIB);
}

#[tokio::test]
async fn a_stream_arrives_as_it_comes_and_its_end_is_bounded() {
    let more = Arc::new(Notify::new());
    let wait = Arc::clone(&more);
    let api = Api::serve(move |_| {
        let wait = Arc::clone(&wait);
        let rest = futures::stream::once(async move {
            wait.notified().await;
            Ok::<_, std::io::Error>(Bytes::from("late"))
        });
        let first = futures::stream::iter([Ok(Bytes::from("early"))]);
        ok(Body::from_stream(first.chain(rest)))
    })
    .await;

    let mut chunks = Box::pin(api.client().get("/x").send().await.unwrap().stream());
    assert_eq!(chunks.next().await.unwrap().unwrap(), "early");
    more.notify_one();
    assert_eq!(chunks.next().await.unwrap().unwrap(), "late");
    assert!(chunks.next().await.is_none());

    let request = api.client().get("/x").timeout(Duration::from_millis(200));
    let error = request.send().await.unwrap().bytes().await.unwrap_err();
    assert!(is_unreachable(&error) && error.message().contains("did not answer"), "{error}");
}

#[tokio::test]
async fn pages_are_read_one_by_one_as_they_are_wanted() {
    let api = Api::serve(|seen| match seen.uri.query() {
        Some("per_page=2") => answer(
            200,
            &[("link", "</x?page=2>; rel=\"next\", </x?page=3>; rel=\"last\"")],
            "[1,2]",
        ),
        Some("page=2") => answer(200, &[("link", "<?page=3>; rel=next")], "[]"),
        Some("page=3") => answer(200, &[("link", "</x?page=1>; rel=first")], "[3]"),
        query => panic!("{query:?}"),
    })
    .await;
    let pages =
        || api.client().get("/x").query(&[("per_page", 2)]).header("x-a", "b").paginate::<u8>();

    assert_eq!(pages().take_up_to(2).await.unwrap(), [1, 2]);
    assert_eq!(api.seen().len(), 1);
    assert_eq!(pages().take_up_to(100).await.unwrap(), [1, 2, 3]);
    let all: Vec<u8> = pages().try_collect().await.unwrap();
    assert_eq!(all, [1, 2, 3]);
    let seen = api.seen();
    assert!(
        seen.iter()
            .all(|seen| seen.header("x-a") == "b" && !seen.header("authorization").is_empty())
    );
    assert_eq!(seen.len(), 7);
}

#[tokio::test]
async fn pages_end_with_the_first_error_and_never_in_a_circle() {
    let read = async |path: &'static str| {
        let forge = Client::testing_with(|request| {
            let number = request.uri().query().and_then(|query| query.parse::<usize>().ok());
            let link = match (request.uri().path(), number) {
                ("/v3/endless", number) => format!("<?{}>; rel=next", number.unwrap_or(1) + 1),
                ("/v3/self", _) => "</v3/self>; rel=next".to_owned(),
                ("/v3/broken", None) => "</v3/broken?2>; rel=next".to_owned(),
                _ => String::new(),
            };
            let status =
                if number == Some(2) && request.uri().path() == "/v3/broken" { 500 } else { 200 };
            http::Response::builder()
                .status(status)
                .header("link", link)
                .body("[0]".into())
                .unwrap()
        });
        let mut pages = forge.get(path).paginate::<u8>();
        let mut items = 0;
        loop {
            match pages.next().await.expect("an error at the end") {
                Ok(_) => items += 1,
                Err(error) => {
                    assert!(pages.next().await.is_none());
                    return (items, error.message().to_owned());
                }
            }
        }
    };
    let (items, message) = read("/endless").await;
    assert_eq!(items, MOST);
    assert!(message.contains("more than 1000 pages"), "{message}");
    let (items, message) = read("/self").await;
    assert_eq!(items, 1);
    assert!(message.contains("a next page that is this page"), "{message}");
    let (items, message) = read("/broken").await;
    assert_eq!(items, 1);
    assert!(message.contains("500"), "{message}");
}

#[tokio::test]
async fn a_closure_stands_in_for_the_api() {
    let forge: Client = AuthedClient::testing_with(|request| {
        assert_eq!(request.headers()[header::AUTHORIZATION], "Bearer test-token");
        match request.uri().path() {
            "/v3/old" => http::Response::builder()
                .status(302)
                .header("location", "/v3/new")
                .body(Bytes::new()),
            _ => http::Response::builder()
                .body(format!("{} {:?}", request.uri(), request.body()).into()),
        }
        .unwrap()
    });
    let text = forge.get("/old").send().await.unwrap().text().await.unwrap();
    assert_eq!(text, "https://api.forge.example/v3/new b\"\"");
    let chunks = futures::stream::iter([Ok::<_, std::io::Error>("a"), Ok("b")]);
    let body = reqwest::Body::wrap_stream(chunks);
    let text = forge.post("/x").body(body).send().await.unwrap().text().await.unwrap();
    assert_eq!(text, "https://api.forge.example/v3/x b\"ab\"");
}

/// Sent, because a tool's future has to be.
#[tokio::test]
async fn futures_can_change_threads() {
    let forge = Client::testing_with(|_| http::Response::new("[1]".into()));
    let task = tokio::spawn(async move {
        let numbers: Vec<u8> = forge.get("/x").send().await?.json().await?;
        let paged = forge.clone().get("/x").paginate::<u8>().take_up_to(9).await?;
        Ok::<_, Error>((numbers, paged))
    });
    assert_eq!(task.await.unwrap().unwrap(), (vec![1], vec![1]));
}

#[tokio::test]
async fn debug_shows_no_secret() {
    let forge = Client::testing_with(|_| {
        http::Response::builder().header("x-private", "private").body("private".into()).unwrap()
    });
    let request =
        forge.post("/x").query(&[("q", "private")]).header("x-private", "private").json(&"private");
    let before = format!("{forge:?} {request:?} {:?}", forge.connection);
    let response = request.send().await.unwrap();
    let texts = format!("{before} {response:?} {:?}", forge.get("/x").paginate::<u8>());
    assert!(!texts.contains("private") && !texts.contains("test-token"), "{texts}");
    assert!(texts.contains("Forge") && texts.contains("POST"), "{texts}");

    let client = Client::testing("http://127.0.0.1:9", TOKEN);
    let error = client.get("/x").send().await.unwrap_err();
    tells_no_secret(&error);
    assert!(!format!("{client:?}").contains(TOKEN));
}

#[test]
fn an_api_is_https_or_this_machine() {
    let connect = |api: &str| {
        let closure = Arc::new(Closure(|_| http::Response::new(Bytes::new())));
        Connection::new("Forge", api, closure, Arc::new(Rotating::default()))
    };
    for api in ["https://a.example", "http://127.0.0.1:7", "http://[::1]/x", "http://localhost?x#y"]
    {
        let url = connect(api).unwrap().join("/y").unwrap();
        assert_eq!((url.query(), url.fragment()), (None, None));
    }
    for api in [
        "http://a.example",
        "ftp://a.example",
        "a.example",
        "",
        "https://me:secret@a.example",
        "data:x",
    ] {
        let error = connect(api).unwrap_err().to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}

/// A hub that says 403 to a token that has ended.
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
async fn a_403_is_of_the_token_if_nothing_is_open_to_it() {
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
    assert_eq!(asked.lock().unwrap().len(), 1, "the question was asked already");
}

#[tokio::test]
async fn a_403_is_of_the_request_if_the_token_opens_anything_or_nobody_can_tell() {
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
