//! Authorization code flow with one provider.

use std::{borrow::Cow, collections::BTreeSet, sync::Arc, time::Instant};

use oauth2::{
    AuthType, AuthUrl, AuthorizationCode, Client, ClientId, ClientSecret, CsrfToken,
    EmptyExtraTokenFields, EndpointNotSet, EndpointSet, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, RefreshToken, StandardRevocableToken, StandardTokenIntrospectionResponse,
    TokenUrl,
    basic::{BasicRevocationErrorResponse, BasicTokenType},
};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{
    TokenError, TokenResponse,
    raw_response::Exchanged,
    token_response::{ErrorResponse, NormalizedResponse},
    transport::Transport,
};
use crate::{
    env,
    error::ConfigError,
    provider::{ClientAuth, FillError, PlaceholderValues, Registration},
    scope::is_offline,
};

/// The `oauth2` crate's client with our response types, an authorization and a token endpoint.
type FlowClient = Client<
    ErrorResponse,
    NormalizedResponse,
    StandardTokenIntrospectionResponse<EmptyExtraTokenFields, BasicTokenType>,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// Where a client's requests lead that needs a person's values.
const NOWHERE: &str = "https://unknown.invalid/";

/// The OAuth client of one provider.
#[derive(Clone)]
pub(crate) struct UpstreamClient {
    pub(crate) registration: Registration,
    pub(crate) http: reqwest::Client,
    authorization_endpoint: AuthUrl,
    token_endpoint: TokenUrl,
    refresh_endpoint: TokenUrl,
    /// Whether the registration has placeholders of people. Its endpoints lead nowhere then.
    asks_person: bool,
    /// The resource that tokens are requested for (RFC 8707).
    resource: Option<String>,
    /// The origin of the token endpoint.
    origin: Arc<str>,
}

impl UpstreamClient {
    pub(crate) fn new(
        registration: Registration,
        http: reqwest::Client,
    ) -> Result<Self, ConfigError> {
        let registration = registration.resolve()?;
        let samples = registration.samples_of_person();
        if samples.is_empty() {
            return Self::with_endpoints(registration, http);
        }
        let checked = registration.for_person(&samples).map_err(|error| {
            ConfigError::new(format!("a URL of `{}` cannot be made: {error:?}", registration.name))
        })?;
        // Until a person has given the values, requests lead nowhere (RFC 6761 §6.4).
        let nowhere = Registration {
            authorize: NOWHERE.to_owned(),
            token: NOWHERE.to_owned(),
            refresh: None,
            ..checked
        };
        let client = Self::with_endpoints(nowhere, http)?;
        Ok(Self { registration, asks_person: true, ..client })
    }

    fn with_endpoints(
        registration: Registration,
        http: reqwest::Client,
    ) -> Result<Self, ConfigError> {
        registration.check()?;
        let parse = |url: &str| {
            Url::parse(url).map_err(|error| ConfigError::new(format!("`{url}`: {error}")))
        };
        // People authorize nowhere where tokens are exchanged.
        let authorize = if registration.exchanges_tokens() {
            &registration.token
        } else {
            &registration.authorize
        };
        let refresh = registration.refresh.as_deref().unwrap_or(&registration.token);
        let origin = parse(&registration.token)?.origin().ascii_serialization();
        Ok(Self {
            origin: origin.into(),
            authorization_endpoint: AuthUrl::from_url(parse(authorize)?),
            token_endpoint: TokenUrl::from_url(parse(&registration.token)?),
            refresh_endpoint: TokenUrl::from_url(parse(refresh)?),
            registration,
            http,
            asks_person: false,
            resource: None,
        })
    }

    /// Whether a person has to say where the provider is: its URLs have placeholders of theirs.
    pub(crate) fn asks_person(&self) -> bool {
        self.asks_person
    }

    /// The client for a person with these values of placeholders. The error says which value there is
    /// none of, or may not be.
    pub(crate) fn for_person(
        &self,
        values: &PlaceholderValues,
    ) -> Result<Cow<'_, Self>, FillError> {
        if !self.asks_person {
            return if self.registration.contradicts(values) {
                Err(FillError::NotAllowed(self.registration.name))
            } else {
                Ok(Cow::Borrowed(self))
            };
        }
        let registration = self.registration.for_person(values)?;
        let name = registration.name;
        let client = Self::with_endpoints(registration, self.http.clone());
        let client = client.map_err(|_| FillError::NotAllowed(name))?;
        Ok(Cow::Owned(Self { resource: self.resource.clone(), ..client }))
    }

    /// The origin of the token endpoint, by which grants know who issued them.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// Requests tokens for this resource (RFC 8707 §2).
    pub(crate) fn for_resource(mut self, resource: String) -> Self {
        self.resource = Some(resource);
        self
    }

    /// The URL of an authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3). Requests a refresh
    /// token too if the catalogue declares `offline_access`.
    pub(crate) fn authorization_url(
        &self,
        scopes: &[String],
        state: &CsrfToken,
        challenge: PkceCodeChallenge,
        redirect_url: &RedirectUrl,
    ) -> Url {
        let dialect = self.registration.dialect;
        let client = self.client_without_secret(self.token_endpoint.clone());
        let mut request =
            client.authorize_url(|| state.clone()).set_redirect_uri(Cow::Borrowed(redirect_url));
        if dialect.pkce {
            request = request.set_pkce_challenge(challenge);
        }
        if let Some(scopes) = self.requested_scopes(scopes) {
            // The crate separates scopes by spaces only, and knows one name of the parameter.
            request = request.add_extra_param(dialect.scope_param, scopes);
        }
        if let Some(resource) = &self.resource {
            request = request.add_extra_param("resource", resource.as_str());
        }
        for &(name, value) in dialect.authorize_params {
            request = request.add_extra_param(name, value);
        }
        request.url().0
    }

    /// Exchanges a code for tokens (RFC 6749 §4.1.3).
    pub(crate) async fn exchange_code(
        &self,
        code: AuthorizationCode,
        verifier: &PkceCodeVerifier,
        redirect_url: &RedirectUrl,
    ) -> Result<TokenResponse, TokenError> {
        let client = self.client(self.token_endpoint.clone());
        let mut request = client.exchange_code(code).set_redirect_uri(Cow::Borrowed(redirect_url));
        let dialect = self.registration.dialect;
        if dialect.pkce {
            request = request.set_pkce_verifier(PkceCodeVerifier::new(verifier.secret().clone()));
        }
        if let Some(resource) = &self.resource {
            request = request.add_extra_param("resource", resource);
        }
        for &(name, value) in dialect.token_params {
            request = request.add_extra_param(name, value);
        }
        let transport = self.transport(Exchanged::Code);
        let response = self.in_our_names(request.request_async(&transport).await?.into());
        self.with_placeholders(response).await
    }

    /// Exchanges a refresh token for new tokens (RFC 6749 §6). `scopes`: those of the grant, which
    /// are sent where the dialect says so.
    pub(crate) async fn refresh(
        &self,
        refresh_token: &SecretString,
        scopes: &BTreeSet<String>,
    ) -> Result<TokenResponse, TokenError> {
        self.refresh_before(None, refresh_token, scopes).await
    }

    /// As [`refresh`](Self::refresh), where nothing may be sent after `latest`. The caller bounds how
    /// long the request takes then.
    pub(crate) async fn refresh_before(
        &self,
        latest: Option<Instant>,
        refresh_token: &SecretString,
        scopes: &BTreeSet<String>,
    ) -> Result<TokenResponse, TokenError> {
        let client = self.client(self.refresh_endpoint.clone());
        let refresh_token = RefreshToken::new(refresh_token.expose_secret().to_owned());
        let mut request = client.exchange_refresh_token(&refresh_token);
        let dialect = self.registration.dialect;
        if dialect.refresh_scope
            && let Some(scopes) = self.requested_scopes(scopes)
        {
            request = request.add_extra_param(dialect.scope_param, scopes);
        }
        for &(name, value) in dialect.refresh_params {
            request = request.add_extra_param(name, value);
        }
        let transport = Transport { latest, ..self.transport(Exchanged::RefreshToken) };
        let mut response = self.in_our_names(request.request_async(&transport).await?.into());
        self.keep_allowed(&mut response);
        Ok(response)
    }

    /// The scopes as a request has them, with that which asks for a refresh token if the catalogue
    /// declares it. `None`: no scope.
    fn requested_scopes<'s>(&self, scopes: impl IntoIterator<Item = &'s String>) -> Option<String> {
        let Registration { dialect, catalogue, .. } = &self.registration;
        let mut scopes: Vec<&str> = scopes.into_iter().map(String::as_str).collect();
        let offline = catalogue.iter().map(|scope| scope.name).find(|name| is_offline(name));
        if let Some(offline) = offline.filter(|offline| !scopes.contains(offline)) {
            scopes.push(offline);
        }
        let scopes: Vec<_> = scopes.into_iter().map(|s| dialect.requested_scope(s)).collect();
        (!scopes.is_empty()).then(|| scopes.join(dialect.scope_separator))
    }

    /// Gives the scopes of a response the names that the catalogue has for them.
    pub(super) fn in_our_names(&self, mut response: TokenResponse) -> TokenResponse {
        let dialect = self.registration.dialect;
        let known = |scopes: BTreeSet<String>| -> BTreeSet<String> {
            scopes.iter().map(|scope| dialect.known_scope(scope)).collect()
        };
        response.scopes = response.scopes.map(known);
        response
    }

    /// Logs why a code was not exchanged, and what the operator can do about it.
    pub(crate) fn log_failed_exchange(&self, error: &TokenError) {
        let Registration { id, dialect, .. } = &self.registration;
        if let TokenError::Refused { .. } = error {
            let prefix = env::variable_prefix(id);
            let auth = match dialect.client_auth {
                ClientAuth::Basic => "basic",
                ClientAuth::Body => "body",
            };
            tracing::error!(
                target: "toolgate::consent",
                provider = id,
                %error,
                "the provider refuses this server's client: check `{prefix}_CLIENT_ID` and `{prefix}_CLIENT_SECRET`, and that it accepts `client_auth = {auth}`"
            );
        } else {
            tracing::warn!(target: "toolgate::consent", provider = id, %error, "a code was not exchanged");
        }
    }

    /// The crate's client, made for each request: its copy of the secret is not zeroed, so it must
    /// not live as long as the server.
    fn client(&self, token_endpoint: TokenUrl) -> FlowClient {
        let client = self.client_without_secret(token_endpoint);
        match &self.registration.secret {
            Some(secret) => {
                client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()))
            }
            None => client,
        }
    }

    fn client_without_secret(&self, token_endpoint: TokenUrl) -> FlowClient {
        let auth_type = match self.registration.dialect.client_auth {
            ClientAuth::Basic => AuthType::BasicAuth,
            ClientAuth::Body => AuthType::RequestBody,
        };
        Client::new(ClientId::new(self.registration.client_id.clone()))
            .set_auth_type(auth_type)
            .set_auth_uri(self.authorization_endpoint.clone())
            .set_token_uri(token_endpoint)
    }

    pub(super) fn transport(&self, exchanged: Exchanged) -> Transport {
        let dialect = self.registration.dialect;
        Transport { http: self.http.clone(), dialect, exchanged, latest: None }
    }
}
