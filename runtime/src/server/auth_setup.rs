//! Authentication of a server: its resource, its verifier, and the sign-in of browsers.

use std::sync::Arc;

use url::Url;

use super::browser_identity::ApplicationAuth;
#[cfg(feature = "broker")]
use super::{broker_routes as brokered, broker_routes::BrokerAuth};
#[cfg(feature = "broker")]
use crate::{broker::Broker, provider::Registration};
use crate::{
    browser::{
        authenticator::BrowserAuthenticator,
        request_limit::RequestLimit,
        sign_in::{SignInAuth, SignInConfig},
    },
    gate::{required_scopes::Demand, resource_server::Admission},
    mcp::registry::ServedTool,
};
use crate::{
    error::ConfigError,
    gate,
    gate::Gate,
    grant::{Clock, Grants},
    oauth::UpstreamClient,
    tool::registry::RegisteredTool,
};

/// What an [`AuthLayer`] is built from.
#[cfg_attr(not(feature = "broker"), expect(dead_code, reason = "only a broker needs all of it"))]
pub(crate) struct AuthSetup<'a> {
    /// `None` over standard input and output as well.
    pub(crate) gate: Option<Gate>,
    #[cfg(feature = "broker")]
    pub(crate) broker: Option<brokered::BrokerConfig>,
    pub(crate) public_url: Option<String>,
    pub(crate) name: &'a str,
    pub(crate) clock: &'a Arc<dyn Clock>,
    pub(crate) grants: &'a Grants,
    pub(crate) providers: &'a [UpstreamClient],
    /// Whether there are tools that ask their callers to connect accounts.
    pub(crate) connects: bool,
    /// Whether people sign in without passwords.
    #[cfg(feature = "dev")]
    pub(crate) development: bool,
}

/// The authentication of a server.
pub(crate) struct AuthLayer {
    /// The server's URL.
    pub(crate) base: Url,
    pub(crate) tools: Vec<ServedTool>,
    pub(crate) admission: Option<Arc<Admission>>,
    pub(crate) authenticator: Option<Arc<dyn BrowserAuthenticator>>,
    pub(crate) sign_in: Option<SignInAuth>,
    /// The limit of requests that send a browser away.
    pub(crate) limit: Arc<RequestLimit>,
    #[cfg(feature = "broker")]
    pub(crate) broker: Option<Broker>,
}

impl AuthLayer {
    pub(crate) fn new(
        parts: AuthSetup<'_>,
        tools: Vec<RegisteredTool>,
    ) -> Result<Self, ConfigError> {
        let resource = parts.gate.as_ref().and_then(|gate| gate.resource.as_deref());
        let of_resource = resource.map(|url| url.strip_suffix("/mcp").unwrap_or(url));
        let known = parts.public_url.as_deref().or(of_resource);
        let base = known.unwrap_or("http://127.0.0.1:8765");
        let base = Url::parse(base)
            .map_err(|error| ConfigError::new(format!("the public URL `{base}`: {error}")))?;
        #[cfg(feature = "broker")]
        let brokered = match parts.broker.filter(|_| parts.gate.is_some()) {
            Some(config) => Some(config.build(&brokered::BrokerParts {
                providers: parts.providers,
                grants: parts.grants,
                clock: parts.clock,
                name: parts.name,
                base: known.map(|_| &base),
                resource,
            })?),
            None => None,
        };
        #[cfg(feature = "broker")]
        let provider = brokered.as_ref().map(|(_, registration)| registration.id);
        #[cfg(not(feature = "broker"))]
        let provider = None;

        let mut tools: Vec<_> = tools
            .into_iter()
            .map(|built| {
                let demand = Demand::of(built.dependencies, built.hints, provider);
                ServedTool { required_scopes: demand, reports_access: false, registered: built }
            })
            .collect();
        Demand::number(tools.iter_mut().map(|tool| &mut tool.required_scopes));
        let mut authenticator: Option<Arc<dyn BrowserAuthenticator>> = None;
        let limit = Arc::new(RequestLimit::authorizations(parts.clock));
        let mut sign_in = None;
        let admission = match parts.gate {
            Some(mut gate) => {
                if let Some(browser) = gate.browser.take() {
                    authenticator = Some(Arc::new(ApplicationAuth(browser)));
                } else if let (Some(client), Some(verifier)) = (gate.sign_in.take(), &gate.verifier)
                {
                    let auth = SignInAuth::new(SignInConfig {
                        client,
                        verifier: Arc::clone(verifier),
                        resource: gate.resource.clone(),
                        base: base.clone(),
                        grants: parts.grants.clone(),
                        clock: Arc::clone(parts.clock),
                        http: gate::client()?,
                        limit: Arc::clone(&limit),
                    });
                    authenticator = Some(Arc::new(auth.clone()));
                    sign_in = Some(auth);
                }
                #[cfg(feature = "broker")]
                if let Some((broker, registration)) = &brokered {
                    authenticator = Some(use_broker(&mut gate, broker, registration)?);
                    #[cfg(feature = "dev")]
                    if parts.development {
                        gate.verifier =
                            Some(Arc::new(crate::dev::DevVerifier::new(broker.verifier())));
                    }
                }
                for tool in &mut tools {
                    tool.publish_security_schemes(gate.allow_anonymous);
                }
                if parts.connects && authenticator.is_none() {
                    return Err(no_authenticator());
                }
                let admission = Admission::new(
                    gate,
                    provider.is_some(),
                    parts.name.to_owned(),
                    Arc::clone(parts.clock),
                    (&base, tools.iter().map(|tool| &tool.required_scopes)),
                );
                Some(Arc::new(admission.map_err(ConfigError::new)?))
            }
            None => None,
        };
        Ok(Self {
            base,
            tools,
            admission,
            authenticator,
            sign_in,
            limit,
            #[cfg(feature = "broker")]
            broker: brokered.map(|(broker, _)| broker),
        })
    }
}

/// Makes the broker the verifier of the gate, and the authenticator of browsers.
#[cfg(feature = "broker")]
fn use_broker(
    gate: &mut Gate,
    broker: &Broker,
    registration: &Registration,
) -> Result<Arc<dyn BrowserAuthenticator>, ConfigError> {
    if gate.verifier.is_some() {
        return Err(ConfigError::new("the server has a broker and another verifier")
            .help("take one of them: `Gate::by_broker()` is the gate of the broker"));
    }
    gate.verifier = Some(Arc::new(broker.verifier()));
    gate.resource = Some(broker.resource().to_owned());
    Ok(Arc::new(BrokerAuth { broker: broker.clone(), registration: registration.clone() }))
}

fn no_authenticator() -> ConfigError {
    ConfigError::new(
        "tools ask their callers to connect accounts, and nothing says whose browser opens the link",
    )
    .help("add `Gate::sign_in(..)`, or put a broker in front of a provider")
}
