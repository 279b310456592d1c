//! URLs of endpoints, and how a client authenticates there.

use darling::{Error, FromMeta, Result};
use syn::{Ident, LitStr, Meta};

use super::value::{Text, path, unquoted, value_of, written};
use crate::suggest;

/// An https URL, or an http URL of this machine. The runtime also checks URLs that come from the
/// environment.
pub(crate) struct Endpoint(pub(crate) LitStr);

impl FromMeta for Endpoint {
    fn from_meta(item: &Meta) -> Result<Self> {
        let Text(url) = Text::from_meta(item)?;
        let value = url.value();
        let loopback = ["127.0.0.1", "localhost", "[::1]"].iter().any(|host| {
            value
                .strip_prefix("http://")
                .and_then(|rest| rest.strip_prefix(host))
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
        });
        let rest = value.strip_prefix("https://").unwrap_or_default();
        let begins = |first: char| first.is_ascii_alphanumeric() || matches!(first, '[' | '{');
        // The value of a placeholder at the beginning has a scheme of its own.
        let https = rest.starts_with(begins) || value.starts_with('{');
        let key = darling::util::path_to_string(item.path());
        if https && !value.contains(char::is_whitespace) || loopback {
            return match excess(&key, &value) {
                None => Ok(Self(url)),
                Some(excess) => Err(Error::custom(format!("`{key}` has {excess}")).with_span(&url)),
            };
        }
        let message = if value.starts_with("http://") {
            format!(
                "`{key}` must be an https URL, because tokens are sent to it\nhelp: plain http is accepted for 127.0.0.1, [::1] and localhost"
            )
        } else {
            format!("`{key}` is not an absolute URL\nhelp: write `https://..`")
        };
        Err(Error::custom(message).with_span(&url))
    }
}

/// What the URL of an endpoint cannot have.
fn excess(key: &str, url: &str) -> Option<&'static str> {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let port = host.rsplit_once(':').filter(|(_, port)| !port.ends_with(']'));
    let is_port = |port: &str| port.parse::<u16>().is_ok_and(|port| port > 0);
    if url.contains('#') {
        Some("a fragment, which no request carries\nhelp: remove everything from `#` on")
    } else if key == "api" && url.contains('?') {
        Some(
            "a query, but paths are appended to it\nhelp: add the query to each request: `.query(..)`",
        )
    } else if host.contains('@') {
        Some("a user name before its host\nhelp: remove everything up to `@`")
    } else if port.is_some_and(|(_, port)| !is_port(port)) {
        Some("an invalid port\nhelp: write a number from 1 to 65535")
    } else {
        None
    }
}

/// `client_auth = basic`: a variant of the runtime's `ClientAuth`.
pub(crate) struct ClientAuth(pub(crate) Ident);

impl FromMeta for ClientAuth {
    fn from_meta(item: &Meta) -> Result<Self> {
        let form = " = basic";
        let value = value_of(item, form)?;
        let word = path(value).and_then(|path| path.get_ident().cloned()).ok_or_else(|| {
            unquoted(item, value, &["basic", "body"])
                .unwrap_or_else(|| written(item.path(), form))
                .with_span(value)
        })?;
        let variant = match word.to_string().as_str() {
            "basic" => "Basic",
            "body" => "Body",
            other => {
                let help = suggest::nearest(other, ["basic", "body"]).map_or_else(
                    || "write `basic` (the `Authorization` header) or `body`".to_owned(),
                    |word| format!("did you mean `{word}`?"),
                );
                let message = format!("`client_auth` has no value `{other}`\nhelp: {help}");
                return Err(Error::custom(message).with_span(&word));
            }
        };
        Ok(Self(Ident::new(variant, word.span())))
    }
}

/// A path below `api`.
pub(crate) struct ApiPath(pub(crate) LitStr);

impl FromMeta for ApiPath {
    fn from_meta(item: &Meta) -> Result<Self> {
        let Text(path) = Text::from_meta(item)?;
        let value = path.value();
        let in_path = |c: char| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '\\');
        if value.starts_with('/') && !value.starts_with("//") && value.chars().all(in_path) {
            return Ok(Self(path));
        }
        let message = if item.path().is_ident("path") {
            "the `path` of the account endpoint is a path below `api`, such as `/user`"
        } else {
            "`token_check` is a path below `api` that every valid token may read, such as `/user`"
        };
        Err(Error::custom(message).with_span(&path))
    }
}
