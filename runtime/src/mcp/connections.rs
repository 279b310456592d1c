//! Provider connections: the registered providers, and the grants of callers at them.

use std::{
    any::TypeId,
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::exchanged_connections::ExchangedConnections;
use crate::{
    client::{Connection, SharedConnection, TokenSource},
    error::{ConfigError, Error, ErrorKind, Rule, Segment},
    grant::{
        Access, AccessError, Clock, ConnectedAccount, DeadReason, GrantKey, Grants, Renew,
        StoreError, WantedAccount, is_same_name,
    },
    oauth::UpstreamClient,
    provider::{Dialect, Registration},
    scope,
    support::escape::escape,
    tool::ClientDependency,
    trace::{ConsentReason, Span},
};

/// The registered providers of a server.
pub(crate) struct ProviderConnections {
    grants: Grants,
    /// `None` without providers.
    http: Option<reqwest::Client>,
    by_type: HashMap<TypeId, RegisteredProvider>,
    pub(super) exchanged: ExchangedConnections,
}

struct RegisteredProvider {
    id: &'static str,
    name: &'static str,
    /// `None`: it has placeholders whose values are of each grant.
    api: Option<Url>,
    registration: Registration,
    dialect: &'static Dialect,
    renew: Arc<dyn Renew>,
    /// Whether a sign-in with the broker is the consent to use it.
    is_brokered: bool,
}

/// A client of a tool for which the caller has no sufficient grant.
pub(crate) struct MissingGrant {
    pub(crate) need: ClientDependency,
    /// The scopes of the caller's grant, if there is a valid one.
    pub(crate) granted: BTreeSet<String>,
    /// Why an earlier grant is no longer valid, for the user.
    pub(crate) dead: Option<String>,
    pub(crate) reason: ConsentReason,
    /// Whether there is a grant that the user has not let the calling client use.
    pub(crate) is_of_other_client: bool,
    pub(crate) account: WantedAccount,
    /// What the account is called, if the call names one.
    pub(crate) account_name: Option<String>,
}

impl MissingGrant {
    /// The needed scopes that the grant does not cover.
    pub(crate) fn missing_scopes(&self) -> Vec<&'static str> {
        if self.is_of_other_client {
            // Another client does not learn what was granted.
            return self.need.scopes().to_vec();
        }
        scope::missing(self.need.catalogue, &self.granted, self.need.scopes())
    }
}

/// Whether a caller is connected to a provider.
pub(crate) enum ConnectionStatus {
    /// With the scopes of the grant.
    Connected(SharedConnection, BTreeSet<String>),
    Missing(MissingGrant),
}

impl ProviderConnections {
    pub(crate) fn new(
        grants: Grants,
        http: Option<reqwest::Client>,
        providers: &[UpstreamClient],
        brokered: Option<TypeId>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, ConfigError> {
        check_ids(providers)?;
        let exchanged = ExchangedConnections::new(providers, clock)?;
        let mut by_type = HashMap::new();
        for oauth in providers {
            let registration = &oauth.registration;
            let api = if registration.has_api_of_grant() {
                None
            } else {
                Some(Url::parse(&registration.api).map_err(|error| {
                    ConfigError::new(format!("`{}`: {error}", registration.api))
                })?)
            };
            let renew = Arc::new(oauth.clone());
            let provider = RegisteredProvider {
                id: registration.id,
                name: registration.name,
                api,
                registration: registration.clone(),
                dialect: registration.dialect,
                renew,
                is_brokered: brokered == Some(registration.type_id),
            };
            if by_type.insert(registration.type_id, provider).is_some() {
                let message = format!("the provider `{}` is registered twice", registration.name);
                return Err(ConfigError::new(message));
            }
        }
        Ok(Self { grants, http, by_type, exchanged })
    }

    pub(crate) fn contains(&self, provider: TypeId) -> bool {
        self.by_type.contains_key(&provider)
    }

    /// The client that a grant for `need` has to be bound to; `None` where every client may use it.
    pub(crate) fn bound_client<'c>(
        &self,
        need: ClientDependency,
        client: Option<&'c str>,
    ) -> Option<&'c str> {
        let provider = self.by_type.get(&need.provider_type);
        client.filter(|_| !provider.is_some_and(|provider| provider.is_brokered))
    }

    /// The connection of `subject` for `need`, if a grant covers its scopes. `client`: the one that
    /// calls, where a grant is bound to those that the user let use it. `named`: the account that the
    /// call names.
    pub(crate) async fn status(
        &self,
        subject: &str,
        need: ClientDependency,
        (client, named): (Option<&str>, Option<&str>),
        span: &Span,
    ) -> Result<ConnectionStatus, Error> {
        let provider = self.by_type.get(&need.provider_type);
        let (provider, http) = provider.zip(self.http.as_ref()).ok_or_else(|| {
            Error::internal(format!("the provider `{}` is not registered", need.provider_name))
        })?;
        let first = GrantKey::new(subject, provider.id);
        let (key, access, named) = match named {
            Some(name) => match self.named(need, first, name).await? {
                Some((key, name)) => {
                    let access = self.grants.access_in(span, &key, &provider.renew).await;
                    (key, access, Some(name))
                }
                // The account may be the one that is connected next.
                None => return Ok(missing_grant(need, None, ConsentReason::NotConnected)),
            },
            None if need.account.is_none() => {
                let access = self.grants.access_in(span, &first, &provider.renew).await;
                (first, access, None)
            }
            None => {
                let (key, access) = self.grants.default_access(span, first, &provider.renew).await;
                (key, access, None)
            }
        };
        let named = named.map(|name| (&key, name));
        let missing = |reason, granted, dead| {
            let mut missing = missing_grant(need, named.clone(), reason);
            if let ConnectionStatus::Missing(missing) = &mut missing {
                (missing.granted, missing.dead) = (granted, dead);
            }
            Ok(missing)
        };
        let none = BTreeSet::new;
        let access = match access {
            Ok(access) => access,
            Err(AccessError::Missing) => return missing(ConsentReason::NotConnected, none(), None),
            Err(AccessError::Dead { reason }) => {
                let why = match &reason {
                    DeadReason::Interrupted => ConsentReason::Interrupted,
                    DeadReason::InvalidGrant { .. } | DeadReason::Refused => ConsentReason::Revoked,
                    DeadReason::Disconnected => ConsentReason::NotConnected,
                };
                return missing(why, none(), Some(describe(&reason)));
            }
            Err(AccessError::Expired) => {
                let reason = "its access expired, and it gave no means to renew it";
                return missing(ConsentReason::Expired, none(), Some(reason.to_owned()));
            }
            Err(AccessError::OtherProvider) => {
                let reason = "the account was connected at another address";
                return missing(ConsentReason::OtherAddress, none(), Some(reason.to_owned()));
            }
            Err(error) => return Err(unavailable(provider.name, error)),
        };
        if self.bound_client(need, client).is_some_and(|client| !access.allows(client)) {
            let mut missing = missing_grant(need, named, ConsentReason::OtherClient);
            if let ConnectionStatus::Missing(missing) = &mut missing {
                (missing.granted, missing.is_of_other_client) = (access.scopes, true);
            }
            return Ok(missing);
        }
        if !scope::missing(need.catalogue, &access.scopes, need.scopes()).is_empty() {
            return missing(ConsentReason::Scopes, access.scopes, None);
        }
        let api = match &provider.api {
            Some(api) => api.clone(),
            None => match provider.registration.api_url(&access.placeholders) {
                Ok(api) => api,
                Err(_) => {
                    let reason = "it is not known where the account's data are";
                    return missing(ConsentReason::OtherAddress, none(), Some(reason.to_owned()));
                }
            },
        };
        let granted = access.scopes.clone();
        let tokens = GrantTokens {
            grants: self.grants.clone(),
            key,
            renew: Arc::clone(&provider.renew),
            provider: provider.name,
            span: span.clone(),
            access: Mutex::new(access),
            was_late: AtomicBool::new(false),
        };
        let connection = Connection {
            transport: Arc::new(http.clone()),
            provider: provider.name,
            provider_id: provider.id,
            api,
            tokens: Arc::new(tokens),
            dialect: provider.dialect,
            span: span.clone(),
        };
        Ok(ConnectionStatus::Connected(connection.into(), granted))
    }

    /// The key of the caller's account with this name, and the name as it is written. `None`: no
    /// account is connected.
    ///
    /// # Errors
    ///
    /// Accounts are connected, and none has the name.
    async fn named(
        &self,
        need: ClientDependency,
        first: GrantKey,
        name: &str,
    ) -> Result<Option<(GrantKey, String)>, Error> {
        let accounts = self.grants.accounts(&first.subject, &first.provider).await;
        let accounts = accounts.map_err(store_failed)?;
        if accounts.is_empty() {
            return Ok(None);
        }
        let found = accounts.iter().find(|account| is_same_name(&account.name, name));
        match found {
            Some(account) => Ok(Some((account.key.clone(), account.name.clone()))),
            None => Err(unknown_account(need, &accounts)),
        }
    }
}

/// The error of a call that names an account which the caller has not connected.
fn unknown_account(need: ClientDependency, accounts: &[ConnectedAccount]) -> Error {
    let (argument, provider) = (need.account.unwrap_or_default(), need.provider_name);
    let quoted = |account: &ConnectedAccount| {
        let default = if account.is_default { " (the default)" } else { "" };
        format!("`{}`{default}", escape(&account.name))
    };
    let names: Vec<_> = accounts.iter().map(quoted).collect();
    let message = format!(
        "`{argument}`: the user has no account of this name at {provider}; there is {}. Call again with one of these names, or without `{argument}` for the default. Only the user can connect another one, on this server's page of accounts",
        names.join(", ")
    );
    let path = vec![Segment::Key(argument.to_owned())];
    Error::with_kind(ErrorKind::InvalidArgument, message).violating(path, Rule::OneOf)
}

/// A grant for `need` that is missing. `named`: the account that the call names, and its name.
fn missing_grant(
    need: ClientDependency,
    named: Option<(&GrantKey, String)>,
    reason: ConsentReason,
) -> ConnectionStatus {
    let (account, account_name) = match named {
        Some((key, name)) => (WantedAccount::Named(key.account.clone()), Some(name)),
        None => (WantedAccount::Default, None),
    };
    ConnectionStatus::Missing(MissingGrant {
        need,
        granted: BTreeSet::new(),
        dead: None,
        reason,
        is_of_other_client: false,
        account,
        account_name,
    })
}

/// Grants are stored by the provider's ID, so two providers with one ID would get each other's tokens.
fn check_ids(providers: &[UpstreamClient]) -> Result<(), ConfigError> {
    let mut by_id: HashMap<&str, &Registration> = HashMap::new();
    let mut errors = Vec::new();
    for oauth in providers {
        let registration = &oauth.registration;
        let Some(other) = by_id.insert(registration.id, registration) else { continue };
        if other.type_id != registration.type_id {
            let (id, one, two) = (registration.id, other.type_name, registration.type_name);
            let message = format!("the providers `{one}` and `{two}` have the same ID, `{id}`");
            errors.push(ConfigError::new(message).help(format!(
                "users' tokens are stored by it: give one of them another, `#[provider(id = \"{id}-2\", ..)]`"
            )));
        }
    }
    ConfigError::join(errors)
}

/// Why a grant is no longer valid, in words for the user.
fn describe(reason: &DeadReason) -> String {
    match reason {
        DeadReason::Interrupted => {
            "this server was stopped while it renewed the access, and the old one is spent"
                .to_owned()
        }
        DeadReason::InvalidGrant { .. } | DeadReason::Refused => {
            "the access was revoked there, or has expired".to_owned()
        }
        DeadReason::Disconnected => "the account was disconnected".to_owned(),
    }
}

/// The error of a call whose access token cannot be had.
fn unavailable(provider: &'static str, error: AccessError) -> Error {
    match error {
        AccessError::Missing
        | AccessError::Dead { .. }
        | AccessError::Expired
        | AccessError::OtherProvider
        | AccessError::Rejected => Error::with_kind(
            ErrorKind::GrantExpired { provider },
            format!("the user's authorization at {provider} is no longer good; the user has to connect {provider} again"),
        ),
        AccessError::Unreachable { .. } | AccessError::Busy { .. } | AccessError::Aborted => Error::with_kind(
            ErrorKind::UpstreamUnreachable { provider },
            format!("{provider} cannot be asked for a new access token now; call again later"),
        )
        .with_source(error),
        AccessError::Refused { .. } => Error::with_kind(
            ErrorKind::Internal,
            format!("{provider} refuses this server's own client, which its operator has to mend; neither the user nor another call can"),
        )
        .with_source(error),
        AccessError::Store(error) => store_failed(error),
    }
}

/// The error of a call that the store fails.
pub(super) fn store_failed(error: impl Into<Arc<StoreError>>) -> Error {
    let error = error.into();
    if !matches!(*error, StoreError::Unavailable { .. }) {
        return Error::internal(error);
    }
    let message = "this server cannot use its own database now; connected accounts stay connected, and \
                   nothing about the arguments has to change: call again later";
    Error::with_kind(ErrorKind::Internal, message).with_source(error)
}

/// The error of a call whose grant is of another address by now.
fn elsewhere(provider: &'static str) -> Error {
    Error::with_kind(
        ErrorKind::UpstreamUnreachable { provider },
        format!(
            "the user has connected another account of {provider} during this call; call again"
        ),
    )
}

/// The access tokens of a grant, for one call.
struct GrantTokens {
    grants: Grants,
    key: GrantKey,
    renew: Arc<dyn Renew>,
    provider: &'static str,
    /// The call that uses them.
    span: Span,
    access: Mutex<Access>,
    /// The renewed token had expired when it was used, which says nothing of the grant.
    was_late: AtomicBool,
}

#[async_trait]
impl TokenSource for GrantTokens {
    async fn token(&self) -> Result<SecretString, Error> {
        Ok(self.current().token)
    }

    async fn renew(&self, rejected: &SecretString) -> Result<SecretString, Error> {
        let current = self.current();
        // Of two concurrent requests of a call that are rejected, the second uses the token that the
        // first renewed.
        if current.token.expose_secret() != rejected.expose_secret() {
            return Ok(current.token);
        }
        let access =
            match self.grants.rejected_in(&self.span, &self.key, &current, &self.renew).await {
                Ok(access) => access,
                Err(error) => {
                    if matches!(error, AccessError::Expired | AccessError::Rejected) {
                        self.mark_dead().await;
                    }
                    return Err(unavailable(self.provider, error));
                }
            };
        // The person may have connected another address in the meantime, and this call's requests still
        // go to the one before.
        if access.placeholders != current.placeholders {
            return Err(elsewhere(self.provider));
        }
        let token = access.token.clone();
        *self.access.lock().unwrap_or_else(PoisonError::into_inner) = access;
        Ok(token)
    }

    async fn reject(&self, rejected: &SecretString) {
        if self.current().token.expose_secret() == rejected.expose_secret() {
            self.mark_dead().await;
        }
    }

    fn rejection(&self) -> Option<Error> {
        let late = || unavailable(self.provider, AccessError::Busy { retry_after: None });
        self.was_late.load(Ordering::Relaxed).then(late)
    }
}

impl GrantTokens {
    fn current(&self) -> Access {
        self.access.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Marks the grant as rejected by the provider, so that the next call asks the user.
    async fn mark_dead(&self) {
        match self.grants.reject(&self.key, &self.current()).await {
            Ok(is_dead) => self.was_late.store(!is_dead, Ordering::Relaxed),
            Err(error) => {
                tracing::error!(target: "toolgate::grant", %error, "a grant cannot be marked as refused");
            }
        }
    }
}
