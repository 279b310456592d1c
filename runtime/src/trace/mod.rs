//! Trace of a server: what it decided and did, as values.
//!
//! [`Server::observe`](crate::Server::observe) adds an [`Observer`], which gets an [`Event`] for
//! every decision: a request that came, a token that was accepted or refused and by which check,
//! scopes that were compared, a consent, a refresh, a request to a provider's API, a call that ended.
//! What was decided is an [`EventKind`], and why is one of a closed set of reasons.
//!
//! ```no_run
//! use std::{
//!     collections::HashMap,
//!     sync::{Arc, Mutex},
//! };
//! use toolgate::{
//!     prelude::*,
//!     trace::{Event, EventKind, Observer, TokenCheck},
//! };
//!
//! /// Counts refused tokens by the check that refused them.
//! #[derive(Default)]
//! struct Refusals(Mutex<HashMap<TokenCheck, u64>>);
//!
//! impl Observer for Refusals {
//!     fn on_event(&self, event: &Event<'_>) {
//!         if let EventKind::TokenRefused { refusal, .. } = event.kind {
//!             *self.0.lock().unwrap().entry(refusal.check).or_default() += 1;
//!         }
//!     }
//! }
//!
//! # /// Adds two numbers.
//! # #[tool]
//! # async fn add(a: i64, b: i64) -> Json<i64> {
//! #     Json(a + b)
//! # }
//! # #[tokio::main]
//! # async fn main() -> Result<()> {
//! let refusals = Arc::new(Refusals::default());
//! toolgate::server!().tools(tools![add]).observe(Arc::clone(&refusals)).serve().await
//! # }
//! ```
//!
//! # Spans
//!
//! Each event belongs to a [span](Event::span): a request, a consent from its link to its grant, a
//! refresh however many calls wait for it, an authorization at the broker. Its
//! [parent](Event::parent) is the span that caused it. So the events of a call, of the consent that
//! it asked for and of the refresh that it waited for can be put together.
//!
//! # Security
//!
//! No event has a token, a code, a link or a value of an argument: its fields are numbers,
//! enumerations, names that the code of the server declares, and types such as [`Found`],
//! [`PathTemplate`] and [`ArgumentPath`], which can only be made of what is no secret. Subjects are
//! in there, as they are in the audit log. Values of calls are [apart](Observer::wants_values), and
//! for development alone.
//!
//! # Cost
//!
//! Without an observer nothing is computed. With one, a call costs less than a microsecond more than
//! what the observer itself takes.

mod argument;
mod context;
mod coverage;
mod current;
mod elapsed;
mod event;
mod id;
mod kind;
mod observer;
mod operation;
mod reason;
mod refusal;
mod request;
mod span;
mod text;

#[cfg(feature = "inspector")]
pub(crate) use self::coverage::held_by;
pub(crate) use self::elapsed::ms_since;
pub use self::{
    argument::{ArgumentPath, Expected},
    context::{RemoteSpan, TraceContext},
    coverage::{Coverage, RequiredScope},
    elapsed::Elapsed,
    event::{Event, Values, ValuesKind},
    id::SpanId,
    kind::EventKind,
    observer::Observer,
    operation::{Operation, OperationOutcome, StoreOperation, StoreOutcome},
    reason::*,
    refusal::TokenRefusal,
    request::{AcceptedToken, Caller, RequestHeaders},
    text::{Advice, Found, FoundList, FoundValue, Origin, PathTemplate, ScopeNames},
};
pub(crate) use self::{
    current::{child_of_current, within},
    span::{Span, Tracer},
};
pub use crate::error::Rule;
