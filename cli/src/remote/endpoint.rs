//! URLs of servers, as people write them.

use anyhow::{Result, bail};
use url::Url;

use super::text::quoted;

/// Parses a URL of http or https. Where its scheme is missing, the error has the whole of it.
pub(crate) fn parse_url(text: &str) -> Result<Url> {
    let is_whole = |url: &Url| matches!(url.scheme(), "http" | "https") && url.host().is_some();
    if let Some(url) = Url::parse(text).ok().filter(is_whole) {
        return Ok(url);
    }
    let host = text.split(['/', ':', '?', '#']).next().unwrap_or_default();
    let is_here = host == "localhost" || host.starts_with("127.");
    let with_scheme = format!("{}://{text}", if is_here { "http" } else { "https" });
    let is_host = |host: &str| host.contains('.') || host == "localhost";
    if !text.contains("://") && is_host(host) && Url::parse(&with_scheme).is_ok() {
        bail!("a URL begins with its scheme: write `{}`", quoted(&with_scheme));
    }
    bail!("`{}` is no URL of http or https", quoted(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheme_that_is_missing_is_shown() {
        let error = |text: &str| parse_url(text).unwrap_err().to_string();
        assert!(error("localhost:8765/mcp").ends_with("write `http://localhost:8765/mcp`"));
        assert!(error("127.0.0.1:8765").ends_with("write `http://127.0.0.1:8765`"));
        assert!(error("tools.example").ends_with("write `https://tools.example`"));
        for none in ["", "foo", "ftp://tools.example", "http://", "file:///etc/passwd"] {
            assert!(error(none).ends_with("is no URL of http or https"), "{none}");
        }
        assert!(parse_url("https://tools.example/mcp").is_ok());
    }
}
