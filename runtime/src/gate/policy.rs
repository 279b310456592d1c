//! What a server's gate does: for which resource, by which verifier, for whom else.

use std::{fmt, num::NonZeroU32, sync::Arc};

use super::{BrowserIdentity, SignIn, Verifier};

/// How a server guards its endpoint.
///
/// ```
/// use toolgate::gate::{Claims, Gate, Presented, AuthError, Verifier, async_trait};
///
/// struct Nobody;
///
/// #[async_trait]
/// impl Verifier for Nobody {
///     async fn verify(&self, _: Presented<'_>) -> Result<Claims, AuthError> {
///         Err(AuthError::Invalid)
///     }
///
///     fn authorization_servers(&self) -> Vec<String> {
///         vec!["https://login.example".to_owned()]
///     }
/// }
///
/// let gate = Gate::new(Nobody).resource("https://tools.example/mcp").allow_origin("https://app.example");
/// toolgate::server!().gate(gate);
/// ```
#[derive(Clone)]
pub struct Gate {
    /// `None`: the server's broker.
    pub(crate) verifier: Option<Arc<dyn Verifier>>,
    pub(crate) browser: Option<Arc<dyn BrowserIdentity>>,
    pub(crate) sign_in: Option<SignIn>,
    pub(crate) resource: Option<String>,
    pub(crate) origins: Vec<String>,
    pub(crate) allow_anonymous: bool,
    pub(crate) in_results: bool,
    pub(crate) hides: bool,
    pub(crate) rate_limit_per_subject: Option<NonZeroU32>,
    pub(crate) rate_limit_per_ip: Option<NonZeroU32>,
    pub(crate) at_once: Option<usize>,
}

impl Gate {
    /// A gate with this verifier. Every request needs a token; nothing else is allowed yet.
    pub fn new(verifier: impl Verifier) -> Self {
        Self { verifier: Some(Arc::new(verifier)), ..Self::by_broker() }
    }

    /// A gate that accepts the tokens of the server's own [broker](crate::Server::broker).
    pub fn by_broker() -> Self {
        Self {
            verifier: None,
            browser: None,
            sign_in: None,
            resource: None,
            origins: Vec::new(),
            allow_anonymous: false,
            in_results: false,
            hides: false,
            rate_limit_per_subject: None,
            rate_limit_per_ip: None,
            at_once: None,
        }
    }

    /// The URL of the endpoint, as hosts are given it: `https://tools.example/mcp`. Tokens must be
    /// made for it, letter by letter (RFC 8707).
    ///
    /// Without it the server can listen on this machine only, and takes the address it listens on.
    #[must_use]
    pub fn resource(mut self, url: impl Into<String>) -> Self {
        self.resource = Some(url.into());
        self
    }

    /// Signs people in at the verifier's authorization server when they open a link to connect an
    /// account, so that nobody can make another person connect one. A broker does it by itself; with
    /// another authorization server, a server whose tools have clients does not start without this
    /// or [`Gate::browser`].
    ///
    /// The token of the sign-in must be accepted by the gate's verifier, as those of the callers;
    /// one that is bound to a key (RFC 9449) is not.
    #[must_use]
    pub fn sign_in(mut self, client: SignIn) -> Self {
        self.sign_in = Some(client);
        self
    }

    /// As [`Gate::sign_in`], by the sessions of an application of yours. It comes first if both are
    /// there.
    #[must_use]
    pub fn browser(mut self, identity: impl BrowserIdentity) -> Self {
        self.browser = Some(Arc::new(identity));
        self
    }

    /// Lets pages of this origin call: `https://app.example`. Pages of no other origin may. A server
    /// with one that is no origin does not start.
    #[must_use]
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// Lets everybody list the tools, and call those that ask for no caller and no client.
    ///
    /// What a handler [beside](crate::Server::fallback) the tools does is not for everybody: its lists
    /// are, and to use anything of it a token is needed.
    #[must_use]
    pub fn allow_anonymous(mut self) -> Self {
        self.allow_anonymous = true;
        self
    }

    /// Lets a subject send so many requests a minute, whatever its tokens; more get a 429 with
    /// `Retry-After`. Without it there is no limit.
    #[must_use]
    pub fn rate_limit_per_subject(mut self, requests: u32) -> Self {
        self.rate_limit_per_subject = NonZeroU32::new(requests.max(1));
        self
    }

    /// Lets an address send so many requests a minute, before anything is verified. It is that of
    /// the connection: behind a proxy set [`PeerAddress`](super::PeerAddress), or all who come by
    /// the proxy share one limit.
    #[must_use]
    pub fn rate_limit_per_ip(mut self, requests: u32) -> Self {
        self.rate_limit_per_ip = NonZeroU32::new(requests.max(1));
        self
    }

    /// Lets a subject have so many requests under way at once; more get a 429.
    #[must_use]
    pub fn max_concurrent_per_subject(mut self, requests: usize) -> Self {
        self.at_once = Some(requests.max(1));
        self
    }

    /// Tells of missing scopes in the result of the call, under `_meta["mcp/www_authenticate"]`, and
    /// not by a status: for hosts that read results only, like `ChatGPT`.
    #[must_use]
    pub fn challenges_in_results(mut self) -> Self {
        self.in_results = true;
        self
    }

    /// Lists to each caller the tools that its token may call. What is not listed is still refused,
    /// not only hidden.
    #[must_use]
    pub fn hide_unauthorized_tools(mut self) -> Self {
        self.hides = true;
        self
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("resource", &self.resource)
            .field("origins", &self.origins)
            .field("allow_anonymous", &self.allow_anonymous)
            .finish_non_exhaustive()
    }
}
