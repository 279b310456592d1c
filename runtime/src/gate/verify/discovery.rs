//! Where an issuer keeps what one has to know of it (RFC 8414 §3, `OpenID` Connect Discovery §4).

use reqwest::Client;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::support::{fetch, fetch::FetchError};

/// What is wanted of an authorization server's metadata.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ServerMetadata {
    pub(crate) issuer: String,
    pub(crate) jwks_uri: Option<String>,
    pub(crate) authorization_endpoint: Option<String>,
    pub(crate) token_endpoint: Option<String>,
    /// Its answers say from whom they come (RFC 9207 §3).
    #[serde(default, rename = "authorization_response_iss_parameter_supported")]
    pub(crate) names_itself: bool,
    /// How it takes PKCE (RFC 7636).
    #[serde(default, rename = "code_challenge_methods_supported")]
    pub(crate) challenges: Option<Vec<String>>,
}

/// Where the metadata of `issuer` may lie, in the order in which MCP has clients look.
pub(crate) fn places(issuer: &Url) -> Vec<String> {
    let origin = issuer.origin().ascii_serialization();
    let path = issuer.path().trim_end_matches('/');
    let mut places = vec![
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
        format!("{origin}/.well-known/openid-configuration{path}"),
    ];
    if !path.is_empty() {
        places.push(format!("{origin}{path}/.well-known/openid-configuration"));
    }
    places
}

/// The metadata of `issuer`: the first document that is there, which must be the issuer's own.
pub(crate) async fn discover(http: &Client, issuer: &str) -> Result<ServerMetadata, FetchError> {
    let url = Url::parse(issuer).map_err(|error| FetchError::Wrong(error.to_string()))?;
    let mut last = FetchError::Malformed;
    for place in places(&url) {
        match fetch::json::<ServerMetadata>(http.get(&place)).await {
            Ok(found) if found.issuer == issuer => return Ok(found),
            Ok(found) => {
                // Somebody else's document must not be taken for this one's (RFC 8414 §3.3).
                return Err(FetchError::Wrong(format!(
                    "{place} is of `{}`, and not of `{issuer}`",
                    found.issuer
                )));
            }
            Err(error @ (FetchError::Status(_) | FetchError::Malformed)) => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_with_a_path_has_three_places() {
        let places = |issuer: &str| places(&Url::parse(issuer).unwrap());
        assert_eq!(
            places("https://a.example"),
            [
                "https://a.example/.well-known/oauth-authorization-server",
                "https://a.example/.well-known/openid-configuration",
            ]
        );
        assert_eq!(
            places("https://a.example/t/"),
            [
                "https://a.example/.well-known/oauth-authorization-server/t",
                "https://a.example/.well-known/openid-configuration/t",
                "https://a.example/t/.well-known/openid-configuration",
            ]
        );
    }
}
