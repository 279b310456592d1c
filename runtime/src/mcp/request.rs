//! A call, as it came in, and what can be said to its client.

use std::borrow::Cow;

use aws_lc_rs::digest;
use http::request::Parts;
use rmcp::{
    RoleServer,
    model::CallToolRequestParams,
    service::{Peer, RequestContext},
};
use serde_json::value::RawValue;

use crate::tool::call::Caller;
use crate::{gate::resource_server::Admitted, http::fast_path::call::ShortCall};

/// A call, as it came in.
pub(crate) struct Incoming<'a> {
    /// As the client wrote them.
    pub(crate) arguments: &'a RawValue,
    pub(crate) caller: Option<Caller>,
    /// What answers to an earlier `input_required`.
    pub(crate) retry: Option<&'a CallToolRequestParams>,
    pub(crate) conversation: Conversation<'a>,
}

/// What can be said to the client before the answer.
#[derive(Clone, Copy)]
pub(crate) enum Conversation<'a> {
    /// Everything: rmcp holds the line.
    Open(&'a RequestContext<RoleServer>),
    /// NoFallback. The context is made only for who asks for it.
    Short {
        call: &'a ShortCall<'a>,
        parts: &'a Parts,
        admitted: &'a Admitted,
        peer: &'a Peer<RoleServer>,
    },
}

impl<'a> Conversation<'a> {
    pub(crate) fn context(self) -> Cow<'a, RequestContext<RoleServer>> {
        match self {
            Self::Open(context) => Cow::Borrowed(context),
            Self::Short { call, parts, admitted, peer } => {
                Cow::Owned(call.context(parts, admitted, peer))
            }
        }
    }
}

impl Incoming<'_> {
    pub(crate) fn digest(&self) -> digest::Digest {
        digest::digest(&digest::SHA256, self.arguments.get().as_bytes())
    }
}

/// The caller that the gate let in, beside the request.
#[derive(Clone)]
pub(crate) struct LetIn(pub(crate) Admitted);
