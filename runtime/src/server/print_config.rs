//! `--print-config`: each setting, its value and where it comes from. Without secrets.

use std::fmt::Write as _;

use url::Url;

use crate::env::{
    self,
    settings::{PROVIDER_SETTINGS, SETTINGS},
};

/// What a secret is replaced by.
const MASKED: &str = "[secret]";

/// The settings as lines of a configuration file; those that are not set are comments. `providers`: the
/// IDs of those that the program has.
pub(super) fn print_config(providers: &[&str]) -> String {
    let mut text = String::new();
    for setting in SETTINGS {
        let (key, default) = (setting.key(), setting.default);
        let line = match env::found(setting.variable, setting.flag) {
            Some((_, origin)) if setting.is_secret => format!("# {key} = {MASKED}  # {origin}"),
            Some((value, origin)) => {
                format!("{key} = {}  # {origin}", quoted(&without_password(&value)))
            }
            None if default.is_empty() => format!("# {key} is not set"),
            None => format!("# {key} is not set; the default: {default}"),
        };
        let _ = writeln!(text, "# {}\n{line}", setting.about);
    }
    for id in providers {
        let _ = writeln!(text, "\n[provider.{id}]");
        let prefix = id.to_uppercase().replace('-', "_");
        for (name, is_secret, _) in PROVIDER_SETTINGS {
            let Some((value, origin)) = env::found(&format!("{prefix}_{name}"), None) else {
                continue;
            };
            let key = name.to_ascii_lowercase();
            let line = if *is_secret {
                format!("# {key} = {MASKED}  # {origin}")
            } else {
                format!("{key} = {}  # {origin}", quoted(&without_password(&value)))
            };
            let _ = writeln!(text, "{line}");
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// A string of TOML, which escapes as JSON does.
fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            _ if crate::support::escape::is_unprintable(c) => {
                let code = u32::from(c);
                let _ = if code > 0xffff {
                    write!(quoted, "\\U{code:08x}")
                } else {
                    write!(quoted, "\\u{code:04x}")
                };
            }
            _ => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A URL without its password. A text that is no URL stays as it is, unless it seems to have a
/// password: the URL of a database with several hosts and ports is none here.
fn without_password(value: &str) -> String {
    let Ok(mut url) = Url::parse(value) else {
        let seems_to_have_one = value.contains('@') || value.contains("password");
        return if seems_to_have_one { MASKED.to_owned() } else { value.to_owned() };
    };
    if url.cannot_be_a_base() && value.contains('@') {
        return MASKED.to_owned();
    }
    let named = url.query_pairs().any(|(name, _)| name == "password");
    if url.password().is_none() && !named {
        return value.to_owned();
    }
    if url.password().is_some() {
        let _ = url.set_password(Some("SECRET"));
    }
    if named {
        url.set_query(None);
    }
    url.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_of_a_url_is_not_shown() {
        for url in [
            "postgres://u:hunter2@db/g",
            "postgres://u:hunter2@a:5432,b:5433/g",
            "postgres://db/g?password=hunter2",
            "postgres://a:5432,b:5433/g?user=u&password=hunter2",
            "host=db user=u password=hunter2",
            "u:hunter2@db",
        ] {
            let shown = without_password(url);
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        for plain in ["sqlite:/var/lib/tools", "127.0.0.1:8765", "postgres://u@db/g"] {
            assert_eq!(without_password(plain), plain);
        }
        assert_eq!(quoted("a\"\\\u{1b}"), "\"a\\\"\\\\\\u001b\"");
    }
}
