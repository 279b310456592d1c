//! Client metadata (RFC 7591 §2), of a client that registers itself or publishes a document.

use serde::Deserialize;
use serde_json::Value;

use super::redirect;

/// The most redirect URIs of one client.
const MAX_REDIRECT_URIS: usize = 16;
/// The longest client name on a page, in characters.
const MAX_CLIENT_NAME_LEN: usize = 80;

/// The members that the broker reads.
#[derive(Deserialize)]
pub(crate) struct ClientMetadata {
    pub(crate) client_id: Option<String>,
    pub(crate) client_name: Option<Value>,
    #[serde(default)]
    pub(crate) redirect_uris: Vec<String>,
    pub(crate) token_endpoint_auth_method: Option<String>,
    pub(crate) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    pub(crate) grant_types: Option<Vec<String>>,
    pub(crate) response_types: Option<Vec<String>>,
    pub(crate) client_secret: Option<Value>,
    /// The scopes that it would like (RFC 7591 §2).
    pub(crate) scope: Option<Value>,
    pub(crate) jwks: Option<Value>,
    pub(crate) jwks_uri: Option<String>,
}

impl ClientMetadata {
    /// The redirect URIs that are allowed. One that is not is left out, because hosts register what
    /// they may use with any server. If none is allowed, the error says why the first is not.
    pub(crate) fn allowed_redirect_uris(&self) -> Result<Vec<String>, String> {
        if self.redirect_uris.len() > MAX_REDIRECT_URIS {
            return Err(format!("there are more than {MAX_REDIRECT_URIS} redirect URIs"));
        }
        let mut allowed: Vec<String> = Vec::new();
        let mut first_error = None;
        for uri in &self.redirect_uris {
            match redirect::check(uri) {
                Ok(_) if allowed.contains(uri) => {}
                Ok(_) => allowed.push(uri.clone()),
                Err(why) => drop(first_error.get_or_insert(why)),
            }
        }
        if allowed.is_empty() {
            return Err(first_error.unwrap_or_else(|| "`redirect_uris` is missing".to_owned()));
        }
        Ok(allowed)
    }

    /// The name as pages show it.
    pub(crate) fn name(&self) -> Option<String> {
        let name = self.client_name.as_ref()?.as_str()?;
        Some(printable_name(name)).filter(|name| !name.is_empty())
    }

    /// Checks that the client uses the authorization code flow, where it lists flows.
    pub(crate) fn check_flow(&self) -> Result<(), String> {
        let has = |list: &Option<Vec<String>>, one: &str| {
            list.as_ref().is_none_or(|list| list.iter().any(|item| item == one))
        };
        if !has(&self.grant_types, "authorization_code") {
            return Err("`grant_types` must name authorization_code".to_owned());
        }
        if !has(&self.response_types, "code") {
            return Err("`response_types` must name code".to_owned());
        }
        Ok(())
    }

    pub(crate) fn refreshes(&self) -> bool {
        self.grant_types
            .as_ref()
            .is_none_or(|types| types.iter().any(|grant| grant == "refresh_token"))
    }
}

/// A name without characters that are invisible or change the direction of text.
fn printable_name(name: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
                | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
                | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}')
    };
    let text: String = name.chars().filter(|c| !hidden(*c)).take(MAX_CLIENT_NAME_LEN).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_invisible_characters() {
        assert_eq!(printable_name("  Claude \n Code "), "Claude Code");
        assert_eq!(printable_name("Cla\u{200b}ude\u{202e}edoC\u{feff}"), "ClaudeedoC");
        assert_eq!(printable_name(&"x".repeat(200)).len(), MAX_CLIENT_NAME_LEN);
        assert_eq!(printable_name("\u{0}\u{1b}[31m"), "[31m");
    }
}
