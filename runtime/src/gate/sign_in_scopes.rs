//! Sign-ins whose scopes can grow while their tokens live, as the gate sees them.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use async_trait::async_trait;

use super::Claims;

/// How a call is answered whose token lacks scopes, for [`Gate::step_up`](super::Gate::step_up).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum StepUp {
    /// By a challenge at first. A host that is known to do nothing about it, or that repeats the
    /// call with the same token, gets a link.
    #[default]
    Auto,
    /// Always by a challenge: status 403 and `WWW-Authenticate` (RFC 6750 §3.1).
    Challenge,
    /// Always by a link.
    Link,
}

/// The sign-ins behind access tokens, which can get more scopes.
#[async_trait]
pub(crate) trait SignInScopes: Send + Sync + 'static {
    /// The scopes that were added to the sign-in of the token with these claims, as far as that is
    /// known without the store.
    fn added(&self, claims: &Claims) -> Option<AddedScopes>;

    /// As [`added`](Self::added), from the store.
    async fn load_added(&self, claims: &Claims) -> Option<AddedScopes>;

    /// What to answer to a call whose token lacks the scopes `missing`.
    async fn answer(
        &self,
        claims: &Claims,
        missing: Vec<&'static str>,
        call: StepUpCall,
    ) -> StepUpAnswer;

    /// Waits until the person has decided about the link with this ID, for `timeout` at most.
    async fn decided(&self, link: &str, timeout: Duration);

    /// Waits until the sign-in of the token with these claims has ended. It does not, where the token
    /// belongs to none.
    #[cfg(any(feature = "sse", feature = "websocket"))]
    async fn ended(&self, claims: &Claims);
}

/// Scopes that were added to a sign-in.
pub(crate) type AddedScopes = Arc<BTreeSet<String>>;

/// The call that lacks scopes.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "broker"), allow(dead_code, reason = "the broker uses it"))]
pub(crate) struct StepUpCall {
    /// The digest of the tool's name and its arguments, by which a repeated call is recognised.
    pub(crate) digest: u64,
    pub(crate) policy: StepUp,
}

/// The answer to a call that lacks scopes.
#[derive(Debug)]
#[cfg_attr(not(feature = "broker"), allow(dead_code, reason = "the broker uses it"))]
pub(crate) enum StepUpAnswer {
    /// A challenge, which the host may follow.
    Challenge,
    /// A link, which the person opens.
    Link(StepUpLink),
    /// The person, or the provider, was asked for these scopes and refused: the text says so.
    Refused(String),
}

/// A link under which the person adds scopes to a sign-in.
#[derive(Clone, Debug)]
pub(crate) struct StepUpLink {
    pub(crate) id: String,
    pub(crate) url: String,
    /// What the person reads before the link.
    pub(crate) message: String,
    /// The same link was given out before.
    pub(crate) again: bool,
}
