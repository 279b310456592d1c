//! Configuration of a server's gate: the resource, the verifier, the limits.

use std::{fmt, num::NonZeroU32, num::NonZeroUsize, sync::Arc};

use super::{BrowserIdentity, SignIn, StepUp, Verifier};
use crate::error::ConfigError;

/// The access control of a server's endpoint.
///
/// ```
/// use toolgate::gate::{AuthError, Claims, Gate, PresentedToken, Verifier, async_trait};
///
/// struct RefuseAll;
///
/// #[async_trait]
/// impl Verifier for RefuseAll {
///     async fn verify(&self, _: PresentedToken<'_>) -> Result<Claims, AuthError> {
///         Err(AuthError::Invalid)
///     }
///
///     fn authorization_servers(&self) -> Vec<String> {
///         vec!["https://login.example".to_owned()]
///     }
/// }
///
/// let gate = Gate::new(RefuseAll)
///     .resource("https://tools.example/mcp")
///     .allow_origin("https://app.example")
///     .rate_limit_per_subject(600);
/// toolgate::server!().gate(gate);
/// ```
#[derive(Clone)]
#[allow(clippy::struct_excessive_bools, reason = "they are switches")]
pub struct Gate {
    /// `None`: that of the server's broker.
    pub(crate) verifier: Option<Arc<dyn Verifier>>,
    pub(crate) browser: Option<Arc<dyn BrowserIdentity>>,
    pub(crate) sign_in: Option<SignIn>,
    pub(crate) resource: Option<String>,
    pub(crate) allowed_origins: Vec<String>,
    pub(crate) allow_anonymous: bool,
    pub(crate) challenge_in_results: bool,
    pub(crate) challenge_scopes: Vec<String>,
    pub(crate) step_up: StepUp,
    pub(crate) hide_unauthorized_tools: bool,
    pub(crate) share_accounts: bool,
    rate_limit_per_subject: Option<u32>,
    rate_limit_per_ip: Option<u32>,
    max_concurrent_per_subject: Option<usize>,
}

/// The limits of a gate, none of which is zero.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LimitSettings {
    pub(crate) rate_per_subject: Option<NonZeroU32>,
    pub(crate) rate_per_ip: Option<NonZeroU32>,
    pub(crate) concurrent_per_subject: Option<NonZeroUsize>,
}

impl Gate {
    /// Creates a gate with this verifier. Every request needs an access token that it accepts.
    pub fn new(verifier: impl Verifier) -> Self {
        Self { verifier: Some(Arc::new(verifier)), ..Self::for_broker() }
    }

    /// Creates a gate that accepts the tokens of the server's own [broker](crate::Server::broker).
    pub fn for_broker() -> Self {
        Self {
            verifier: None,
            browser: None,
            sign_in: None,
            resource: None,
            allowed_origins: Vec::new(),
            allow_anonymous: false,
            challenge_in_results: false,
            challenge_scopes: Vec::new(),
            step_up: StepUp::Auto,
            hide_unauthorized_tools: false,
            share_accounts: false,
            rate_limit_per_subject: None,
            rate_limit_per_ip: None,
            max_concurrent_per_subject: None,
        }
    }

    /// Sets the URL of the endpoint, as hosts are given it: `https://tools.example/mcp`. Tokens must
    /// name it as their audience, character by character (RFC 8707).
    ///
    /// Without it the server can listen on this machine only, and the URL is that of the address it
    /// listens on.
    #[must_use]
    pub fn resource(mut self, url: impl Into<String>) -> Self {
        self.resource = Some(url.into());
        self
    }

    /// Names these scopes in challenges and in the metadata, besides those that tools require: for an
    /// authorization server that gives no token without them, such as one that wants `openid`. Calls do
    /// not need them.
    ///
    /// ```
    /// # use toolgate::gate::{Gate, oidc};
    /// # fn main() -> Result<(), toolgate::ConfigError> {
    /// let gate = Gate::new(oidc("https://login.example")?).challenge_scopes(["openid"]);
    /// # let _ = gate;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn challenge_scopes<S: Into<String>>(
        mut self,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        self.challenge_scopes.extend(scopes.into_iter().map(Into::into));
        self
    }

    /// Signs users in at the verifier's authorization server when they open a link to connect an
    /// account, so that nobody can make another user connect one.
    ///
    /// A broker does so by itself. With another authorization server, a server whose tools have
    /// clients does not start without this or [`Gate::browser`].
    ///
    /// The gate's verifier must accept the token of the sign-in, as it does those of callers; a token
    /// that is bound to a key (RFC 9449) is refused.
    #[must_use]
    pub fn sign_in(mut self, client: SignIn) -> Self {
        self.sign_in = Some(client);
        self
    }

    /// As [`Gate::sign_in`], with the sessions of your own application. It takes precedence over
    /// [`Gate::sign_in`].
    #[must_use]
    pub fn browser(mut self, identity: impl BrowserIdentity) -> Self {
        self.browser = Some(Arc::new(identity));
        self
    }

    /// Allows requests from pages of this origin: `https://app.example`. Without it, only pages of
    /// the server's own origin may send requests. A server with a malformed origin does not start.
    #[must_use]
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.allowed_origins.push(origin.into());
        self
    }

    /// Sets whether requests without a token may list the tools, and call those that have neither a
    /// caller nor a client. Off by default.
    ///
    /// Of a [fallback handler](crate::Server::fallback), such requests may read the lists only.
    #[must_use]
    pub fn allow_anonymous(mut self, allow: bool) -> Self {
        self.allow_anonymous = allow;
        self
    }

    /// Limits the requests of a subject to so many a minute, and as many in a burst. Further requests
    /// get a 429 with `Retry-After`. Without it there is no limit.
    ///
    /// A server with a limit of 0 does not start.
    #[must_use]
    pub fn rate_limit_per_subject(mut self, requests_per_minute: u32) -> Self {
        self.rate_limit_per_subject = Some(requests_per_minute);
        self
    }

    /// Limits the requests of a client address to so many a minute, and as many in a burst. They are
    /// counted before the token is verified. Without it there is no limit.
    ///
    /// The address is that of the connection, or the /64 network of an IPv6 address. The networks of one
    /// site, a /48, have eight times as many requests together. Behind a proxy name it in
    /// [`Server::trusted_proxies`](crate::Server::trusted_proxies), or all clients of the proxy share one
    /// limit.
    ///
    /// A server with a limit of 0 does not start.
    #[must_use]
    pub fn rate_limit_per_ip(mut self, requests_per_minute: u32) -> Self {
        self.rate_limit_per_ip = Some(requests_per_minute);
        self
    }

    /// Limits how many requests of a subject may be under way at once. Further requests get a 429
    /// with `Retry-After`. Without it there is no limit. Responses and notifications of a client with
    /// a session are accepted meanwhile, as many at once, because a call may wait for them.
    ///
    /// A server with a limit of 0 does not start.
    #[must_use]
    pub fn max_concurrent_per_subject(mut self, requests: usize) -> Self {
        self.max_concurrent_per_subject = Some(requests);
        self
    }

    /// Sets whether missing scopes are reported in the result of the call, under
    /// `_meta["mcp/www_authenticate"]`, instead of by a status: for hosts that read results only, like
    /// `ChatGPT`. Off by default.
    #[must_use]
    pub fn challenge_in_results(mut self, enabled: bool) -> Self {
        self.challenge_in_results = enabled;
        self
    }

    /// Sets how a call is answered whose token lacks scopes: [`StepUp::Auto`] by default. Links need
    /// the server's own [broker](crate::Server::broker): tokens of other authorization servers are
    /// answered by challenges.
    #[must_use]
    pub fn step_up(mut self, step_up: StepUp) -> Self {
        self.step_up = step_up;
        self
    }

    /// Sets whether the list of tools leaves out those that the caller's token does not cover. Off by
    /// default. Calls of such tools are refused in any case.
    #[must_use]
    pub fn hide_unauthorized_tools(mut self, hide: bool) -> Self {
        self.hide_unauthorized_tools = hide;
        self
    }

    /// Sets whether an account that a user has connected may be used through every client of that
    /// user. Off by default: a client is the `client_id` (or `azp`) of the access token, and when
    /// another one needs the account for the first time, the user is asked once, on a page of this
    /// server and without going to the provider again.
    ///
    /// Through a [broker](crate::Server::broker) users consent to each client when they sign in, so
    /// of the broker's own provider they are not asked again.
    #[must_use]
    pub fn share_accounts(mut self, share: bool) -> Self {
        self.share_accounts = share;
        self
    }

    /// The limits.
    ///
    /// # Errors
    ///
    /// One of them is zero.
    pub(crate) fn limits(&self) -> Result<LimitSettings, ConfigError> {
        let zero = |name: &str, unit: &str| {
            ConfigError::new(format!("`Gate::{name}(0)` would refuse every request"))
                .help(format!("write the number of requests {unit}, or leave the limit out"))
        };
        let rate = |name: &str, limit: Option<u32>| {
            let count = |limit| NonZeroU32::new(limit).ok_or_else(|| zero(name, "per minute"));
            limit.map(count).transpose()
        };
        let concurrent = |limit| {
            NonZeroUsize::new(limit).ok_or_else(|| zero("max_concurrent_per_subject", "at once"))
        };
        Ok(LimitSettings {
            rate_per_subject: rate("rate_limit_per_subject", self.rate_limit_per_subject)?,
            rate_per_ip: rate("rate_limit_per_ip", self.rate_limit_per_ip)?,
            concurrent_per_subject: self.max_concurrent_per_subject.map(concurrent).transpose()?,
        })
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("resource", &self.resource)
            .field("allowed_origins", &self.allowed_origins)
            .field("allow_anonymous", &self.allow_anonymous)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_zero_is_an_error_that_says_what_to_write() {
        for (gate, name) in [
            (Gate::for_broker().rate_limit_per_subject(0), "rate_limit_per_subject(0)"),
            (Gate::for_broker().rate_limit_per_ip(0), "rate_limit_per_ip(0)"),
            (Gate::for_broker().max_concurrent_per_subject(0), "max_concurrent_per_subject(0)"),
        ] {
            let error = gate.limits().unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("write the number"), "{error}");
        }
        let limits = Gate::for_broker().rate_limit_per_ip(1).limits().unwrap();
        assert_eq!((limits.rate_per_ip, limits.rate_per_subject), (NonZeroU32::new(1), None));
    }
}
