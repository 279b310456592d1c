//! Connections to APIs of the callers' own authorization server, where their tokens are exchanged
//! (RFC 8693).

use std::{any::TypeId, collections::HashMap, sync::Arc};

use url::Url;

use crate::{
    client::{
        Connection, SharedConnection,
        token_exchange::{ExchangedTokens, ExchangingCaller, TokenExchanger},
    },
    error::{ConfigError, Error},
    gate::{Claims, subject_token::SubjectToken},
    grant::Clock,
    oauth::UpstreamClient,
    provider::Dialect,
    tool::ClientDependency,
    trace::Span,
};

/// The registered providers whose tokens are exchanged for those of callers.
#[derive(Default)]
pub(crate) struct ExchangedConnections(HashMap<TypeId, ExchangedProvider>);

struct ExchangedProvider {
    api: Url,
    http: reqwest::Client,
    dialect: &'static Dialect,
    exchanger: Arc<TokenExchanger>,
}

impl ExchangedConnections {
    pub(crate) fn new(
        providers: &[UpstreamClient],
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        let mut by_type = HashMap::new();
        for oauth in providers.iter().filter(|oauth| oauth.registration.exchanges_tokens()) {
            let registration = &oauth.registration;
            let api = Url::parse(&registration.api)
                .map_err(|error| ConfigError::new(format!("`{}`: {error}", registration.api)))?;
            let provider = ExchangedProvider {
                api,
                http: oauth.http.clone(),
                dialect: registration.dialect,
                exchanger: Arc::new(TokenExchanger::new(oauth.clone(), Arc::clone(clock))),
            };
            by_type.insert(registration.type_id, provider);
        }
        Ok(Self(by_type))
    }

    /// The connection of the caller with these claims. Nothing is sent before its first request.
    ///
    /// # Errors
    ///
    /// The caller has no token that the provider's authorization server may be sent.
    pub(crate) fn connect(
        &self,
        claims: Option<&Claims>,
        need: ClientDependency,
        span: &Span,
    ) -> Result<SharedConnection, Error> {
        let name = need.provider_name;
        let provider = self
            .0
            .get(&need.provider_type)
            .ok_or_else(|| Error::internal(format!("the provider `{name}` is not registered")))?;
        let caller = caller(claims, name, provider.exchanger.issuer())?;
        let exchanger = Arc::clone(&provider.exchanger);
        let tokens = ExchangedTokens::new(exchanger, caller, need.scopes(), span.clone());
        Ok(Connection {
            transport: Arc::new(provider.http.clone()),
            provider: name,
            provider_id: need.provider,
            api: provider.api.clone(),
            tokens: Arc::new(tokens),
            dialect: provider.dialect,
            span: span.clone(),
        }
        .into())
    }
}

/// The caller, if its token is a bearer token of `issuer`. It is sent nowhere else.
fn caller(claims: Option<&Claims>, name: &str, issuer: &str) -> Result<ExchangingCaller, Error> {
    let Some((claims, token)) = claims.and_then(|claims| Some((claims, claims.subject_token()?)))
    else {
        return Err(Error::new(format!(
            "{name} is called with a token that is got for the caller's own, and this call came without one. It works over HTTP, with an access token of {issuer}; calling again in the same way does not help"
        )));
    };
    if claims.issuer() != issuer {
        return Err(Error::new(format!(
            "{name} takes callers of {issuer}, and the access token of this call is of another issuer, so it was not sent there. Call with an access token of {issuer}"
        )));
    }
    let SubjectToken::Bearer(token) = token else {
        return Err(Error::new(format!(
            "{name} needs a bearer token (RFC 6750) of its caller, and the one of this call is bound to a key of the caller (DPoP, RFC 9449), so nothing can be got for it. Call with a bearer token"
        )));
    };
    Ok(ExchangingCaller {
        id: claims.owner_digest(),
        token: token.clone(),
        expires_at: claims.expiration(),
    })
}
