//! The record of step-ups: what was added to a sign-in, and the links that add more.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The most links of one sign-in that are valid at once. A further one replaces the oldest.
const MAX_LINKS: usize = 4;

/// The step-ups of one sign-in.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct StepUpRecord {
    /// The scopes that the person has added.
    pub(crate) added: BTreeSet<String>,
    links: Vec<PendingLink>,
    /// What was refused last, until the client has heard of it.
    refusal: Option<Refusal>,
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
}
