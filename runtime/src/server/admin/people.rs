//! People and their grants: listed, revoked, deleted.

use std::time::SystemTime;

use serde_json::{Value, json};

use super::output::{Output, seconds, shown, time};
use crate::{
    error::{ConfigError, Result},
    grant::{
        DisconnectOutcome, Grant, GrantKey, GrantState, Sealer,
        audit::{
            entry::{AuditEvent, Facts},
            export,
        },
        inventory::{Inventory, Place, Row},
    },
    oauth::UpstreamClient,
    server::app::Assembled,
    support::crypto,
};

/// The record that says which sign-ins of a person have ended.
const TOMBSTONE: &str = "broker-person";

/// Prints the grants of all people, or of one, and returns how many there are. No token is read out
/// of a grant.
pub(super) async fn list(
    inventory: &dyn Inventory,
    person: Option<&str>,
    output: &Output,
) -> Result<u64> {
    let (mut after, mut found) = (None, 0);
    loop {
        let page = inventory.page(after.as_ref(), true).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.place.clone());
        let sealer = inventory.sealer().await?;
        for row in &page {
            let Some(key) = row.place.grant() else { continue };
            if person.is_none_or(|person| person == key.subject) {
                found += 1;
                print_grant(&key, row, &sealer, output);
            }
        }
    }
    if found == 0 {
        let whose = person.map_or_else(String::new, |person| format!(" of `{}`", shown(person)));
        output.progress(&format!("there are no grants{whose} in {}", inventory.name()));
    }
    Ok(found)
}

fn print_grant(key: &GrantKey, row: &Row, sealer: &Sealer, output: &Output) {
    let (person, provider) = (shown(&key.subject), shown(&key.provider));
    match row.grant(sealer) {
        Some(Ok(grant)) => {
            let (text, json) = described(&grant);
            let account = match &*key.account {
                "" => String::new(),
                account => format!(" ({})", shown(account)),
            };
            let whole = json!({
                "person": key.subject, "provider": key.provider, "account": key.account,
            });
            output.line(&format!("{person}  {provider}{account}  {text}"), &merged(whole, json));
        }
        Some(Err(error)) => {
            let json = json!({
                "person": key.subject, "provider": key.provider, "error": error.to_string(),
            });
            output.line(&format!("{person}  {provider}  cannot be opened: {error}"), &json);
        }
        None => {}
    }
}

/// A description of a grant, without its tokens.
fn described(grant: &Grant) -> (String, Value) {
    let scopes: Vec<_> = grant.scopes.iter().map(|scope| shown(scope)).collect();
    let state = match &grant.state {
        GrantState::Live => "live".to_owned(),
        GrantState::Dead { reason } => format!("dead: {}", shown(&reason.to_string())),
    };
    let expiry = match grant.expires_at {
        Some(at) if at <= SystemTime::now() => format!("access expired {}", time(at)),
        Some(at) => format!("access expires {}", time(at)),
        None => "access without a known expiry".to_owned(),
    };
    let refresh = if grant.refresh_token.is_some() { "refreshed" } else { "not refreshed" };
    let text = format!(
        "{state}  {}  {expiry}, {refresh}, since {}",
        if scopes.is_empty() { "no scopes".to_owned() } else { scopes.join(",") },
        time(grant.obtained_at),
    );
    let json = json!({
        "state": state,
        "scopes": grant.scopes,
        "expires_at": grant.expires_at.map(seconds),
        "obtained_at": seconds(grant.obtained_at),
        "has_refresh_token": grant.refresh_token.is_some(),
        "renewal_under_way": grant.renewal.is_some(),
    });
    (text, json)
}

fn merged(mut one: Value, other: Value) -> Value {
    if let (Some(one), Value::Object(other)) = (one.as_object_mut(), other) {
        one.extend(other);
    }
    one
}

/// Removes grants of a person, and revokes them at their providers.
pub(super) async fn revoke(
    app: &Assembled,
    inventory: &dyn Inventory,
    (person, provider): (&str, Option<&str>),
    output: &Output,
) -> Result<()> {
    let keys = keys_of(inventory, person).await?;
    let keys: Vec<_> =
        keys.into_iter().filter(|key| provider.is_none_or(|id| id == key.provider)).collect();
    if keys.is_empty() {
        let at = provider.map_or_else(String::new, |id| format!(" at `{}`", shown(id)));
        return Err(ConfigError::new(format!("`{}` has no grant{at}", shown(person)))
            .help("`admin list` prints the people as the store names them")
            .into());
    }
    for key in &keys {
        revoke_one(app, key, output).await?;
    }
    Ok(())
}

async fn revoke_one(app: &Assembled, key: &GrantKey, output: &Output) -> Result<()> {
    let grants = &app.handler.dispatch.grants;
    let known = app.providers.iter().find(|oauth| oauth.registration.id == key.provider);
    let (word, text) = match known {
        Some(oauth) => {
            let outcome = disconnected(app, oauth, key).await?;
            (outcome.code(), said(outcome))
        }
        None => {
            grants.take(key).await?;
            (
                "unknown_provider",
                "removed; this program does not know the provider, so nothing is revoked there",
            )
        }
    };
    let line = format!("{}  {}  {text}", shown(&key.subject), shown(&key.provider));
    output
        .line(&line, &json!({ "person": key.subject, "provider": key.provider, "outcome": word }));
    Ok(())
}

/// Behind a broker, a person who is disconnected at its provider is signed out as well.
async fn disconnected(
    app: &Assembled,
    oauth: &UpstreamClient,
    key: &GrantKey,
) -> Result<DisconnectOutcome> {
    #[cfg(feature = "broker")]
    if let Some(broker) = app.broker.as_ref().filter(|it| it.is_at(oauth.registration.id))
        && key.account.is_empty()
    {
        return Ok(broker.disconnect(&key.subject).await?);
    }
    Ok(app.handler.dispatch.grants.disconnect_account(oauth, key.clone()).await?)
}

fn said(outcome: DisconnectOutcome) -> &'static str {
    match outcome {
        DisconnectOutcome::NothingGranted => "there was no grant any more",
        DisconnectOutcome::Revoked => "removed, and revoked at the provider",
        DisconnectOutcome::Forgotten => {
            "removed; the provider has no way to revoke it, only its user has"
        }
        DisconnectOutcome::NotRevoked => "removed; the provider did not confirm that it is revoked",
    }
}

async fn keys_of(inventory: &dyn Inventory, person: &str) -> Result<Vec<GrantKey>> {
    let (mut after, mut keys) = (None, Vec::new());
    loop {
        let page = inventory.page(after.as_ref(), true).await?;
        let Some(last) = page.last() else { return Ok(keys) };
        after = Some(last.place.clone());
        let found = page.iter().filter_map(|row| row.place.grant());
        keys.extend(found.filter(|key| key.subject == person));
    }
}

/// Removes everything of a person: grants, which are revoked, and records that name them.
pub(super) async fn delete(
    app: &Assembled,
    inventory: &dyn Inventory,
    person: &str,
    output: &Output,
) -> Result<()> {
    for key in keys_of(inventory, person).await? {
        revoke_one(app, &key, output).await?;
    }
    #[cfg(feature = "broker")]
    if let Some(broker) = &app.broker {
        broker.disconnect(person).await?;
    }
    let (mut after, mut removed) = (None, 0);
    let (mut opaque, mut tombstones) = (0_u64, 0_u64);
    loop {
        let page = inventory.page(after.as_ref(), false).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.place.clone());
        let mut places = Vec::new();
        let sealer = inventory.sealer().await?;
        for row in &page {
            if row.place.grant().is_some_and(|key| key.subject == person) {
                places.push(row.place.clone());
            }
            let Place::Record { namespace, .. } = &row.place else { continue };
            if export::is_audit(namespace) {
                continue;
            }
            match row.open(&sealer) {
                Ok(value) if names(&value, person) => places.push(row.place.clone()),
                Ok(_) => tombstones += u64::from(namespace == TOMBSTONE),
                Err(_) => opaque += 1,
            }
        }
        removed += places.len();
        if !places.is_empty() {
            inventory.delete(places).await?;
        }
    }
    let json = json!({ "person": person, "removed_rows": removed });
    output.line(&format!("{}  {removed} rows removed", shown(person)), &json);
    let (pseudonym, entries) = pseudonymise(app, inventory, person).await?;
    let audit = format!(
        "{entries} entries of the audit, where the person is `{pseudonym}` now: they prove what was done, until they expire; what a server has not written yet follows within a minute, so run this again then"
    );
    let kept = [
        (entries > 0).then_some(&*audit),
        (tombstones > 0).then_some(
            "the time at which the person's sign-ins ended, under a digest: tokens from before are refused by it; 400 days",
        ),
        (opaque > 0).then_some(
            "records that an earlier version wrote: they open only with keys that the database does not have, and they expire",
        ),
        Some("what the server's log and the provider itself have: they are not the server's to delete"),
    ];
    for kept in kept.into_iter().flatten() {
        output.line(&format!("kept: {kept}"), &json!({ "person": person, "kept": kept }));
    }
    Ok(())
}

/// Replaces the person in the audit by a random name, under which the deletion is recorded.
async fn pseudonymise(
    app: &Assembled,
    inventory: &dyn Inventory,
    person: &str,
) -> Result<(String, u64)> {
    let audit = app.handler.dispatch.grants.audit();
    // The entries about this command name the person too.
    audit.flush().await;
    let pseudonym = format!("deleted-{}", &crypto::random_token()[..16]);
    let entries = export::pseudonymise(inventory, person, &pseudonym).await?;
    audit.decision(|| Facts::of(AuditEvent::PersonDeleted, &pseudonym).count(entries));
    Ok((pseudonym, entries))
}

/// Whether a record is of this person: a JSON value with the member `subject`, at any depth.
fn names(value: &[u8], person: &str) -> bool {
    fn is_of(value: &Value, person: &str) -> bool {
        match value {
            Value::Object(members) => members.iter().any(|(name, value)| {
                name == "subject" && value.as_str() == Some(person) || is_of(value, person)
            }),
            Value::Array(items) => items.iter().any(|item| is_of(item, person)),
            _ => false,
        }
    }
    serde_json::from_slice::<Value>(value).is_ok_and(|value| is_of(&value, person))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_of_the_person_whom_it_names() {
        let consents = br#"[{"subject":"alice","link":"bob"},{"subject":"carol"}]"#;
        assert!(names(consents, "alice") && names(consents, "carol"));
        assert!(
            !names(consents, "bob") && !names(b"alice", "alice") && !names(b"\"alice\"", "alice")
        );
    }
}
