//! Challenges: the `WWW-Authenticate` header of a 401 or 403 (RFC 6750 §3, RFC 9728 §5.1).

use std::fmt::Write;

use http::HeaderValue;

use super::AuthError;

/// The most characters of a parameter.
const MAX_QUOTED_CHARS: usize = 1200;

/// Tells a client why its request was refused, and where to find out how to get a token.
#[derive(Clone, Debug)]
pub(crate) struct Challenge<'a> {
    pub(crate) error: &'a AuthError,
    /// The URL of the protected resource metadata.
    pub(crate) metadata_url: &'a str,
    /// The scopes to ask for.
    pub(crate) scopes: Vec<String>,
}

impl Challenge<'_> {
    /// The value of the header.
    pub(crate) fn to_text(&self) -> String {
        let scheme = if matches!(self.error, AuthError::Proof(_) | AuthError::Nonce { .. }) {
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
        if let Some(error) = self.error.error() {
            push("error", error);
            push("error_description", &self.error.to_string());
        }
        if !self.scopes.is_empty() {
            push("scope", &self.scopes());
        }
        push("resource_metadata", self.metadata_url);
        text
    }

    /// The scopes, as many whole ones as fit: a part of one would be asked for as a scope of its own.
    fn scopes(&self) -> String {
        let mut scopes = String::new();
        for scope in &self.scopes {
            if scopes.len() + 1 + scope.len() > MAX_QUOTED_CHARS {
                break;
            }
            if !scopes.is_empty() {
                scopes.push(' ');
            }
            scopes.push_str(scope);
        }
        scopes
    }

    /// The header of a server that accepts proofs of possession with these algorithms (RFC 9449 §7.1).
    /// `Bearer` comes first, because some clients read the first scheme only.
    pub(crate) fn to_header(&self, proofs: &[&str]) -> HeaderValue {
        let mut text = self.to_text();
        if !proofs.is_empty() {
            let separator = if text.starts_with("DPoP") { ',' } else { ' ' };
            let scheme = if separator == ' ' { ", DPoP" } else { "" };
            // Writing to a string cannot fail.
            let _ = write!(text, "{scheme}{separator}algs=\"{}\"", quotable(&proofs.join(" ")));
        }
        // `quotable` removes what a header cannot hold.
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static("Bearer"))
    }
}

/// Replaces what RFC 6750 §3 does not allow in a description: all but printable ASCII, `"` and `\`.
/// Some of the text comes from the token, so it is truncated.
fn quotable(text: &str) -> String {
    let safe = |c: char| matches!(c, ' ' | '!' | '#'..='[' | ']'..='~');
    text.chars().take(MAX_QUOTED_CHARS).map(|c| if safe(c) { c } else { '?' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(error: &AuthError, scopes: &[&str]) -> String {
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        let metadata_url = "https://a.example/.well-known/oauth-protected-resource/mcp";
        Challenge { error, metadata_url, scopes }.to_text()
    }

    #[test]
    fn names_the_error_the_scopes_and_the_metadata() {
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
    fn the_algorithms_of_proofs_are_named() {
        let metadata_url = "https://a.example/m";
        let of = |error: &AuthError| {
            let challenge = Challenge { error, metadata_url, scopes: Vec::new() };
            challenge.to_header(&["ES256", "EdDSA"]).to_str().unwrap().to_owned()
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
    fn no_scope_is_cut() {
        let many: Vec<_> = (0..400).map(|n| format!("scope-{n}:read")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        let needed = AuthError::InsufficientScope { needed: vec!["c".into()] };
        let text = text(&needed, &many);
        let named = text.split("scope=\"").nth(1).unwrap().split('"').next().unwrap();
        let named: Vec<_> = named.split(' ').collect();
        assert!(named.len() > 50 && named == many[..named.len()], "{named:?}");
    }

    #[test]
    fn a_token_cannot_inject_headers() {
        let found = "a\"\r\nSet-Cookie: x=y\\é".to_owned();
        let wrong = AuthError::WrongIssuer { found, expected: "https://b.example".into() };
        let text = text(&wrong, &[]);
        assert!(text.contains("from a??u{d}?u{a}Set-Cookie: x=y??, and"), "{text}");
    }
}
