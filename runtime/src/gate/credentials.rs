//! Credentials of a request: the `Authorization` and `DPoP` headers (RFC 6750 §2.1, RFC 9449 §7.1).

use std::{any::Any, fmt, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

use super::{AuthError, TokenCache, token_cache::VerifiedToken};

pub(crate) static DPOP: HeaderName = HeaderName::from_static("dpop");

/// The longest `Authorization` header that is parsed, in bytes.
const MAX_AUTHORIZATION_LEN: usize = 16 * 1024;

/// The scheme of an access token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheme {
    /// The holder of the token may use it (RFC 6750).
    Bearer,
    /// Only the holder of the key that the token is bound to may use it (RFC 9449).
    Dpop,
}

/// An access token with its scheme and its proof of possession. [`Debug`](fmt::Debug) does not show
/// the token.
#[derive(Clone)]
pub struct Credentials {
    /// The scheme of the `Authorization` header.
    pub scheme: Scheme,
    /// The whole header, shared with the request: the token is not copied.
    value: HeaderValue,
    /// The start and the length of the token in the header.
    token: (usize, usize),
    proof: Option<HeaderValue>,
    /// What the verifier keeps of the token, if the connection had it before.
    cached: Option<VerifiedToken>,
}

impl Credentials {
    /// Reads the credentials of a request; `None` if it has none of a supported kind: those are
    /// `Bearer` and `DPoP` tokens in the `Authorization` header. A token in the query does not count,
    /// because queries are logged (RFC 9700 §4.3.2).
    ///
    /// # Errors
    ///
    /// [`AuthError::Malformed`] with the reason: the token is ill-formed, or came more than once
    /// (RFC 6750 §2).
    pub fn read(headers: &HeaderMap, uri: &Uri) -> Result<Option<Self>, AuthError> {
        Self::read_cached(headers, uri, None)
    }

    /// As [`Credentials::read`], with the cache of the connection.
    pub(crate) fn read_cached(
        headers: &HeaderMap,
        uri: &Uri,
        cache: Option<&TokenCache>,
    ) -> Result<Option<Self>, AuthError> {
        let malformed = |how| Err(AuthError::Malformed(how));
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return malformed("there are two Authorization headers");
        }
        if value.len() > MAX_AUTHORIZATION_LEN {
            return malformed("the token is too long");
        }
        let bytes = value.as_bytes();
        // A scheme without a token is none either.
        let Some(space) = bytes.iter().position(|byte| *byte == b' ') else { return Ok(None) };
        let (scheme, rest) = (&bytes[..space], &bytes[space..]);
        let scheme = if scheme.eq_ignore_ascii_case(b"bearer") {
            Scheme::Bearer
        } else if scheme.eq_ignore_ascii_case(b"dpop") {
            Scheme::Dpop
        } else {
            return Ok(None);
        };
        let before = rest.iter().take_while(|byte| **byte == b' ').count();
        let after = rest[before..].iter().rev().take_while(|byte| **byte == b' ').count();
        let token = &rest[before..rest.len() - after];
        if token.is_empty() {
            return Ok(None);
        }
        if has_token_in_query(uri) {
            return malformed("the token came in the query as well; send it in the header alone");
        }
        let cached = cache.and_then(|cache| cache.get(token));
        if cached.is_none() && !is_b64token(token) {
            return malformed("the Authorization header holds no token (RFC 6750 section 2.1)");
        }
        let mut proofs = headers.get_all(&DPOP).iter();
        let proof = match (proofs.next(), proofs.next()) {
            (_, Some(_)) => return malformed("there are two DPoP headers"),
            (Some(proof), None) if proof.to_str().is_err() => {
                return malformed("the DPoP header is not ASCII");
            }
            (proof, None) => proof.cloned(),
        };
        let token = (space + before, token.len());
        Ok(Some(Self { scheme, value: value.clone(), token, proof, cached }))
    }

    /// A token that was not part of a request; `None` if it has no valid form.
    pub(crate) fn bearer(token: &str) -> Option<Self> {
        let value = HeaderValue::from_str(token).ok()?;
        is_b64token(token.as_bytes()).then_some(Self {
            scheme: Scheme::Bearer,
            value,
            token: (0, token.len()),
            proof: None,
            cached: None,
        })
    }

    /// Returns the token. It is a secret: do not log it.
    pub fn token(&self) -> &str {
        let (start, length) = self.token;
        // The constructors checked that it is ASCII.
        let text = std::str::from_utf8(self.value.as_bytes()).unwrap_or_default();
        text.get(start..start + length).unwrap_or_default()
    }

    /// What the verifier keeps of the token, if the connection had it before.
    pub(crate) fn cached<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.cached.clone().and_then(|cached| cached.downcast().ok())
    }

    /// Returns the proof of possession, if the request has one (RFC 9449 §4.1).
    pub fn proof(&self) -> Option<&str> {
        self.proof.as_ref().and_then(|proof| proof.to_str().ok())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

/// Whether the URL has a token, which is logged with it (RFC 9700 §4.3.2).
pub(super) fn has_token_in_query(uri: &Uri) -> bool {
    let named = |pair: &str| pair.split('=').next() == Some("access_token");
    uri.query().is_some_and(|query| query.split('&').any(named))
}

/// `b64token` of RFC 6750 §2.1.
fn is_b64token(token: &[u8]) -> bool {
    let padding = token.iter().rev().take_while(|byte| **byte == b'=').count();
    let body = &token[..token.len() - padding];
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-'..=b'/' | b'_' | b'~' | b'+');
    // Without an early exit, so that the compiler vectorizes it.
    !body.is_empty() && body.iter().fold(true, |fits, byte| fits & plain(*byte))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn read(values: &[&[u8]], uri: &str) -> Result<Option<Credentials>, AuthError> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        Credentials::read(&headers, &uri.parse().unwrap())
    }

    #[test]
    fn one_header_holds_one_token() {
        for value in ["Bearer a.b-c_d~e+f/g==", "bearer t", "BEARER  t"] {
            let credentials = read(&[value.as_bytes()], "/mcp").unwrap().unwrap();
            assert_eq!(credentials.scheme, Scheme::Bearer, "{value}");
            assert!(!format!("{credentials:?}").contains("a.b"));
        }
        // Credentials of another kind are none.
        let others: [&[&[u8]]; 8] = [
            &[],
            &[b""],
            &[b"Bearer"],
            &[b"Bearer "],
            &[b"Basic YTpi"],
            &[b"Negotiate"],
            &[b"Bearer\ta"],
            &[b"a.b.c"],
        ];
        for uri in ["/mcp", "/mcp?x=access_token", "/mcp?access_token=a", "/mcp?access_token"] {
            for values in others {
                assert!(read(values, uri).unwrap().is_none(), "{values:?} {uri}");
            }
        }
        let long = [b"Bearer ".as_slice(), &[b'a'; MAX_AUTHORIZATION_LEN]].concat();
        let faulty: [&[&[u8]]; 7] = [
            &[b"Bearer a", b"Bearer a"],
            &[b"Bearer a b"],
            &[b"Bearer a,Bearer b"],
            &[b"Bearer \"a\""],
            &[b"Bearer =a"],
            &[b"Bearer \xff"],
            &[&long],
        ];
        for values in faulty {
            assert!(matches!(read(values, "/mcp"), Err(AuthError::Malformed(_))), "{values:?}");
        }
        for uri in ["/mcp?access_token=a", "/mcp?b=c&access_token=a", "/mcp?access_token"] {
            assert!(matches!(read(&[b"Bearer a"], uri), Err(AuthError::Malformed(_))), "{uri}");
        }
    }
}
