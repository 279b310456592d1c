//! Attacks on the authorization endpoint: where the answer goes, and what is asked for.

use integration::{
    broker::{Application, Browser, Page, Site},
    deployment,
};
use serde_json::json;

const WEB: &str = "https://app.example/callback";

/// A site with an application that has a site and one that runs on the person's machine.
async fn begin(native: bool) -> (Site, Application) {
    let site = Site::start().await;
    let redirect = if native { "http://127.0.0.1:7777/app/callback" } else { WEB };
    let metadata = json!({ "redirect_uris": [redirect] });
    let application = Application::register_with(&site, metadata).await;
    (site, application)
}

/// A page of ours that says no, and leads nowhere.
fn assert_stopped(page: &Page) {
    assert!(!page.is_application, "sent to {}", page.url);
    assert_eq!(page.status, 400, "{}", page.body);
    assert_eq!(page.visited.len(), 1, "no redirect: {:?}", page.visited);
    assert!(!page.is_consent() && !page.body.contains("href=\"http"), "{}", page.body);
    assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
}

/// The client and where to go cannot be trusted: a page, and never a redirect.
macro_rules! never_redirects {
    ($($name:ident: $native:literal, $with:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let (_site, application) = begin($native).await;
            let link = application.link("repo:read", &$with);
            assert_stopped(&Browser::new().open(&link).await);
        }
    )*};
}

never_redirects! {
    a_client_that_is_not_named: false, [("client_id", "")];
    a_client_that_is_unknown: false, [("client_id", "tg-unknown")];
    a_client_with_an_endless_name: false, [("client_id", &"x".repeat(5000))];
    no_redirect_uri: false, [("redirect_uri", "")];
    another_site: false, [("redirect_uri", "https://evil.example/callback")];
    another_path: false, [("redirect_uri", "https://app.example/other")];
    a_longer_path: false, [("redirect_uri", "https://app.example/callback/more")];
    a_slash_more: false, [("redirect_uri", "https://app.example/callback/")];
    a_query_more: false, [("redirect_uri", "https://app.example/callback?next=evil")];
    a_fragment_more: false, [("redirect_uri", "https://app.example/callback#x")];
    a_user_before_the_host: false, [("redirect_uri", "https://app.example@evil.example/callback")];
    a_user_of_the_host: false, [("redirect_uri", "https://x@app.example/callback")];
    a_host_that_begins_alike: false, [("redirect_uri", "https://app.example.evil.example/callback")];
    a_host_that_ends_alike: false, [("redirect_uri", "https://evilapp.example/callback")];
    a_backslash: false, [("redirect_uri", "https://app.example\\@evil.example/callback")];
    a_path_that_climbs: false, [("redirect_uri", "https://app.example/callback/../open")];
    a_path_that_climbs_encoded: false, [("redirect_uri", "https://app.example/callback/%2e%2e/open")];
    another_port_of_a_site: false, [("redirect_uri", "https://app.example:8443/callback")];
    a_site_by_plain_http: false, [("redirect_uri", "http://app.example/callback")];
    a_host_in_capitals: false, [("redirect_uri", "https://APP.example/callback")];
    a_script: false, [("redirect_uri", "javascript:alert(1)")];
    a_document_inline: false, [("redirect_uri", "data:text/html,x")];
    a_line_break: false, [("redirect_uri", "https://app.example/callback\r\nx: y")];
    a_blank_before: false, [("redirect_uri", " https://app.example/callback")];
    a_zero_byte: false, [("redirect_uri", "https://app.example/callback\0")];
    this_machine_by_another_name: true, [("redirect_uri", "http://localhost:7777/app/callback")];
    this_machine_at_another_path: true, [("redirect_uri", "http://127.0.0.1:7777/app/other")];
    this_machine_with_a_query: true, [("redirect_uri", "http://127.0.0.1:7777/app/callback?x=1")];
    this_machine_by_https: true, [("redirect_uri", "https://127.0.0.1:7777/app/callback")];
    this_machine_as_a_user: true, [("redirect_uri", "http://127.0.0.1:7777@evil.example/app/callback")];
    another_machine: true, [("redirect_uri", "http://10.0.0.1:7777/app/callback")];
    port_zero: true, [("redirect_uri", "http://127.0.0.1:0/app/callback")];
    this_machine_in_octal: true, [("redirect_uri", "http://0177.0.0.1:7777/app/callback")];
}

/// What is sent twice is read as sent by two.
macro_rules! nothing_twice {
    ($($name:ident: $more:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let (_site, application) = begin(true).await;
            let link = format!("{}&{}", application.link("repo:read", &[]), $more);
            assert_stopped(&Browser::new().open(&link).await);
        }
    )*};
}

nothing_twice! {
    two_clients: "client_id=tg-other";
    two_redirect_uris: "redirect_uri=https://evil.example/";
    two_states: "state=other";
    two_challenges: "code_challenge=x";
    two_scopes: "scope=repo:delete";
    two_resources: "resource=https://evil.example/mcp";
    a_state_twice_in_disguise: "st%61te=other";
}

/// The request is wrong, and its application gets an error with our issuer and its state.
macro_rules! told_the_application {
    ($($name:ident: $with:expr, $code:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let (site, application) = begin(true).await;
            let page = Browser::new().open(&application.link("repo:read", &$with)).await;
            let answer = page.answer();
            assert_eq!(answer.get("error"), Some($code), "{answer:?}");
            assert_eq!(answer.get("iss"), Some(site.url.as_str()));
            assert!(answer.get("code").is_none());
            assert!(application.expects(&page.url));
            assert!(site.forge.counts().last_asked.is_empty(), "the provider was not reached");
        }
    )*};
}

told_the_application! {
    no_challenge: [("code_challenge", "")], "invalid_request";
    no_challenge_method: [("code_challenge_method", "")], "invalid_request";
    a_plain_challenge: [("code_challenge_method", "plain")], "invalid_request";
    a_method_in_small_letters: [("code_challenge_method", "s256")], "invalid_request";
    a_short_challenge: [("code_challenge", "abc")], "invalid_request";
    a_challenge_that_is_no_digest: [("code_challenge", &"=".repeat(43))], "invalid_request";
    an_implicit_grant: [("response_type", "token")], "unsupported_response_type";
    a_hybrid_grant: [("response_type", "code token")], "unsupported_response_type";
    no_response_type: [("response_type", "")], "invalid_request";
    an_answer_in_the_fragment: [("response_mode", "fragment")], "invalid_request";
    an_answer_by_post: [("response_mode", "form_post")], "invalid_request";
    a_request_object: [("request", "eyJhbGciOiJub25lIn0.e30.")], "request_not_supported";
    a_request_elsewhere: [("request_uri", "https://evil.example/request")], "request_uri_not_supported";
    a_token_for_another_server: [("resource", "https://evil.example/mcp")], "invalid_target";
    a_silent_sign_in: [("prompt", "none")], "login_required";
    an_endless_state: [("state", &"s".repeat(5000))], "invalid_request";
}

#[tokio::test]
async fn a_token_for_a_path_beside_the_endpoint() {
    let (site, application) = begin(true).await;
    let sibling = format!("{}/mcp2", site.url);
    let page = Browser::new().open(&application.link("repo:read", &[("resource", &sibling)])).await;
    assert_eq!(page.answer().get("error"), Some("invalid_target"));
}

#[tokio::test]
async fn an_open_redirector_made_by_registering_a_site() {
    let (site, application) = begin(false).await;
    let link = application.link("repo:read", &[("code_challenge_method", "plain")]);
    let page = Browser::new().open(&link).await;
    assert!(!page.is_application, "a stranger's site gets a link and no redirect");
    assert_eq!(page.status, 400);
    assert!(page.body.contains("Go back to app.example"), "{}", page.body);
    assert!(page.body.contains("invalid_request"), "{}", page.body);
    assert!(
        page.body.contains(&format!("iss={}", site.url.replace(':', "%3A").replace('/', "%2F")))
    );
}

#[tokio::test]
async fn a_flood_of_authorization_requests() {
    let (_site, application) = begin(true).await;
    let browser = Browser::new();
    let link = application.link("repo:read", &[]);
    let mut refused = None;
    for _ in 0..100 * deployment::counters() {
        let page = browser.open(&link).await;
        if page.status == 429 {
            refused = Some(page);
            break;
        }
    }
    let refused = refused.expect("one address cannot fill the store");
    assert!(!refused.header("retry-after").is_empty());
}

#[tokio::test]
async fn any_port_of_this_machine_is_the_applications() {
    let (_site, application) = begin(true).await;
    let other = "http://127.0.0.1:54321/app/callback";
    let page = Browser::new()
        .sign_in(&application.link("repo:read", &[("redirect_uri", other)]), "alice")
        .await;
    assert!(page.url.as_str().starts_with(other), "{}", page.url);
    let code = page.answer().code().to_owned();
    let wrong = application.redeem(&code).await;
    assert_eq!(
        wrong.error(),
        Some("invalid_grant"),
        "the port is part of what the code is bound to"
    );
    let right = application.redeem_with(&code, &[("redirect_uri", other)]).await;
    assert_eq!(right.status, 200, "{}", right.body);
}
