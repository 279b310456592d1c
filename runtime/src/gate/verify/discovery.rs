//! Authorization server metadata (RFC 8414, `OpenID` Connect Discovery).

use reqwest::Client;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::support::{
    escape::escape,
    http_client::{FetchError, fetch_json},
};

/// The members of an authorization server's metadata that are used here.
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
    /// Where clients register themselves (RFC 7591).
    pub(crate) registration_endpoint: Option<String>,
    /// Whether clients may name themselves by a metadata document.
    #[serde(default, rename = "client_id_metadata_document_supported")]
    pub(crate) reads_client_documents: bool,
}

/// The URLs at which the metadata of `issuer` may be, in the order that MCP prescribes.
pub(crate) fn metadata_urls(issuer: &Url) -> Vec<String> {
    let origin = issuer.origin().ascii_serialization();
    let path = issuer.path().trim_end_matches('/');
    let mut urls = vec![
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
        format!("{origin}/.well-known/openid-configuration{path}"),
    ];
    if !path.is_empty() {
        urls.push(format!("{origin}{path}/.well-known/openid-configuration"));
    }
    urls
}

/// Fetches the metadata of `issuer`: the first document that exists, which must name the issuer.
pub(crate) async fn discover(http: &Client, issuer: &str) -> Result<ServerMetadata, FetchError> {
    let url = Url::parse(issuer).map_err(|error| FetchError::Invalid(error.to_string()))?;
    let mut last = FetchError::Malformed;
    for url in metadata_urls(&url) {
        match fetch_json::<ServerMetadata>(http.get(&url)).await {
            Ok(found) if found.issuer == issuer => return Ok(found),
            Ok(found) => {
                // The metadata of another issuer must not be used (RFC 8414 §3.3).
                return Err(FetchError::Invalid(format!(
                    "{url} is of `{}`, and not of `{issuer}`",
                    escape(&found.issuer)
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
    fn an_issuer_with_a_path_has_three_urls() {
        let urls = |issuer: &str| metadata_urls(&Url::parse(issuer).unwrap());
        assert_eq!(
            urls("https://a.example"),
            [
                "https://a.example/.well-known/oauth-authorization-server",
                "https://a.example/.well-known/openid-configuration",
            ]
        );
        assert_eq!(
            urls("https://a.example/t/"),
            [
                "https://a.example/.well-known/oauth-authorization-server/t",
                "https://a.example/.well-known/openid-configuration/t",
                "https://a.example/t/.well-known/openid-configuration",
            ]
        );
    }
}
