//! The authorization response: what an authorization server sends back through the browser
//! (RFC 6749 §4.1.2, RFC 9207 §2).

use super::form::{FormError, Parameters};

/// The parameters of the redirect back, each of which was sent at most once.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct AuthorizationResponse {
    pub(crate) state: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) error_description: Option<String>,
    pub(crate) iss: Option<String>,
}

impl AuthorizationResponse {
    /// Reads the query of a request to the redirect URI.
    pub(crate) fn parse(query: &str) -> Result<Self, FormError> {
        let mut sent = Parameters::parse(query.as_bytes())?;
        Ok(Self {
            state: sent.remove("state"),
            code: sent.remove("code"),
            error: sent.remove("error"),
            error_description: sent.remove("error_description"),
            iss: sent.remove("iss"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_parameter_is_read_twice() {
        let read =
            AuthorizationResponse::parse("code=a&state=b&iss=https%3A%2F%2Fc&error=").unwrap();
        let expected = AuthorizationResponse {
            state: Some("b".to_owned()),
            code: Some("a".to_owned()),
            iss: Some("https://c".to_owned()),
            ..AuthorizationResponse::default()
        };
        assert_eq!(read, expected);
        for name in ["code", "state", "iss", "error"] {
            let twice = AuthorizationResponse::parse(&format!("{name}=a&{name}=a"));
            assert_eq!(twice, Err(FormError::Duplicate(name.to_owned())));
        }
        assert_eq!(AuthorizationResponse::parse("state=%0d%0ax"), Err(FormError::NotText));
    }
}
