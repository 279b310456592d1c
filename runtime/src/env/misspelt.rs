//! Variables that look like settings and are none.
//!
//! An unknown key of the configuration file is an error. Variables are shared with other programs, so
//! these are warnings.

use super::{
    env_file::{self, FILE_NAME},
    settings::{PROVIDER_SETTINGS, SETTINGS, variable_prefix},
};
use crate::support::suggest::nearest;

/// What settings begin with.
const PREFIX: &str = "TOOLGATE_";

/// What to say of variables that were probably meant as others: those of the process that begin as
/// settings do, and those of `.env`. `providers`: the IDs of the program's providers.
pub(crate) fn misspelt(providers: &[&str]) -> Vec<String> {
    let of_process = std::env::vars_os().filter_map(|(name, value)| {
        let name = name.into_string().ok()?;
        if is_service_link(&name, &value.to_string_lossy()) { None } else { setting(&name) }
    });
    let of_file = env_file::names().filter_map(|name| {
        let said = setting(name).or_else(|| of_provider(name, providers))?;
        Some(format!("{FILE_NAME}: {said}"))
    });
    of_process.chain(of_file).collect()
}

/// Whether Kubernetes sets the variable, as it does in every pod for each Service of the namespace: for one
/// named `toolgate` it sets `TOOLGATE_SERVICE_HOST`, `TOOLGATE_PORT` and `TOOLGATE_PORT_80_TCP_ADDR`.
fn is_service_link(name: &str, value: &str) -> bool {
    name.contains("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.contains("_PORT_") && ["_TCP", "_UDP"].iter().any(|part| name.contains(part))
        || name.ends_with("_PORT") && value.contains("://")
}

fn setting(name: &str) -> Option<String> {
    let own = name.strip_prefix(PREFIX)?;
    // Those of the development loop, of tests, and of the command line.
    let is_internal = own.starts_with("DEV_") || own.starts_with("TEST_");
    if is_internal || ["CRASH_POINT", "TOKEN"].contains(&own) {
        return None;
    }
    let known = || SETTINGS.iter().filter_map(|setting| setting.variable.strip_prefix(PREFIX));
    if known().any(|setting| setting == own) {
        return None;
    }
    Some(match nearest(own, known()) {
        Some(near) => format!("`{name}` is no setting: did you mean `{PREFIX}{near}`?"),
        None => format!("`{name}` is no setting: `--print-config` lists them"),
    })
}

/// `GITHUB_CLIENTID`: a variable of the program's own is left alone unless it is almost a known one.
fn of_provider(name: &str, providers: &[&str]) -> Option<String> {
    let prefix = |id: &&str| format!("{}_", variable_prefix(id));
    let prefix = providers.iter().map(prefix).find(|prefix| name.starts_with(prefix))?;
    let own = &name[prefix.len()..];
    let known = || PROVIDER_SETTINGS.iter().map(|(name, ..)| *name);
    if known().any(|setting| setting == own) {
        return None;
    }
    let near = nearest(own, known())?;
    Some(format!("`{name}` is not read: did you mean `{prefix}{near}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_almost_a_setting_is_noticed() {
        assert_eq!(
            setting(&format!("{PREFIX}PUBLIC_ULR")).unwrap(),
            "`TOOLGATE_PUBLIC_ULR` is no setting: did you mean `TOOLGATE_PUBLIC_URL`?"
        );
        assert_eq!(
            setting(&format!("{PREFIX}REGION")).unwrap(),
            "`TOOLGATE_REGION` is no setting: `--print-config` lists them"
        );
        for name in ["HTTP", "TOKEN", "DEV_SOCKET"] {
            assert_eq!(setting(&format!("{PREFIX}{name}")), None, "{name}");
        }
        assert_eq!(setting("PATH"), None);
    }

    #[test]
    fn variables_of_kubernetes_are_not_reported() {
        for (name, value) in [
            ("SERVICE_HOST", "10.0.0.7"),
            ("SERVICE_PORT_HTTP", "80"),
            ("PORT", "tcp://10.0.0.7:80"),
            ("PORT_80_TCP", "tcp://10.0.0.7:80"),
            ("PORT_80_TCP_ADDR", "10.0.0.7"),
            ("WEB_SERVICE_HOST", "10.0.0.7"),
        ] {
            assert!(is_service_link(&format!("{PREFIX}{name}"), value), "{name}");
        }
        for name in ["PORT", "HTTP", "PUBLIC_ULR", "STORE_SERVICE"] {
            assert!(!is_service_link(&format!("{PREFIX}{name}"), "8080"), "{name}");
        }
    }

    #[test]
    fn a_name_that_is_almost_one_of_a_provider_is_noticed() {
        let found = |name: &str| of_provider(name, &["my-hub", "github"]);
        assert_eq!(
            found("MY_HUB_CLIENTID").unwrap(),
            "`MY_HUB_CLIENTID` is not read: did you mean `MY_HUB_CLIENT_ID`?"
        );
        for name in ["GITHUB_CLIENT_ID", "GITHUB_TOKEN", "GITHUB_REPOSITORY", "SLACK_CLIENTID"] {
            assert_eq!(found(name), None, "{name}");
        }
    }
}
