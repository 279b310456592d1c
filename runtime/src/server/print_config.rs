//! `--print-config`: each setting, its value and where it comes from. Without secrets.

use std::fmt::Write as _;

use url::Url;

use crate::{
    env::{
        self,
        settings::{PROVIDER_SETTINGS, SETTINGS},
    },
    support::url::has_password,
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
            Some((value, origin)) => line_of(&key, &value, &origin, setting.is_secret),
            None if default.is_empty() => format!("# {key} is not set"),
            None => format!("# {key} is not set; the default: {default}"),
        };
        let _ = writeln!(text, "# {}\n{line}", setting.about);
    }
    for id in providers {
        let _ = writeln!(text, "\n[provider.{id}]");
        let prefix = env::variable_prefix(id);
        for (name, is_secret, _) in PROVIDER_SETTINGS {
            let Some((value, origin)) = env::found(&format!("{prefix}_{name}"), None) else {
                continue;
            };
            let line = line_of(&name.to_ascii_lowercase(), &value, &origin, *is_secret);
            let _ = writeln!(text, "{line}");
        }
    }
    text.truncate(text.trim_end().len());
    text
}

/// A setting as a line of the file: a comment, if its value must not be shown.
fn line_of(key: &str, value: &str, origin: &str, is_secret: bool) -> String {
    match without_password(value).filter(|_| !is_secret) {
        Some(value) => format!("{key} = {}  # {origin}", quoted(&value)),
        None => format!("# {key} = {MASKED}  # {origin}"),
    }
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

/// The text, and a URL without its password. `None`: it has a password, and is not a URL that can be parsed.
fn without_password(value: &str) -> Option<String> {
    if !has_password(value) {
        return Some(value.to_owned());
    }
    let mut url = Url::parse(value).ok().filter(|url| !url.cannot_be_a_base())?;
    if url.password().is_some() {
        url.set_password(Some("SECRET")).ok()?;
    }
    if url.query_pairs().any(|(name, _)| name == "password") {
        url.set_query(None);
    }
    Some(url.into())
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
            let shown = line_of("store", url, "", false);
            assert!(!shown.contains("hunter2"), "{shown}");
        }
        for plain in [
            "sqlite:/var/lib/tools",
            "127.0.0.1:8765",
            "postgres://u@db/g",
            "/run/secrets/db_password",
        ] {
            assert_eq!(without_password(plain).as_deref(), Some(plain));
        }
        assert_eq!(line_of("store", "u:p@db", "here", false), "# store = [secret]  # here");
        assert_eq!(quoted("a\"\\\u{1b}"), "\"a\\\"\\\\\\u001b\"");
    }
}
