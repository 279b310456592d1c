//! `src/tests.rs`: the answer, the refusal and the consent.

use std::fmt::Write as _;

use super::{
    answers::{Answers, SignIn},
    doc_text, pieces,
    program::OWN_SCOPE,
};
use crate::catalogue::Provider;

const HEAD: &str = "//! Tests through the whole server: the answer, the refusal and the consent.
//!
//! Stand-ins take the place of the providers, so that no test leaves this machine.

";

const DEV: &str = r#"/// A client whose token is of this person, with the server's own scope.
async fn client(person: &str) -> Result<Client> {
    let client = Client::of(server()?).await?;
    Ok(client.with(dev::token(person).scopes("profile:read")))
}

#[tokio::test]
async fn who_am_i_answers_the_caller() -> Result<()> {
    let answer = client("alice").await?.call("who_am_i", json!({})).await;
    assert!(answer.text().contains("alice"), "{}", answer.body());
    Ok(())
}

#[tokio::test]
async fn a_call_without_a_token_or_its_scope_is_refused() -> Result<()> {
    let stranger = Client::of(server()?).await?;
    let refused = stranger.call("who_am_i", json!({})).await;
    assert_eq!(refused.status(), 401);

    let refused = stranger.with(dev::token("alice"));
    let refused = refused.call("who_am_i", json!({})).await;
    assert_eq!(refused.status(), 403);
    assert!(refused.challenge().contains("profile:read"));
    Ok(())
}
"#;

const BROKER: &str = r#"/// A client with which this person has signed in at {{name}}, for these scopes.
async fn client(person: &str) -> Result<Client> {
    let client = Client::of(server()?).await?;
    client
        .sign_in(&client.person(person), "{{scopes}}")
        .await
}

#[tokio::test]
async fn who_am_i_answers_the_caller() -> Result<()> {
    let alice = client("alice").await?.call("who_am_i", json!({})).await;
    let bob = client("bob").await?.call("who_am_i", json!({})).await;
    assert_eq!((alice.status(), bob.status()), (200, 200));
    assert_ne!(alice.text(), bob.text());
    Ok(())
}

#[tokio::test]
async fn a_call_without_a_token_is_refused() -> Result<()> {
    let stranger = Client::of(server()?).await?;
    let refused = stranger.call("who_am_i", json!({})).await;
    assert_eq!(refused.status(), 401);
    Ok(())
}

#[tokio::test]
async fn who_denies_consent_is_not_signed_in() -> Result<()> {
    let client = Client::of(server()?).await?;
    let person = client.person("alice").denies();
    let refused = client.sign_in(&person, "{{scopes}}").await;
    let error = refused.expect_err("the person has denied it").to_string();
    assert!(error.contains("access_denied"), "{error}");
    Ok(())
}
"#;

const NARROW: &str = r#"
#[tokio::test]
async fn a_call_without_its_scope_is_refused() -> Result<()> {
    let client = Client::of(server()?).await?;
    let alice = client.sign_in(&client.person("alice"), "{{other}}").await?;
    let refused = alice.call("{{tool}}", json!({})).await;
    assert_eq!(refused.status(), 403);
    assert!(refused.challenge().contains("insufficient_scope"));
    Ok(())
}
"#;

/// A helper of the tests of providers, which calls `client`.
pub(crate) const CONSENT: &str = r#"
/// Calls a tool before and after the person has connected an account.
async fn answers_after_consent(tool: &str, expected: &str) -> Result<()> {
    let alice = client("alice").await?;
    let asks = alice.call(tool, json!({})).await;
    let link = asks.link().expect("a link to connect an account");
    let page = alice.person("alice").open(link).await?;
    assert!(page.text().contains("is connected"), "{}", page.text());
    let answer = alice.call(tool, json!({})).await;
    assert!(answer.text().contains(expected), "{}", answer.body());
    Ok(())
}
"#;

const CALLS: &str = r#"
#[tokio::test]
async fn saved_calls_come_to_what_they_expect() -> Result<()> {
    for call in SavedCall::read_all("calls").map_err(Error::internal)? {
        let person = call.person().unwrap_or("alice");
        let client = client(person).await?;
        let answer = client.call(call.tool(), json!({})).await;
        if let Some(link) = answer.link() {
            client.person(person).open(link).await?;
        }
        call.run(&client).await?;
    }
    Ok(())
}
"#;

pub(super) fn of(answers: &Answers) -> String {
    let sign_in_provider = answers.sign_in.broker();
    let dev = if sign_in_provider.is_none() { " dev," } else { "" };
    let mut text = format!(
        "{HEAD}use serde_json::json;\nuse toolgate::{{\n    Error, Result,{dev}\n    testing::{{Client, SavedCall}},\n}};\n\nuse super::server;\n\n"
    );
    match answers.sign_in {
        SignIn::Dev | SignIn::Gate(_) => text.push_str(&DEV.replace("profile:read", OWN_SCOPE)),
        SignIn::Broker(provider) => text.push_str(&of_broker(answers, provider)),
    }
    let is_linked = |provider: &Provider| sign_in_provider.is_none_or(|one| one.id != provider.id);
    let linked = answers.providers.iter().filter(|chosen| is_linked(chosen.provider));
    let linked: Vec<_> = linked.map(|chosen| chosen.provider).collect();
    if !linked.is_empty() {
        text.push_str(CONSENT);
    }
    for provider in linked {
        let _ = write!(text, "\n{}\n", pieces::provider_test(provider).item);
    }
    text.push_str(CALLS);
    text
}

fn of_broker(answers: &Answers, provider: &Provider) -> String {
    let chosen = answers.providers.iter().find(|chosen| chosen.provider.id == provider.id);
    let scopes = chosen.map(|chosen| chosen.scopes.clone()).unwrap_or_default();
    let mut text = BROKER
        .replace("{{name}}", &doc_text::of(&provider.name))
        .replace("{{scopes}}", &scopes.join(" "));
    let tool = &provider.tool;
    let _ = write!(
        text,
        "\n#[tokio::test]\nasync fn {name}_answers_whom_{id}_has_signed_in() -> Result<()> {{\n    let answer = client(\"alice\").await?.call(\"{name}\", json!({{}})).await;\n    assert!(answer.text().contains(\"{answer}\"), \"{{}}\", answer.body());\n    Ok(())\n}}\n",
        name = tool.name,
        id = provider.variable(),
        answer = tool.answer,
    );
    if let Some(other) = other_scope(provider, &scopes) {
        text.push_str(&NARROW.replace("{{other}}", other).replace("{{tool}}", &tool.name));
    }
    text
}

/// A scope of the provider that covers none of these.
fn other_scope<'p>(provider: &'p Provider, scopes: &[String]) -> Option<&'p str> {
    let is_offline = |name: &str| name.contains("offline") || name == "refresh_token";
    let identifies = provider.broker.as_ref().map(|broker| &broker.sign_in_scopes);
    let covers = |name: &String, implied: &[String]| {
        scopes.contains(name) || scopes.iter().any(|scope| implied.contains(scope))
    };
    let mut others = provider.scopes.iter().filter(|scope| {
        scope.access == "read"
            && !is_offline(&scope.name)
            && !covers(&scope.name, &scope.implies)
            && identifies.is_none_or(|sign_in| !sign_in.iter().any(|one| scopes.contains(one)))
    });
    others.next().map(|scope| &*scope.name)
}
