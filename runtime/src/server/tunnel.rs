//! Servers that are reached through a tunnel, in development.
//!
//! The tunnel has a listener of its own, which a process of its own serves. That process has neither the
//! inspector nor a sign-in without passwords, whatever a request says of where it comes from.

use super::builder::Server;
use crate::{error::ConfigError, mcp::fallback::ErasedHandler};

/// The variable with the URL at which the tunnel is reached.
const VARIABLE: &str = "TOOLGATE_DEV_TUNNEL";

/// Prepares the server for the tunnel, if this process serves one.
pub(super) fn prepare(server: Server<ErasedHandler>) -> Result<Server<ErasedHandler>, ConfigError> {
    match std::env::var(VARIABLE) {
        Ok(url) if !url.is_empty() => prepare_for(server, url),
        _ => Ok(server),
    }
}

fn prepare_for(
    server: Server<ErasedHandler>,
    url: String,
) -> Result<Server<ErasedHandler>, ConfigError> {
    #[cfg(feature = "dev")]
    if server.dev.is_some() {
        return Err(ConfigError::new(
            "people sign in without a password, and so on this machine alone, not through a tunnel",
        )
        .help("put a broker or a gate in its place: `cargo toolgate add gate PRESET`"));
    }
    let is_verified = server.gate.is_some();
    #[cfg(feature = "broker")]
    let is_verified = is_verified || server.broker.is_some();
    if !is_verified {
        return Err(ConfigError::new(
            "callers are not verified, so everyone who knows the URL of the tunnel could act as you",
        )
        .help("add a gate or a broker: `cargo toolgate add gate PRESET`"));
    }
    let this_machine = ["127.0.0.0/8", "::1"].map(str::to_owned).to_vec();
    let server = server.replace_public_url(Some(url)).replace_inspector(Some(false));
    Ok(server.replace_trusted_proxies(Some(this_machine)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::Gate;

    fn prepared(server: Server) -> Result<Server<ErasedHandler>, String> {
        let prepared = prepare_for(server.erase().0, "https://a.example/".to_owned());
        prepared.map_err(|error| error.to_string())
    }

    #[test]
    fn only_verified_callers_come_through_a_tunnel() {
        let server = || Server::new("tools", "1");
        let error = prepared(server()).err().unwrap();
        assert!(error.contains("could act as you"), "{error}");
        let gated = server().gate(Gate::for_broker().resource("https://b.example/mcp"));
        let prepared = prepared(gated).unwrap();
        assert_eq!(prepared.public_url.as_deref(), Some("https://a.example"));
        assert_eq!(
            prepared.gate.as_ref().unwrap().resource.as_deref(),
            Some("https://a.example/mcp"),
            "the name that was configured is another server's"
        );
        assert!(!prepared.lacks_trusted_proxy());
        #[cfg(feature = "inspector")]
        assert_eq!(prepared.inspector, Some(false));
    }

    #[cfg(feature = "dev")]
    #[test]
    fn nobody_signs_in_without_a_password_through_a_tunnel() {
        let server = Server::new("tools", "1").dev::<crate::provider::NoProvider>(["alice"]);
        let error = prepared(server).err().unwrap();
        assert!(error.contains("on this machine alone"), "{error}");
    }
}
