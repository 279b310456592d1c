//! A provider as a server knows it: its client, and the grants of its callers.

use std::{
    any::TypeId,
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use crate::{
    client::{Connection, Tokens},
    error::{ConfigError, Error, ErrorKind},
    grant::{Access, AccessError, DeadReason, GrantKey, Grants, Renew},
    oauth::UpstreamClient,
    scope,
    tool::ClientNeed,
};

/// The providers of a server.
pub(crate) struct Upstreams {
    grants: Grants,
    /// `None` where there is no provider to speak with.
    http: Option<reqwest::Client>,
    by_type: HashMap<TypeId, Upstream>,
}

struct Upstream {
    id: &'static str,
    name: &'static str,
    api: Url,
    token_check: Option<&'static str>,
    renew: Arc<dyn Renew>,
}

/// What a call lacks at a provider.
pub(crate) struct Lack {
    pub(crate) need: ClientNeed,
    /// What was granted before, and counts still.
    pub(crate) granted: BTreeSet<String>,
    /// Why what was granted before counts no longer.
    pub(crate) dead: Option<String>,
}

/// A connection for the call, or why there is none.
pub(crate) enum Reach {
    /// With everything that was granted.
    Ready(Arc<Connection>, BTreeSet<String>),
    Lacking(Lack),
}

impl Upstreams {
    pub(crate) fn new(
        grants: Grants,
        http: Option<reqwest::Client>,
        providers: &[UpstreamClient],
    ) -> Result<Self, ConfigError> {
        let mut by_type = HashMap::new();
        for oauth in providers {
            let registration = &oauth.registration;
            let api = Url::parse(&registration.api)
                .map_err(|error| ConfigError::new(format!("`{}`: {error}", registration.api)))?;
            let renew = Arc::new(oauth.clone());
            let upstream = Upstream {
                id: registration.id,
                name: registration.name,
                api,
                token_check: registration.dialect.token_check,
                renew,
            };
            if by_type.insert(registration.type_id, upstream).is_some() {
                let message = format!("the provider `{}` is registered twice", registration.name);
                return Err(ConfigError::new(message));
            }
        }
        Ok(Self { grants, http, by_type })
    }

    pub(crate) fn contains(&self, provider: TypeId) -> bool {
        self.by_type.contains_key(&provider)
    }

    /// The connection of `subject` for `need`: only with a grant that covers its scopes.
    pub(crate) async fn reach(&self, subject: &str, need: ClientNeed) -> Result<Reach, Error> {
        let upstream = self.by_type.get(&need.provider_type);
        let (upstream, http) = upstream.zip(self.http.as_ref()).ok_or_else(|| {
            Error::internal(format!("the provider `{}` is not registered", need.provider_name))
        })?;
        let key = GrantKey::new(subject, upstream.id);
        let lack = |granted, dead| Ok(Reach::Lacking(Lack { need, granted, dead }));
        let access = match self.grants.access(&key, &upstream.renew).await {
            Ok(access) => access,
            Err(AccessError::Missing) => return lack(BTreeSet::new(), None),
            Err(AccessError::Dead { reason }) => return lack(BTreeSet::new(), Some(why(&reason))),
            Err(AccessError::Expired) => {
                let why = "its access expired, and it gave no means to renew it";
                return lack(BTreeSet::new(), Some(why.to_owned()));
            }
            Err(error) => return Err(unavailable(upstream.name, error)),
        };
        if !scope::missing(need.catalogue, &access.scopes, need.scopes).is_empty() {
            return lack(access.scopes, None);
        }
        let granted = access.scopes.clone();
        let tokens = GrantTokens {
            grants: self.grants.clone(),
            key,
            renew: Arc::clone(&upstream.renew),
            provider: upstream.name,
            access: Mutex::new(access),
        };
        let connection = Connection {
            transport: Arc::new(http.clone()),
            provider: upstream.name,
            api: upstream.api.clone(),
            tokens: Arc::new(tokens),
            token_check: upstream.token_check,
        };
        Ok(Reach::Ready(Arc::new(connection), granted))
    }
}

/// Why the person is asked again, in words for the person.
fn why(reason: &DeadReason) -> String {
    match reason {
        DeadReason::Interrupted => {
            "this server was stopped while it renewed the access, and the old one is spent"
                .to_owned()
        }
        DeadReason::InvalidGrant { .. } | DeadReason::Refused => {
            "the access was revoked there, or has expired".to_owned()
        }
    }
}

fn unavailable(provider: &'static str, error: AccessError) -> Error {
    match error {
        AccessError::Missing
        | AccessError::Dead { .. }
        | AccessError::Expired
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
        AccessError::Store(_) => Error::internal(error),
    }
}

/// The tokens of a grant, for one call.
struct GrantTokens {
    grants: Grants,
    key: GrantKey,
    renew: Arc<dyn Renew>,
    provider: &'static str,
    access: Mutex<Access>,
}

#[async_trait]
impl Tokens for GrantTokens {
    async fn token(&self) -> Result<SecretString, Error> {
        Ok(self.current().token)
    }

    async fn renew(&self, rejected: &SecretString) -> Result<SecretString, Error> {
        let current = self.current();
        // Two requests of one call may be refused together; the second takes what the first got.
        if current.token.expose_secret() != rejected.expose_secret() {
            return Ok(current.token);
        }
        let access = match self.grants.rejected(&self.key, &current, &self.renew).await {
            Ok(access) => access,
            Err(error) => {
                if matches!(error, AccessError::Expired | AccessError::Rejected) {
                    self.bury().await;
                }
                return Err(unavailable(self.provider, error));
            }
        };
        let token = access.token.clone();
        *self.access.lock().unwrap_or_else(PoisonError::into_inner) = access;
        Ok(token)
    }

    async fn give_up(&self, rejected: &SecretString) {
        if self.current().token.expose_secret() == rejected.expose_secret() {
            self.bury().await;
        }
    }
}

impl GrantTokens {
    fn current(&self) -> Access {
        self.access.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The provider accepts nothing of this grant any more: the next call asks the user.
    async fn bury(&self) {
        if let Err(error) = self.grants.refuse(&self.key, &self.current()).await {
            tracing::error!(target: "toolgate::grant", %error, "a grant cannot be marked as refused");
        }
    }
}
