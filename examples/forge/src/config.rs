//! What a forge is started with.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    time::Duration,
};

/// In whose manner it speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flavour {
    /// As the RFCs say.
    #[default]
    Standard,
    /// As GitHub does: its paths and scope names, scopes separated by commas, errors with status
    /// 200, form-encoded answers unless JSON is asked for, and tokens that do not expire.
    GitHub,
}

/// How a forge behaves.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "they are switches")]
pub struct Config {
    pub(crate) address: SocketAddr,
    pub(crate) flavour: Flavour,
    pub(crate) access_ttl: Duration,
    pub(crate) rotation: bool,
    pub(crate) expiry: bool,
    pub(crate) withhold: Vec<String>,
    pub(crate) on_top: Vec<String>,
    pub(crate) rate_limit: u32,
    pub(crate) wrong_issuer: bool,
    pub(crate) faults: bool,
    pub(crate) redirects: Vec<String>,
    pub(crate) refresh_token_once: bool,
    pub(crate) state: Option<PathBuf>,
    pub(crate) leeway: Duration,
    pub(crate) token_latency: Duration,
    pub(crate) crowd: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            address: (Ipv4Addr::LOCALHOST, 0).into(),
            flavour: Flavour::Standard,
            access_ttl: Duration::from_secs(3600),
            rotation: true,
            expiry: true,
            withhold: Vec::new(),
            on_top: Vec::new(),
            rate_limit: 5000,
            wrong_issuer: false,
            faults: false,
            refresh_token_once: false,
            redirects: vec![
                "http://127.0.0.1/callback/forge".to_owned(),
                "http://127.0.0.1/callback/github".to_owned(),
            ],
            state: None,
            leeway: Duration::ZERO,
            token_latency: Duration::ZERO,
            crowd: 0,
        }
    }
}

impl Config {
    /// The identifier of the registered client.
    pub const CLIENT_ID: &'static str = "toolgate";
    /// The secret of the registered client.
    pub const CLIENT_SECRET: &'static str = "toolgate-secret";

    /// Listens on `address`; on a free port of 127.0.0.1 if nothing is said.
    #[must_use]
    pub fn address(mut self, address: SocketAddr) -> Self {
        self.address = address;
        self
    }

    /// Listens on this port of 127.0.0.1.
    #[must_use]
    pub fn port(self, port: u16) -> Self {
        self.address((Ipv4Addr::LOCALHOST, port).into())
    }

    /// Speaks as GitHub does.
    #[must_use]
    pub fn github(mut self) -> Self {
        self.flavour = Flavour::GitHub;
        self
    }

    /// How long an access token lives; an hour if nothing is said.
    #[must_use]
    pub fn access_ttl(mut self, ttl: Duration) -> Self {
        self.access_ttl = ttl;
        self
    }

    /// Refresh tokens stay as they are, and a refresh gives none.
    #[must_use]
    pub fn without_rotation(mut self) -> Self {
        self.rotation = false;
        self
    }

    /// An account gets a refresh token with its first consent only, and with one that the client
    /// asked for (`prompt=consent`).
    #[must_use]
    pub fn refresh_token_once(mut self) -> Self {
        self.refresh_token_once = true;
        self
    }

    /// Token answers do not say when the token expires; it does all the same.
    #[must_use]
    pub fn without_expiry(mut self) -> Self {
        self.expiry = false;
        self
    }

    /// Never grants `scope`, whoever asks.
    #[must_use]
    pub fn withhold(mut self, scope: impl Into<String>) -> Self {
        self.withhold.push(scope.into());
        self
    }

    /// Grants `scope` besides whatever is asked for, and does not let one ask for it.
    #[must_use]
    pub fn on_top(mut self, scope: impl Into<String>) -> Self {
        self.on_top.push(scope.into());
        self
    }

    /// How many API requests a token may make in an hour.
    #[must_use]
    pub fn rate_limit(mut self, limit: u32) -> Self {
        self.rate_limit = limit;
        self
    }

    /// Names another issuer in its answers, as in a mix-up attack.
    #[must_use]
    pub fn wrong_issuer(mut self) -> Self {
        self.wrong_issuer = true;
        self
    }

    /// Offers the fault switches over HTTP, under `/faults`.
    #[must_use]
    pub fn faults(mut self) -> Self {
        self.faults = true;
        self
    }

    /// Keeps its state in this file, so that one that is started again knows the tokens that it has
    /// issued, and what was written. Without it everything is in memory.
    #[must_use]
    pub fn state(mut self, path: impl Into<PathBuf>) -> Self {
        self.state = Some(path.into());
        self
    }

    /// A refresh token that was used works for so long after that; not at all if nothing is said.
    #[must_use]
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// How long the answer to a refresh takes, from the rotation on.
    #[must_use]
    pub fn token_latency(mut self, latency: Duration) -> Self {
        self.token_latency = latency;
        self
    }

    /// Has so many users besides alice and bob: `person-0`, `person-1`, ..
    #[must_use]
    pub fn crowd(mut self, people: usize) -> Self {
        self.crowd = people;
        self
    }

    /// Registers another redirect URI of the client. The port of a loopback address is free
    /// (RFC 8252 §7.3); everything else must match exactly.
    #[must_use]
    pub fn redirect(mut self, uri: impl Into<String>) -> Self {
        self.redirects.push(uri.into());
        self
    }
}
