//! Building and sending requests.

use super::{tokens::RotatingTokens, *};
use crate::trace::{Event, Observer, TraceContext, Tracer};

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
async fn an_invalid_request_is_not_sent() {
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
        // The first error is kept.
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
async fn a_slow_api_is_unreachable_and_its_query_stays_private() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let forge = Client::testing(&format!("http://{}", listener.local_addr().unwrap()), TOKEN);
    let request = forge.get("/slow").query(&[("q", "private")]).timeout(Duration::from_millis(50));

    // The kernel accepts the connection, but no response comes.
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
async fn an_api_that_refuses_connections_is_unreachable_by_name() {
    // A port where nobody listens, and which the system gives to nobody who asks for any.
    let refused = Client::testing("http://127.0.0.1:1", TOKEN).post("/x").send().await.unwrap_err();
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

/// A server that reads a request and closes the connection, `breaks` times, and then responds.
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

#[tokio::test]
async fn a_closure_can_be_the_api() {
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

/// A tool's future has to be `Send`.
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
        Connection::new("Forge", api, closure, Arc::new(RotatingTokens::default()))
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

/// Wants the trace of requests, and keeps nothing.
struct Tracing;

impl Observer for Tracing {
    fn on_event(&self, _: &Event<'_>) {}

    fn wants_trace_context(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn a_request_carries_on_the_trace_of_its_call() {
    let api = Api::serve(|_| ok("")).await;
    let plain = api.client();
    let body = br#"{"params":{"_meta":{"traceparent":"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01","tracestate":"a=b","baggage":"k=v"}}}"#;
    let span = Tracer::new(vec![Arc::new(Tracing)], false).span();
    let span = span.traced(|| TraceContext::of_headers(None).of_message(body));
    let traced = Client::new(Connection { span, ..Connection::clone(&plain.connection) }.into());
    for client in [&traced, &traced, &plain] {
        client.get("/x").send().await.unwrap();
    }
    let seen = api.seen();
    let parents: Vec<_> = seen.iter().map(|seen| seen.header("traceparent")).collect();
    assert!(parents[0].starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-"), "{parents:?}");
    assert!(!parents[0].contains("00f067aa0ba902b7"), "its span is one of its own: {parents:?}");
    assert_ne!(parents[0], parents[1], "and each has another");
    assert_eq!((seen[0].header("tracestate"), seen[0].header("baggage")), ("a=b", "k=v"));
    assert_eq!(parents[2], "", "without an observer that wants it there is none");
}
