//! Provider connections: the registered providers, and the grants of callers at them.

use std::{
    any::TypeId,
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use url::Url;

use super::{
    connection_errors::{store_failed, unavailable, unknown_account},
    exchanged_connections::ExchangedConnections,
    grant_tokens::GrantTokens,
};
use crate::{
    client::{Connection, SharedConnection},
    error::{ConfigError, Error},
    grant::{AccessError, Clock, DeadReason, GrantKey, Grants, Renew, WantedAccount, is_same_name},
    oauth::UpstreamClient,
    provider::{Dialect, Registration},
    scope,
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
        let (grants, renew) = (self.grants.clone(), Arc::clone(&provider.renew));
        let tokens = GrantTokens::new(grants, (key, access), renew, provider.name, span.clone());
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
