//! Reading responses and pages.

use super::*;

#[tokio::test]
async fn an_unmodified_response_is_no_error() {
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
async fn an_error_response_says_what_to_do() {
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

#[derive(Debug, Deserialize)]
struct Issue {
    #[allow(dead_code, reason = "read by serde")]
    title: String,
}

#[tokio::test]
async fn a_mismatch_names_the_place_and_the_type_but_no_value() {
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
async fn a_large_response_is_an_error_but_can_be_streamed() {
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
    let chunks = forge.get("/unknown").send().await.unwrap().bytes_stream();
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

    let mut chunks = Box::pin(api.client().get("/x").send().await.unwrap().bytes_stream());
    assert_eq!(chunks.next().await.unwrap().unwrap(), "early");
    more.notify_one();
    assert_eq!(chunks.next().await.unwrap().unwrap(), "late");
    assert!(chunks.next().await.is_none());

    let request = api.client().get("/x").timeout(Duration::from_secs(2));
    let error = request.send().await.unwrap().bytes().await.unwrap_err();
    assert!(is_unreachable(&error) && error.message().contains("did not answer"), "{error}");
}

#[tokio::test]
async fn pages_are_requested_as_they_are_needed() {
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
    assert_eq!(items, MAX_PAGES);
    assert!(message.contains("more than 1000 pages"), "{message}");
    let (items, message) = read("/self").await;
    assert_eq!(items, 1);
    assert!(message.contains("a next page that is this page"), "{message}");
    let (items, message) = read("/broken").await;
    assert_eq!(items, 1);
    assert!(message.contains("500"), "{message}");
}
