//! The way from a link through the authorization server to the provider.

use integration::{broker::Browser, deployment};

use super::{Linked, assert_ends};

#[tokio::test]
async fn the_person_who_called_signs_in_and_connects() {
    let server = Linked::start().await;
    let link = server.link("alice").await;
    let browser = server.browser("alice").await;
    let page = browser.open(&link).await;
    let page = browser.at_forge(page, "alice", "approve").await;
    assert_ends(&page, 200, "Forge is connected");
    assert!(server.says("alice").await.contains("compass drifts"));

    let asked = server.asked().pop().unwrap();
    assert_eq!(asked["response_type"], "code");
    assert_eq!(asked["client_id"], "links");
    assert_eq!(asked["code_challenge_method"], "S256");
    assert_eq!(asked["redirect_uri"], format!("{}/signed-in", server.url));
    assert_eq!(asked["resource"], format!("{}/mcp", server.url));
}

#[tokio::test]
async fn a_sign_in_for_a_link_is_traced() {
    let server = Linked::start().await;
    let link = server.link("alice").await;
    let browser = server.browser("alice").await;
    server.recorder.clear();
    browser.open(&link).await;
    let events = server.recorder.events();
    let shown: Vec<_> = events
        .iter()
        .map(|event| {
            let detail = ["by", "flow"].iter().find_map(|name| event[name].as_str());
            (event["event"].as_str().unwrap(), detail.unwrap_or_default())
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("link_opened", "signed_out"),
            ("authorization_requested", "sign_in"),
            ("callback_received", "sign_in"),
            ("code_exchanged", "sign_in"),
            ("link_opened", "owner"),
            ("authorization_requested", "consent"),
        ]
    );
}

#[tokio::test]
async fn another_person_does_not_connect_and_is_signed_out_again() {
    let server = Linked::start().await;
    let link = server.link("alice").await;
    let browser = server.browser("bob").await;
    assert_ends(&browser.open(&link).await, 403, "This link is for another person");
    assert!(server.says("alice").await.contains("not connected"));
    // The same browser, once it is alice's, is asked again.
    server.be(&browser, "alice").await;
    let page = browser.open(&link).await;
    let page = browser.at_forge(page, "alice", "approve").await;
    assert_ends(&page, 200, "Forge is connected");
}

#[tokio::test]
async fn nobody_is_nobody() {
    let server = Linked::start().await;
    let link = server.link("alice").await;
    let page = Browser::new().open(&link).await;
    assert_eq!(page.body, "Sign in first");
    let forged = reqwest::Client::new().get(&link).header("cookie", "toolgate-person=alice");
    assert!(forged.send().await.unwrap().url().path().contains("/authorize"));
}

#[tokio::test]
async fn an_answer_belongs_to_the_browser_that_asked() {
    let server = Linked::start().await;
    let link = server.link("alice").await;
    let waiting = Browser::new();
    waiting.open(&link).await;
    let state = server.asked().pop().unwrap()["state"].clone();
    let issuer = server.login.0.lock().unwrap().url.clone();
    let answer = format!("{}/signed-in?code=code-1&state={state}&iss={issuer}", server.url);
    assert_ends(&Browser::new().open(&answer).await, 403, "not the browser that started");
    let name = format!(
        "toolgate-sign-in-{}=guessed",
        state[..16].chars().filter(char::is_ascii_alphanumeric).collect::<String>()
    );
    let forged = reqwest::Client::new().get(&answer).header("cookie", name).send().await.unwrap();
    assert_eq!(forged.status(), 410);
    // It is not used up.
    server.be(&waiting, "alice").await;
    let page = waiting.open(&link).await;
    assert!(page.url.path() == "/oauth/authorize", "forge is next: {}", page.url);
    let replayed = page.visited.iter().find(|url| url.path() == "/signed-in").unwrap();
    assert_ends(&waiting.open(replayed.as_str()).await, 410, "no longer good");
    for state in ["", "x", "../..", "%0d%0aset-cookie:a=b", "\u{e9}\u{e9}\u{e9}"] {
        let page = Browser::new().open(&format!("{}/signed-in?state={state}", server.url)).await;
        assert_ends(&page, 403, "not the browser that started");
    }
}

#[tokio::test]
async fn what_is_no_sign_in_connects_nobody() {
    for (fault, status, says) in [
        ("other issuer", 403, "comes from another issuer"),
        ("no issuer", 403, "does not say from which issuer"),
        ("denies", 403, "answered `access_denied`"),
        ("other audience", 500, "This server failed"),
        ("machine", 500, "This server failed"),
        ("expired", 500, "This server failed"),
        ("down", 500, "This server failed"),
        ("plain", 500, "This server failed"),
    ] {
        let server = Linked::start().await;
        let link = server.link("alice").await;
        server.fault(fault);
        let browser = server.browser("alice").await;
        assert_ends(&browser.open(&link).await, status, says);
        server.fault("");
        let page = browser.open(&link).await;
        assert!(
            page.url.path() == "/oauth/authorize",
            "{fault}: the link stays good: {}",
            page.url
        );
    }
}

#[tokio::test]
async fn a_stranger_without_a_link_sends_nobody_anywhere() {
    let server = Linked::start().await;
    for link in ["unknown", "..%2f..", ""] {
        let page = Browser::new().open(&format!("{}/sign-in/{link}", server.url)).await;
        let status = page.status.as_u16();
        // nginx in front of replicas refuses the path by itself.
        let is_refused = status == 400 && deployment::replicas().is_some();
        assert!(matches!(status, 404 | 410) || is_refused, "{link}: {status}");
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn over_https_no_other_host_plants_a_cookie() {
    let public = "https://tools.example";
    let server = Linked::known_as(Some(public)).await;
    let said = server.says("alice").await;
    let link = &said[said.find(public).expect("a link")..];
    let link = link.split_whitespace().next().unwrap().replace(public, &server.url);
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let http = http.build().unwrap();
    let open = async |url: &str, cookie: &str| {
        http.get(url).header("cookie", cookie).send().await.unwrap()
    };
    let to = |response: &reqwest::Response| {
        response.headers()["location"].to_str().unwrap_or_default().to_owned()
    };
    let to_sign_in = to(&open(&link, "").await);
    assert!(to_sign_in.starts_with("/sign-in/"), "{to_sign_in}");
    assert_eq!(to(&open(&link, "toolgate-person=planted").await), to_sign_in);

    let departs = open(&format!("{}{to_sign_in}", server.url), "").await;
    let set = departs.headers()["set-cookie"].to_str().unwrap();
    assert!(set.starts_with("__Host-toolgate-sign-in-") && set.contains("; Path=/; "), "{set}");
    assert!(set.contains("; Secure; ") && set.contains("; HttpOnly; "), "{set}");
    let cookie = set.split(';').next().unwrap();
    let location = url::Url::parse(&to(&departs)).unwrap();
    let state = location.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    let answer = format!("{}/signed-in?error=access_denied&state={state}", server.url);
    let without_prefix = cookie.trim_start_matches("__Host-");
    for planted in [without_prefix.to_owned(), format!("{cookie}; {cookie}"), String::new()] {
        let page = open(&answer, &planted).await.text().await.unwrap();
        assert!(page.contains("not the browser that started"), "{planted}: {page}");
    }
    let page = open(&answer, cookie).await.text().await.unwrap();
    assert!(page.contains("does not say from which issuer"), "its own browser goes on: {page}");
}
