//! Masking of secrets in recorded exchanges.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, Uri, header};
use url::form_urlencoded;

/// What is shown in place of a secret.
const MASK: &str = "••••";

/// Parameters of URLs that are secret.
const SECRET_PARAMETERS: [&str; 9] = [
    "code",
    "state",
    "token",
    "access_token",
    "refresh_token",
    "id_token",
    "client_secret",
    "code_verifier",
    "client_assertion",
];

/// How the tokens begin that this server makes, and JSON Web Tokens.
const TOKEN_PREFIXES: [&str; 3] = ["eyJ", "tgr_", "tgc_"];

/// The shortest text that may be a token.
const MIN_TOKEN_LEN: usize = 24;

/// The headers as names and values, with secrets masked.
pub(super) fn headers(headers: &HeaderMap) -> Vec<(String, String)> {
    let shown = |(name, value): (&HeaderName, &http::HeaderValue)| {
        let text = String::from_utf8_lossy(value.as_bytes());
        (name.as_str().to_owned(), header_value(name, &text))
    };
    headers.iter().map(shown).collect()
}

fn header_value(name: &HeaderName, value: &str) -> String {
    if *name == header::AUTHORIZATION || *name == header::PROXY_AUTHORIZATION {
        return match value.split_once(' ') {
            Some((scheme, _)) => format!("{scheme} {MASK}"),
            None => MASK.to_owned(),
        };
    }
    if *name == header::COOKIE || *name == header::SET_COOKIE || name == "dpop" {
        return MASK.to_owned();
    }
    if *name == header::LOCATION || *name == header::REFERER {
        return url(value);
    }
    tokens(value).into_owned()
}

/// The path and the query of a request.
pub(super) fn target(uri: &Uri) -> String {
    url(uri.path_and_query().map_or("/", |target| target.as_str()))
}

/// A URL, or a part of one, whose secret parameters are masked. Links to pages for one person are
/// secrets in their path.
fn url(text: &str) -> String {
    let (path, query) = text.split_once('?').unwrap_or((text, ""));
    let mut masked = path_of(path);
    for (number, pair) in query.split('&').filter(|pair| !pair.is_empty()).enumerate() {
        masked.push(if number == 0 { '?' } else { '&' });
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let decoded = form_urlencoded::parse(name.as_bytes()).next();
        let decoded = decoded.map(|(name, _)| name.into_owned()).unwrap_or_default();
        let is_secret = SECRET_PARAMETERS.contains(&&*decoded.to_ascii_lowercase());
        masked.push_str(name);
        masked.push('=');
        masked.push_str(if is_secret { MASK } else { value });
    }
    tokens(&masked).into_owned()
}

fn path_of(path: &str) -> String {
    for before in ["/connect/", "/oauth/step-up/"] {
        if let Some((start, link)) = path.split_once(before)
            && !link.is_empty()
        {
            return format!("{start}{before}{MASK}");
        }
    }
    path.to_owned()
}

/// The text with everything that looks like a token masked.
pub(super) fn tokens(text: &str) -> Cow<'_, str> {
    if !TOKEN_PREFIXES.iter().any(|prefix| text.contains(*prefix)) {
        return Cow::Borrowed(text);
    }
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let word = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        let (start, after) = rest.split_at(word);
        let is_token = TOKEN_PREFIXES.iter().any(|prefix| start.starts_with(*prefix));
        if start.len() >= MIN_TOKEN_LEN && is_token {
            masked.push_str(MASK);
        } else {
            masked.push_str(start);
        }
        let gap = after.find(is_part).unwrap_or(after.len());
        let (between, next) = after.split_at(gap);
        masked.push_str(between);
        rest = next;
    }
    Cow::Owned(masked)
}

#[cfg(test)]
mod tests {
    use super::*;

    const JWT: &str = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl";

    #[test]
    fn credentials_are_masked_in_headers() {
        for (name, value, expected) in [
            ("authorization", "Bearer secret", "Bearer ••••"),
            ("authorization", "secret", "••••"),
            ("cookie", "a=secret", "••••"),
            ("set-cookie", "a=secret; HttpOnly", "••••"),
            ("dpop", "secret", "••••"),
            (
                "location",
                "http://127.0.0.1:1/callback?code=secret&iss=a&state=secret",
                "http://127.0.0.1:1/callback?code=••••&iss=a&state=••••",
            ),
            ("content-type", "application/json", "application/json"),
            ("x-debug", &format!("was {JWT}"), "was ••••"),
        ] {
            assert_eq!(header_value(&name.parse().unwrap(), value), expected, "{name}");
        }
    }

    #[test]
    fn secret_parameters_and_links_are_masked_in_paths() {
        for (path, expected) in [
            ("/callback/forge?code=x&state=y", "/callback/forge?code=••••&state=••••"),
            ("/a?%63ode=x", "/a?%63ode=••••"),
            ("/a?Code=x&b=1", "/a?Code=••••&b=1"),
            ("/connect/secret", "/connect/••••"),
            ("/app/oauth/step-up/secret", "/app/oauth/step-up/••••"),
            ("/connect/", "/connect/"),
            ("/mcp", "/mcp"),
        ] {
            assert_eq!(target(&path.parse().unwrap()), expected, "{path}");
        }
    }

    #[test]
    fn tokens_are_masked_in_bodies() {
        assert_eq!(tokens(&format!("{{\"a\":\"{JWT}\"}}")), "{\"a\":\"••••\"}");
        assert_eq!(tokens("tgr_0123456789012345678901234"), "••••");
        assert_eq!(tokens("eyJ is short"), "eyJ is short");
        assert_eq!(tokens("Grüße eyJ"), "Grüße eyJ");
    }
}
