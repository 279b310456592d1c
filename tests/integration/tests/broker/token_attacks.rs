//! Attacks on codes, refresh tokens and the clients that redeem them.

use std::{sync::Arc, time::Duration};

use forge::Config;
use integration::broker::{Application, Browser, REDIRECT, Site, s256};
use serde_json::json;
use toolgate::{
    broker::{DisconnectOutcome, KnownClient},
    grant::{GrantKey, ManualClock, MasterKey, SqliteStore},
};

async fn begin() -> (Site, Application, String) {
    let site = Site::start().await;
    let application = Application::register(&site).await;
    let answer = application.walk(&Browser::new(), "repo:read", "alice").await;
    let code = answer.code().to_owned();
    (site, application, code)
}

/// A code with something wrong about it: nothing comes of it.
macro_rules! refused {
    ($($name:ident: $with:expr, $status:literal $code:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let (_site, application, code) = begin().await;
            let answer = application.redeem_with(&code, &$with).await;
            assert_eq!((answer.status.as_u16(), answer.error()), ($status, Some($code)), "{}", answer.body);
            assert_eq!(answer.cache_control, "no-store");
            assert!(answer.body["access_token"].is_null());
        }
    )*};
}

refused! {
    a_code_that_was_never_given: [("code", "tgc_guessed")], 400 "invalid_grant";
    no_code: [("code", "")], 400 "invalid_request";
    no_verifier: [("code_verifier", "")], 400 "invalid_request";
    another_verifier: [("code_verifier", &"b".repeat(50))], 400 "invalid_grant";
    a_verifier_that_is_too_short: [("code_verifier", "short")], 400 "invalid_grant";
    the_challenge_as_the_verifier: [("code_verifier", &s256("a-verifier-that-is-long-enough-for-the-rfc-0123456789"))], 400 "invalid_grant";
    another_redirect_uri: [("redirect_uri", "http://127.0.0.1:7777/app/other")], 400 "invalid_grant";
    another_resource: [("resource", "https://evil.example/mcp")], 400 "invalid_target";
    an_unknown_client: [("client_id", "tg-unknown")], 401 "invalid_client";
    no_client: [("client_id", "")], 400 "invalid_request";
    a_document_as_the_client: [("client_id", "https://evil.example/client.json")], 400 "invalid_grant";
    a_secret_of_a_client_without_one: [("client_secret", "x")], 401 "invalid_client";
    a_client_assertion: [("client_assertion", "eyJ.e30.x")], 401 "invalid_client";
    no_grant_type: [("grant_type", "")], 400 "invalid_request";
    a_password_grant: [("grant_type", "password")], 400 "unsupported_grant_type";
    a_machine_grant: [("grant_type", "client_credentials")], 400 "unsupported_grant_type";
    a_token_exchange: [("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange")], 400 "unsupported_grant_type";
    a_code_as_a_refresh_token: [("grant_type", "refresh_token"), ("refresh_token", "tgc_x")], 400 "invalid_grant";
}

#[tokio::test]
async fn a_code_used_twice_revokes_what_came_of_it() {
    let (_site, application, code) = begin().await;
    let tokens = application.redeem(&code).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    let again = application.redeem(&code).await;
    assert_eq!(again.error(), Some("invalid_grant"));
    let refreshed = application.refresh(&tokens.text("refresh_token")).await;
    assert_eq!(refreshed.error(), Some("invalid_grant"), "the family is over");
    assert_eq!(application.redeem(&code).await.error(), Some("invalid_grant"), "and stays over");
}

#[tokio::test]
async fn a_code_after_a_minute() {
    let (site, application, code) = begin().await;
    site.advance(Duration::from_secs(60));
    assert_eq!(application.redeem(&code).await.error(), Some("invalid_grant"));
}

#[tokio::test]
async fn a_code_of_another_client() {
    let (site, application, code) = begin().await;
    let thief = Application::register(&site).await;
    assert_eq!(thief.redeem(&code).await.error(), Some("invalid_grant"));
    assert_eq!(application.redeem(&code).await.status, 200, "the thief has not spent it");
}

#[tokio::test]
async fn a_code_that_was_injected_is_spent() {
    let (_site, application, code) = begin().await;
    let verifier = "another-verifier-that-is-also-long-enough-0123456789";
    let wrong = application.redeem_with(&code, &[("code_verifier", verifier)]).await;
    assert_eq!(wrong.error(), Some("invalid_grant"));
    assert_eq!(application.redeem(&code).await.error(), Some("invalid_grant"));
}

#[tokio::test]
async fn parameters_in_the_query_are_not_read() {
    let (site, application, code) = begin().await;
    let url = format!("{}?grant_type=authorization_code&code={code}", site.endpoint("token"));
    let form = [("client_id", application.id.as_str())];
    let answer = reqwest::Client::new().post(url).form(&form).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    let got = reqwest::get(site.endpoint("token")).await.unwrap();
    assert_eq!(got.status(), 405);
}

#[tokio::test]
async fn a_request_in_another_form() {
    let (site, application, _) = begin().await;
    let http = reqwest::Client::new();
    let twice = format!("grant_type=refresh_token&client_id={0}&client_id={0}", application.id);
    for (kind, body, status) in [
        ("application/json", json!({ "grant_type": "refresh_token" }).to_string(), 400),
        ("text/plain", "grant_type=refresh_token".to_owned(), 400),
        ("application/x-www-form-urlencoded", twice, 400),
        ("application/x-www-form-urlencoded", "a=%00".to_owned(), 400),
        ("application/x-www-form-urlencoded", format!("a={}", "x".repeat(20_000)), 413),
    ] {
        let request = http.post(site.endpoint("token")).header("content-type", kind);
        let answer = request.body(body.clone()).send().await.unwrap();
        assert_eq!(answer.status(), status, "{kind} {}", &body[..body.len().min(40)]);
        let error: serde_json::Value = answer.json().await.unwrap();
        assert_eq!(error["error"], "invalid_request");
    }
}

#[tokio::test]
async fn a_confidential_client_proves_itself() {
    let site = Site::start().await;
    let metadata = json!({ "token_endpoint_auth_method": "client_secret_basic" });
    let application = Application::register_with(&site, metadata).await;
    let secret = application.secret.clone().expect("a secret");
    let browser = Browser::new();
    let code = application.walk(&browser, "repo:read", "alice").await.code().to_owned();

    let none = application.redeem_with(&code, &[("client_secret", "")]).await;
    assert_eq!((none.status.as_u16(), none.error()), (401, Some("invalid_client")));
    let wrong = application.redeem_with(&code, &[("client_secret", "wrong")]).await;
    assert_eq!((wrong.status.as_u16(), wrong.error()), (401, Some("invalid_client")));

    let http = reqwest::Client::new();
    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("code_verifier", "a-verifier-that-is-long-enough-for-the-rfc-0123456789"),
    ];
    let post = || http.post(site.endpoint("token"));
    let wrong = post().form(&form).basic_auth(&application.id, Some("wrong")).send().await.unwrap();
    assert_eq!(wrong.status(), 401);
    assert!(wrong.headers()["www-authenticate"].to_str().unwrap().starts_with("Basic"));
    let bearer = post().form(&form).bearer_auth(&secret).send().await.unwrap();
    assert_eq!(bearer.status(), 401);
    let mut both: Vec<_> = form.to_vec();
    both.push(("client_secret", &secret));
    let both = post().form(&both).basic_auth(&application.id, Some(&secret)).send().await.unwrap();
    assert_eq!(both.status(), 400, "two ways at once");
    let mut other: Vec<_> = form.to_vec();
    other.push(("client_id", "tg-other"));
    let other =
        post().form(&other).basic_auth(&application.id, Some(&secret)).send().await.unwrap();
    assert_eq!(other.status(), 400, "two clients at once");
    let twice = post()
        .form(&form)
        .basic_auth(&application.id, Some(&secret))
        .basic_auth("tg-other", Some("x"))
        .send()
        .await
        .unwrap();
    assert!(twice.status().is_client_error(), "two headers");
    let right = post().form(&form).basic_auth(&application.id, Some(&secret)).send().await.unwrap();
    assert_eq!(right.status(), 200, "{}", right.text().await.unwrap());
}

#[tokio::test]
async fn a_client_that_the_operator_knows() {
    let known = KnownClient::new("desk", "The Desk").redirect_uri(REDIRECT).secret("desk-secret");
    let site = Site::with(Config::default(), |builder| builder.client(known.clone())).await;
    let mut desk = Application::known(&site, "desk", REDIRECT);
    let browser = Browser::new();
    let page = browser.open(&desk.link("repo:read", &[])).await;
    assert!(page.is_consent(), "known is not agreed to");
    assert!(page.body.contains("The Desk") && page.body.contains("operator"), "{}", page.body);
    let code = desk.walk(&browser, "repo:read", "alice").await.code().to_owned();
    assert_eq!(desk.redeem(&code).await.error(), Some("invalid_client"));
    desk.secret = Some("desk-secret".to_owned());
    assert_eq!(desk.redeem(&code).await.status, 200);
}

#[tokio::test]
async fn a_refresh_token_used_twice_ends_the_family() {
    let (site, application, code) = begin().await;
    let first = application.redeem(&code).await.text("refresh_token");
    let second = application.refresh(&first).await.text("refresh_token");
    let third = application.refresh(&second).await.text("refresh_token");
    site.advance(Duration::from_secs(600));
    let replayed = application.refresh(&first).await;
    assert_eq!(replayed.error(), Some("invalid_grant"));
    let rightful = application.refresh(&third).await;
    assert_eq!(rightful.error(), Some("invalid_grant"), "the whole family is revoked");
}

#[tokio::test]
async fn a_refresh_in_parallel_gets_one_answer() {
    let (site, application, code) = begin().await;
    let first = application.redeem(&code).await.text("refresh_token");
    let asks = (0..6).map(|_| application.refresh(&first));
    let answers = futures::future::join_all(asks).await;
    for answer in &answers {
        assert_eq!(answer.status, 200, "{}", answer.body);
        assert_eq!(answer.body["refresh_token"], answers[0].body["refresh_token"]);
        assert_eq!(answer.body["access_token"], answers[0].body["access_token"]);
    }
    let next = application.refresh(&answers[0].text("refresh_token")).await;
    assert_eq!(next.status, 200, "{}", next.body);
    // Who was slow still gets the newest, and not a second family.
    site.advance(Duration::from_secs(20));
    let late = application.refresh(&first).await;
    assert_eq!(late.body["refresh_token"], next.body["refresh_token"]);
}

#[tokio::test]
async fn a_refresh_token_of_another_client() {
    let (site, application, code) = begin().await;
    let token = application.redeem(&code).await.text("refresh_token");
    let thief = Application::register(&site).await;
    assert_eq!(thief.refresh(&token).await.error(), Some("invalid_grant"));
    assert_eq!(application.refresh(&token).await.status, 200, "the thief has not spent it");
}

#[tokio::test]
async fn a_refresh_token_that_was_forged() {
    let (_site, application, code) = begin().await;
    let token = application.redeem(&code).await.text("refresh_token");
    let parts: Vec<&str> = token.split('.').collect();
    let last = if parts[2].ends_with('A') { "B" } else { "A" };
    let changed = format!("{}.{}.{}{last}", parts[0], parts[1], &parts[2][..42]);
    for forged in [
        changed,
        format!("{}.1.{}", parts[0], parts[2]),
        format!("{}.00.{}", parts[0], parts[2]),
        format!("{}.0.", parts[0]),
        "tgr_".to_owned(),
        "x".repeat(4000),
    ] {
        let answer = application.refresh(&forged).await;
        assert_eq!(answer.error(), Some("invalid_grant"), "{forged}");
    }
    assert_eq!(application.refresh(&token).await.status, 200, "guessing has not ended it");
}

#[tokio::test]
async fn a_refresh_for_more_than_was_granted() {
    let (_site, application, code) = begin().await;
    let token = application.redeem(&code).await.text("refresh_token");
    let wider = application.refresh_with(&token, &[("scope", "repo:read repo:delete")]).await;
    assert_eq!(wider.error(), Some("invalid_scope"));
    let other = application.refresh_with(&token, &[("resource", "https://evil.example/")]).await;
    assert_eq!(other.error(), Some("invalid_target"));
    assert_eq!(application.refresh(&token).await.status, 200);
}

#[tokio::test]
async fn a_refresh_for_less_leaves_the_rest_for_later() {
    let site = Site::start().await;
    let application = Application::register(&site).await;
    let tokens = application.sign_in(&Browser::new(), "repo:write repo:delete", "alice").await;
    let token = tokens.text("refresh_token");
    let less = application.refresh_with(&token, &[("scope", "repo:read")]).await;
    assert_eq!(less.body["scope"], "repo:read", "implied by repo:write: {}", less.body);
    let all = application.refresh(&less.text("refresh_token")).await;
    assert_eq!(all.body["scope"], "repo:write repo:delete");
}

#[tokio::test]
async fn a_refresh_token_that_nobody_used_for_a_month() {
    let (site, application, code) = begin().await;
    let token = application.redeem(&code).await.text("refresh_token");
    site.clock.advance(Duration::from_secs(30 * 24 * 3600));
    assert_eq!(application.refresh(&token).await.error(), Some("invalid_grant"));
}

#[tokio::test]
async fn a_sign_in_does_not_last_for_ever() {
    let (site, application, code) = begin().await;
    let mut token = application.redeem(&code).await.text("refresh_token");
    for _ in 0..8 {
        site.clock.advance(Duration::from_secs(20 * 24 * 3600));
        token = application.refresh(&token).await.text("refresh_token");
    }
    site.clock.advance(Duration::from_secs(20 * 24 * 3600));
    assert_eq!(application.refresh(&token).await.error(), Some("invalid_grant"));
}

#[tokio::test]
async fn a_grant_that_is_gone_ends_the_sign_in() {
    let (site, application, code) = begin().await;
    let token = application.redeem(&code).await.text("refresh_token");
    site.grants.remove(&GrantKey::new("forge:alice", "forge")).await.unwrap();
    let answer = application.refresh(&token).await;
    assert_eq!(answer.error(), Some("invalid_grant"));
    assert!(answer.text("error_description").contains("sign in again"), "{}", answer.body);
}

#[tokio::test]
async fn a_host_without_refresh_gets_no_refresh_token() {
    let site = Site::start().await;
    let metadata = json!({ "grant_types": ["authorization_code"] });
    let application = Application::register_with(&site, metadata).await;
    let tokens = application.sign_in(&Browser::new(), "repo:read", "alice").await;
    assert!(tokens.body["refresh_token"].is_null(), "{}", tokens.body);
}

#[tokio::test]
async fn who_signs_out_is_signed_out_at_the_provider() {
    let (site, application, code) = begin().await;
    let tokens = application.redeem(&code).await;
    let token = tokens.text("refresh_token");
    let thief = Application::register(&site).await;
    assert_eq!(thief.revoke(&token).await.error(), Some("invalid_grant"), "of another client");
    assert_eq!(application.revoke("tgr_unknown").await.status, 200);
    let access = application.revoke(&tokens.text("access_token")).await;
    assert_eq!(access.error(), Some("unsupported_token_type"));

    let key = GrantKey::new("forge:alice", "forge");
    let grant = site.grants.store().load(&key).await.unwrap().unwrap().value;
    assert_eq!(application.revoke(&token).await.status, 200);
    assert_eq!(application.refresh(&token).await.error(), Some("invalid_grant"));
    assert!(site.grants.store().load(&key).await.unwrap().is_none(), "it is forgotten here");
    assert!(!is_good_at_forge(&site, &grant).await, "and revoked there");
}

#[tokio::test]
async fn signing_out_of_one_host_leaves_the_other() {
    let (site, first, code) = begin().await;
    let token = first.redeem(&code).await.text("refresh_token");
    let second = Application::register(&site).await;
    let other = second.sign_in(&Browser::new(), "repo:read", "alice").await.text("refresh_token");
    assert_eq!(first.revoke(&token).await.status, 200);
    assert_eq!(second.refresh(&other).await.status, 200);
}

#[tokio::test]
async fn signing_out_of_a_host_ends_its_earlier_sign_ins() {
    let (site, application, code) = begin().await;
    let before = application.redeem(&code).await.text("refresh_token");
    let stepped_up = application.sign_in(&Browser::new(), "repo:write", "alice").await;
    assert_eq!(application.revoke(&stepped_up.text("refresh_token")).await.status, 200);
    assert_eq!(application.refresh(&before).await.error(), Some("invalid_grant"));
    let key = GrantKey::new("forge:alice", "forge");
    assert!(site.grants.store().load(&key).await.unwrap().is_none(), "nobody needs it any more");
}

#[tokio::test]
async fn disconnecting_ends_all_sign_ins() {
    let (site, first, code) = begin().await;
    let token = first.redeem(&code).await.text("refresh_token");
    let second = Application::register(&site).await;
    let browser = Browser::new();
    let other = second.sign_in(&browser, "repo:read", "alice").await.text("refresh_token");
    let bobs = second.sign_in(&Browser::new(), "repo:read", "bob").await.text("refresh_token");
    let unredeemed = second.walk(&browser, "repo:read", "alice").await.code().to_owned();
    let key = GrantKey::new("forge:alice", "forge");
    let grant = site.grants.store().load(&key).await.unwrap().unwrap().value;

    site.clock.advance(Duration::from_secs(1));
    assert_eq!(site.broker.disconnect("forge:alice").await.unwrap(), DisconnectOutcome::Revoked);
    assert_eq!(first.refresh(&token).await.error(), Some("invalid_grant"));
    assert_eq!(second.refresh(&other).await.error(), Some("invalid_grant"));
    assert_eq!(second.redeem(&unredeemed).await.error(), Some("invalid_grant"));
    assert!(!is_good_at_forge(&site, &grant).await);
    assert_eq!(second.refresh(&bobs).await.status, 200, "bob has nothing to do with it");
    let again = site.broker.disconnect("forge:alice").await.unwrap();
    assert_eq!(again, DisconnectOutcome::NothingGranted);
    // And alice can come back.
    second.sign_in(&browser, "repo:read", "alice").await;
}

/// Does the provider accept the access token?
async fn is_good_at_forge(site: &Site, grant: &toolgate::grant::Grant) -> bool {
    use secrecy::ExposeSecret as _;
    let request = reqwest::Client::new().get(format!("{}/api/user", site.forge.url()));
    let answer = request.bearer_auth(grant.access_token.expose_secret()).send().await.unwrap();
    answer.status().is_success()
}

/// Two processes on one database file.
async fn replicas() -> (Site, String, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let key = MasterKey::generate();
    let clock = Arc::new(ManualClock::at(std::time::SystemTime::now()));
    let open = async || {
        let store = SqliteStore::at(directory.path()).key(key.clone()).clock(clock.clone());
        Arc::new(store.open().await.unwrap())
    };
    let site = Site::over(Config::default(), clock.clone(), open().await, |builder| builder).await;
    let other = site.replica(open().await).await;
    (site, other, directory)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_at_two_replicas_at_once() {
    let (site, other, _directory) = replicas().await;
    let application = Application::register(&site).await;
    for _ in 0..5 {
        let code = application.walk(&Browser::new(), "repo:read", "alice").await.code().to_owned();
        let (one, two) = tokio::join!(
            application.redeem_at(&site.url, &code),
            application.redeem_at(&other, &code)
        );
        let good: Vec<_> = [&one, &two].into_iter().filter(|walk| walk.status == 200).collect();
        assert_eq!(good.len(), 1, "{} {}", one.body, two.body);
        // Two had the code, so one of them stole it.
        let refreshed = application.refresh(&good[0].text("refresh_token")).await;
        assert_eq!(refreshed.error(), Some("invalid_grant"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_token_at_two_replicas_at_once() {
    let (site, other, _directory) = replicas().await;
    let application = Application::register(&site).await;
    let tokens = application.sign_in(&Browser::new(), "repo:read", "alice").await;
    let mut token = tokens.text("refresh_token");
    for _ in 0..5 {
        let (one, two) = tokio::join!(
            application.refresh_at(&site.url, &token),
            application.refresh_at(&other, &token)
        );
        assert_eq!(
            (one.status.as_u16(), two.status.as_u16()),
            (200, 200),
            "{} {}",
            one.body,
            two.body
        );
        assert_eq!(one.body["refresh_token"], two.body["refresh_token"], "never a second family");
        token = one.text("refresh_token");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_token_replayed_at_another_replica() {
    let (site, other, _directory) = replicas().await;
    let application = Application::register(&site).await;
    let tokens = application.sign_in(&Browser::new(), "repo:read", "alice").await;
    let stolen = tokens.text("refresh_token");
    let next = application.refresh_at(&site.url, &stolen).await.text("refresh_token");
    let rightful = application.refresh_at(&site.url, &next).await.text("refresh_token");
    site.advance(Duration::from_secs(600));
    assert_eq!(application.refresh_at(&other, &stolen).await.error(), Some("invalid_grant"));
    assert_eq!(application.refresh_at(&site.url, &rightful).await.error(), Some("invalid_grant"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_are_one_broker() {
    let (site, other, directory) = replicas().await;
    let application = Application::register(&site).await;
    let browser = Browser::new();
    // The consent page comes from one and goes to the other, and so do the callback and the code.
    let page = browser.open(&application.link("repo:read", &[]).replace(&site.url, &other)).await;
    let page = browser.decide(&page, "allow").await;
    let page = browser.at_forge(page, "alice", "approve").await;
    let tokens = application.redeem_at(&other, page.answer().code()).await;
    assert_eq!(tokens.status, 200, "{}", tokens.body);
    let keys = async |url: &str| {
        reqwest::get(format!("{url}/oauth/jwks")).await.unwrap().text().await.unwrap()
    };
    assert_eq!(keys(&site.url).await, keys(&other).await);
    site.clock.advance(Duration::from_secs(1));
    site.broker.disconnect("forge:alice").await.unwrap();
    let ended = application.refresh_at(&other, &tokens.text("refresh_token")).await;
    assert_eq!(ended.error(), Some("invalid_grant"));

    // What lies on the disk is sealed, or a digest.
    let secrets = [tokens.text("refresh_token"), tokens.text("access_token"), application.id];
    for file in std::fs::read_dir(directory.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for secret in &secrets {
            assert!(!bytes.windows(secret.len()).any(|part| part == secret.as_bytes()));
        }
    }
}
