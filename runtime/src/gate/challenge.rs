//! The challenge of a 401 or 403: `WWW-Authenticate` (RFC 6750 §3, RFC 9728 §5.1).

use std::fmt::Write;

use http::HeaderValue;

use super::AuthError;

/// What a refused client is told, and where it learns how to get a token.
#[derive(Clone, Debug)]
pub(crate) struct Challenge<'a> {
    pub(crate) refusal: &'a AuthError,
    /// The URL of the protected resource's metadata.
    pub(crate) metadata: &'a str,
    /// The scopes to ask for.
    pub(crate) scopes: Vec<String>,
}

impl Challenge<'_> {
    /// The header's text.
    pub(crate) fn text(&self) -> String {
        let scheme = if matches!(self.refusal, AuthError::Proof(_) | AuthError::Nonce { .. }) {
            "DPoP"
        } else {
            "Bearer"
        };
        let mut text = scheme.to_owned();
        let mut separator = ' ';
        let mut push = |name: &str, value: &str| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{separator}{name}=\"{}\"", quotable(value));
            separator = ',';
        };
        if let Some(error) = self.refusal.error() {
            push("error", error);
            push("error_description", &self.refusal.to_string());
        }
        if !self.scopes.is_empty() {
            push("scope", &self.scopes.join(" "));
        }
        push("resource_metadata", self.metadata);
        text
    }

    /// The header of a server that takes proofs of possession by these algorithms: it says so, too
    /// (RFC 9449 §7.1). `Bearer` comes first, because some clients look at the first scheme alone.
    pub(crate) fn header_for(&self, proofs: &[&str]) -> HeaderValue {
        let mut text = self.text();
        if !proofs.is_empty() {
            let separator = if text.starts_with("DPoP") { ',' } else { ' ' };
            let scheme = if separator == ' ' { ", DPoP" } else { "" };
            // Writing to a string cannot fail.
            let _ = write!(text, "{scheme}{separator}algs=\"{}\"", quotable(&proofs.join(" ")));
        }
        // What `quotable` leaves fits into a header.
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("Bearer"))
    }
}

/// What RFC 6750 §3 lets stand in a description: printable ASCII without `"` and `\`. Some of the
/// text comes from the token, so it is cut.
fn quotable(text: &str) -> String {
    let safe = |c: char| matches!(c, ' ' | '!' | '#'..='[' | ']'..='~');
    text.chars().take(600).map(|c| if safe(c) { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(refusal: &AuthError, scopes: &[&str]) -> String {
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        let metadata = "https://a.example/.well-known/oauth-protected-resource/mcp";
        Challenge { refusal, metadata, scopes }.text()
    }

    #[test]
    fn says_what_is_wrong_and_where_to_go() {
        assert_eq!(
            text(&AuthError::Missing, &["a", "b"]),
            "Bearer scope=\"a b\",resource_metadata=\"https://a.example/.well-known/oauth-protected-resource/mcp\"",
        );
        let needed = AuthError::InsufficientScope { needed: vec!["c".into()] };
        assert!(text(&needed, &["c"]).starts_with(
            "Bearer error=\"insufficient_scope\",error_description=\"this needs the scope c\",scope=\"c\","
        ));
    }

    #[test]
    fn a_server_that_takes_proofs_says_so_beside() {
        let metadata = "https://a.example/m";
        let of = |refusal: &AuthError| {
            let challenge = Challenge { refusal, metadata, scopes: Vec::new() };
            challenge.header_for(&["ES256", "EdDSA"]).to_str().unwrap().to_owned()
        };
        assert_eq!(
            of(&AuthError::Missing),
            "Bearer resource_metadata=\"https://a.example/m\", DPoP algs=\"ES256 EdDSA\"",
        );
        assert_eq!(
            of(&AuthError::Proof("none came")),
            "DPoP error=\"invalid_dpop_proof\",error_description=\"the DPoP proof is not accepted: none came\",resource_metadata=\"https://a.example/m\",algs=\"ES256 EdDSA\"",
        );
    }

    #[test]
    fn a_token_cannot_write_headers() {
        let found = "a\"\r\nSet-Cookie: x=y\\é".to_owned();
        let wrong = AuthError::WrongIssuer { found, expected: "https://b.example".into() };
        let text = text(&wrong, &[]);
        assert!(text.contains("from a???Set-Cookie: x=y??, and"), "{text}");
    }
}
