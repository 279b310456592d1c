//! The fast path: plain calls and lists, answered without rmcp's service loop.
//!
//! It answers requests of 2026-07-28 that use none of the protocol's options, for tools that send
//! nothing before their result, and messages in the sessions of earlier revisions. Its responses equal
//! rmcp's, byte for byte but for the order of headers, and those in a session for being JSON instead of
//! a stream; `tests/integration/tests/two_ways` compares the two. Every other request goes to rmcp
//! with the bytes that were read, and rmcp words every protocol error, so there is no second wording
//! to keep in step.

mod call;
mod eligibility;
mod list_cache;
mod response;
mod running_calls;
mod session;

pub(crate) use self::{
    call::{FastCall, FastPath},
    list_cache::{ListCache, VisibleTools},
    session::{Initialize, SessionMessage},
};
