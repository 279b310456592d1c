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

use super::{admission::Admitted, quick::ShortCall};
use crate::call::Caller;

/// A call, as it came in.
pub(super) struct Incoming<'a> {
    /// As the client wrote them.
    pub(super) arguments: &'a RawValue,
    pub(super) caller: Option<Caller>,
    /// What answers to an earlier `input_required`.
    pub(super) retry: Option<&'a CallToolRequestParams>,
    pub(super) conversation: Conversation<'a>,
}

/// What can be said to the client before the answer.
#[derive(Clone, Copy)]
pub(super) enum Conversation<'a> {
    /// Everything: rmcp holds the line.
    Open(&'a RequestContext<RoleServer>),
    /// Nothing. The context is made only for who asks for it.
    Short {
        call: &'a ShortCall<'a>,
        parts: &'a Parts,
        admitted: &'a Admitted,
        peer: &'a Peer<RoleServer>,
    },
}

impl<'a> Conversation<'a> {
    pub(super) fn context(self) -> Cow<'a, RequestContext<RoleServer>> {
        match self {
            Self::Open(context) => Cow::Borrowed(context),
            Self::Short { call, parts, admitted, peer } => {
                Cow::Owned(call.context(parts, admitted, peer))
            }
        }
    }
}

impl Incoming<'_> {
    pub(super) fn digest(&self) -> digest::Digest {
        digest::digest(&digest::SHA256, self.arguments.get().as_bytes())
    }
}

/// The caller that the gate let in, beside the request.
#[derive(Clone)]
pub(super) struct LetIn(pub(super) Admitted);
