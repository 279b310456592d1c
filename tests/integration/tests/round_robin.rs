//! A server of two processes with one store, behind nginx, which asks them in turn: a client walks from
//! a 401 to the end of its session, and before every request of its own and of its user's browser one
//! of the processes is killed.
//!
//! `.ci/proxies` and `.ci/postgres` say where nginx is.

use std::{collections::BTreeSet, path::Path, time::Duration};

use http::Method;
use integration::{
    broker::{Application, Browser},
    client::{link_in, text_of},
    round_robin::{Kills, Site},
    session::REVISIONS,
};
use reqwest::Response;
use serde_json::{Value, json};

/// How soon the end of a session is known to all processes: seconds, and the requests in between, before
/// each of which a process may have to start.
const ENDED_WITHIN: Duration = Duration::from_secs(60);

/// A client in a session.
struct Client<'a> {
    site: &'a Site,
    http: reqwest::Client,
    revision: &'static str,
    token: String,
    session: String,
}

impl Client<'_> {
    async fn send(&self, method: Method, body: Option<Value>) -> Response {
        let mut request = self.http.request(method, self.site.mcp());
        request = request.header("accept", "application/json, text/event-stream");
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if !self.session.is_empty() {
            request = request.header("mcp-session-id", &self.session);
            request = request.header("mcp-protocol-version", self.revision);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.unwrap()
    }

    /// The answer to a request, which is JSON or the last event of a stream.
    async fn request(&self, method: &str, params: Value) -> Value {
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let answer = self.send(Method::POST, Some(message)).await;
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, 200, "{method}: {text}");
        let json = text.lines().map(|line| line.strip_prefix("data:").unwrap_or(line));
        let mut found = json.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        found.find(|message| message["id"] == 1).unwrap_or_else(|| panic!("{method}: {text}"))
    }

    async fn call(&self, tool: &str, arguments: Value) -> Value {
        self.request("tools/call", json!({ "name": tool, "arguments": arguments })).await
    }

    async fn notify(&self, method: &str, params: Value) {
        let message = json!({ "jsonrpc": "2.0", "method": method, "params": params });
        let answer = self.send(Method::POST, Some(message)).await;
        let (status, text) = (answer.status(), answer.text().await.unwrap());
        assert_eq!(status, 202, "{method}: {text}");
    }

    async fn initialize(&mut self) {
        let message = json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": self.revision,
            "capabilities": { "elicitation": { "url": {} } },
            "clientInfo": { "name": "host", "version": "1" },
        }});
        let begun = self.send(Method::POST, Some(message)).await;
        assert_eq!(begun.status(), 200);
        self.session = begun.headers()["mcp-session-id"].to_str().unwrap().into();
        begun.text().await.unwrap();
        self.notify("notifications/initialized", json!({})).await;
    }

    /// Lists the issues, which the token is good for.
    async fn list_issues(&self) {
        let issues = json!({ "owner": "alice", "repo": "compass", "limit": 1 });
        let listed = self.call("list_issues", issues).await;
        assert!(listed.to_string().contains("compass drifts 1 degrees"), "{listed}");
    }

    /// The link that an answer asks the user to open.
    fn link_of(&self, asked: &Value) -> String {
        if self.revision != "2025-11-25" {
            return link_in(&text_of(asked));
        }
        assert_eq!(asked["error"]["code"], -32042, "{asked}");
        asked["error"]["data"]["elicitations"][0]["url"].as_str().unwrap().to_owned()
    }

    async fn open_issue(&self) -> Value {
        let issue = json!({ "owner": "alice", "repo": "compass", "title": "It spins" });
        self.call("open_issue", issue).await
    }
}

/// Everything that a client does from the first 401 to the end of its session.
/// `has_second`: the server has a tool with an account at another provider than the broker's.
async fn walk(site: &Site, revision: &'static str, has_second: bool) {
    let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let http = http.build().unwrap();
    let (token, session) = (String::new(), String::new());
    let mut client = Client { site, http, revision, token, session };
    let refused = client.send(Method::POST, Some(json!({}))).await;
    assert_eq!(refused.status(), 401);
    let challenge = refused.headers()["www-authenticate"].to_str().unwrap().to_owned();
    let document = format!("{}/.well-known/oauth-protected-resource/mcp", site.url);
    assert!(challenge.contains(&document), "{challenge}");
    let metadata = client.http.get(document).send().await.unwrap();
    let metadata: Value = metadata.json().await.unwrap();
    assert_eq!(metadata["authorization_servers"], json!([site.url]));

    let browser = Browser::new();
    let host = Application::register_at(&site.url).await;
    let tokens = host.sign_in(&browser, "repo:read", "alice").await;
    client.token = tokens.text("access_token");
    client.initialize().await;
    let listed = client.request("tools/list", json!({})).await;
    let tools = 3 + usize::from(has_second);
    assert_eq!(listed["result"]["tools"].as_array().unwrap().len(), tools, "{listed}");
    client.list_issues().await;

    // More access, by a link in an error; before 2025-11-25, which has it, in a text.
    let asked = client.open_issue().await;
    let page = browser.open(&client.link_of(&asked)).await;
    assert!(page.body.contains("asks for more"), "{}: {}", page.url, page.body);
    let page = browser.send(&page, &[("decision", "allow")], &[]).await;
    let page = browser.at_forge(page, "alice", "approve").await;
    assert!(page.body.contains("It may do more now"), "{}: {}", page.url, page.body);
    let opened = client.open_issue().await;
    assert!(opened["result"]["content"].to_string().contains("It spins"), "{opened}");

    if has_second {
        let asked = client.call("who_am_i", json!({})).await;
        let page = browser.open(&client.link_of(&asked)).await;
        let page = browser.at_forge(page, "alice", "approve").await;
        assert!(page.body.contains("is connected"), "{}: {}", page.url, page.body);
        let answer = client.call("who_am_i", json!({})).await;
        assert!(text_of(&answer).contains("alice"), "{answer}");
    }

    client.notify("notifications/cancelled", json!({ "requestId": 7 })).await;
    assert_eq!(client.request("ping", json!({})).await["result"], json!({}));
    // The token is refreshed in the middle.
    let refreshed = host.refresh(&tokens.text("refresh_token")).await;
    client.token = refreshed.text("access_token");
    client.list_issues().await;
    assert!(client.open_issue().await["result"].is_object());

    // Another session of the same user, which goes on when this one has ended.
    let first = client.session.clone();
    client.session.clear();
    client.initialize().await;
    let second = std::mem::replace(&mut client.session, first);
    assert_eq!(client.send(Method::DELETE, None).await.status(), 202);
    let ping = json!({ "jsonrpc": "2.0", "id": 1, "method": "ping" });
    let mut ended = BTreeSet::new();
    let everywhere = async {
        while ended.len() < site.replicas() {
            let answer = client.send(Method::POST, Some(ping.clone())).await;
            let served_by = answer.headers()["x-served-by"].to_str().unwrap().to_owned();
            match answer.status().as_u16() {
                404 => drop(ended.insert(served_by)),
                status => assert_eq!((status, ended.contains(&served_by)), (200, false)),
            }
        }
    };
    tokio::time::timeout(ENDED_WITHIN, everywhere).await.expect("the end is known everywhere");
    client.session = second;
    client.list_issues().await;
}

async fn survives(kills: Kills, revision: &'static str) {
    let Some(nginx) = std::env::var_os("NGINX_PROGRAM") else { return };
    let replica = Path::new(env!("CARGO_BIN_EXE_replica"));
    let site = Site::start((&nginx, replica), (2, kills), &[("STEP_UP", "link")]).await;
    walk(&site, revision, false).await;
    site.check(20).await;
}

/// As [`survives`], with a store in PostgreSQL, and an account at another provider.
#[cfg(unix)]
async fn survives_on_postgres(count: usize, kills: Kills, revision: &'static str) {
    use integration::postgres::Postgres;

    let Some(nginx) = std::env::var_os("NGINX_PROGRAM") else { return };
    let Some(database) = Postgres::start() else { return };
    let replica = Path::new(env!("CARGO_BIN_EXE_replica"));
    let url = database.url();
    let more = [("STEP_UP", "link"), ("SECOND", "yes"), ("TOOLGATE_STORE", &*url)];
    let site = Site::start((&nginx, replica), (count, kills), &more).await;
    walk(&site, revision, true).await;
    site.check(20).await;
    assert_ne!(database.sql("SELECT count(*) FROM toolgate_grants"), "0", "it was the store");
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_replicas_on_postgres_share_everything() {
    survives_on_postgres(4, Kills::None, REVISIONS[0]).await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_replica_on_postgres_is_restarted_between_any_two_requests() {
    survives_on_postgres(4, Kills::InTurn, REVISIONS[1]).await;
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_replica_on_postgres_is_down_while_the_other_answers() {
    survives_on_postgres(2, Kills::Down, REVISIONS[2]).await;
}

#[tokio::test]
async fn two_processes_share_a_session() {
    survives(Kills::None, REVISIONS[0]).await;
}

#[tokio::test]
async fn one_process_is_restarted_between_any_two_requests() {
    survives(Kills::InTurn, REVISIONS[0]).await;
}

#[tokio::test]
async fn the_process_that_answered_is_restarted_before_the_next_request() {
    survives(Kills::WhichAnswered, REVISIONS[1]).await;
}

#[tokio::test]
async fn one_process_is_down_while_the_other_answers() {
    survives(Kills::Down, REVISIONS[2]).await;
}
