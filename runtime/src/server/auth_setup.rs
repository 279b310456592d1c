//! Authentication of a server: its resource, its verifier, and the sign-in of browsers.

use std::sync::Arc;

use url::Url;

#[cfg(feature = "broker")]
use super::broker_routes::{self, BrokerAuth};
use super::browser_identity::ApplicationAuth;
#[cfg(feature = "broker")]
use crate::{broker::Broker, gate::required_scopes::default_scopes, provider::Registration};
use crate::{
    browser::{
        authenticator::BrowserAuthenticator,
        request_limit::RequestLimit,
        sign_in::{SignInAuth, SignInConfig},
    },
    gate::{
        other_endpoint::EndpointPaths, required_scopes::RequiredScopes,
        resource_server::ResourceServer, used_proofs::UsedProofs,
    },
    mcp::registry::{ServedTool, required_scopes},
};
use crate::{
    error::ConfigError,
    gate,
    gate::Gate,
    grant::{Clock, Grants},
    oauth::UpstreamClient,
    support::{escape::escape, url::is_secure},
    tool::registry::RegisteredTool,
    trace::Tracer,
};

/// The configuration that authentication is set up from.
pub(crate) struct AuthSetup<'a> {
    /// `None` over standard input and output as well.
    pub(crate) gate: Option<Gate>,
    #[cfg(feature = "broker")]
    pub(crate) broker: Option<broker_routes::BrokerConfig>,
    pub(crate) public_url: Option<String>,
    pub(crate) name: &'a str,
    pub(crate) clock: &'a Arc<dyn Clock>,
    pub(crate) grants: &'a Grants,
    pub(crate) providers: &'a [UpstreamClient],
    pub(crate) tracer: Tracer,
    /// Whether any tool needs the caller to connect an account.
    pub(crate) needs_provider: bool,
    /// The endpoints of other transports than streamable HTTP.
    pub(crate) endpoints: Vec<EndpointPaths>,
    /// Whether users sign in without a password.
    #[cfg(feature = "dev")]
    pub(crate) is_dev: bool,
}

/// Authentication, as it is set up, and the tools with the scopes that it requires.
pub(crate) struct AuthLayer {
    /// The server's URL.
    pub(crate) base: Url,
    pub(crate) tools: Vec<ServedTool>,
    pub(crate) resource_server: Option<Arc<ResourceServer>>,
    pub(crate) authenticator: Option<Arc<dyn BrowserAuthenticator>>,
    pub(crate) sign_in: Option<SignInAuth>,
    /// The limit of requests that send a browser away.
    pub(crate) limit: Arc<RequestLimit>,
    pub(crate) tracer: Tracer,
    #[cfg(feature = "broker")]
    pub(crate) broker: Option<Broker>,
}

impl AuthLayer {
    #[allow(clippy::too_many_lines, reason = "one part after another")]
    pub(crate) fn new(
        setup: AuthSetup<'_>,
        tools: Vec<RegisteredTool>,
    ) -> Result<Self, ConfigError> {
        let resource = setup.gate.as_ref().and_then(|gate| gate.resource.as_deref());
        let from_resource = resource.map(|url| url.strip_suffix("/mcp").unwrap_or(url));
        let public_url = setup.public_url.as_deref().or(from_resource);
        let base = base_url(public_url)?;
        let tracer = setup.tracer;
        #[cfg(feature = "broker")]
        let config = setup.broker.filter(|_| setup.gate.is_some());
        #[cfg(feature = "broker")]
        let registration = config.as_ref().map(|config| config.registration(setup.providers));
        #[cfg(feature = "broker")]
        let registration = registration.transpose()?.cloned();
        #[cfg(feature = "broker")]
        let provider = registration.as_ref().map(|registration| registration.id);
        #[cfg(not(feature = "broker"))]
        let provider = None;

        let mut tools = served(tools, provider);
        #[cfg(feature = "broker")]
        let broker = match config {
            Some(config) => Some(config.build(&broker_routes::BrokerParts {
                providers: setup.providers,
                grants: setup.grants,
                clock: setup.clock,
                name: setup.name,
                base: public_url.map(|_| &base),
                resource,
                endpoints: &setup.endpoints,
                default_scopes: default_scopes(tools.iter().map(|tool| &tool.required_scopes)),
                tracer: &tracer,
            })?),
            None => None,
        };
        let mut authenticator: Option<Arc<dyn BrowserAuthenticator>> = None;
        let (limit, mut sign_in) = (Arc::new(RequestLimit::authorizations(setup.clock)), None);
        let resource_server = match setup.gate {
            Some(mut gate) => {
                if let Some(browser) = gate.browser.take() {
                    authenticator =
                        Some(Arc::new(ApplicationAuth { identity: browser, base: base.clone() }));
                } else if let (Some(client), Some(verifier)) = (gate.sign_in.take(), &gate.verifier)
                {
                    let auth = SignInAuth::new(SignInConfig {
                        client,
                        verifier: Arc::clone(verifier),
                        resource: gate.resource.clone(),
                        base: base.clone(),
                        grants: setup.grants.clone(),
                        clock: Arc::clone(setup.clock),
                        http: gate::client()?,
                        limit: Arc::clone(&limit),
                        tracer: tracer.clone(),
                    });
                    authenticator = Some(Arc::new(auth.clone()));
                    sign_in = Some(auth);
                }
                #[cfg(feature = "broker")]
                if let (Some(broker), Some(registration)) = (&broker, &registration) {
                    authenticator = Some(authenticate_by_broker(&mut gate, broker, registration)?);
                    #[cfg(feature = "dev")]
                    if setup.is_dev {
                        gate.verifier =
                            Some(Arc::new(crate::dev::DevVerifier::new(broker.verifier())));
                    }
                }
                for tool in &mut tools {
                    tool.publish_security_schemes(gate.allow_anonymous);
                }
                if setup.needs_provider && authenticator.is_none() {
                    return Err(no_authenticator());
                }
                let resource_server = ResourceServer::new(
                    gate,
                    provider.is_some(),
                    setup.name.to_owned(),
                    Arc::clone(setup.clock),
                    (&base, &setup.endpoints),
                    tools.iter().map(|tool| &tool.required_scopes),
                )?
                .with_tracer(tracer.clone(), setup.grants.audit().clone())
                .with_used_proofs(used_proofs(setup.grants, setup.clock))
                .keeping_tokens(setup.providers.iter().any(|p| p.registration.exchanges_tokens()));
                #[cfg(feature = "broker")]
                let resource_server = match &broker {
                    Some(broker) => resource_server.with_sign_ins(Arc::new(broker.clone())),
                    None => resource_server,
                };
                Some(Arc::new(resource_server))
            }
            None => None,
        };
        Ok(Self {
            base,
            tools,
            resource_server,
            authenticator,
            sign_in,
            limit,
            tracer,
            #[cfg(feature = "broker")]
            broker,
        })
    }
}

/// Where used proofs of possession are remembered, if replicas share the store.
fn used_proofs(grants: &Grants, clock: &Arc<dyn Clock>) -> Option<UsedProofs> {
    let records = Arc::clone(grants.store()).records()?;
    UsedProofs::new(records, Arc::clone(clock))
}

/// The tools with what they require. `brokered` is the provider behind the server's broker.
fn served(tools: Vec<RegisteredTool>, brokered: Option<&str>) -> Vec<ServedTool> {
    let with_scopes = |mut registered: RegisteredTool| {
        if let Some(provider) = brokered {
            // There the account is the one that the person has signed in with.
            registered.with_one_account(provider);
        }
        let required_scopes = required_scopes(&registered.dependencies, registered.hints, brokered);
        ServedTool { required_scopes, reports_access: false, registered }
    };
    let mut tools: Vec<_> = tools.into_iter().map(with_scopes).collect();
    RequiredScopes::number(tools.iter_mut().map(|tool| &mut tool.required_scopes));
    tools
}

/// The server's URL, with the one for this machine by default.
fn base_url(public_url: Option<&str>) -> Result<Url, ConfigError> {
    let base = public_url.unwrap_or("http://127.0.0.1:8765");
    let fault = |why: &str| {
        let base = escape(base);
        ConfigError::new(format!("the public URL `{base}` {why}"))
            .help("write it with its scheme: `https://tools.example`, or `http://localhost:8765`")
    };
    let url = Url::parse(base).map_err(|error| fault(&format!("is not a URL: {error}")))?;
    // `localhost:8765` parses as a URL with the scheme `localhost`.
    if url.cannot_be_a_base() {
        return Err(fault("does not begin with `https://`"));
    }
    check_public_url(&url)?;
    Ok(url)
}

/// Makes the broker the verifier of access tokens and the authenticator of browsers.
#[cfg(feature = "broker")]
fn authenticate_by_broker(
    gate: &mut Gate,
    broker: &Broker,
    registration: &Registration,
) -> Result<Arc<dyn BrowserAuthenticator>, ConfigError> {
    if gate.verifier.is_some() {
        return Err(ConfigError::new("the server has a broker and another verifier")
            .help("take one of them: `Gate::for_broker()` is the gate of the broker"));
    }
    gate.verifier = Some(Arc::new(broker.verifier()));
    gate.resource = Some(broker.resource().to_owned());
    Ok(Arc::new(BrokerAuth { broker: broker.clone(), registration: registration.clone() }))
}

/// Checks the URL of which links, cookies and forms are made.
fn check_public_url(base: &Url) -> Result<(), ConfigError> {
    if !is_secure(base) {
        return Err(ConfigError::new(format!("the public URL `{base}` is not https"))
            .help("people sign in through it; plain http is for 127.0.0.1, [::1] and localhost"));
    }
    if base.query().is_some() || base.fragment().is_some() {
        return Err(ConfigError::new(format!("the public URL `{base}` has a query or a fragment")));
    }
    Ok(())
}

fn no_authenticator() -> ConfigError {
    ConfigError::new(
        "tools need their callers to connect accounts, and nothing tells whose browser opens the link",
    )
    .help("add `Gate::sign_in(..)`, or put a broker in front of a provider")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_a_public_url_says_what_to_write() {
        for (url, problem, help) in [
            ("tools.example", "is not a URL: ", "`https://tools.example`"),
            ("localhost:8765", "does not begin with `https://`", "`http://localhost:8765`"),
            ("http://tools.example", "is not https", "plain http is for 127.0.0.1"),
            ("https://tools.example/?a", "has a query", ""),
            ("", "is not a URL: ", "`https://tools.example`"),
        ] {
            let error = base_url(Some(url)).unwrap_err().to_string();
            assert!(error.contains(problem) && error.contains(help), "{url}: {error}");
        }
        assert!(base_url(Some("https://tools.example/tools")).is_ok());
        assert!(base_url(None).is_ok());
    }
}
