//! Guard of the page: requests of this machine, of this browser and of this page alone.
//!
//! Other pages of the same browser, names that resolve to this machine (DNS rebinding) and proxies
//! reach the same listener, so each of these is checked for every request:
//!
//! * the peer is this machine, and no header says that a proxy stands between;
//! * `Host` is a name of this machine with the port of this listener;
//! * `Origin`, where there is one, is this server's, and `Sec-Fetch-Site` is not another's;
//! * the cookie has the token of the link that the server printed;
//! * for what the page does, a header that no form, image or link can send.

use std::net::SocketAddr;

use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, StatusCode, Uri, header, request::Parts, uri::Authority};
use url::Url;

use super::page_token::PageToken;
use crate::{browser::local_request, support::url::is_loopback};

/// The header of the page's own requests.
const PAGE_HEADER: &str = "toolgate-inspector";

/// The path of the page and of all that belongs to it.
pub(super) const ROOT: &str = "/inspector";

/// Why a request is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) reason: &'static str,
}

impl Refusal {
    fn forbidden(reason: &'static str) -> Self {
        Self { status: StatusCode::FORBIDDEN, reason }
    }

    fn signed_out() -> Self {
        let reason = "Open the link that the server printed when it started.";
        Self { status: StatusCode::UNAUTHORIZED, reason }
    }
}

/// Checks requests to the page.
pub(super) struct Guard {
    token: PageToken,
    port: u16,
}

impl Guard {
    pub(super) fn new(token: PageToken, port: u16) -> Self {
        Self { token, port }
    }

    /// The path of the link that the server prints.
    pub(super) fn link(&self) -> String {
        format!("{ROOT}?token={}", self.token.as_str())
    }

    /// Whether this is the token of the link.
    pub(super) fn is_token(&self, text: &str) -> bool {
        self.token.is(text)
    }

    /// The `Set-Cookie` header for a browser that has opened the link.
    pub(super) fn cookie(&self) -> HeaderValue {
        let cookie = Cookie::build((self.cookie_name(), self.token.as_str()))
            .path(ROOT)
            .http_only(true)
            .same_site(SameSite::Strict)
            .build();
        let mut header = HeaderValue::try_from(cookie.to_string()).expect("hexadecimal digits");
        header.set_sensitive(true);
        header
    }

    /// Cookies do not distinguish ports, and two servers should not sign each other's page out.
    fn cookie_name(&self) -> String {
        format!("toolgate-inspector-{}", self.port)
    }

    /// Checks that a request is of this machine and meant for this listener.
    pub(super) fn check_machine(
        &self,
        peer: Option<SocketAddr>,
        parts: &Parts,
    ) -> Result<(), Refusal> {
        let headers = &parts.headers;
        local_request::check(peer, headers, &parts.uri)
            .map_err(|error| Refusal { status: error.status(), reason: error.reason() })?;
        let host = host(headers, &parts.uri);
        let url = host.and_then(|host| Url::parse(&format!("http://{host}/")).ok());
        let own =
            url.filter(|url| is_loopback(url) && url.port_or_known_default() == Some(self.port));
        let Some(own) = own else {
            return Err(Refusal::forbidden("The `Host` is not that of this server."));
        };
        let own = own.origin().ascii_serialization();
        if headers.get_all(header::ORIGIN).iter().any(|origin| origin.as_bytes() != own.as_bytes())
        {
            return Err(Refusal::forbidden("The `Origin` is another page."));
        }
        Ok(())
    }

    /// Checks that the browser has opened the link.
    pub(super) fn check_browser(&self, parts: &Parts) -> Result<(), Refusal> {
        // A navigation has `none`, and everything that the page loads `same-origin`.
        let site = parts.headers.get("sec-fetch-site");
        if site.is_some_and(|site| site != "same-origin" && site != "none") {
            return Err(Refusal::forbidden("The request is of another page."));
        }
        let name = self.cookie_name();
        let has_token = parts
            .headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|cookies| cookies.to_str().ok())
            .flat_map(|cookies| Cookie::split_parse(cookies).filter_map(Result::ok))
            .any(|cookie| cookie.name() == name && self.token.is(cookie.value()));
        if has_token { Ok(()) } else { Err(Refusal::signed_out()) }
    }

    /// Checks that the page itself asks.
    pub(super) fn check_page(parts: &Parts) -> Result<(), Refusal> {
        let header = |name: &str| parts.headers.get(name);
        if header(PAGE_HEADER).is_none_or(|value| value != "1") {
            return Err(Refusal::forbidden("Only the page itself may ask."));
        }
        if header("sec-fetch-site").is_some_and(|site| site != "same-origin") {
            return Err(Refusal::forbidden("The request is of another page."));
        }
        Ok(())
    }
}

/// HTTP/2 has the host in the URI.
fn host<'r>(headers: &'r HeaderMap, uri: &'r Uri) -> Option<&'r str> {
    match headers.get(header::HOST) {
        Some(host) => host.to_str().ok(),
        None => uri.authority().map(Authority::as_str),
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    fn guard() -> Guard {
        let directory = tempfile::tempdir().unwrap();
        let token = PageToken::kept_in(directory.path());
        Guard::new(token, 8765)
    }

    fn parts(headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::builder().uri("/inspector/api/state");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn machine(peer: &str, headers: &[(&str, &str)]) -> bool {
        guard().check_machine(Some(peer.parse().unwrap()), &parts(headers)).is_ok()
    }

    #[test]
    fn only_this_machine_and_this_listener_are_answered() {
        let own = ("host", "127.0.0.1:8765");
        assert!(machine("127.0.0.1:9", &[own]));
        assert!(machine("[::1]:9", &[("host", "localhost:8765")]));
        assert!(machine("127.0.0.1:9", &[own, ("origin", "http://127.0.0.1:8765")]));
        for (peer, headers) in [
            ("192.0.2.7:9", vec![own]),
            ("127.0.0.1:9", vec![]),
            ("127.0.0.1:9", vec![("host", "127.0.0.1")]),
            ("127.0.0.1:9", vec![("host", "127.0.0.1:4600")]),
            ("127.0.0.1:9", vec![("host", "tools.example:8765")]),
            ("127.0.0.1:9", vec![("host", "127.0.0.1.tools.example:8765")]),
            ("127.0.0.1:9", vec![own, ("origin", "http://localhost:8765")]),
            ("127.0.0.1:9", vec![own, ("origin", "http://127.0.0.1:4600")]),
            ("127.0.0.1:9", vec![own, ("origin", "https://127.0.0.1:8765")]),
            ("127.0.0.1:9", vec![own, ("origin", "null")]),
            ("127.0.0.1:9", vec![own, ("origin", "null"), ("sec-fetch-site", "same-origin")]),
            ("127.0.0.1:9", vec![own, ("origin", "https://evil.example")]),
            ("127.0.0.1:9", vec![own, ("x-forwarded-for", "127.0.0.1")]),
            ("127.0.0.1:9", vec![own, ("forwarded", "for=127.0.0.1")]),
            ("127.0.0.1:9", vec![own, ("via", "1.1 proxy")]),
        ] {
            assert!(!machine(peer, &headers), "{peer} {headers:?}");
        }
        assert!(guard().check_machine(None, &parts(&[own])).is_err());
    }

    #[test]
    fn only_the_browser_that_opened_the_link_is_answered() {
        let guard = guard();
        let cookie = format!("toolgate-inspector-8765={}", guard.token.as_str());
        let others = format!("a=b; {cookie}");
        let check = |headers: &[(&str, &str)]| {
            guard.check_browser(&parts(headers)).map_err(|refusal| refusal.status.as_u16())
        };
        assert_eq!(check(&[("cookie", &cookie)]), Ok(()));
        assert_eq!(check(&[("cookie", &others), ("sec-fetch-site", "none")]), Ok(()));
        assert_eq!(check(&[]), Err(401));
        let wrong = format!("toolgate-inspector-8765={TOKEN}");
        assert_eq!(check(&[("cookie", &wrong)]), Err(401));
        let of_other_port = cookie.replace("8765", "8766");
        assert_eq!(check(&[("cookie", &of_other_port)]), Err(401));
        for site in ["cross-site", "same-site", ""] {
            assert_eq!(check(&[("cookie", &cookie), ("sec-fetch-site", site)]), Err(403), "{site}");
        }
    }

    #[test]
    fn only_the_page_itself_may_act() {
        let check = |headers: &[(&str, &str)]| Guard::check_page(&parts(headers)).is_ok();
        let own = (PAGE_HEADER, "1");
        assert!(check(&[own]) && check(&[own, ("sec-fetch-site", "same-origin")]));
        assert!(!check(&[]) && !check(&[(PAGE_HEADER, "0")]));
        assert!(!check(&[own, ("sec-fetch-site", "none")]));
        assert!(!check(&[own, ("sec-fetch-site", "same-site")]));
    }

    #[test]
    fn the_cookie_is_for_the_page_alone() {
        let cookie = guard().cookie();
        let cookie = cookie.to_str().unwrap();
        for part in ["HttpOnly", "SameSite=Strict", "Path=/inspector"] {
            assert!(cookie.contains(part), "{cookie}");
        }
    }
}
