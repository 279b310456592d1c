//! Refusal of a provider whose address differs from person to person.
//!
//! A broker identifies people by their accounts at its provider. If each person chose the address, an
//! attacker could name a server under their own control, which can return the identifier of any other
//! person.

use crate::{env, error::ConfigError, provider::Registration};

/// Returns the registration if its provider has one address for all people.
pub(super) fn with_one_address(registration: Registration) -> Result<Registration, ConfigError> {
    let Some((placeholder, _)) = registration.of_person().into_iter().next() else {
        return Ok(registration);
    };
    let (provider, name) = (registration.name, placeholder.name);
    let prefix = env::variable_prefix(registration.id);
    let message = format!(
        "a broker cannot be in front of `{provider}`: each person chooses the value of `{{{name}}}`, so an account there does not prove who a person is"
    );
    Err(ConfigError::new(message).help(format!(
        "set `{prefix}_{}` to one value for all people, or sign people in elsewhere: `Server::auth(..)` with a gate, and `.provider(..)` for this one",
        name.to_uppercase()
    )))
}
