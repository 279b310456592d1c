//! Validation of a broker's configuration, and construction of the broker.

use std::{collections::HashMap, sync::Arc, time::Duration};

use url::Url;

use super::BrokerBuilder;
use crate::{
    broker::{
        client::Clients,
        documents::ClientDocuments,
        identity_provider::TrustedIssuer,
        limits::{Limits, STORED_MINUTES},
        one_address::with_one_address,
        registered_client::Registrations,
        state::{Broker, BrokerState},
        step_up::memory::StepUpMemory,
        store::{
            signing_keys::SigningKeys,
            typed_store::{Capacity, TypedStore},
        },
    },
    browser::{authorization_flow::AuthorizationFlow, cookie::Cookies},
    client::http_client,
    error::ConfigError,
    oauth::{RedirectUrl, UpstreamClient, UserEndpoint},
    provider::Dialect,
    support::url::{is_loopback, is_secure},
};

/// The longest reuse interval of refresh tokens.
const MAX_REUSE_INTERVAL: Duration = Duration::from_secs(24 * 3600);

/// The longest time for which an admission is good.
const MAX_ADMISSION_TTL: Duration = Duration::from_secs(24 * 3600);

impl BrokerBuilder {
    /// Builds the broker.
    ///
    /// # Errors
    ///
    /// A URL is malformed, or not https (except on loopback); [`user`](Self::user) was not called; a
    /// scope is not in the provider's catalogue; a client has no valid redirect URI.
    pub fn build(self) -> Result<Broker, ConfigError> {
        let public = check("public URL", &self.public_url)?;
        if public.query().is_some() {
            return Err(ConfigError::new(format!(
                "the broker's public URL has a query: `{}`",
                self.public_url
            )));
        }
        let resource = check("resource", &self.resource)?;
        // Not normalised, because clients compare it letter by letter.
        let issuer = self.public_url.trim_end_matches('/').to_owned();
        self.check_scopes()?;
        self.check_bounds()?;
        let Some((path, member)) = &self.user_endpoint else {
            return Err(ConfigError::new("the broker does not know how the provider identifies a person")
                .help("say it with `.user(\"/user\", \"id\")`: a path of its API, and a member of the answer"));
        };
        let http = http_client()
            .map_err(|error| ConfigError::new(format!("no HTTP client can be made: {error}")))?;
        let registration = with_one_address(self.registration.resolve()?)?;
        let user_endpoint = UserEndpoint::new(
            &registration.api,
            path,
            member,
            (!self.bare_subjects).then_some(registration.id),
            http.clone(),
        )?
        .headers(registration.dialect.api_headers)
        .body(body_of(registration.dialect, path));
        let mut known = HashMap::new();
        for client in self.clients {
            client.check()?;
            let id = client.id().to_owned();
            if known.insert(id.clone(), client).is_some() {
                return Err(ConfigError::new(format!("the client `{id}` is registered twice")));
            }
        }
        let mut trusted: Vec<TrustedIssuer> = Vec::new();
        for provider in self.identity_providers {
            if trusted.iter().any(|known| known.issuer == provider.issuer) {
                return Err(ConfigError::new(format!(
                    "the identity provider `{}` is named twice",
                    provider.issuer
                )));
            }
            trusted.push(TrustedIssuer::new(provider, &self.clock)?);
        }
        let requests = self.max_requests_per_minute.saturating_mul(STORED_MINUTES);
        let capacity = Capacity { people: self.max_people, requests: requests as usize };
        let registrations = Registrations::new(&*self.records, &issuer);
        let records = TypedStore::new(self.records, capacity);
        let prefix = public.path().trim_end_matches('/').to_owned();
        let callback = RedirectUrl::new(format!("{issuer}/callback/{}", registration.id))
            .expect("a URL with a path");
        let host = match resource.port() {
            Some(port) => format!("{}:{port}", resource.host_str().unwrap_or_default()),
            None => resource.host_str().unwrap_or_default().to_owned(),
        };
        Ok(Broker(Arc::new(BrokerState {
            oauth: UpstreamClient::new(registration, http)?,
            user_endpoint,
            documents: ClientDocuments::new(
                self.loopback_documents,
                records.clone(),
                Arc::clone(&self.clock),
                self.tracer.clone(),
            )?,
            clients: Clients { registrations, known },
            keys: SigningKeys::new(records.clone(), Arc::clone(&self.clock), self.access_token_ttl),
            limits: Limits::new(self.max_requests_per_minute, &self.clock),
            cookies: Cookies::at(&public),
            origin: public.origin().ascii_serialization(),
            root: format!("{prefix}/oauth"),
            accounts: self.accounts,
            prefix,
            issuer,
            callback,
            identity_providers: trusted,
            resource: self.resource,
            other_resources: self.other_resources,
            name: self.server_name.unwrap_or_else(|| host.clone()),
            host,
            default_scopes: self.default_scopes,
            sign_in_scopes: self.sign_in_scopes,
            admit: self.admit,
            admission_ttl: self.admission_ttl,
            access_token_ttl: self.access_token_ttl,
            refresh_token_reuse_interval: self.refresh_token_reuse_interval,
            client_metadata_documents: self.client_metadata_documents,
            is_loopback: is_loopback(&public),
            browser_clients: self.browser_clients,
            grants: self.grants,
            flow: AuthorizationFlow::new(records.clone(), Arc::clone(&self.clock)),
            step_ups: StepUpMemory::default(),
            #[cfg(any(feature = "sse", feature = "websocket"))]
            ended_polls: tokio::sync::Semaphore::new(
                crate::broker::step_up::answer::MAX_ENDED_POLLS,
            ),
            records,
            clock: self.clock,
            tracer: self.tracer,
        })))
    }

    /// Checks that the scopes are in the provider's catalogue.
    fn check_scopes(&self) -> Result<(), ConfigError> {
        let catalogue = self.registration.catalogue;
        if let Some(unknown) = self
            .default_scopes
            .iter()
            .chain(&self.sign_in_scopes)
            .find(|scope| catalogue.iter().all(|known| known.name != **scope))
        {
            let name = self.registration.name;
            return Err(ConfigError::new(format!("`{name}` has no scope `{unknown}`")).help(
                "default scopes, and those of a sign-in, are scopes of the provider's catalogue",
            ));
        }
        Ok(())
    }

    /// Checks times and numbers.
    fn check_bounds(&self) -> Result<(), ConfigError> {
        if self.access_token_ttl < Duration::from_secs(30)
            || self.access_token_ttl > Duration::from_secs(3600)
        {
            return Err(ConfigError::new("an access token lives from 30 seconds to an hour")
                .help("it cannot be revoked, so keep it short"));
        }
        if self.refresh_token_reuse_interval > MAX_REUSE_INTERVAL {
            return Err(ConfigError::new("a refresh token may be used again for a day at most")
                .help("a stolen refresh token could be used unnoticed for that time"));
        }
        if self.admission_ttl > MAX_ADMISSION_TTL {
            return Err(ConfigError::new("an admission is good for a day at most")
                .help("a person who has left could keep access for that time"));
        }
        if self.max_people == 0 || self.max_requests_per_minute == 0 {
            return Err(ConfigError::new(
                "a broker has at least one person and one request a minute",
            ));
        }
        Ok(())
    }
}

/// Returns the request body for the endpoint that identifies a person: that of the account endpoint, if both
/// have the same path.
fn body_of(dialect: &Dialect, path: &str) -> Option<&'static str> {
    let account =
        dialect.account.filter(|account| account.path.trim_matches('/') == path.trim_matches('/'));
    account.and_then(|account| account.body)
}

fn check(what: &str, text: &str) -> Result<Url, ConfigError> {
    let fault = |why: String| ConfigError::new(format!("the broker's {what} {why}: `{text}`"));
    let url = Url::parse(text).map_err(|error| fault(format!("is not a URL ({error})")))?;
    if !is_secure(&url) {
        return Err(fault("must be https".to_owned()).help(
            "tokens are made for it; plain http is accepted for 127.0.0.1, [::1] and localhost",
        ));
    }
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err(ConfigError::new(format!("the broker's {what} has a fragment or a user")));
    }
    Ok(url)
}
