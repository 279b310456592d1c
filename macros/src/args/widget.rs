//! `#[widget(..)]`: the keys of a tool, and those of its view.

use darling::{Error, FromMeta, Result};
use syn::{Expr, LitStr, Meta, spanned::Spanned};

use super::{
    Attribute, keys,
    tool::ToolArgs,
    value::{Switch, Text, Texts, list_of, text, ungroup, written},
};
use crate::{errors::Errors, suggest};

/// The maximum number of characters of `invoking` and `invoked`, which hosts limit.
const MAX_STATUS_LEN: usize = 64;

const PERMISSIONS: [&str; 4] = ["camera", "microphone", "geolocation", "clipboard_write"];

attribute! {
    struct WidgetArgs {
        ..tool: ToolArgs,
        view: Option<Text>,
        csp: Option<Csp>,
        permissions: Option<Permissions>,
        border: Option<Switch>,
        domain: Option<Domain>,
        optional_scopes: Option<Text>,
        invoking: Option<Status>,
        invoked: Option<Status>,
    }
}

/// What a host shows while the tool runs, or afterwards.
pub(crate) struct Status(pub(crate) LitStr);

impl FromMeta for Status {
    fn from_meta(item: &Meta) -> Result<Self> {
        let Text(text) = Text::from_meta(item)?;
        if text.value().chars().count() <= MAX_STATUS_LEN {
            return Ok(Self(text));
        }
        let key = darling::util::path_to_string(item.path());
        let message = format!("`{key}` has at most {MAX_STATUS_LEN} characters");
        Err(Error::custom(message).with_span(&text))
    }
}

/// `domain = "https://board.example"` or `domain = "abc.claudemcpcontent.com"`. The MCP host
/// decides which form it has.
pub(crate) struct Domain(pub(crate) LitStr);

impl FromMeta for Domain {
    fn from_meta(item: &Meta) -> Result<Self> {
        let Text(text) = Text::from_meta(item)?;
        let value = text.value();
        let host = value.strip_prefix("https://").unwrap_or(&value);
        match check_origin_text(&format!("https://{host}"), false) {
            Ok(()) => Ok(Self(text)),
            Err(why) => {
                let message = format!(
                    "`{value}` is not a domain: {why}\nhelp: write `board.example` or `https://board.example`, as the MCP host requires"
                );
                Err(Error::custom(message).with_span(&text))
            }
        }
    }
}

/// `permissions("camera")`
pub(crate) struct Permissions(pub(crate) Vec<LitStr>);

impl FromMeta for Permissions {
    fn from_meta(item: &Meta) -> Result<Self> {
        let Texts(names) = Texts::from_meta(item)?;
        let mut errors = Error::accumulator();
        for name in &names {
            let value = name.value();
            if !PERMISSIONS.contains(&value.as_str()) {
                let help = suggest::help(&value, PERMISSIONS, "permissions are");
                let message = format!("`{value}` is not a permission\nhelp: {help}");
                errors.push(Error::custom(message).with_span(name));
            }
        }
        errors.finish_with(Self(names))
    }
}

attribute! {
    /// `csp(connect = ["https://.."], ..)`
    struct CspArgs {
        connect: Option<OriginList>,
        resource: Option<OriginList>,
        frame: Option<OriginList>,
        base_uri: Option<OriginList>,
    }
}

impl Attribute for CspArgs {
    const HAS_CRATE: bool = false;
    const NAME: &'static str = "csp";

    fn misplaced(key: &str) -> Option<String> {
        let help = suggest::help(key, <Self as super::Keys>::keys(), "its lists are");
        Some(format!("`csp` has no list `{key}`\nhelp: {help}"))
    }

    fn with_key(value: &str) -> Option<String> {
        Some(format!("connect = [{value}]"))
    }
}

/// The origins that a view may reach.
pub(crate) struct Csp(pub(crate) CspArgs);

impl FromMeta for Csp {
    fn from_meta(item: &Meta) -> Result<Self> {
        let tokens = list_of(item, "(connect = [\"https://api.example\"], resource = [..])")?;
        let mut errors = Errors::default();
        let items = keys::parse_items::<CspArgs>(tokens.clone(), &mut errors);
        let items = keys::check_keys::<CspArgs>(items, &mut errors);
        let args = errors.take(CspArgs::from_list(&items));
        errors.finish()?;
        args.map(Self).ok_or_else(|| Error::custom("`csp` is faulty"))
    }
}

/// `connect = ["https://api.example"]`
pub(crate) struct OriginList(pub(crate) Vec<LitStr>);

impl FromMeta for OriginList {
    fn from_meta(item: &Meta) -> Result<Self> {
        let key = darling::util::path_to_string(item.path());
        let Meta::NameValue(pair) = item else {
            return Err(written(item.path(), " = [\"https://api.example\"]").with_span(item.path()));
        };
        let Expr::Array(list) = ungroup(&pair.value) else {
            let value = quote::ToTokens::to_token_stream(&pair.value);
            let message = format!("`{key}` is a list\nhelp: write `{key} = [{value}]`");
            return Err(Error::custom(message).with_span(&pair.value.span()));
        };
        let mut errors = Error::accumulator();
        let mut origins = Vec::new();
        for element in &list.elems {
            match text(element) {
                Some(origin) => {
                    errors.handle(check_origin(&origin, key == "connect"));
                    origins.push(origin);
                }
                None => {
                    let message = "an origin is a string literal\nhelp: write `\"https://..\"`";
                    errors.push(Error::custom(message).with_span(element));
                }
            }
        }
        errors.finish_with(Self(origins))
    }
}

/// Checks that a literal is an origin: a scheme, a host and perhaps a port, without wildcards.
fn check_origin(literal: &LitStr, connects: bool) -> Result<()> {
    let text = literal.value();
    check_origin_text(&text, connects).map_err(|why| {
        let example =
            if connects { "`https://api.example` or `wss://..`" } else { "`https://cdn.example`" };
        let message =
            format!("`{text}` is not an origin: {why}\nhelp: write {example}, without a path");
        Error::custom(message).with_span(literal)
    })
}

/// Fails with the reason why `text` is not an origin.
fn check_origin_text(text: &str, connects: bool) -> std::result::Result<(), &'static str> {
    let wrong = Err;
    if text.contains('*') {
        return wrong("a wildcard would let in sites that are not named");
    }
    let rest = match text.split_once("://") {
        Some(("https", rest)) => rest,
        Some(("wss", rest)) if connects => rest,
        _ => return wrong("it does not begin with `https://`"),
    };
    if rest.starts_with('[') {
        return wrong("browsers accept no IPv6 address here, so the host needs a name");
    }
    let (host, port) = rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port)));
    if rest.contains(['/', '?', '#', '@']) {
        return wrong("it has more than a host and a port");
    }
    if !host.is_ascii() {
        return wrong("its host is not in the ASCII form, which begins with `xn--`");
    }
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return wrong("its host is not in lower case");
    }
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    let labels = host.split('.').all(|label| !label.is_empty() && !label.starts_with('-'));
    if !host.bytes().all(fits) || !labels {
        return wrong("its host has an invalid label (a-z, 0-9 and `-` are allowed)");
    }
    let is_port = |port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|n| n > 0)
    };
    if !port.is_none_or(is_port) {
        return wrong("its port is not a number from 1 to 65535");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::*;

    #[test]
    fn an_origin_is_what_a_browser_compares() {
        let check = |text: &str| match check_origin(&LitStr::new(text, Span::call_site()), true) {
            Ok(()) => "fits".to_owned(),
            Err(error) => error.to_string().lines().next().unwrap_or_default().to_owned(),
        };
        for fits in ["https://a.example", "wss://a-b.example:8443", "https://xn--bcher-kva.example"]
        {
            assert_eq!(check(fits), "fits");
        }
        for (text, why) in [
            ("https://API.example", "its host is not in lower case"),
            ("https://bücher.example", "its host is not in the ASCII form"),
            ("https://[::1]:80", "browsers accept no IPv6 address here"),
            ("https://", "its host has an invalid label"),
            ("https://a..example", "its host has an invalid label"),
            ("https://-a.example", "its host has an invalid label"),
            ("https://a_b.example", "its host has an invalid label"),
            ("https://a.example:+80", "its port is not a number"),
            ("https://a.example:0", "its port is not a number"),
            ("https://a.example:65536", "its port is not a number"),
            ("https://a.example:", "its port is not a number"),
            ("https://a.example:80/x", "it has more than a host and a port"),
            ("https://a@b.example", "it has more than a host and a port"),
            ("ws://a.example", "it does not begin with `https://`"),
        ] {
            let said = check(text);
            assert!(said.starts_with(&format!("`{text}` is not an origin: {why}")), "{said}");
        }
    }
}
