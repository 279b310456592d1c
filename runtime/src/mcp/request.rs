//! Tool call request: the arguments, the caller and the request context of a `tools/call`.

use std::{borrow::Cow, sync::Arc};

use async_trait::async_trait;
use aws_lc_rs::digest;
use http::request::Parts;
use rmcp::{
    Peer, RoleServer,
    model::{CallToolRequestParams, Extensions},
    service::RequestContext,
};
use serde_json::value::RawValue;

use crate::{gate::Claims, tool::call::Caller, trace::Span};

/// A `tools/call` request, as a transport hands it to the dispatch.
pub(crate) struct CallRequest<'a> {
    /// The text that the client sent.
    pub(crate) arguments: &'a RawValue,
    pub(crate) caller: Option<Caller>,
    /// The parameters, if they answer an earlier `input_required` result.
    pub(crate) retry: Option<&'a CallToolRequestParams>,
    pub(crate) context: CallContext<'a>,
    /// What its events belong to.
    pub(crate) span: Span,
}

/// The rmcp context of a call.
#[derive(Clone, Copy)]
pub(crate) enum CallContext<'a> {
    /// The context that rmcp made; its token is cancelled when the client cancels the call.
    Sdk(&'a RequestContext<RoleServer>),
    /// A context that is built when it is first needed. Its call is cancelled by dropping the future.
    Lazy(&'a dyn LazyContext),
}

/// Builds the rmcp context of a call that does not pass through rmcp's service loop.
pub(crate) trait LazyContext: Sync {
    fn build(&self) -> RequestContext<RoleServer>;
}

impl<'a> CallContext<'a> {
    pub(crate) fn get(self) -> Cow<'a, RequestContext<RoleServer>> {
        match self {
            Self::Sdk(context) => Cow::Borrowed(context),
            Self::Lazy(lazy) => Cow::Owned(lazy.build()),
        }
    }
}

impl CallRequest<'_> {
    /// SHA-256 of the arguments, which binds a `requestState` to them.
    pub(crate) fn digest(&self) -> digest::Digest {
        digest::digest(&digest::SHA256, self.arguments.get().as_bytes())
    }
}

/// Request extension: the outcome of authentication.
#[derive(Clone)]
pub(crate) struct Authenticated(pub(crate) Option<Claims>);

/// Request extension: the arguments of a call as the client wrote them, which rmcp's own types lose.
#[derive(Clone, Debug)]
pub(crate) struct RawArguments(pub(crate) Arc<RawValue>);

/// Request extension: the session of the request, whose client may listen in this process.
#[derive(Clone)]
pub(crate) struct SessionLink {
    pub(crate) session: Arc<str>,
    pub(crate) peers: Arc<dyn LivePeers>,
}

/// The peers of the sessions that live in this process, and the way to those that live in others.
#[async_trait]
pub(crate) trait LivePeers: Send + Sync {
    /// The peer of a session, if it lives.
    fn get(&self, session: &str) -> Option<Peer<RoleServer>>;

    /// Keeps the peer of a session, as long as it lives.
    fn set(&self, session: &str, peer: Peer<RoleServer>);

    /// Passes on that an elicitation is complete, to the process at which the client of the session
    /// listens. `false`: there is none but this one, or it cannot be reached.
    async fn pass_on(&self, session: &str, elicitation: &str) -> bool;
}

impl SessionLink {
    /// The session of a request or a notification with these extensions.
    pub(crate) fn of(extensions: &Extensions) -> Option<&Self> {
        let parts = || extensions.get::<Parts>()?.extensions.get();
        extensions.get().or_else(parts)
    }

    /// The peer of the session, if it lives.
    pub(crate) fn peer(&self) -> Option<Peer<RoleServer>> {
        self.peers.get(&self.session)
    }
}
