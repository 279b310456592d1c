//! Servers under test, as a user tests them.
#![cfg(feature = "testing")]

use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use toolgate::{
    client::http,
    gate::Gate,
    prelude::*,
    testing::{Account, Browsers, Client, FakeProvider, Issuer, RESOURCE, SavedCall},
};

/// What our customers may do.
#[catalogue]
pub enum Acme {
    /// See orders.
    #[scope("orders:read", access = read)]
    Read,
    /// Place orders.
    #[scope("orders:write", implies(Read))]
    Write,
}

/// Counts the caller's orders.
#[tool(scopes = "orders:read")]
async fn count_orders(caller: Caller<Acme>, #[arg(range(1..=9))] month: u8) -> Json<Vec<u8>> {
    let _ = caller;
    Json(vec![month])
}

/// Places an order.
#[tool(scopes = "orders:write")]
async fn place_order(caller: Caller<Acme>, context: Context) -> Result<String> {
    context.progress(1.0, None, "placing").await;
    Err(Error::new(format!("sold out, {}", caller.subject())))
}

async fn client(issuer: &Issuer) -> Client {
    let gate = Gate::new(issuer.verifier()).resource(RESOURCE).hide_unauthorized_tools(true);
    let server = toolgate::server!().gate(gate).tools(tools![count_orders, place_order]);
    Client::of(server).await.unwrap()
}

#[tokio::test]
async fn a_call_goes_through_the_whole_server() {
    let issuer = Issuer::new();
    let client = client(&issuer).await;
    let alice = client.with(issuer.token("alice").scopes("orders:write"));
    let counted = alice.call("count_orders", json!({ "month": 3 })).await;
    assert_eq!(counted.structured::<Vec<u8>>().unwrap(), [3]);
    let wrong = alice.call("count_orders", json!({ "month": 12 })).await;
    assert!(wrong.is_error() && wrong.text().contains("`month`"), "{}", wrong.text());
    let failed = alice.call("place_order", json!({})).await;
    assert!(failed.is_error());
    assert_eq!((failed.status(), failed.text().as_str()), (200, "sold out, alice"));
    assert_eq!(alice.tools().await, ["count_orders", "place_order"]);
}

#[tokio::test]
async fn refusals_are_those_of_the_gate() {
    let issuer = Issuer::new();
    let client = client(&issuer).await;
    let read = || issuer.token("alice").scopes("orders:read");
    for (name, client, status, says) in [
        ("no token", client.clone(), 401, "resource_metadata"),
        ("expired", client.with(read().expired()), 401, "expired 60 s ago"),
        (
            "for others",
            client.with(read().audience("https://other.test")),
            401,
            "is for https://other.test",
        ),
        ("of others", client.with(Issuer::new().token("alice")), 401, "signature"),
        ("opaque", client.with_text("opaque"), 401, "not a JWT"),
        ("too little", client.with(read()), 403, "orders:write"),
    ] {
        let refused = client.call("place_order", json!({})).await;
        assert_eq!(refused.status(), status, "{name}: {:?}", refused.body());
        assert!(refused.challenge().contains(says), "{name}: {}", refused.challenge());
    }
    assert_eq!(client.with(read()).tools().await, ["count_orders"]);
    let machine =
        client.with(read().client_credentials()).call("count_orders", json!({ "month": 1 })).await;
    assert_eq!(machine.status(), 200);
}

#[tokio::test]
async fn a_server_without_a_gate_takes_the_client_for_the_local_person() {
    /// Says who calls.
    #[tool]
    async fn who(caller: Caller) -> String {
        caller.subject().to_owned()
    }

    let client = Client::of(toolgate::server!().tools(tools![who])).await.unwrap();
    assert_eq!(client.call("who", json!({})).await.text(), "local");
    let unknown = client.request("nothing/here", json!({})).await;
    assert_eq!(unknown.body()["error"]["code"], -32601);
}

/// A code host.
#[provider(
    api = "https://api.forge.test",
    authorize = "https://forge.test/authorize",
    token = "https://forge.test/token"
)]
pub enum Forge {
    /// Read your repositories.
    #[scope("repo:read", access = read)]
    Read,
    /// Change your repositories.
    #[scope("repo:write", implies(Read))]
    Write,
}

/// Says who the user is at the code host, and what was granted.
#[tool(scopes = "repo:read")]
async fn who_am_i(forge: AuthedClient<Forge>) -> Result<String> {
    forge.get(path!("/user")).send().await?.text().await
}

/// Renames a repository.
#[tool(scopes = "repo:write")]
async fn rename(forge: AuthedClient<Forge>, to: String) -> Result<String> {
    forge.post("/rename").json(&json!({ "to": to })).send().await?.text().await
}

async fn forge() -> FakeProvider<Forge> {
    let api = FakeProvider::start(|request: http::Request<Bytes>| {
        let account = request.extensions().get::<Account>().unwrap();
        let scopes: Vec<_> = account.scopes.iter().cloned().collect();
        let body = String::from_utf8_lossy(request.body()).into_owned();
        let seen = format!("{} {} {} {body}", request.uri(), account.name, scopes.join(","));
        http::Response::new(seen.into())
    });
    api.await.unwrap()
}

fn tools() -> toolgate::Tools {
    tools![who_am_i, rename]
}

#[tokio::test]
async fn a_person_gives_consent_refuses_it_and_widens_it() {
    let forge = forge().await;
    let server = toolgate::server!().provider(forge.client()).tools(tools());
    let client = Client::of(server).await.unwrap();
    let alice = client.person("alice");

    let link = client.call("who_am_i", json!({})).await.link().unwrap();
    let page = alice.denies().open(&link).await.unwrap();
    assert!(page.text().contains("Forge is not connected"), "{}", page.text());

    let link = client.call("who_am_i", json!({})).await.link().unwrap();
    assert_eq!(alice.open(&link).await.unwrap().status(), 200);
    assert_eq!(client.call("who_am_i", json!({})).await.text(), "/user alice repo:read ");
    assert_eq!(forge.exchanges(), 1);

    let link = client.call("rename", json!({ "to": "b" })).await.link().unwrap();
    let page = alice.withholds("repo:write").open(&link).await.unwrap();
    assert!(page.text().contains("Not granted"), "{}", page.text());
    let told = client.call("rename", json!({ "to": "b" })).await;
    assert!(told.is_error() && told.link().is_none(), "it is not asked in a circle");
    assert!(told.text().contains("withheld it"), "{}", told.text());
    let link = client.call("rename", json!({ "to": "b" })).await.link().unwrap();
    alice.open(&link).await.unwrap();
    let renamed = client.call("rename", json!({ "to": "b" })).await;
    assert_eq!(renamed.text(), r#"/rename alice repo:read,repo:write {"to":"b"}"#);
}

#[tokio::test]
async fn tokens_are_refreshed_and_what_was_revoked_is_asked_for_again() {
    let forge = forge().await;
    forge.access_token_life(Duration::from_secs(3600));
    let server = toolgate::server!().provider(forge.client()).tools(tools());
    let client = Client::of(server).await.unwrap();
    let link = client.call("who_am_i", json!({})).await.link().unwrap();
    client.person("alice").open(&link).await.unwrap();
    forge.forget_access_tokens();
    assert_eq!(client.call("who_am_i", json!({})).await.text(), "/user alice repo:read ");
    assert_eq!(forge.exchanges(), 2, "the code, and one refresh");
    forge.revoke_everything();
    let refused = client.call("who_am_i", json!({})).await;
    assert!(refused.link().is_some(), "{}", refused.text());
}

#[tokio::test]
async fn a_link_is_for_the_person_who_called() {
    let (forge, issuer) = (forge().await, Issuer::new());
    let gate = Gate::new(issuer.verifier()).resource(RESOURCE).browser(Browsers);
    let server = toolgate::server!().gate(gate).provider(forge.client()).tools(tools());
    let client = Client::of(server).await.unwrap();
    let alice = client.with(issuer.token("alice"));
    let link = alice.call("who_am_i", json!({})).await.link().unwrap();
    let page = client.person("bob").open(&link).await.unwrap();
    assert_eq!(page.status(), 403);
    assert!(page.text().contains("for another person"), "{}", page.text());
    assert_eq!(client.person("alice").open(&link).await.unwrap().status(), 200);
    assert_eq!(alice.call("who_am_i", json!({})).await.text(), "/user alice repo:read ");
}

/// A code host that gives refresh tokens only if it is asked to.
#[cfg(feature = "broker")]
#[provider(
    api = "https://api.later.test",
    authorize = "https://later.test/authorize",
    token = "https://later.test/token"
)]
pub enum Later {
    /// Read your repositories.
    #[scope("repo:read", access = read)]
    Read,
    /// Come back later.
    #[scope("offline_access", access = read)]
    Offline,
}

#[cfg(feature = "broker")]
mod brokered {
    use super::*;

    /// Says who the user is at the code host, and what was granted.
    #[tool(scopes = ["repo:read", "offline_access"])]
    async fn later(later: AuthedClient<Later>) -> Result<String> {
        later.get("/me").send().await?.text().await
    }

    async fn start<P: Provider>() -> FakeProvider<P> {
        let api = FakeProvider::start(|request: http::Request<Bytes>| {
            let account = request.extensions().get::<Account>().unwrap();
            let scopes: Vec<_> = account.scopes.iter().cloned().collect();
            let says = match request.uri().path() {
                "/user" => json!({ "id": account.name }).to_string(),
                _ => format!("{} {}", account.name, scopes.join(",")),
            };
            http::Response::new(says.into())
        });
        api.await.unwrap()
    }

    async fn forge() -> (FakeProvider<Forge>, Client) {
        let forge = start().await;
        let server = toolgate::server!()
            .provider(forge.client())
            .broker::<Forge>(|broker| broker.user("/user", "id"))
            .tools(tools![who_am_i, rename]);
        let client = Client::of(server).await.unwrap();
        (forge, client)
    }

    #[tokio::test]
    async fn a_person_signs_in_with_the_broker_and_steps_up() {
        let (_forge, client) = forge().await;
        assert_eq!(client.call("who_am_i", json!({})).await.status(), 401);
        let person = client.person("alice");
        let alice = client.sign_in(&person, "repo:read").await.unwrap();
        assert!(alice.call("who_am_i", json!({})).await.text().contains("alice"));
        let refused = alice.call("rename", json!({ "to": "x" })).await;
        assert_eq!(refused.status(), 403);
        assert!(refused.challenge().contains("repo:write"), "{}", refused.challenge());
        let alice = client.sign_in(&person, "repo:read repo:write").await.unwrap();
        assert_eq!(alice.call("rename", json!({ "to": "x" })).await.status(), 200);
        let bob = client.sign_in(&client.person("bob"), "repo:read").await.unwrap();
        assert!(bob.call("who_am_i", json!({})).await.text().contains("bob"));
    }

    #[tokio::test]
    async fn a_sign_in_that_comes_to_nothing_says_why() {
        let (_forge, client) = forge().await;
        let person = client.person("alice");
        for (name, person, scopes, says) in [
            ("who refuses", person.denies(), "repo:read", "access_denied"),
            ("all withheld", person.withholds("repo:read"), "repo:read", "access_denied"),
        ] {
            let refused = client.sign_in(&person, scopes).await.unwrap_err();
            assert!(refused.message().contains(says), "{name}: {refused}");
        }
        let none = Client::of(toolgate::server!().tools(tools![])).await.unwrap();
        let refused = none.sign_in(&none.person("alice"), "").await.unwrap_err();
        assert!(refused.message().contains("has it a broker?"), "{refused}");
    }

    #[tokio::test]
    async fn what_a_refresh_token_takes_is_asked_of_the_provider_and_of_nobody_else() {
        let later = start::<Later>().await;
        let server = toolgate::server!()
            .provider(later.client())
            .broker::<Later>(|broker| {
                broker.user("/user", "id").default_scopes(["repo:read", "offline_access"])
            })
            .tools(tools![later]);
        let client = Client::of(server).await.unwrap();
        let person = client.person("alice");
        for scopes in ["repo:read", "repo:read offline_access", ""] {
            let alice = client.sign_in(&person, scopes).await.unwrap();
            let said = alice.call("later", json!({})).await;
            assert_eq!(said.text(), "alice offline_access,repo:read", "`{scopes}`");
        }
        // Some grant it and do not say so.
        let silent = person.withholds("offline_access");
        let alice = client.sign_in(&silent, "repo:read").await.unwrap();
        assert_eq!(alice.call("later", json!({})).await.text(), "alice repo:read");
    }
}

#[tokio::test]
async fn saved_calls_are_run_as_their_people() {
    let directory = tempfile::tempdir().unwrap();
    let save = |name: &str, call: serde_json::Value| {
        std::fs::write(directory.path().join(format!("{name}.json")), call.to_string()).unwrap();
    };
    let count = |month: u8, expected: &str| {
        json!({
            "tool": "count_orders", "person": "alice", "arguments": { "month": month },
            "expect": { "outcome": expected },
        })
    };
    save("a-good-one", count(3, "result"));
    save("b-refused-argument", count(12, "error"));
    save(
        "c-missing-scope",
        json!({
            "tool": "place_order", "person": "alice", "arguments": {}, "expect": { "outcome": "403" },
        }),
    );
    save(
        "d-nobody",
        json!({
            "tool": "count_orders", "arguments": { "month": 1 }, "expect": { "outcome": "401" },
        }),
    );
    save("e-wrong", count(3, "asks"));
    std::fs::write(directory.path().join("notes.txt"), "no call").unwrap();

    let issuer = Issuer::new();
    let client = client(&issuer).await;
    let calls = SavedCall::read_all(directory.path()).unwrap();
    assert_eq!(calls.len(), 5);
    for call in &calls {
        let client = match call.person() {
            Some(person) => client.with(issuer.token(person).scopes("orders:read")),
            None => client.clone(),
        };
        let run = call.run(&client).await;
        if call.name() == "e-wrong" {
            let error = run.unwrap_err();
            assert_eq!(error, "e-wrong: a question to the person was expected, and a result came.");
        } else {
            assert_eq!(run, Ok(()), "{}", call.name());
        }
    }
    save("broken", json!({ "tool": "count_orders" }));
    let error = SavedCall::read_all(directory.path()).unwrap_err();
    assert!(error.to_string().contains("broken.json"), "{error}");
}
