//! Settings of a server: one table of all that its environment can set.
//!
//! The reading of a configuration file, `--print-config` and the table in `docs/operations.md` are made
//! from it. A test finds every variable that the code reads in it.

/// A setting.
#[derive(Debug)]
pub(crate) struct Setting {
    /// The variable. The key of the configuration file is what follows `TOOLGATE_`, in small letters.
    pub(crate) variable: &'static str,
    /// The flag, where there is one.
    pub(crate) flag: Option<&'static str>,
    /// The default.
    pub(crate) default: &'static str,
    /// What it sets.
    pub(crate) about: &'static str,
    /// Whether its value is a secret, which no configuration file has and nothing prints.
    pub(crate) is_secret: bool,
}

const fn setting(
    variable: &'static str,
    flag: Option<&'static str>,
    default: &'static str,
    about: &'static str,
) -> Setting {
    Setting { variable, flag, default, about, is_secret: false }
}

const fn secret(variable: &'static str, about: &'static str) -> Setting {
    Setting { variable, flag: None, default: "", about, is_secret: true }
}

/// All settings, in the order of the documentation.
pub(crate) const SETTINGS: &[Setting] = &[
    setting("TOOLGATE_CONFIG", Some("--config"), "", "The configuration file"),
    setting("TOOLGATE_HTTP", Some("--http"), "127.0.0.1:8765", "The address to listen on"),
    setting("TOOLGATE_PUBLIC_URL", None, "the address", "The URL at which others reach the server"),
    setting(
        "TOOLGATE_TRUSTED_PROXIES",
        Some("--trusted-proxy"),
        "",
        "Addresses of proxies whose forwarding headers are believed",
    ),
    setting(
        "TOOLGATE_STDIO",
        Some("--stdio"),
        "false",
        "Whether one client is served over standard input",
    ),
    setting(
        "TOOLGATE_CALLBACK_PORT",
        Some("--callback-port"),
        "0",
        "With `--stdio`: the port for OAuth callbacks",
    ),
    setting(
        "TOOLGATE_INSPECTOR",
        Some("--inspector"),
        "in debug builds",
        "Whether there is a page that shows what the server does",
    ),
    setting(
        "TOOLGATE_INSPECTOR_CLIENT_ID",
        None,
        "",
        "The client of the inspector at an authorization server of others",
    ),
    setting("TOOLGATE_STORE", None, "an SQLite database", "The URL of the store"),
    setting(
        "TOOLGATE_STORE_FILE",
        None,
        "",
        "A file with the URL of the store, for one with a password",
    ),
    setting("TOOLGATE_DATA", None, "the platform's", "The directory of the SQLite database"),
    secret("TOOLGATE_KEY", "The master key"),
    setting("TOOLGATE_KEY_FILE", None, "", "A file with the master key"),
    secret("TOOLGATE_KEYS", "The master keys, the current one first"),
    setting("TOOLGATE_KEYS_FILE", None, "", "A file with the master keys"),
    setting(
        "TOOLGATE_KEYRING",
        None,
        "",
        "Names of master keys in the keyring of the operating system, the current one first",
    ),
    setting(
        "TOOLGATE_DRAIN_DELAY",
        None,
        "0",
        "Seconds for which a server that ends says that it is not ready",
    ),
    setting("TOOLGATE_DRAIN_TIMEOUT", None, "10", "Seconds that calls under way have to end"),
    setting(
        "TOOLGATE_AUDIT_RETENTION",
        None,
        "90",
        "Days for which the audit is kept; 0 keeps none",
    ),
    setting(
        "TOOLGATE_MANAGEMENT",
        Some("--management"),
        "",
        "The address of the management listener: probes and metrics",
    ),
    setting(
        "TOOLGATE_LOG_FORMAT",
        Some("--log-format"),
        "text",
        "The form of log lines: text or json",
    ),
    setting("RUST_LOG", None, "info,rmcp=warn", "Which log lines are written"),
    setting(
        "TOOLGATE_CORE_DUMPS",
        None,
        "false",
        "Whether a crash may write the memory of the process, tokens included",
    ),
    setting("TOOLGATE_FAST_PATH", None, "on", "`off`: every call goes by the service loop"),
];

/// What follows the ID of a provider in its variables, in capital letters, and whether it is a secret.
pub(crate) const PROVIDER_SETTINGS: &[(&str, bool, &str)] = &[
    ("CLIENT_ID", false, "The identifier of the OAuth client"),
    ("CLIENT_SECRET", true, "The secret of the OAuth client"),
    ("CLIENT_SECRET_FILE", false, "A file with the secret"),
    ("API_URL", false, "The API, for another installation"),
    ("AUTHORIZE_URL", false, "The authorization endpoint"),
    ("TOKEN_URL", false, "The token endpoint"),
    ("REVOKE_URL", false, "The revocation endpoint"),
    ("ISSUER", false, "The issuer"),
];

/// What the names of a provider's variables begin with, without the `_` that follows: `MY_HUB` of `my-hub`.
pub(crate) fn variable_prefix(id: &str) -> String {
    id.to_uppercase().replace('-', "_")
}

impl Setting {
    /// Its key in the configuration file.
    pub(crate) fn key(&self) -> String {
        self.variable.strip_prefix("TOOLGATE_").unwrap_or(self.variable).to_ascii_lowercase()
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// Variables that no operator sets: those of the development loop and of tests.
    const INTERNAL: [&str; 5] = [
        "TOOLGATE_CRASH_POINT",
        "TOOLGATE_DEV_SOCKET",
        "TOOLGATE_DEV_TUNNEL",
        "TOOLGATE_NO_SUCH_VARIABLE",
        "TOOLGATE_TEST_TARGET",
    ];

    /// The names of variables in string literals below a directory.
    fn read_below(directory: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read_below(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let source = fs::read_to_string(&path).unwrap();
                let literals = source.split("\"TOOLGATE_").skip(1);
                let is_name = |c: char| c.is_ascii_uppercase() || c == '_';
                let names = literals.filter_map(|rest| {
                    let end = rest.find(|c| !is_name(c))?;
                    let is_whole = end > 0 && rest[end..].starts_with('"');
                    is_whole.then(|| format!("TOOLGATE_{}", &rest[..end]))
                });
                found.extend(names);
            }
        }
    }

    #[test]
    fn every_variable_that_is_read_is_a_setting() {
        let mut found = Vec::new();
        read_below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        assert!(found.len() > SETTINGS.len());
        for name in found.iter().filter(|name| !INTERNAL.contains(&name.as_str())) {
            let is_known = SETTINGS.iter().any(|setting| setting.variable == name);
            assert!(is_known, "{name} is not in the table of settings");
        }
    }

    #[test]
    fn the_documentation_has_the_table() {
        let mut table =
            String::from("| key | variable | flag | default | |\n|---|---|---|---|---|\n");
        for setting in SETTINGS {
            let key = match setting.variable {
                _ if setting.is_secret => "none: a secret".to_owned(),
                "TOOLGATE_CONFIG" => "none".to_owned(),
                _ => format!("`{}`", setting.key()),
            };
            let flag = setting.flag.map_or_else(String::new, |flag| format!("`{flag}`"));
            let default = setting.default;
            let default = if default.is_empty() { "none" } else { default };
            let (variable, about) = (setting.variable, setting.about);
            let row = format!("| {key} | `{variable}` | {flag} | {default} | {about} |\n");
            table.push_str(&row);
        }
        table += "\n| key in `[provider.ID]` | variable | |\n|---|---|---|\n";
        for (name, is_secret, about) in PROVIDER_SETTINGS {
            let key = format!("`{}`", name.to_ascii_lowercase());
            let key = if *is_secret { "none: a secret" } else { &key };
            let row = format!("| {key} | `ID_{name}` | {about} |\n");
            table.push_str(&row);
        }
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/operations.md");
        let text = fs::read_to_string(&docs).unwrap();
        let (begin, end) = ("<!-- settings -->\n", "<!-- end of settings -->");
        let from = text.find(begin).expect("a mark") + begin.len();
        let to = text.find(end).expect("a mark");
        if std::env::var_os("BLESS").is_some() {
            fs::write(&docs, format!("{}{table}{}", &text[..from], &text[to..])).unwrap();
            return;
        }
        assert_eq!(&text[from..to], table, "`BLESS=1` writes it");
    }
}
