//! Protected resource metadata (RFC 9728), and the challenges that point to it.

use bytes::Bytes;
use http::HeaderValue;
use serde::Serialize;
use url::Url;

use super::{AuthError, Challenge, Verifier};
use crate::support::url::is_secure;

/// The well-known path, which is also where some clients look first, whatever the resource's path.
pub(crate) const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The metadata of a server's resource, serialized once.
pub(crate) struct ResourceMetadata {
    pub(crate) resource: String,
    pub(crate) resource_url: Url,
    /// The host and port of the resource, as a `Host` header has them.
    pub(crate) host: HeaderValue,
    /// The URL of the document.
    pub(crate) url: String,
    path: String,
    document: Bytes,
    /// The challenge of a request without a token.
    pub(crate) missing_token: HeaderValue,
    /// The signature algorithms of the accepted proofs of possession (RFC 9449).
    proof_algorithms: Vec<String>,
}

/// The document (RFC 9728 §2).
#[derive(Serialize)]
struct Document<'a> {
    resource: &'a str,
    authorization_servers: Vec<String>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    scopes_supported: &'a [String],
    bearer_methods_supported: [&'static str; 1],
    resource_name: String,
    #[serde(rename = "dpop_signing_alg_values_supported", skip_serializing_if = "<[_]>::is_empty")]
    proof_algorithms: &'a [&'a str],
}

impl ResourceMetadata {
    pub(crate) fn new(
        resource: String,
        resource_name: String,
        verifier: &dyn Verifier,
        default_scopes: &[String],
    ) -> Result<Self, String> {
        let resource_url =
            Url::parse(&resource).map_err(|error| format!("the resource `{resource}`: {error}"))?;
        if resource_url.fragment().is_some() || resource_url.query().is_some() {
            return Err(format!(
                "the resource `{resource}` has a query or a fragment (RFC 8707 §2)"
            ));
        }
        if !is_secure(&resource_url) {
            return Err(format!(
                "the resource `{resource}` is not https: tokens travel to it; plain http is for this machine"
            ));
        }
        let proof_algorithms = verifier.proof_algorithms();
        let document = Document {
            resource: &resource,
            authorization_servers: verifier.authorization_servers(),
            scopes_supported: default_scopes,
            bearer_methods_supported: ["header"],
            resource_name,
            proof_algorithms,
        };
        let document = serde_json::to_vec(&document).map_err(|error| error.to_string())?.into();
        let mut metadata = Self {
            host: HeaderValue::from_str(resource_url.authority())
                .map_err(|error| format!("the resource `{resource}`: {error}"))?,
            url: document_url(&resource_url),
            path: document_path(&resource_url),
            missing_token: HeaderValue::from_static("Bearer"),
            proof_algorithms: proof_algorithms.iter().map(|&name| name.to_owned()).collect(),
            resource,
            resource_url,
            document,
        };
        metadata.missing_token = metadata.challenge(&AuthError::Missing, default_scopes.to_vec());
        Ok(metadata)
    }

    /// The challenge for `error`, which asks for `scopes`.
    pub(crate) fn challenge(&self, error: &AuthError, scopes: Vec<String>) -> HeaderValue {
        let proofs: Vec<_> = self.proof_algorithms.iter().map(String::as_str).collect();
        Challenge { error, metadata_url: &self.url, scopes }.to_header(&proofs)
    }

    /// The document, if it is found at this path, with or without a slash at its end.
    pub(crate) fn at(&self, path: &str) -> Option<Bytes> {
        let path = path.strip_suffix('/').unwrap_or(path);
        (path == WELL_KNOWN || path == self.path).then(|| self.document.clone())
    }
}

/// The URL of the document of `resource`: the well-known path goes between host and path
/// (RFC 9728 §3.1).
fn document_url(resource: &Url) -> String {
    format!("{}{}", resource.origin().ascii_serialization(), document_path(resource))
}

fn document_path(resource: &Url) -> String {
    format!("{WELL_KNOWN}{}", resource.path().trim_end_matches('/'))
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use serde_json::{Value, json};

    use super::*;
    use crate::gate::{Claims, PresentedToken};

    struct Accepting(&'static [&'static str]);

    #[async_trait]
    impl Verifier for Accepting {
        async fn verify(&self, _: PresentedToken<'_>) -> Result<Claims, AuthError> {
            Err(AuthError::Invalid)
        }

        fn authorization_servers(&self) -> Vec<String> {
            vec!["https://login.example".to_owned()]
        }

        fn proof_algorithms(&self) -> &[&str] {
            self.0
        }
    }

    #[test]
    fn proof_algorithms_are_named_where_proofs_are_accepted() {
        let document = |algorithms| {
            let resource = "https://a.example/mcp".to_owned();
            let metadata =
                ResourceMetadata::new(resource, "a".to_owned(), &Accepting(algorithms), &[]);
            let document = metadata.unwrap().at("/.well-known/oauth-protected-resource/mcp");
            serde_json::from_slice::<Value>(&document.unwrap()).unwrap()
        };
        let name = "dpop_signing_alg_values_supported";
        assert_eq!(document(&[]).get(name), None);
        let found = document(&["ES256"]);
        assert_eq!(found[name], json!(["ES256"]));
        assert_eq!(found["resource"], "https://a.example/mcp");
    }

    #[test]
    fn the_well_known_path_goes_before_the_path_of_the_resource() {
        for (resource, expected) in [
            ("https://a.example/mcp", "https://a.example/.well-known/oauth-protected-resource/mcp"),
            ("https://a.example/", "https://a.example/.well-known/oauth-protected-resource"),
            (
                "https://a.example:8/b/mcp",
                "https://a.example:8/.well-known/oauth-protected-resource/b/mcp",
            ),
        ] {
            assert_eq!(document_url(&Url::parse(resource).unwrap()), expected);
        }
    }
}
