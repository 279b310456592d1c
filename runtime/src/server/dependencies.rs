//! Dependencies of tools: what a server has to give them.

use crate::{
    error::ConfigError,
    mcp::connections::ProviderConnections,
    tool::{Dependency, registry::RegisteredTool, state::States},
};

/// Whether any tool needs its caller to connect an account.
pub(super) fn needs_provider(tools: &[RegisteredTool]) -> bool {
    let mut needs = tools.iter().flat_map(|tool| tool.dependencies.iter());
    needs.any(|need| matches!(need, Dependency::Client(client) if !client.exchanges_token()))
}

/// Fails with every dependency that the server cannot give to a tool.
pub(super) fn check_dependencies(
    tools: &[RegisteredTool],
    connections: &ProviderConnections,
    states: &States,
    gated: bool,
) -> Result<(), ConfigError> {
    let missing = tools.iter().flat_map(|tool| {
        let name = &tool.definition.name;
        tool.dependencies
            .iter()
            .filter_map(move |need| unmet(name, need, connections, states, gated))
    });
    ConfigError::join(missing.collect())
}

/// The error about a dependency that the server cannot give to a tool.
fn unmet(
    tool: &str,
    need: &Dependency,
    connections: &ProviderConnections,
    states: &States,
    gated: bool,
) -> Option<ConfigError> {
    match need {
        Dependency::Client(client) if !connections.contains(client.provider_type) => Some(
            ConfigError::new(format!(
                "the tool `{tool}` needs the provider `{}`, which is not registered",
                client.provider_name
            ))
            .help(format!("add `.provider({}::from_env()?)`", client.provider_name)),
        ),
        Dependency::Caller(caller) if !caller.scopes().is_empty() && !gated => Some(
            ConfigError::new(format!(
                "the tool `{tool}` checks the caller's scopes of `{}`, and this server does not verify callers",
                caller.provider_name
            ))
            .help("add `.gate(..)`, or take `Caller` without a catalogue: the person at this machine"),
        ),
        Dependency::State(state) if !states.contains(state.type_id) => Some(
            ConfigError::new(format!(
                "the tool `{tool}` needs a state of type `{}`, which was not given",
                (state.type_name)()
            ))
            .help("add `.state(value)`"),
        ),
        _ => None,
    }
}
