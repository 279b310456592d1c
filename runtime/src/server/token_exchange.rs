//! Token exchange: what a server needs whose providers exchange the tokens of callers (RFC 8693).

use crate::{error::ConfigError, gate::Gate, oauth::UpstreamClient};

/// Checks that the gate takes tokens of the issuer of every provider that exchanges them. `is_brokered`:
/// the server makes the tokens of its callers itself.
///
/// A server in development is not checked: its calls say that their tokens are of another issuer, and
/// its other tools work.
pub(super) fn check(
    providers: &[UpstreamClient],
    gate: Option<&Gate>,
    is_brokered: bool,
) -> Result<(), ConfigError> {
    let exchanging = providers.iter().filter(|oauth| oauth.registration.exchanges_tokens());
    ConfigError::join(exchanging.filter_map(|oauth| fault(oauth, gate, is_brokered)).collect())
}

fn fault(oauth: &UpstreamClient, gate: Option<&Gate>, is_brokered: bool) -> Option<ConfigError> {
    let name = oauth.registration.name;
    let issuer = oauth.registration.issuer.as_deref().unwrap_or_default();
    let Some(gate) = gate else {
        let error =
            format!("`{name}` exchanges the tokens of callers, and this server has no gate");
        let help = format!("add `.gate(..)` with a verifier of tokens of `{issuer}`");
        return Some(ConfigError::new(error).help(help));
    };
    if is_brokered {
        let error = format!(
            "`{name}` exchanges tokens of `{issuer}`, and this server's broker issues tokens of its own"
        );
        let help = format!(
            "put a gate for `{issuer}` in the place of the broker, or let people connect `{name}` (`grant = authorization_code`)"
        );
        return Some(ConfigError::new(error).help(help));
    }
    let trusted = gate.verifier.as_ref()?.authorization_servers();
    if trusted.iter().any(|trusted| trusted == issuer) {
        return None;
    }
    let trusted: Vec<_> = trusted.iter().map(|trusted| format!("`{trusted}`")).collect();
    let error = format!(
        "`{name}` exchanges tokens of `{issuer}`, and the gate takes those of {} only",
        trusted.join(", ")
    );
    Some(
        ConfigError::new(error).help(
            "`issuer` of the provider is the `iss` of the callers' tokens, in every character",
        ),
    )
}
