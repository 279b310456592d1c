//! The trait of upstream providers, which `#[provider]` implements.

use std::{any::TypeId, fs, path::Path};

use super::{
    dialect::Dialect,
    oauth_client::OAuthClient,
    placeholder::PlaceholderValues,
    profile::Profile,
    registration::{Registration, check_endpoint},
};
use crate::{env, error::ConfigError, scope::Catalogue, support::file_mode};

/// An upstream OAuth 2 provider and its API; `#[provider]` implements it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no provider: it has no API",
    label = "not a provider",
    note = "a client is of an enum with `#[provider]`; a caller may be of one with `#[catalogue]`"
)]
pub trait Provider: Catalogue + Sized {
    /// The name in URLs, in the grant store and in environment variables: `github`.
    const ID: &'static str;
    /// The base URL of the API. Tokens are sent to its origin and nowhere else.
    const API: &'static str;
    /// The authorization endpoint (RFC 6749 §3.1).
    const AUTHORIZE: &'static str;
    /// The token endpoint (RFC 6749 §3.2).
    const TOKEN: &'static str;
    /// The revocation endpoint (RFC 7009), if there is one.
    const REVOKE: Option<&'static str> = None;
    /// The issuer that authorization responses must name (RFC 9207), if the provider names one.
    const ISSUER: Option<&'static str> = None;
    /// Where the provider departs from the RFCs.
    const DIALECT: Dialect = Dialect::STANDARD;
    /// What a stand-in of the provider answers, in tests and in development.
    const STAND_IN: Option<&'static Profile> = None;

    /// The client with this identifier, without a secret.
    fn client(id: impl Into<String>) -> OAuthClient<Self> {
        OAuthClient::new(registration::<Self>(id.into()))
    }

    /// The client that the environment describes.
    ///
    /// For a provider with the ID `github` these are read: `GITHUB_CLIENT_ID`,
    /// `GITHUB_CLIENT_SECRET`, or the file that `GITHUB_CLIENT_SECRET_FILE` names (optional: a public
    /// client has none), and, for another installation than
    /// the provider's or for a test, `GITHUB_API_URL`, `GITHUB_AUTHORIZE_URL`, `GITHUB_TOKEN_URL`,
    /// `GITHUB_REVOKE_URL` and `GITHUB_ISSUER`. For a provider with a placeholder `tenant`:
    /// `GITHUB_TENANT`, and `GITHUB_TENANT_URL` for where its value is read.
    ///
    /// A server in [development](crate::Server::dev) uses a stand-in of the provider where none of
    /// them is set, or the URL of the API alone and to what it is, and the provider has one. Then an identifier that is not set is an error of
    /// [`Server::build`](crate::Server::build), of a server that is not in development.
    ///
    /// # Errors
    ///
    /// The identifier is not set, or a URL is none or not https (loopback excepted).
    fn from_env() -> Result<OAuthClient<Self>, ConfigError> {
        let prefix = env::variable_prefix(Self::ID);
        let read = |suffix: &str| {
            let name = format!("{prefix}_{suffix}");
            env::var(&name).map(|value| (name, value))
        };
        let Some((_, id)) = read("CLIENT_ID") else {
            let awaits_stand_in = cfg!(feature = "dev")
                && Self::STAND_IN.is_some()
                && !changes_provider::<Self>(|suffix| read(suffix).map(|(_, value)| value));
            let mut client = Self::client("");
            client.registration.awaits_stand_in = awaits_stand_in;
            client.registration.is_from_env = true;
            let error = client.registration.no_client_id();
            return if awaits_stand_in { Ok(client) } else { Err(error) };
        };
        let mut client = Self::client(id);
        client.registration.is_from_env = true;
        if let Some((_, secret)) = read("CLIENT_SECRET") {
            client = client.secret(secret);
        } else if let Some((name, file)) = read("CLIENT_SECRET_FILE") {
            client = client.secret(secret_of(&name, &file)?);
        }
        let registration = &mut client.registration;
        for (suffix, target) in [
            ("API_URL", &mut registration.api),
            ("AUTHORIZE_URL", &mut registration.authorize),
            ("TOKEN_URL", &mut registration.token),
        ] {
            if let Some((name, value)) = read(suffix) {
                check_endpoint(&name, &value)?;
                *target = value;
            }
        }
        if let Some((name, value)) = read("REVOKE_URL") {
            check_endpoint(&name, &value)?;
            registration.revoke = Some(value);
        }
        for placeholder in registration.dialect.placeholders {
            let name = placeholder.name.to_uppercase();
            if let Some((_, value)) = read(&name) {
                registration.values.insert(placeholder.name.to_owned(), value);
            }
            if let Some((variable, value)) = read(&format!("{name}_URL")) {
                check_endpoint(&variable, &value)?;
                registration.values.insert(format!("{}_url", placeholder.name), value);
            }
        }
        if let Some((_, value)) = read("ISSUER") {
            registration.issuer = Some(value);
        }
        Ok(client)
    }
}

/// Whether a variable says anything else than the declaration of the provider. The runners of GitHub
/// Actions set `GITHUB_API_URL` to the URL of the API, whatever they run.
fn changes_provider<P: Provider>(variable: impl Fn(&str) -> Option<String>) -> bool {
    ENV_SUFFIXES.iter().any(|suffix| {
        let value = variable(suffix);
        let value = value.filter(|url| *suffix != "API_URL" || url.trim_end_matches('/') != P::API);
        value.is_some()
    })
}

/// What follows the provider's ID in the names of environment variables, besides `CLIENT_ID`.
const ENV_SUFFIXES: [&str; 7] = [
    "CLIENT_SECRET",
    "CLIENT_SECRET_FILE",
    "API_URL",
    "AUTHORIZE_URL",
    "TOKEN_URL",
    "REVOKE_URL",
    "ISSUER",
];

/// The largest file with a secret.
const MAX_SECRET_BYTES: u64 = 16 * 1024;

/// The secret in a file, which a variable names.
fn secret_of(variable: &str, file: &str) -> Result<String, ConfigError> {
    let fault = |problem: String| ConfigError::new(format!("`{variable}`: {file}: {problem}"));
    let found = fs::metadata(file).map_err(|error| fault(error.to_string()))?;
    if !found.is_file() || found.len() > MAX_SECRET_BYTES {
        return Err(fault("it is not a file with a secret".to_owned()));
    }
    if file_mode::others_may_write(&found) {
        return Err(ConfigError::new(format!(
            "`{variable}`: {}",
            file_mode::writable(Path::new(file))
        )));
    }
    let text = fs::read_to_string(file).map_err(|error| fault(error.to_string()))?;
    let secret = text.trim();
    if secret.is_empty() { Err(fault("it is empty".to_owned())) } else { Ok(secret.to_owned()) }
}

/// The registration of a client without a secret.
fn registration<P: Provider>(client_id: String) -> Registration {
    Registration {
        type_id: TypeId::of::<P>(),
        type_name: std::any::type_name::<P>(),
        id: P::ID,
        name: P::NAME,
        api: P::API.to_owned(),
        authorize: P::AUTHORIZE.to_owned(),
        token: P::TOKEN.to_owned(),
        refresh: P::DIALECT.refresh.map(str::to_owned),
        revoke: P::REVOKE.map(str::to_owned),
        issuer: P::ISSUER.map(str::to_owned),
        catalogue: P::SCOPES,
        dialect: const { &P::DIALECT },
        profile: P::STAND_IN,
        stand_in: None,
        awaits_stand_in: false,
        is_from_env: false,
        client_id,
        secret: None,
        values: PlaceholderValues::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A code host.
    #[crate::provider(
        api = "https://api.forge.example",
        authorize = "https://forge.example/authorize",
        token = "https://forge.example/token"
    )]
    enum Forge {
        /// Reads.
        #[scope("read", access = read)]
        Read,
    }

    #[test]
    fn the_url_of_the_api_itself_is_no_other_installation() {
        let changes = |name: &str, value: &str| {
            changes_provider::<Forge>(|suffix| (suffix == name).then(|| value.to_owned()))
        };
        assert!(!changes("none", ""));
        assert!(!changes("API_URL", "https://api.forge.example"));
        assert!(!changes("API_URL", "https://api.forge.example/"));
        assert!(changes("API_URL", "https://forge.acme.example/api"));
        assert!(changes("CLIENT_SECRET", "secret"));
        assert!(changes("TOKEN_URL", "https://forge.example/token"));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_with_a_secret_may_be_read_but_not_written_by_others() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("secret");
        fs::write(&file, "hunter2\n").unwrap();
        let read = |mode| {
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            secret_of("FORGE_CLIENT_SECRET_FILE", file.to_str().unwrap())
        };
        assert_eq!(read(0o444).unwrap(), "hunter2");
        let error = read(0o664).unwrap_err().to_string();
        assert!(error.contains("`FORGE_CLIENT_SECRET_FILE`") && error.contains("go-w"), "{error}");
    }
}
