//! Endpoints of other transports: resources of their own to a client, and to the gate the same server.
//!
//! A client accepts the metadata of a protected resource only if it names the URL that the client
//! connects to, or a path above it (RFC 9728 §3.3), and asks for tokens for what the metadata names. So
//! each endpoint has its metadata, and takes tokens for itself as well as those for the server.

#[cfg(any(test, feature = "sse", feature = "websocket"))]
use http::{HeaderMap, HeaderValue, header};

use super::{Verifier, resource_metadata::ResourceMetadata};

/// The paths of an endpoint, below the server's URL.
#[derive(Clone, Copy, Debug)]
#[allow(dead_code, reason = "only the transports that are features have such an endpoint")]
pub(crate) struct EndpointPaths {
    /// Where clients connect, which is the resource: `/sse`.
    pub(crate) connect: &'static str,
    /// Where they send messages, if that is elsewhere: `/messages`.
    pub(crate) send: Option<&'static str>,
}

impl EndpointPaths {
    /// The URL of the resource, on a server with the URL `base`.
    pub(crate) fn resource(self, base: &str) -> String {
        format!("{}{}", base.trim_end_matches('/'), self.connect)
    }
}

/// An endpoint beside the one of streamable HTTP.
pub(crate) struct OtherEndpoint {
    pub(crate) metadata: ResourceMetadata,
    paths: EndpointPaths,
    /// The URL of `paths.send`.
    send_url: Option<String>,
}

impl OtherEndpoint {
    pub(crate) fn new(
        paths: EndpointPaths,
        (base, name): (&str, &str),
        verifier: &dyn Verifier,
        default_scopes: &[String],
    ) -> Result<Self, String> {
        let metadata =
            ResourceMetadata::new(paths.resource(base), name.to_owned(), verifier, default_scopes)?;
        let send_url = paths.send.map(|path| format!("{}{path}", base.trim_end_matches('/')));
        Ok(Self { metadata, paths, send_url })
    }

    /// The URL of a request to this endpoint with this path, which may have that of the server's URL
    /// before it; `None` for a request to another endpoint.
    pub(crate) fn url(&self, path: &str) -> Option<&str> {
        let path = path.trim_end_matches('/');
        if path.ends_with(self.paths.connect) {
            return Some(&self.metadata.resource);
        }
        self.send_url
            .as_deref()
            .filter(|_| self.paths.send.is_some_and(|send| path.ends_with(send)))
    }

    /// Makes a challenge of the server point to the metadata of this endpoint. `server` is the URL of
    /// the server's metadata.
    #[cfg(any(test, feature = "sse", feature = "websocket"))]
    pub(crate) fn relocate(&self, server: &str, headers: &mut HeaderMap) {
        let Some(challenge) = headers.get_mut(header::WWW_AUTHENTICATE) else { return };
        // No other parameter can hold these quotes.
        let pointer = |url: &str| format!("resource_metadata=\"{url}\"");
        let text = challenge.to_str().unwrap_or_default();
        let text = text.replacen(&pointer(server), &pointer(&self.metadata.url), 1);
        if let Ok(relocated) = HeaderValue::try_from(text) {
            *challenge = relocated;
        }
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::gate::{AuthError, Claims, PresentedToken};

    struct Refusing;

    #[async_trait]
    impl Verifier for Refusing {
        async fn verify(&self, _: PresentedToken<'_>) -> Result<Claims, AuthError> {
            Err(AuthError::Invalid)
        }

        fn authorization_servers(&self) -> Vec<String> {
            vec!["https://login.example".to_owned()]
        }
    }

    fn sse(base: &str) -> OtherEndpoint {
        let paths = EndpointPaths { connect: "/sse", send: Some("/messages") };
        OtherEndpoint::new(paths, (base, "a"), &Refusing, &["read".to_owned()]).unwrap()
    }

    #[test]
    fn a_request_is_found_by_its_path_below_any_prefix() {
        for base in ["https://a.example/b", "https://a.example/b/"] {
            let endpoint = sse(base);
            for path in ["/sse", "/sse/", "/b/sse"] {
                assert_eq!(endpoint.url(path), Some("https://a.example/b/sse"), "{path}");
            }
            assert_eq!(endpoint.url("/b/messages"), Some("https://a.example/b/messages"));
            for path in ["/mcp", "/", "", "/sse/x", "/asse", "/ws"] {
                assert_eq!(endpoint.url(path), None, "{path}");
            }
        }
    }

    #[test]
    fn its_metadata_names_it_at_a_path_of_its_own() {
        let endpoint = sse("https://a.example");
        let document = endpoint.metadata.at("/.well-known/oauth-protected-resource/sse").unwrap();
        let document: serde_json::Value = serde_json::from_slice(&document).unwrap();
        assert_eq!(document["resource"], "https://a.example/sse");
        assert_eq!(document["scopes_supported"], serde_json::json!(["read"]));
    }

    #[test]
    fn a_challenge_points_to_it_whatever_the_token_says() {
        let server = "https://a.example/.well-known/oauth-protected-resource/mcp";
        let mut headers = HeaderMap::new();
        let endpoint = sse("https://a.example");
        endpoint.relocate(server, &mut headers);
        assert!(headers.is_empty());
        let challenge = format!(
            "Bearer error=\"invalid_token\",error_description=\"resource_metadata=?{server}?\",resource_metadata=\"{server}\""
        );
        headers.insert(header::WWW_AUTHENTICATE, challenge.parse().unwrap());
        endpoint.relocate(server, &mut headers);
        assert_eq!(
            headers[header::WWW_AUTHENTICATE],
            format!(
                "Bearer error=\"invalid_token\",error_description=\"resource_metadata=?{server}?\",resource_metadata=\"https://a.example/.well-known/oauth-protected-resource/sse\""
            )
        );
    }
}
