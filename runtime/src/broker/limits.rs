//! The rate limits of the broker's endpoints.

use std::sync::Arc;

use crate::{browser::request_limit::RequestLimit, grant::Clock};

/// A limit for each kind of request that strangers can send.
pub(crate) struct Limits {
    pub(crate) registrations: RequestLimit,
    pub(crate) authorizations: RequestLimit,
    pub(crate) documents: RequestLimit,
    /// Of the token and the revocation endpoint. A hosted client redeems there for all of its
    /// users, from few addresses.
    pub(crate) tokens: RequestLimit,
}

impl Limits {
    pub(crate) fn new(clock: &Arc<dyn Clock>) -> Self {
        Self {
            registrations: RequestLimit::new(5, 30, clock),
            authorizations: RequestLimit::new(30, 600, clock),
            documents: RequestLimit::new(10, 60, clock),
            tokens: RequestLimit::new(600, 6000, clock),
        }
    }
}
