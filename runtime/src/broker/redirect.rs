//! Redirect URIs: which may be registered, and which match (RFC 9700 §2.1, RFC 8252 §7 and §8.4).

use url::Url;

use crate::support::url::is_loopback;

/// The longest redirect URI.
const MAX_REDIRECT_URI_LEN: usize = 2048;

/// Schemes that belong to no application: what they name runs in the browser itself, is shown by it,
/// or is opened by a program that every machine has.
const FORBIDDEN_SCHEMES: [&str; 54] = [
    // Run or shown by browsers.
    "javascript",
    "vbscript",
    "livescript",
    "data",
    "blob",
    "about",
    "view-source",
    "filesystem",
    "jar",
    "mhtml",
    "res",
    "resource",
    "cid",
    "mid",
    "feed",
    "urn",
    "chrome",
    "chrome-extension",
    "chrome-search",
    "devtools",
    "edge",
    "brave",
    "opera",
    "moz-extension",
    "safari-extension",
    "safari-web-extension",
    // The network and the disk.
    "file",
    "ftp",
    "ftps",
    "sftp",
    "ws",
    "wss",
    "ldap",
    "ldaps",
    "smb",
    "nfs",
    "dav",
    "gopher",
    "telnet",
    "ssh",
    "rdp",
    "vnc",
    "git",
    // Programs of the system.
    "intent",
    "android-app",
    "content",
    "mailto",
    "tel",
    "sms",
    "itms-services",
    "shell",
    "search",
    "search-ms",
    "help",
];

/// The beginnings of more of them: handlers of Windows and of Apple's system, and of sites.
const FORBIDDEN_PREFIXES: [&str; 4] = ["ms-", "x-apple", "web+", "microsoft"];

fn is_forbidden(scheme: &str) -> bool {
    FORBIDDEN_SCHEMES.contains(&scheme)
        || FORBIDDEN_PREFIXES.iter().any(|prefix| scheme.starts_with(prefix))
}

/// Where a redirect URI leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Destination {
    /// A site.
    Web { host: String },
    /// A program on the person's machine.
    Loopback { host: String },
    /// The program that has claimed the scheme.
    Private { scheme: String },
}

impl Destination {
    /// Whether any program on the machine can receive what is sent there (RFC 8252 §8.6).
    pub(crate) fn is_native(&self) -> bool {
        !matches!(self, Self::Web { .. })
    }
}

/// Returns where `uri` leads, or why it may not be registered.
pub(crate) fn check(uri: &str) -> Result<Destination, String> {
    if uri.len() > MAX_REDIRECT_URI_LEN {
        return Err(format!("a redirect URI has at most {MAX_REDIRECT_URI_LEN} characters"));
    }
    let url = parse(uri)?;
    if url.fragment().is_some() {
        return Err("a redirect URI has no fragment".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a redirect URI has no user".to_owned());
    }
    let host = url.host_str().unwrap_or_default().to_owned();
    match url.scheme() {
        "https" => Ok(Destination::Web { host }),
        "http" if is_loopback(&url) => Ok(Destination::Loopback { host }),
        "http" => {
            Err("a redirect URI is https, or http to 127.0.0.1, [::1] or localhost".to_owned())
        }
        scheme if is_forbidden(scheme) => {
            Err(format!("the scheme `{scheme}` is no application's own (RFC 8252 section 7.1)"))
        }
        scheme => Ok(Destination::Private { scheme: scheme.to_owned() }),
    }
}

/// Parses a URI that must be written in its normal form: other forms can disguise the host.
fn parse(uri: &str) -> Result<Url, String> {
    if !uri.bytes().all(|byte| byte.is_ascii_graphic()) || uri.contains(['\\', '*', '"', '<', '>'])
    {
        return Err(
            "a redirect URI has no blanks, wildcards, or characters beyond ASCII".to_owned()
        );
    }
    let url = Url::parse(uri).map_err(|_| "a redirect URI is absolute".to_owned())?;
    let written = uri == url.as_str() || url.path() == "/" && format!("{uri}/") == url.as_str();
    if written {
        Ok(url)
    } else {
        Err(format!("a redirect URI is written in its normal form: {url}"))
    }
}

/// Whether `asked` is one of `registered`: exactly, except for the port of a loopback address
/// (RFC 8252 §7.3).
pub(crate) fn is_registered(registered: &[String], asked: &str) -> bool {
    registered.iter().any(|registered| same(registered, asked))
}

/// Whether both are the same redirect URI.
pub(crate) fn same(registered: &str, asked: &str) -> bool {
    if registered == asked {
        return true;
    }
    let (Ok(mut registered), Ok(asked)) = (parse(registered), parse(asked)) else { return false };
    asked.scheme() == "http"
        && is_loopback(&asked)
        && asked.port() != Some(0)
        && registered.set_port(asked.port()).is_ok()
        && registered == asked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_fine(uri: &str) -> bool {
        check(uri).is_ok()
    }

    #[test]
    fn only_sites_this_machine_and_named_schemes() {
        for uri in [
            "https://app.example/callback",
            "https://app.example",
            "https://app.example:8443/callback?x=1",
            "http://127.0.0.1/callback",
            "http://127.0.0.1:1234/callback",
            "http://localhost:1234",
            "http://[::1]:1234/callback",
            "com.example.app:/callback",
            "com.example.app://callback/x",
            "cursor://anysphere.cursor-retrieval/oauth/callback",
            "myapp://callback",
            "vscodium://callback",
        ] {
            assert!(is_fine(uri), "{uri}");
        }
        for uri in [
            "",
            "/callback",
            "//app.example/callback",
            "https:app.example/cb",
            "https://",
            "http://app.example/callback",
            "http://0.0.0.0/callback",
            "http://10.0.0.1/callback",
            "http://127.0.0.1.evil.example/callback",
            "http://localhost.evil.example/callback",
            "http://127.1/callback",
            "http://0x7f000001/callback",
            "http://[::ffff:127.0.0.1]/callback",
            "https://app.example/callback#fragment",
            "https://app.example/callback#",
            "https://user@app.example/callback",
            "https://app.example@evil.example/callback",
            "https://:@app.example/callback",
            "https://app.example/a/../callback",
            "https://app.example/a/%2e%2e/callback",
            "https://app.example\\@evil.example/callback",
            "https://APP.example/callback",
            "https://app.example:443/callback",
            "https://*.example/callback",
            "https://app.example/call back",
            "https://app.exämple/callback",
            " https://app.example/callback",
            "https://app.example/callback\n",
            "javascript:alert(1)",
            "javascript://app.example/%0aalert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "ftp://app.example/callback",
            "blob:https://app.example/x",
            "about:blank",
            "vbscript:x",
            "view-source:https://app.example/",
            "filesystem:https://app.example/x",
            "ws://app.example/callback",
            "intent://app/callback",
            "chrome-extension://app/callback",
            "ms-msdt:/id",
            "web+app://callback",
            "my_app://callback",
            "1app://callback",
        ] {
            assert!(!is_fine(uri), "{uri}");
        }
        assert!(!is_fine(&format!("https://app.example/{}", "a".repeat(MAX_REDIRECT_URI_LEN))));
    }

    #[test]
    fn only_the_port_of_this_machine_is_free() {
        let fits = |registered: &str, asked: &str| is_registered(&[registered.to_owned()], asked);
        assert!(fits("https://app.example/cb", "https://app.example/cb"));
        assert!(fits("http://127.0.0.1/cb", "http://127.0.0.1:8080/cb"));
        assert!(fits("http://127.0.0.1:1/cb", "http://127.0.0.1:8080/cb"));
        assert!(fits("http://[::1]/cb", "http://[::1]:8080/cb"));
        assert!(fits("http://localhost:1/cb", "http://localhost:2/cb"));
        for (registered, asked) in [
            ("https://app.example/cb", "https://app.example/cb/"),
            ("https://app.example/cb", "https://app.example/cb?x=1"),
            ("https://app.example/cb", "https://app.example/cb/../evil"),
            ("https://app.example/cb", "https://app.example/cb%2f.."),
            ("https://app.example/cb", "https://app.example:8443/cb"),
            ("https://app.example/cb", "https://app.example.evil.example/cb"),
            ("https://app.example/cb", "https://app.example@evil.example/cb"),
            ("https://app.example/cb", "https://evil.example/?https://app.example/cb"),
            ("https://app.example/cb", "https://APP.example/cb"),
            ("https://app.example/cb", "http://app.example/cb"),
            ("https://app.example/cb", "https://app.example/CB"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:8080/other"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:8080/cb?x=1"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:8080/cb#x"),
            ("http://127.0.0.1/cb", "http://user@127.0.0.1:8080/cb"),
            ("http://127.0.0.1/cb", "http://localhost:8080/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.2:8080/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:8080@evil.example/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:8080\\@evil.example/cb"),
            ("http://127.0.0.1/cb", "https://127.0.0.1:8080/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:0/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:99999/cb"),
            ("http://127.0.0.1/cb", "http://0177.0.0.1:8080/cb"),
            ("com.example.app:/cb", "com.example.app:/cb2"),
            ("com.example.app:/cb", "com.example.app://cb"),
        ] {
            assert!(!fits(registered, asked), "{registered} {asked}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_registered_leads_where_it_says(uri in ".{0,80}", host in "[a-z0-9.:@/\\\\%#?-]{1,40}") {
            for uri in [uri, format!("https://{host}"), format!("http://{host}"), format!("http://127.0.0.1{host}")] {
                let Ok(destination) = check(&uri) else { continue };
                let url = Url::parse(&uri).unwrap();
                proptest::prop_assert!(!uri.contains(['#', '\\', '@']) || url.path().contains('@') || url.query().is_some_and(|query| query.contains('@')), "{}", uri);
                match destination {
                    Destination::Web { host } => {
                        proptest::prop_assert!(uri.starts_with(&format!("https://{host}")), "{}", uri);
                    }
                    Destination::Loopback { .. } => proptest::prop_assert!(is_loopback(&url)),
                    Destination::Private { scheme } => {
                        proptest::prop_assert!(uri.starts_with(&format!("{scheme}:")), "{}", uri);
                    }
                }
                proptest::prop_assert!(same(&uri, &uri));
            }
        }
    }
}
