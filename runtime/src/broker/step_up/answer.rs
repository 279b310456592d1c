//! The answer to a call whose token lacks scopes: a challenge, or a link.

use std::{collections::BTreeSet, fmt::Write, sync::Arc, time::Duration};

use async_trait::async_trait;

use crate::{
    broker::{
        state::Broker,
        store::{
            sign_ins::SignInRecord,
            typed_store::{SIGN_INS, millis},
        },
    },
    gate::{
        Claims, StepUp,
        sign_in_scopes::{AddedScopes, SignInScopes, StepUpAnswer, StepUpCall, StepUpLink},
    },
    grant::StoreError,
    scope::Scope,
};

/// Parts of the names of hosts that are known to do nothing about a challenge.
const IGNORE_CHALLENGES: [&str; 3] = ["codex", "opencode", "mcporter"];

/// How often the store is read for a decision while changes of records are not announced.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// How often the record of a sign-in is read for an end that was not announced. Every sixth time, that of
/// its person is read as well, in case the end was written there only.
#[cfg(any(feature = "sse", feature = "websocket"))]
const ENDED_POLL_INTERVAL: Duration = Duration::from_secs(5);
#[cfg(any(feature = "sse", feature = "websocket"))]
const POLLS_PER_PERSON: u32 = 6;

/// The most connections that read the store at the same time. All of them read when the store's connection
/// for announcements has been restored, and calls must still get connections to the database.
#[cfg(any(feature = "sse", feature = "websocket"))]
pub(crate) const MAX_ENDED_POLLS: usize = 2;

#[async_trait]
impl SignInScopes for Broker {
    fn added(&self, claims: &Claims) -> Option<AddedScopes> {
        self.0.step_ups.added(claims.sign_in_id()?)
    }

    async fn load_added(&self, claims: &Claims) -> Option<AddedScopes> {
        let sign_in = self.sign_in_of(claims).await?;
        if sign_in.step_up.added.is_empty() {
            return None;
        }
        let added = Arc::new(sign_in.step_up.added);
        self.0.step_ups.set_added(claims.sign_in_id()?, Arc::clone(&added));
        Some(added)
    }

    async fn answer(
        &self,
        claims: &Claims,
        missing: Vec<&'static str>,
        call: StepUpCall,
    ) -> StepUpAnswer {
        let answered = self.answer_call(claims, &missing, call).await;
        answered.unwrap_or_else(|error| {
            tracing::error!(target: "toolgate::broker", %error, "a step-up cannot be stored");
            StepUpAnswer::Challenge
        })
    }

    async fn decided(&self, link: &str, timeout: Duration) {
        let Some((sign_in, _)) = link.split_once('.') else { return };
        let wait = async {
            loop {
                let changed = self.0.records.watch(SIGN_INS, sign_in, POLL_INTERVAL);
                let Ok(Some(_)) = self.find_link(link).await else { return };
                changed.await;
            }
        };
        let _ = tokio::time::timeout(timeout, wait).await;
    }

    #[cfg(any(feature = "sse", feature = "websocket"))]
    async fn ended(&self, claims: &Claims) {
        let Some(id) = claims.sign_in_id() else { return std::future::pending().await };
        for poll in (0..POLLS_PER_PERSON).cycle() {
            let changed = self.0.records.watch(SIGN_INS, id, ENDED_POLL_INTERVAL);
            let turn = self.0.ended_polls.acquire().await;
            let is_live = if poll == 0 {
                let live = self.live_sign_in(id, claims.subject(), claims.client_id());
                live.await.map(|found| found.is_some())
            } else {
                self.has_refresh_tokens(id).await
            };
            drop(turn);
            if matches!(is_live, Ok(false)) {
                return;
            }
            changed.await;
        }
    }
}

impl Broker {
    /// The sign-in to which the token with these claims belongs, if it has not ended.
    async fn sign_in_of(&self, claims: &Claims) -> Option<SignInRecord> {
        let id = claims.sign_in_id()?;
        let found = self.live_sign_in(id, claims.subject(), claims.client_id()).await;
        found.unwrap_or_else(|error| {
            tracing::error!(target: "toolgate::broker", %error, "a sign-in cannot be read");
            None
        })
    }

    async fn answer_call(
        &self,
        claims: &Claims,
        missing: &[&'static str],
        call: StepUpCall,
    ) -> Result<StepUpAnswer, StoreError> {
        let catalogue = self.0.oauth.registration.catalogue;
        let is_ours = |scope: &&str| catalogue.iter().any(|known| known.name == *scope);
        let (Some(id), Some(sign_in)) = (claims.sign_in_id(), self.sign_in_of(claims).await) else {
            return Ok(StepUpAnswer::Challenge);
        };
        if call.policy == StepUp::Challenge || missing.is_empty() || !missing.iter().all(is_ours) {
            return Ok(StepUpAnswer::Challenge);
        }
        let scopes: Vec<String> = missing.iter().map(|&scope| scope.to_owned()).collect();
        if let Some(refusal) = self.take_refusal(id, &scopes).await? {
            let provider = self.0.oauth.registration.name;
            return Ok(StepUpAnswer::Refused(explain_refusal(
                refusal.by_provider,
                &scopes,
                provider,
            )));
        }
        let challenges = call.policy == StepUp::Auto
            && !is_known_to_ignore_challenges(sign_in.client_name.as_deref())
            && !sign_in.step_up.ignores_challenges(millis(self.now()));
        if challenges && !self.is_challenged_again(id, call.digest).await? {
            return Ok(StepUpAnswer::Challenge);
        }
        let Some((link, again)) = self.offer_link(id, &scopes).await? else {
            return Ok(StepUpAnswer::Challenge);
        };
        let url = format!("{}{}", self.0.origin, self.step_up_path(&link));
        Ok(StepUpAnswer::Link(StepUpLink {
            id: link,
            url,
            message: describe(catalogue, missing),
            again,
        }))
    }
}

fn is_known_to_ignore_challenges(name: Option<&str>) -> bool {
    let name = name.unwrap_or_default().to_ascii_lowercase();
    IGNORE_CHALLENGES.iter().any(|host| name.contains(host))
}

/// What the person reads before the link.
fn describe(catalogue: &[Scope], missing: &[&str]) -> String {
    let mut text = "This needs more access than was given at the sign-in: ".to_owned();
    for (number, name) in missing.iter().enumerate() {
        let separator = if number == 0 { "" } else { ", " };
        let scope = catalogue.iter().find(|scope| scope.name == *name);
        let description = scope.map_or("", |scope| scope.description.trim_end_matches('.'));
        // Writing to a string does not fail.
        let _ = match description {
            "" => write!(text, "{separator}{name}"),
            _ => write!(text, "{separator}{name} ({description})"),
        };
    }
    text.push('.');
    text
}

fn explain_refusal(by_provider: bool, scopes: &[String], provider: &str) -> String {
    let list = scopes.join(" ");
    if by_provider {
        format!(
            "{provider} was asked for `{list}` and withheld it. If the user left it out there, call again once they want to allow it. If it was not offered to them, they may not have it: asking again will not help until an administrator of {provider} changes that"
        )
    } else {
        format!(
            "the user was asked for `{list}` and refused. Do not call this again unless the user asks for it"
        )
    }
}

/// The scopes of a sign-in: those that it began with, and those that were added, in the order of the
/// catalogue.
pub(crate) fn all_scopes(
    catalogue: &[Scope],
    scopes: &[String],
    added: &BTreeSet<String>,
) -> Vec<String> {
    let names = catalogue.iter().map(|known| known.name);
    names
        .filter(|&name| scopes.iter().any(|scope| scope == name) || added.contains(name))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_known_by_their_names() {
        for name in ["Codex", "codex-cli", "OpenCode", "mcporter (server)"] {
            assert!(is_known_to_ignore_challenges(Some(name)), "{name}");
        }
        for name in [None, Some(""), Some("Claude Code"), Some("Visual Studio Code")] {
            assert!(!is_known_to_ignore_challenges(name), "{name:?}");
        }
    }
}
