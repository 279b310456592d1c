//! Identity of the account whose tokens a consent has given.

use std::sync::Arc;

use secrecy::SecretString;
use serde_json::Value;

use super::{callback::ConsentContext, consents::Consents};
use crate::{
    grant::{AccountIdentity, GrantKey, Renew},
    oauth::{TokenResponse, UpstreamClient, UserEndpoint},
    provider::{AccountEndpoint, PlaceholderValues},
    support::escape::escape,
};

impl Consents {
    /// Asks the provider which account the tokens belong to. `None`: the provider has no account
    /// endpoint, so a person has one account there.
    ///
    /// If the first account was connected before accounts were identified, it is identified as well.
    /// Tokens of an account that is not known to be the same replace it.
    pub(super) async fn identify(
        &self,
        oauth: &UpstreamClient,
        context: &ConsentContext,
        tokens: &TokenResponse,
    ) -> Result<Option<AccountIdentity>, String> {
        let Some(endpoint) = self.account_endpoint(oauth) else { return Ok(None) };
        let mut values = tokens.placeholders.clone();
        values.extend(context.values.clone());
        let found = identify(oauth, endpoint, &values, &tokens.access_token).await?;
        let first = GrantKey::new(&context.subject, &context.provider);
        if let Err(error) = self.identify_connected(oauth, endpoint, &first).await {
            tracing::info!(target: "toolgate::consent", provider = oauth.registration.id, error = %escape(&error), "whose account was connected before is not known");
        }
        Ok(Some(found.at(&context.values)))
    }

    /// Asks the provider whose account is connected, if that is not known.
    pub(super) async fn identify_connected(
        &self,
        oauth: &UpstreamClient,
        endpoint: &AccountEndpoint,
        key: &GrantKey,
    ) -> Result<(), String> {
        let found = self.grants().store().load(key).await.map_err(|error| error.to_string())?;
        let Some(grant) = found.map(|row| row.value) else { return Ok(()) };
        if grant.identity().is_some() || grant.is_disconnected() || !grant.is_issued_by(oauth) {
            return Ok(());
        }
        let renew: Arc<dyn Renew> = Arc::new(oauth.clone());
        let access = self.grants().access(key, &renew).await.map_err(|error| error.to_string())?;
        let values = &access.placeholders;
        let identity = identify(oauth, endpoint, values, &access.token).await?;
        let of_person = oauth.registration.of_person();
        let address = of_person
            .into_iter()
            .filter_map(|(one, _)| Some((one.name.to_owned(), values.get(one.name)?.clone())));
        let identity = identity.at(&address.collect());
        self.grants().set_identity(key, &identity).await.map_err(|error| error.to_string())
    }
}

async fn identify(
    oauth: &UpstreamClient,
    endpoint: &AccountEndpoint,
    values: &PlaceholderValues,
    token: &SecretString,
) -> Result<AccountIdentity, String> {
    let registration = &oauth.registration;
    let api = registration.api_url(values).map_err(|error| format!("its API: {error:?}"))?;
    let pointer = endpoint.id.first().copied().unwrap_or_default();
    let user = UserEndpoint::new(api.as_str(), endpoint.path, pointer, None, oauth.http.clone());
    let user = user.map_err(|error| error.to_string())?;
    let user = user.headers(registration.dialect.api_headers).body(endpoint.body);
    let found = user.identify(token).await?;
    let mut id = found.subject;
    for pointer in endpoint.id.iter().skip(1) {
        let part = found.profile.pointer(pointer).and_then(text);
        let part = part.filter(|part| UserEndpoint::fits(part));
        let part = part.ok_or_else(|| format!("there is no identifier at `{pointer}`"))?;
        id = format!("{id}\n{part}");
    }
    let labels = endpoint.label.iter().filter_map(|at| found.profile.pointer(at).and_then(text));
    let label = labels
        .filter(|label| !label.trim().is_empty())
        .reduce(|label, more| format!("{label} ({more})"));
    Ok(AccountIdentity::new(id, label.as_deref()))
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
