//! Token endpoint responses (RFC 6749 §5).

use std::{collections::BTreeSet, fmt, time::Duration};

use oauth2::{AccessToken, RefreshToken, Scope, basic::BasicTokenType};
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::provider::PlaceholderValues;

/// A token endpoint's successful response (RFC 6749 §5.1).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TokenResponse {
    /// The access token.
    pub access_token: SecretString,
    /// The refresh token. `None` in the response to a refresh: the old one stays good (Google).
    pub refresh_token: Option<SecretString>,
    /// The granted scopes. `None`, or no scope: those that were requested.
    pub scopes: Option<BTreeSet<String>>,
    /// The access token's lifetime. `None`, or zero: the provider did not say.
    pub expires_in: Option<Duration>,
    /// The values of the provider's placeholders that came with it.
    pub(crate) placeholders: PlaceholderValues,
}

impl TokenResponse {
    /// Creates a response with an access token and nothing else.
    pub fn new(access_token: impl Into<SecretString>) -> Self {
        Self {
            access_token: access_token.into(),
            refresh_token: None,
            scopes: None,
            expires_in: None,
            placeholders: PlaceholderValues::new(),
        }
    }

    /// Sets the refresh token.
    #[must_use]
    pub fn refresh_token(mut self, token: impl Into<SecretString>) -> Self {
        self.refresh_token = Some(token.into());
        self
    }

    /// Sets the granted scopes.
    #[must_use]
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the access token's lifetime.
    #[must_use]
    pub fn expires_in(mut self, lifetime: Duration) -> Self {
        self.expires_in = Some(lifetime);
        self
    }
}

/// A successful response as the `oauth2` crate reads it, after [`transport`](super::transport).
///
/// The crate's own type requires `token_type`, which some providers leave out, and an integer
/// `expires_in`, which some send as a string or with a fraction.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct NormalizedResponse {
    access_token: AccessToken,
    #[serde(skip, default = "bearer")]
    token_type: BasicTokenType,
    #[serde(default, deserialize_with = "lenient_seconds")]
    expires_in: Option<Duration>,
    refresh_token: Option<RefreshToken>,
    #[serde(default, rename = "scope", deserialize_with = "space_delimited")]
    scopes: Option<Vec<Scope>>,
    /// [`normalize`](super::normalize) adds it.
    #[serde(default)]
    placeholders: PlaceholderValues,
}

/// The client uses tokens as bearer tokens only (RFC 6750), whatever the response calls them.
fn bearer() -> BasicTokenType {
    BasicTokenType::Bearer
}

impl oauth2::TokenResponse for NormalizedResponse {
    type TokenType = BasicTokenType;

    fn access_token(&self) -> &AccessToken {
        &self.access_token
    }

    fn token_type(&self) -> &BasicTokenType {
        &self.token_type
    }

    fn expires_in(&self) -> Option<Duration> {
        self.expires_in
    }

    fn refresh_token(&self) -> Option<&RefreshToken> {
        self.refresh_token.as_ref()
    }

    fn scopes(&self) -> Option<&Vec<Scope>> {
        self.scopes.as_ref()
    }
}

impl From<NormalizedResponse> for TokenResponse {
    fn from(response: NormalizedResponse) -> Self {
        let refresh_token = response.refresh_token.map(RefreshToken::into_secret);
        Self {
            access_token: response.access_token.into_secret().into(),
            refresh_token: refresh_token.filter(|token| !token.is_empty()).map(Into::into),
            scopes: response.scopes.map(|scopes| scopes.into_iter().map(Into::into).collect()),
            expires_in: response.expires_in,
            placeholders: response.placeholders,
        }
    }
}

/// Reads a number of seconds from an integer, a fraction or a string; anything else is no lifetime.
fn lenient_seconds<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    let seconds = match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let seconds = seconds.filter(|seconds| (0.0..1e12).contains(seconds));
    Ok(seconds.map(|seconds: f64| Duration::from_secs_f64(seconds.floor())))
}

fn space_delimited<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<Scope>>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.map(|text| {
        text.split(' ').filter(|scope| !scope.is_empty()).map(|s| Scope::new(s.into())).collect()
    }))
}

/// A token endpoint's error response (RFC 6749 §5.2), with the HTTP status that it came with.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ErrorResponse {
    /// The transport adds it, as the `oauth2` crate does not keep it.
    pub(super) status: u16,
    pub(super) error: String,
    pub(super) error_description: Option<String>,
}

impl oauth2::ErrorResponse for ErrorResponse {}

impl fmt::Display for ErrorResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.error)
    }
}

#[cfg(test)]
mod tests {
    use oauth2::TokenResponse as _;

    use super::*;

    fn read(json: &str) -> NormalizedResponse {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn a_lifetime_is_read_from_a_number_a_fraction_or_a_string() {
        for (value, expected) in [
            ("3600", Some(3600)),
            ("3599.9", Some(3599)),
            (r#""3600""#, Some(3600)),
            (r#""3600.0""#, Some(3600)),
            ("0", Some(0)),
            ("-1", None),
            ("1e300", None),
            (r#""NaN""#, None),
            (r#""never""#, None),
            ("null", None),
            ("true", None),
        ] {
            let response = read(&format!(r#"{{"access_token":"a","expires_in":{value}}}"#));
            let seconds = response.expires_in().map(|life| life.as_secs());
            assert_eq!(seconds, expected, "{value}");
        }
    }

    #[test]
    fn a_token_type_is_not_required() {
        for extra in ["", r#","token_type":"bot""#, r#","token_type":7"#] {
            let response = read(&format!(r#"{{"access_token":"a"{extra}}}"#));
            assert_eq!(response.access_token().secret(), "a");
        }
    }

    #[test]
    fn an_empty_refresh_token_is_none() {
        let response = read(r#"{"access_token":"a","refresh_token":"","scope":"b  c"}"#);
        let response = TokenResponse::from(response);
        assert!(response.refresh_token.is_none());
        assert_eq!(response.scopes.unwrap().into_iter().collect::<Vec<_>>(), ["b", "c"]);
    }

    #[test]
    fn debug_shows_no_token() {
        let response = read(r#"{"access_token":"at-1","refresh_token":"rt-1"}"#);
        assert!(!format!("{response:?}").contains("-1"));
        assert!(!format!("{:?}", TokenResponse::from(response)).contains("-1"));
    }
}
