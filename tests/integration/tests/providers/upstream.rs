//! Stand-ins without the type of their provider, so that a case is compiled once.

use std::time::Duration;

use toolgate::{
    Provider, Server,
    provider::profile::Profile,
    stand_in::{Counts, StandIn},
};

/// How a broker identifies a person.
#[derive(Clone, Copy)]
pub(super) struct User {
    pub(super) path: &'static str,
    pub(super) member: &'static str,
    pub(super) scopes: &'static [&'static str],
}

/// A stand-in that runs.
pub(super) trait Upstream: Send + Sync {
    fn id(&self) -> &'static str;
    fn profile(&self) -> &'static Profile;
    /// A server with the provider, and a broker in front of it if a person can be identified.
    fn server(&self, broker: Option<User>) -> Server;
    fn counts(&self) -> Counts;
    fn advance(&self, by: Duration);
    fn expire_access_tokens(&self);
    fn revoke_grants(&self);
    fn lose_next_tokens(&self);
    fn limit_requests(&self, requests: usize);
}

impl<P: Provider> Upstream for StandIn<P> {
    fn id(&self) -> &'static str {
        P::ID
    }

    fn profile(&self) -> &'static Profile {
        P::STAND_IN.expect("every provider of the catalogue has a profile")
    }

    fn server(&self, broker: Option<User>) -> Server {
        let server = toolgate::server!().provider(self.client());
        let Some(user) = broker else { return server };
        server.broker::<P>(move |broker| {
            broker.user(user.path, user.member).sign_in_scopes(user.scopes.iter().copied())
        })
    }

    fn counts(&self) -> Counts {
        Self::counts(self)
    }

    fn advance(&self, by: Duration) {
        Self::advance(self, by);
    }

    fn expire_access_tokens(&self) {
        Self::expire_access_tokens(self);
    }

    fn revoke_grants(&self) {
        Self::revoke_grants(self);
    }

    fn lose_next_tokens(&self) {
        Self::lose_next_tokens(self);
    }

    fn limit_requests(&self, requests: usize) {
        Self::limit_requests(self, requests);
    }
}

/// Starts the stand-in of `P`.
pub(super) async fn start<P: Provider>() -> Box<dyn Upstream> {
    Box::new(StandIn::<P>::start().await.expect("a port of this machine"))
}
