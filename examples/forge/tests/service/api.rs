//! The API: what a token may do, and what one may see.

use std::collections::BTreeSet;

use crate::app::{App, read};
use forge::Config;
use serde_json::{Value, json};

#[tokio::test]
async fn every_endpoint_asks_for_its_scope() {
    let app = App::start(Config::default()).await;
    let issue = json!({ "title": "It spins", "text": "x", "body": "b", "name": "n" });
    // The endpoint, and which of read, write, delete and e-mail may use it.
    let endpoints = [
        ("GET", "/user", "rwde"),
        ("GET", "/user/emails", "e"),
        ("GET", "/user/repos", "rw"),
        ("POST", "/user/repos", "w"),
        ("GET", "/repos/alice/compass", "rw"),
        ("GET", "/repos/alice/compass/issues", "rw"),
        ("POST", "/repos/alice/compass/issues", "w"),
        ("GET", "/repos/alice/compass/issues/1", "rw"),
        ("PATCH", "/repos/alice/compass/issues/1", "w"),
        ("GET", "/repos/alice/compass/issues/1/comments", "rw"),
        ("POST", "/repos/alice/compass/issues/1/comments", "w"),
        ("GET", "/repos/alice/compass/contents/README.md", "rw"),
        ("PUT", "/repos/alice/compass/contents/a/b.txt", "w"),
        ("DELETE", "/repos/alice/journal", "d"),
    ];
    for (letter, scope) in
        [('r', "repo:read"), ('w', "repo:write"), ('d', "repo:delete"), ('e', "user:email")]
    {
        let tokens = app.tokens("alice", scope).await;
        for (method, path, allowed) in endpoints {
            let answer = app.api(method, path, &tokens).json(&issue).send().await.unwrap();
            let status = answer.status();
            if allowed.contains(letter) {
                assert!(status.is_success(), "{scope}: {method} {path} {status}");
            } else {
                assert_eq!(status, 403, "{scope}: {method} {path}");
                assert!(answer.headers().contains_key("x-accepted-oauth-scopes"));
            }
        }
    }
}

#[tokio::test]
async fn without_a_good_token_nothing_is_said() {
    let app = App::start(Config::default()).await;
    let url = format!("{}/api/repos/alice/compass", app.forge.url());
    for authorization in ["", "Bearer", "Bearer guessed", "Basic YTpi"] {
        let mut request = app.http.get(&url);
        if !authorization.is_empty() {
            request = request.header("authorization", authorization);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 401, "{authorization}");
        assert!(answer.headers().contains_key("www-authenticate"));
    }
}

#[tokio::test]
async fn what_one_may_not_see_is_not_there() {
    let app = App::start(Config::default()).await;
    let alice = app.tokens("alice", "repo:write repo:delete").await;
    for path in
        ["/repos/bob/vault", "/repos/bob/vault/issues", "/repos/bob/vault/contents/README.md"]
    {
        let secret = app.get(path, &alice).await;
        let nothing = app.get(&path.replace("vault", "nothing"), &alice).await;
        assert_eq!(secret.0, 404, "{path}");
        assert_eq!(secret, nothing, "one cannot tell them apart");
    }
    // A public repository is not writable by every user.
    for (method, path) in [
        ("DELETE", "/repos/bob/lantern"),
        ("PATCH", "/repos/bob/lantern/issues/1"),
        ("PUT", "/repos/bob/lantern/contents/README.md"),
    ] {
        let body = json!({ "text": "x", "title": "t" });
        let answer = app.api(method, path, &alice).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), 403, "{method} {path}");
    }
    let own = app.get("/user/repos", &alice).await.1;
    let names: Vec<_> = own.as_array().unwrap().iter().map(|repo| &repo["full_name"]).collect();
    assert_eq!(names, ["alice/compass", "alice/journal"]);
}

#[tokio::test]
async fn a_list_is_walked_by_its_links() {
    let app = App::start(Config::default()).await;
    let tokens = app.tokens("alice", "repo:read").await;
    let mut path = "/repos/alice/compass/issues?per_page=10&state=all".to_owned();
    let (mut pages, mut numbers) = (0, BTreeSet::new());
    loop {
        let answer = app.api("GET", &path, &tokens).send().await.unwrap();
        let link = answer.headers().get("link").map(|link| link.to_str().unwrap().to_owned());
        let issues: Value = answer.json().await.unwrap();
        numbers.extend(issues.as_array().unwrap().iter().map(|i| i["number"].as_u64().unwrap()));
        pages += 1;
        let next =
            link.as_deref().unwrap_or_default().split(", ").find(|l| l.contains("rel=\"next\""));
        let Some(next) = next else { break };
        let url = next.trim_start_matches('<').split('>').next().unwrap();
        path = url.split("/api").nth(1).unwrap().to_owned();
    }
    assert_eq!((pages, numbers.len()), (4, 35));
    let (_, open) = app.get("/repos/alice/compass/issues?per_page=100", &tokens).await;
    assert_eq!(open.as_array().unwrap().len(), 28, "a fifth of them is closed");
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let app = App::start(Config::default()).await;
    let tokens = app.tokens("alice", "repo:write").await;
    let path = "/repos/alice/compass/issues/1";
    let first = app.api("GET", path, &tokens).send().await.unwrap();
    let tag = first.headers()["etag"].clone();
    let again =
        async || app.api("GET", path, &tokens).header("if-none-match", &tag).send().await.unwrap();
    let same = again().await;
    assert_eq!(same.status(), 304);
    assert_eq!(same.text().await.unwrap(), "");
    let closed = json!({ "state": "closed" });
    app.api("PATCH", path, &tokens).json(&closed).send().await.unwrap();
    let changed = again().await;
    assert_eq!(changed.status(), 200);
    assert_eq!(changed.json::<Value>().await.unwrap()["state"], "closed");
}

#[tokio::test]
async fn issues_comments_and_files_are_kept() {
    let app = App::start(Config::default()).await;
    let tokens = app.tokens("alice", "repo:write").await;
    let send = async |method: &str, path: &str, body: Value| {
        read(app.api(method, path, &tokens).json(&body).send().await.unwrap()).await
    };
    let (status, issue) =
        send("POST", "/repos/alice/compass/issues", json!({ "title": "It spins" })).await;
    assert_eq!((status.as_u16(), &issue["number"]), (201, &36.into()));
    let path = "/repos/alice/compass/issues/36/comments";
    assert_eq!(send("POST", path, json!({ "body": "Mine too" })).await.0, 201);
    let (_, comments) = app.get(path, &tokens).await;
    assert_eq!(comments[0]["body"], "Mine too");
    assert_eq!(comments[0]["user"]["login"], "alice");

    let file = "/repos/alice/compass/contents/docs/north.txt";
    assert_eq!(app.get(file, &tokens).await.0, 404);
    assert_eq!(send("PUT", file, json!({ "text": "up" })).await.0, 200);
    assert_eq!(app.get(file, &tokens).await.1["text"], "up");

    for (method, path, body) in [
        ("POST", "/repos/alice/compass/issues", json!({ "title": " " })),
        ("PATCH", "/repos/alice/compass/issues/1", json!({ "state": "ajar" })),
        ("POST", "/user/repos", json!({ "name": "compass" })),
    ] {
        assert_eq!(send(method, path, body).await.0, 422, "{method} {path}");
    }
}

#[tokio::test]
async fn a_token_has_so_many_requests() {
    let app = App::start(Config::default().rate_limit(3)).await;
    let tokens = app.tokens("alice", "repo:read").await;
    for left in ["2", "1", "0"] {
        let answer = app.api("GET", "/user", &tokens).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["x-ratelimit-limit"], "3");
        assert_eq!(answer.headers()["x-ratelimit-remaining"], left);
    }
    let answer = app.api("GET", "/user", &tokens).send().await.unwrap();
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], "60");
    let others = app.tokens("bob", "repo:read").await;
    assert_eq!(app.get("/user", &others).await.0, 200, "each has its own");
}
