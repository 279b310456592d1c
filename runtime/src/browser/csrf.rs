//! CSRF tokens: a form must come from a page that this browser was shown.

use http::{HeaderMap, header};

use crate::support::crypto;

/// The token in the form `form` of the browser with this secret: the secret is in a cookie, which
/// another site can neither read nor, over https, set.
pub(crate) fn token(browser: &str, form: &str) -> String {
    crypto::hmac_sha256_base64url(browser, form)
}

/// Whether `sent` is the [`token`] of this browser for this form.
pub(crate) fn verify(browser: &str, form: &str, sent: &str) -> bool {
    !browser.is_empty() && crypto::constant_time_eq(sent, token(browser, form))
}

/// Whether a page of `origin` sent the request. Browsers tell where a request comes from; other
/// programs need not.
pub(crate) fn is_same_origin(headers: &HeaderMap, origin: &str) -> bool {
    let site = headers.get("sec-fetch-site").map(|site| site.as_bytes() == b"same-origin");
    // A page without a referrer has the origin `null`.
    let sent = headers
        .get(header::ORIGIN)
        .filter(|sent| sent.as_bytes() != b"null")
        .map(|sent| sent.as_bytes() == origin.as_bytes());
    site.unwrap_or(true) && sent.unwrap_or(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_good_for_one_browser_and_one_form() {
        let sent = token("alice's browser", "accounts");
        assert!(verify("alice's browser", "accounts", &sent));
        assert!(!verify("bob's browser", "accounts", &sent));
        assert!(!verify("alice's browser", "consent", &sent));
        assert!(!verify("alice's browser", "accounts", ""));
        assert!(!verify("", "accounts", &token("", "accounts")), "a browser without a cookie");
    }
}
