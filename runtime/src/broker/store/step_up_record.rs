//! The record of step-ups: what was added to a sign-in, and the links that add more.

use std::{collections::BTreeSet, time::Duration};

use serde::{Deserialize, Serialize};

/// The most links of one sign-in that are valid at once. A further one replaces the oldest.
const MAX_LINKS: usize = 4;

/// The most challenges to one sign-in. A host that steps up has another sign-in after the first.
const MAX_CHALLENGES: usize = 3;

/// How long it is remembered how a host reacts to challenges.
const CHALLENGE_RETENTION: Duration = Duration::from_secs(24 * 3600);

/// The step-ups of one sign-in.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct StepUpRecord {
    /// The scopes that the person has added.
    pub(crate) added: BTreeSet<String>,
    links: Vec<PendingLink>,
    /// What was refused last, until the client has heard of it.
    refusal: Option<Refusal>,
    #[serde(default)]
    challenges: Challenges,
}

/// The challenges that the host of a sign-in got.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Challenges {
    /// The digests of the calls.
    calls: Vec<u64>,
    /// How long they are remembered, in milliseconds since 1970.
    until: u64,
}

/// A link that was given out.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct PendingLink {
    pub(crate) secret: String,
    /// The scopes that it adds.
    pub(crate) scopes: Vec<String>,
    /// When it expires, in milliseconds.
    pub(crate) until: u64,
    /// Whether the person has allowed it, and is at the provider.
    pub(crate) allowed: bool,
}

/// Scopes that were asked for and refused.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) scopes: Vec<String>,
    /// Whether the provider withheld them; otherwise the person refused.
    pub(crate) by_provider: bool,
}

/// How a step-up ended.
#[derive(Clone)]
pub(crate) enum Decision {
    /// These scopes are added.
    Added(Vec<String>),
    Refused {
        by_provider: bool,
    },
    /// Nothing was decided: the person may try again with a new link.
    Failed,
}

impl StepUpRecord {
    /// A link for these scopes that was given out, is not used, and is valid until after `until`.
    pub(super) fn unused_link(&self, scopes: &[String], until: u64) -> Option<&PendingLink> {
        self.links.iter().find(|link| !link.allowed && link.scopes == scopes && link.until > until)
    }

    pub(super) fn add_link(&mut self, link: PendingLink, now: u64) {
        self.links.retain(|link| link.until > now);
        if self.links.len() >= MAX_LINKS {
            self.links.remove(0);
        }
        self.links.push(link);
    }

    pub(super) fn links(&self) -> &[PendingLink] {
        &self.links
    }

    pub(super) fn link_mut(&mut self, secret: &str) -> Option<&mut PendingLink> {
        self.links.iter_mut().find(|link| link.secret == secret)
    }

    /// Removes the link, and records what came of it.
    pub(super) fn settle(&mut self, secret: &str, decision: &Decision) -> Option<()> {
        let at = self.links.iter().position(|link| link.secret == secret)?;
        let link = self.links.remove(at);
        match decision {
            Decision::Added(scopes) => {
                self.refusal = None;
                self.added.extend(scopes.iter().cloned());
            }
            Decision::Refused { by_provider } => {
                self.refusal = Some(Refusal { scopes: link.scopes, by_provider: *by_provider });
            }
            Decision::Failed => {}
        }
        Some(())
    }

    /// The refusal, if it is of all these scopes.
    pub(super) fn refusal_of(&self, scopes: &[String]) -> Option<&Refusal> {
        let refusal = self.refusal.as_ref()?;
        scopes.iter().all(|scope| refusal.scopes.contains(scope)).then_some(refusal)
    }

    pub(super) fn take_refusal(&mut self) -> Option<Refusal> {
        self.refusal.take()
    }

    /// Whether the host is known at `now` to do nothing about challenges.
    pub(crate) fn ignores_challenges(&self, now: u64) -> bool {
        self.challenges.until > now && self.challenges.calls.len() >= MAX_CHALLENGES
    }

    /// Whether the host shows by this call that it does nothing about challenges: it was challenged
    /// for it before, or for several others. Otherwise it is challenged now, which is recorded.
    pub(super) fn is_challenged_again(&mut self, call: u64, now: u64) -> bool {
        if self.ignores_challenges(now) {
            return true;
        }
        let Challenges { calls, until } = &mut self.challenges;
        if *until <= now {
            calls.clear();
        }
        let repeats = calls.contains(&call);
        let count = if repeats { MAX_CHALLENGES } else { calls.len() + 1 };
        calls.resize(count, call);
        let retention = u64::try_from(CHALLENGE_RETENTION.as_millis()).unwrap_or(u64::MAX);
        *until = now.saturating_add(retention);
        repeats
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repeated_call_shows_that_a_host_ignores_challenges() {
        let (mut one, mut other) = (StepUpRecord::default(), StepUpRecord::default());
        assert!(!one.is_challenged_again(1, 0));
        assert!(!one.is_challenged_again(2, 0), "another call at the same time");
        assert!(!other.is_challenged_again(1, 0), "another sign-in");
        assert!(!one.ignores_challenges(0));
        assert!(one.is_challenged_again(1, 0));
        assert!(one.ignores_challenges(0) && one.is_challenged_again(3, 0), "from then on");
        for call in 2..4 {
            assert!(!other.is_challenged_again(call, 0));
        }
        assert!(other.is_challenged_again(4, 0), "after three challenges");
    }

    #[test]
    fn challenges_are_bounded_and_forgotten() {
        let mut record = StepUpRecord::default();
        for call in 0..100 {
            record.is_challenged_again(call, 0);
        }
        assert_eq!(record.challenges.calls.len(), MAX_CHALLENGES);
        let later = record.challenges.until;
        assert!(record.ignores_challenges(later - 1) && !record.ignores_challenges(later));
        assert!(!record.is_challenged_again(0, later), "another version of the host, perhaps");
        assert_eq!(record.challenges.calls, [0]);
    }
}
