//! `/callback/{provider}`: back from the provider, with a code or with an error.

use std::collections::BTreeSet;

use async_trait::async_trait;
use axum::response::Response;
use http::HeaderMap;
use serde::{Deserialize, Serialize};

use super::{
    consents::{Consents, Progress},
    page,
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
    grant::{GrantClient, GrantKey, NewGrant},
    oauth::{TokenError, TokenResponse, UpstreamClient},
    scope,
    trace::{ConsentFailure, EventKind, Flow},
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
    /// The scopes that the waiting call needs.
    pub(crate) needed: Vec<String>,
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
            Some(context) => self.span(&context.consent),
            None => self.new_span(),
        };
        FlowTrace { flow: Flow::Consent, span }
    }

    fn client(&self, context: &ConsentContext) -> Result<UpstreamClient, String> {
        let provider = &context.provider;
        self.provider(provider).cloned().ok_or_else(|| format!("there is no provider `{provider}`"))
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
            Ok(tokens) => return self.store(&returned, &oauth, tokens).await,
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
                    TokenError::Refused { .. } => return self.refuse_for_us(context, &oauth),
                    TokenError::Unreachable { .. } | TokenError::Busy { .. } => {
                        "it did not answer in time"
                    }
                };
                (ConsentFailure::Exchange, reason.to_owned())
            }
        };
        self.refuse(context, &oauth, why, &reason)
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
        self.span(&context.consent).emit(|| EventKind::ConsentFailed { provider, reason });
    }

    fn refuse(
        &self,
        context: &ConsentContext,
        oauth: &UpstreamClient,
        why: ConsentFailure,
        reason: &str,
    ) -> Response {
        self.failed(context, oauth, why);
        tracing::info!(target: "toolgate::consent", provider = oauth.registration.id, reason, "a consent failed");
        let progress = Progress::Refused { reason: reason.to_owned(), by_us: false };
        self.report(&context.consent, progress);
        page::refused(oauth.registration.name, reason)
    }

    /// The provider does not accept this server as its client.
    fn refuse_for_us(&self, context: &ConsentContext, oauth: &UpstreamClient) -> Response {
        self.failed(context, oauth, ConsentFailure::ClientRefused);
        let reason = "it refuses this server's own client, which its operator has to mend";
        let progress = Progress::Refused { reason: reason.to_owned(), by_us: true };
        self.report(&context.consent, progress);
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
                    return self.refuse(context, oauth, why, reason);
                }
                Ok(owner) => is_same_account = owner.is_some(),
                Err(error) => {
                    tracing::warn!(target: "toolgate::consent", error = %escape(&error), "the provider did not say whose account it is");
                    let why = ConsentFailure::Unidentified;
                    let reason = "it did not say whose account it is";
                    return self.refuse(context, oauth, why, reason);
                }
            }
        }
        let key = GrantKey::new(&context.subject, &context.provider);
        let new = NewGrant {
            tokens,
            scopes: granted.clone(),
            origin: oauth.origin(),
            client: context.client.clone(),
            is_same_account,
        };
        if let Err(error) = self.grants().adopt(&key, new).await {
            tracing::error!(target: "toolgate::consent", %error, "a grant cannot be stored");
            self.failed(context, oauth, ConsentFailure::Store);
            let reason = "this server could not keep the grant".to_owned();
            self.report(&context.consent, Progress::Refused { reason, by_us: true });
            return error_pages::server_error();
        }
        let described: Vec<_> = granted
            .iter()
            .map(|name| {
                let known = catalogue.iter().find(|scope| scope.name == name);
                (name.clone(), known.map_or("", |scope| scope.description))
            })
            .collect();
        tracing::info!(target: "toolgate::consent", provider = oauth.registration.id, withheld = %escape(&withheld.join(" ")), "a grant was made");
        self.span(&context.consent).emit(|| EventKind::GrantMade {
            provider: oauth.registration.id,
            granted: (&granted).into(),
            withheld: withheld[..].into(),
        });
        let name = oauth.registration.name;
        let page = page::connected(name, &described, &withheld, self.has_accounts());
        self.report(&context.consent, Progress::Granted { withheld });
        page
    }
}
