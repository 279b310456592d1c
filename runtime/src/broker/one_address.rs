//! Refusal of a provider that is elsewhere for each person.
//!
//! A broker knows people by their accounts at its provider. Where each person says which installation
//! that is, anyone could be anyone: the same identifier is another person's at another address.

use crate::{error::ConfigError, provider::Registration};

/// The registration, if its provider is at one address for all people.
pub(super) fn with_one_address(registration: Registration) -> Result<Registration, ConfigError> {
    let Some((placeholder, _)) = registration.of_person().into_iter().next() else {
        return Ok(registration);
    };
    let (provider, name) = (registration.name, placeholder.name);
    let prefix = registration.id.to_uppercase().replace('-', "_");
    let message = format!(
        "a broker cannot be in front of `{provider}`: each person says what its `{{{name}}}` is, so its accounts do not say who a person is"
    );
    Err(ConfigError::new(message).help(format!(
        "set `{prefix}_{}` to one value for all people, or sign people in elsewhere: `Server::auth(..)` with a gate, and `.provider(..)` for this one",
        name.to_uppercase()
    )))
}
