//! Tools as the page lists them, with their scopes.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    mcp::{dispatch::Dispatch, registry::ServedTool},
    scope::Scope,
    tool::{ClientDependency, Dependency},
};

/// A scope that a tool declares.
#[derive(Clone, Copy)]
pub(super) struct DeclaredScope {
    pub(super) name: &'static str,
    /// The provider whose scope it is; `None` for the application's own.
    pub(super) provider: Option<&'static str>,
    pub(super) catalogue: &'static [Scope],
}

impl PartialEq for DeclaredScope {
    /// Catalogues are constants, which may have several addresses: their owners tell them apart.
    fn eq(&self, other: &Self) -> bool {
        (self.name, self.provider) == (other.name, other.provider)
    }
}

/// All tools of a server.
pub(crate) fn all(dispatch: &Dispatch) -> Vec<Value> {
    dispatch.tools.iter().map(tool).collect()
}

fn tool(tool: &ServedTool) -> Value {
    let scopes = declared_scopes(tool).into_iter().map(|scope| match scope.provider {
        Some(provider) => json!({ "scope": scope.name, "provider": provider }),
        None => json!({ "scope": scope.name }),
    });
    let definition = serde_json::to_value(&tool.registered.definition).unwrap_or_default();
    let widget = definition.pointer("/_meta/ui/resourceUri").cloned();
    let mut shown = json!({
        "name": tool.registered.definition.name,
        "scopes": scopes.collect::<Vec<_>>(),
        "definition": definition,
    });
    if let Some(widget) = widget {
        shown["widget"] = widget;
    }
    shown
}

/// The scopes that a tool declares, each once.
pub(super) fn declared_scopes(tool: &ServedTool) -> Vec<DeclaredScope> {
    let mut scopes = Vec::new();
    for dependency in tool.registered.dependencies.iter() {
        let (names, catalogue, provider) = match dependency {
            Dependency::Client(client) => {
                (client.scopes(), client.catalogue, Some(client.provider))
            }
            Dependency::Caller(caller) => (caller.scopes(), caller.catalogue, None),
            Dependency::State(_) | Dependency::Context => continue,
        };
        for &name in names {
            let scope = DeclaredScope { name, provider, catalogue };
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
    }
    scopes
}

/// The clients of a tool for which people connect accounts.
pub(super) fn clients(tool: &ServedTool) -> impl Iterator<Item = &ClientDependency> {
    tool.registered.dependencies.iter().filter_map(|dependency| match dependency {
        Dependency::Client(client) if !client.exchanges_token() => Some(client),
        _ => None,
    })
}

/// The providers of all tools.
pub(super) fn providers(dispatch: &Dispatch) -> BTreeSet<&'static str> {
    dispatch.tools.iter().flat_map(clients).map(|client| client.provider).collect()
}
