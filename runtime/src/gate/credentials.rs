//! Credentials, as they stand in a request (RFC 6750 §2.1, RFC 9449 §7.1).

use std::{any::Any, fmt, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue, Uri, header};

use super::{AuthError, Memory, token_cache::Known};

pub(crate) static DPOP: HeaderName = HeaderName::from_static("dpop");

/// The longest token that is looked at, in bytes.
const LONGEST: usize = 16 * 1024;

/// By which scheme a token came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Scheme {
    /// Whoever has the token may use it.
    Bearer,
    /// Only who has its key may use it (RFC 9449).
    Dpop,
}

/// A token, as it came. [`Debug`](fmt::Debug) does not show it.
#[derive(Clone)]
pub struct Credentials {
    /// By which scheme it came.
    pub scheme: Scheme,
    /// The whole header, shared with the request: the token is not copied.
    value: HeaderValue,
    /// Where in it the token begins, and how long it is.
    token: (usize, usize),
    proof: Option<HeaderValue>,
    /// What is known of the token, if it was the last one of its connection.
    known: Option<Known>,
}

impl Credentials {
    /// The credentials of a request; `None` if it has none.
    ///
    /// They stand in one `Authorization` header and nowhere else: a token in the query would be
    /// logged on its way.
    ///
    /// # Errors
    ///
    /// [`AuthError::Malformed`] says how they are wrong.
    pub fn read(headers: &HeaderMap, uri: &Uri) -> Result<Option<Self>, AuthError> {
        Self::read_over(headers, uri, None)
    }

    /// As [`Credentials::read`], over a connection that remembers its last token.
    pub(crate) fn read_over(
        headers: &HeaderMap,
        uri: &Uri,
        memory: Option<&Memory>,
    ) -> Result<Option<Self>, AuthError> {
        let malformed = |how| Err(AuthError::Malformed(how));
        let named = |pair: &str| pair.split('=').next() == Some("access_token");
        if uri.query().is_some_and(|query| query.split('&').any(named)) {
            return malformed("a token in the query is not accepted; send it in the header");
        }
        let mut values = headers.get_all(header::AUTHORIZATION).iter();
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return malformed("there are two Authorization headers");
        }
        if value.len() > LONGEST {
            return malformed("the token is too long");
        }
        let bytes = value.as_bytes();
        let Some(space) = bytes.iter().position(|byte| *byte == b' ') else {
            return malformed("the Authorization header names no token");
        };
        let (scheme, rest) = (&bytes[..space], &bytes[space..]);
        let scheme = if scheme.eq_ignore_ascii_case(b"bearer") {
            Scheme::Bearer
        } else if scheme.eq_ignore_ascii_case(b"dpop") {
            Scheme::Dpop
        } else {
            return malformed("the scheme of the Authorization header is not Bearer");
        };
        let before = rest.iter().take_while(|byte| **byte == b' ').count();
        let after = rest[before..].iter().rev().take_while(|byte| **byte == b' ').count();
        let token = &rest[before..rest.len() - after];
        let known = memory.and_then(|memory| memory.recall(token));
        if known.is_none() && !is_b64token(token) {
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
        Ok(Some(Self { scheme, value: value.clone(), token, proof, known }))
    }

    /// A token that came in another way than by a request; `None` if it is none.
    pub(crate) fn bearer(token: &str) -> Option<Self> {
        let value = HeaderValue::from_str(token).ok()?;
        is_b64token(token.as_bytes()).then_some(Self {
            scheme: Scheme::Bearer,
            value,
            token: (0, token.len()),
            proof: None,
            known: None,
        })
    }

    /// The token. Show it to nobody.
    pub fn token(&self) -> &str {
        let (start, length) = self.token;
        // It was seen to be ASCII.
        let text = std::str::from_utf8(self.value.as_bytes()).unwrap_or_default();
        text.get(start..start + length).unwrap_or_default()
    }

    /// What the connection knows of the token.
    pub(crate) fn known<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.known.clone().and_then(|known| known.downcast().ok())
    }

    /// The proof of possession, if one came (RFC 9449 §4.1).
    pub fn proof(&self) -> Option<&str> {
        self.proof.as_ref().and_then(|proof| proof.to_str().ok())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("scheme", &self.scheme).finish_non_exhaustive()
    }
}

/// `b64token` of RFC 6750 §2.1.
fn is_b64token(token: &[u8]) -> bool {
    let padding = token.iter().rev().take_while(|byte| **byte == b'=').count();
    let body = &token[..token.len() - padding];
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-'..=b'/' | b'_' | b'~' | b'+');
    // Without a way out early, so that the compiler looks at many bytes at once.
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
    fn one_header_with_one_token_and_nothing_else() {
        for value in ["Bearer a.b-c_d~e+f/g==", "bearer t", "BEARER  t"] {
            let credentials = read(&[value.as_bytes()], "/mcp").unwrap().unwrap();
            assert_eq!(credentials.scheme, Scheme::Bearer, "{value}");
            assert!(!format!("{credentials:?}").contains("a.b"));
        }
        assert!(read(&[], "/mcp?x=access_token").unwrap().is_none());
        let long = [b"Bearer ".as_slice(), &[b'a'; LONGEST]].concat();
        let faulty: [&[&[u8]]; 13] = [
            &[b"Bearer a", b"Bearer a"],
            &[b"Bearer"],
            &[b"Bearer "],
            &[b""],
            &[b"Bearer a b"],
            &[b"Bearer a,Bearer b"],
            &[b"Bearer \"a\""],
            &[b"Basic YTpi"],
            &[b"Bearer\ta"],
            &[b"Bearer =a"],
            &[b"Bearer \xff"],
            &[b"a.b.c"],
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
