//! Values of a provider's placeholders that are known when an account was connected.

use http::header;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use super::{
    TokenError, TokenResponse, UpstreamClient,
    raw_response::{RawResponse, text},
    transport::TOKEN_REQUEST_TIMEOUT,
};
use crate::provider::{FillError, PlaceholderSource};

impl UpstreamClient {
    /// Completes the response to a code with the values that the API's URL needs. Without them, and
    /// with values that are not allowed, the account is not connected.
    pub(super) async fn with_placeholders(
        &self,
        mut response: TokenResponse,
    ) -> Result<TokenResponse, TokenError> {
        for placeholder in self.registration.late_placeholders() {
            if let PlaceholderSource::Api { url, pointer } = placeholder.source {
                let name = placeholder.name;
                let given = self.registration.values.get(&format!("{name}_url"));
                let url = given.map_or(url, String::as_str);
                let url = match &self.registration.stand_in {
                    Some(stand_in) => stand_in.locate(url),
                    None => url.to_owned(),
                };
                let value = self.read_value(&url, pointer, &response.access_token).await?;
                let value = value.ok_or_else(|| {
                    TokenError::unreadable(format!("the API does not say its `{name}`"))
                })?;
                response.placeholders.insert(name.to_owned(), value);
            }
        }
        match self.registration.api_url(&response.placeholders) {
            Ok(_) => Ok(response),
            Err(FillError::Missing(name)) => {
                Err(TokenError::unreadable(format!("the response has no `{name}`")))
            }
            Err(FillError::NotAllowed(name)) => {
                let description = format!("the `{name}` of the response is not an allowed one");
                Err(TokenError::unreadable(description))
            }
        }
    }

    /// Keeps the values in the response to a refresh only if they are allowed; else those of the
    /// grant stay.
    pub(super) fn keep_allowed(&self, response: &mut TokenResponse) {
        if !response.placeholders.is_empty()
            && self.registration.api_url(&response.placeholders).is_err()
        {
            response.placeholders.clear();
        }
    }

    async fn read_value(
        &self,
        url: &str,
        pointer: &str,
        token: &SecretString,
    ) -> Result<Option<String>, TokenError> {
        let request = self.http.get(url).timeout(TOKEN_REQUEST_TIMEOUT);
        let mut request = request.bearer_auth(token.expose_secret());
        let headers = self.registration.dialect.api_headers;
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("accept")) {
            request = request.header(header::ACCEPT, "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = RawResponse::read(request.send().await?).await?;
        if !response.status.is_success() {
            let description = format!("the API answers {}", response.status.as_u16());
            return Err(TokenError::unreadable(description));
        }
        let json: Value = serde_json::from_slice(&response.body).unwrap_or_default();
        Ok(json.pointer(pointer).and_then(text))
    }
}
