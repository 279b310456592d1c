//! `/callback/{provider}`: back from the provider, with a code or with an error.

use std::collections::BTreeSet;

use async_trait::async_trait;
use axum::response::Response;
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::{
    consents::Consents,
    open_consents::{ConsentCause, Progress},
    page::{self, Connected},
};
use crate::support::escape::escape;
use crate::{
    browser::{
        authorization_flow::{
            AuthorizationFailure, AuthorizationFlow, AuthorizationHandler, CallbackError, Returned,
        },
        cookie::name_for_state,
        error_pages,
        traced::FlowTrace,
    },
    grant::{
        AdoptError, GrantClient, GrantKey, MAX_ACCOUNTS, NewGrant, WantedAccount,
        audit::entry::{AuditEvent, Facts},
    },
    oauth::{TokenError, TokenResponse, UpstreamClient},
    provider::PlaceholderValues,
    scope,
    trace::{ConsentFailure, EventKind, Flow, within},
};

/// The cookie that binds a `state` to the browser that started.
pub(crate) const CONSENT_COOKIE: &str = "toolgate-consent";

/// What a consent needs when the browser is back.
#[derive(Serialize, Deserialize)]
pub(crate) struct ConsentContext {
    pub(crate) consent: String,
    pub(crate) subject: String,
    pub(crate) provider: String,
    /// The client that the grant is bound to.
    #[serde(default)]
    pub(crate) client: Option<GrantClient>,
    /// The account that was asked for.
    #[serde(default)]
    pub(crate) account: WantedAccount,
    /// The scopes that the waiting call needs.
    pub(crate) needed: Vec<String>,
    /// The values of the provider's placeholders that the person gave.
    #[serde(default)]
    pub(crate) values: PlaceholderValues,
    /// What it began with.
    #[serde(default)]
    pub(crate) cause: Option<ConsentCause>,
}

#[async_trait]
impl AuthorizationHandler for Consents {
    type Context = ConsentContext;

    fn flow(&self) -> &AuthorizationFlow {
        self.flow()
    }

    fn browser_secret(&self, headers: &HeaderMap, state: &str) -> Option<String> {
        let name = name_for_state(CONSENT_COOKIE, state);
        self.cookies().get(headers, &name).map(str::to_owned)
    }

    fn trace(&self, context: Option<&ConsentContext>) -> FlowTrace {
        let span = match context {
            Some(context) => self.traced_span(&context.consent, context.cause.as_ref()),
            None => self.new_span(),
        };
        FlowTrace { flow: Flow::Consent, span }
    }

    fn client(&self, context: &ConsentContext) -> Result<UpstreamClient, String> {
        let provider = &context.provider;
        let oauth =
            self.provider(provider).ok_or_else(|| format!("there is no provider `{provider}`"))?;
        // The tokens must come from where the browser was sent.
        match oauth.for_person(&context.values) {
            Ok(oauth) => Ok(oauth.into_owned()),
            Err(_) => Err(format!("`{provider}` is no longer where the browser was sent")),
        }
    }

    async fn complete(
        &self,
        returned: Returned<ConsentContext>,
        tokens: Result<TokenResponse, AuthorizationFailure>,
    ) -> Response {
        let Ok(oauth) = self.client(&returned.context) else {
            return error_pages::unknown_answer();
        };
        let context = &returned.context;
        let (why, reason) = match tokens {
            Ok(tokens) => {
                let span = self.traced_span(&context.consent, context.cause.as_ref());
                return within(&span, self.store(&returned, &oauth, tokens)).await;
            }
            Err(AuthorizationFailure::NoClient(_)) => return error_pages::unknown_answer(),
            Err(AuthorizationFailure::Mismatch(reason)) => {
                (ConsentFailure::Mismatch, reason.to_owned())
            }
            Err(AuthorizationFailure::Refused { error, .. }) if error == "access_denied" => {
                (ConsentFailure::AccessDenied, "the access was refused".to_owned())
            }
            Err(AuthorizationFailure::Refused { error, description }) => {
                (ConsentFailure::Error, format!("it answered `{error}` {description}"))
            }
            Err(AuthorizationFailure::NoCode) => {
                (ConsentFailure::NoCode, "it answered without a code".to_owned())
            }
            Err(AuthorizationFailure::Exchange(error)) => {
                oauth.log_failed_exchange(&error);
                let reason = match &error {
                    TokenError::InvalidGrant { .. } => "it no longer accepts the code it gave",
                    TokenError::Refused { .. } => {
                        return self.refuse_for_us(context, &oauth).await;
                    }
                    TokenError::Unreachable { .. } | TokenError::Busy { .. } => {
                        "it did not answer in time"
                    }
                };
                (ConsentFailure::Exchange, reason.to_owned())
            }
        };
        self.refuse(context, &oauth, why, &reason).await
    }

    fn reject(&self, error: CallbackError) -> Response {
        match error {
            CallbackError::Malformed(_) | CallbackError::NoState => error_pages::unknown_answer(),
            CallbackError::NoCookie | CallbackError::OtherBrowser => error_pages::other_browser(),
            CallbackError::Expired => error_pages::expired(),
            CallbackError::Store(error) => {
                tracing::error!(target: "toolgate::consent", %error, "a consent cannot be read");
                error_pages::server_error()
            }
            CallbackError::Aborted(error) => {
                tracing::error!(target: "toolgate::consent", error, "a consent was aborted");
                error_pages::server_error()
            }
        }
    }
}

impl Consents {
    fn failed(&self, context: &ConsentContext, oauth: &UpstreamClient, reason: ConsentFailure) {
        let provider = oauth.registration.id;
        let ms = self.took(context.cause.as_ref());
        let span = self.traced_span(&context.consent, context.cause.as_ref());
        span.emit(|| EventKind::ConsentFailed { provider, reason, ms });
        let client = context.client.as_ref().map(GrantClient::key);
        self.keep(AuditEvent::ConsentFailed, (&context.subject, client), |failed| Facts {
            provider: Some(provider.to_owned()),
            ..failed.reason(&reason)
        });
    }

    async fn refuse(
        &self,
        context: &ConsentContext,
        oauth: &UpstreamClient,
        why: ConsentFailure,
        reason: &str,
    ) -> Response {
        self.failed(context, oauth, why);
        tracing::info!(target: "toolgate::consent", provider = oauth.registration.id, reason, "a consent failed");
        let progress = Progress::Refused { reason: reason.to_owned(), by_us: false };
        self.report(&context.consent, progress).await;
        page::refused(oauth.registration.name, reason)
    }

    /// The provider does not accept this server as its client.
    async fn refuse_for_us(&self, context: &ConsentContext, oauth: &UpstreamClient) -> Response {
        self.failed(context, oauth, ConsentFailure::ClientRefused);
        let reason = "it refuses this server's own client, which its operator has to mend";
        let progress = Progress::Refused { reason: reason.to_owned(), by_us: true };
        self.report(&context.consent, progress).await;
        page::operator_error(oauth.registration.name, reason)
    }

    /// Stores the grant, if the account is that of the person.
    async fn store(
        &self,
        returned: &Returned<ConsentContext>,
        oauth: &UpstreamClient,
        tokens: TokenResponse,
    ) -> Response {
        let context = &returned.context;
        let catalogue = oauth.registration.catalogue;
        // Without a `scope` in the answer, what was requested was granted (RFC 6749 §5.1).
        let granted: BTreeSet<String> =
            tokens.scopes.clone().unwrap_or_else(|| returned.scopes.iter().cloned().collect());
        let needed: Vec<&str> = context.needed.iter().map(String::as_str).collect();
        let withheld: Vec<String> =
            scope::missing(catalogue, &granted, &needed).into_iter().map(str::to_owned).collect();
        let mut is_same_account = false;
        if let Some(authenticator) = self.authenticator() {
            match authenticator.owner(&context.provider, &tokens.access_token).await {
                Ok(Some(owner)) if owner != context.subject => {
                    let why = ConsentFailure::OtherAccount;
                    let reason = "it is the account of another person";
                    return self.refuse(context, oauth, why, reason).await;
                }
                Ok(owner) => is_same_account = owner.is_some(),
                Err(error) => {
                    return self.refuse_unidentified(context, oauth, &error).await;
                }
            }
        }
        let identity = match self.identify(oauth, context, &tokens).await {
            Ok(identity) => identity,
            Err(error) => {
                return self.refuse_unidentified(context, oauth, &error).await;
            }
        };
        let key = GrantKey::new(&context.subject, &context.provider);
        let new = NewGrant {
            tokens,
            scopes: granted.clone(),
            origin: oauth.origin(),
            person: context.values.clone(),
            client: context.client.clone(),
            is_same_account,
        };
        let adopted = match &identity {
            None => self.grants().adopt(&key, new).await.map(|()| None).map_err(AdoptError::Store),
            Some(identity) => {
                let grants = self.grants();
                grants.adopt_account(&key, new, identity, &context.account).await.map(Some)
            }
        };
        let adopted = match adopted {
            Ok(adopted) => adopted,
            Err(AdoptError::TooManyAccounts) => {
                return self.refuse_one_more(context, oauth).await;
            }
            Err(AdoptError::Store(error)) => {
                tracing::error!(target: "toolgate::consent", %error, "a grant cannot be stored");
                self.failed(context, oauth, ConsentFailure::Store);
                let reason = "this server could not keep the grant".to_owned();
                self.report(&context.consent, Progress::Refused { reason, by_us: true }).await;
                return error_pages::server_error();
            }
        };
        let described: Vec<_> = granted
            .iter()
            .map(|name| {
                let known = catalogue.iter().find(|scope| scope.name == name);
                (name.clone(), known.map_or("", |scope| scope.description))
            })
            .collect();
        tracing::info!(target: "toolgate::consent", provider = oauth.registration.id, withheld = %escape(&withheld.join(" ")), "a grant was made");
        let span = self.traced_span(&context.consent, context.cause.as_ref());
        span.emit(|| EventKind::GrantMade {
            provider: oauth.registration.id,
            granted: (&granted).into(),
            withheld: withheld[..].into(),
            ms: self.took(context.cause.as_ref()),
        });
        let name = oauth.registration.name;
        let account = adopted.as_ref().filter(|adopted| adopted.is_shown()).map(|one| &*one.name);
        let instead_of = adopted.as_ref().and_then(|adopted| adopted.instead_of.as_deref());
        let page = page::connected(&Connected {
            provider: name,
            account,
            instead_of,
            scopes: &described,
            withheld: &withheld,
            has_accounts: self.has_accounts(),
        });
        let progress = match (account, instead_of) {
            (Some(account), Some(instead_of)) => {
                let (account, instead_of) = (escape(account), escape(instead_of));
                let reason = format!(
                    "the user signed in there as `{account}`, and this call is for the account `{instead_of}`, to which nothing was added"
                );
                Progress::Refused { reason, by_us: false }
            }
            _ => Progress::Granted { withheld },
        };
        self.report(&context.consent, progress).await;
        page
    }

    /// The provider did not say whose account it is.
    async fn refuse_unidentified(
        &self,
        context: &ConsentContext,
        oauth: &UpstreamClient,
        error: &str,
    ) -> Response {
        tracing::warn!(target: "toolgate::consent", error = %escape(error), "the provider did not say whose account it is");
        let reason = "it did not say whose account it is";
        self.refuse(context, oauth, ConsentFailure::Unidentified, reason).await
    }

    /// The person has connected as many accounts as may be.
    async fn refuse_one_more(&self, context: &ConsentContext, oauth: &UpstreamClient) -> Response {
        let reason = format!("{MAX_ACCOUNTS} accounts are connected already, which is the most");
        let page = self.refuse(context, oauth, ConsentFailure::TooManyAccounts, &reason).await;
        drop(page);
        page::too_many_accounts(oauth.registration.name, self.has_accounts())
    }
}
