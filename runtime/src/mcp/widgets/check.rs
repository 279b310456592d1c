//! Widget checks: which tools a view may call, with the scopes that its user is asked for.

use crate::{
    error::ConfigError,
    mcp::registry::ServedTool,
    scope,
    scope::Scope,
    support::suggest,
    tool::{Dependency, view::View},
};

/// The scopes that a need names.
struct NeededScopes {
    provider: &'static str,
    catalogue: &'static [Scope],
    scopes: &'static [&'static str],
}

fn needed_scopes(tool: &ServedTool) -> impl Iterator<Item = NeededScopes> {
    tool.registered.dependencies.iter().filter_map(|need| match need {
        Dependency::Client(need) => Some(NeededScopes {
            provider: need.provider_name,
            catalogue: need.catalogue,
            scopes: need.scopes(),
        }),
        Dependency::Caller(need) => Some(NeededScopes {
            provider: need.provider_name,
            catalogue: need.catalogue,
            scopes: need.scopes(),
        }),
        _ => None,
    })
}

/// Fails if the view of `widget` may not call `tool`: because it is for the model alone, or because it
/// needs a scope for which the user of the widget is never asked.
pub(super) fn check_call(
    widget: &ServedTool,
    view: &View,
    tool: &ServedTool,
) -> Result<(), ConfigError> {
    let name = &widget.registered.definition.name;
    let called = &tool.registered.definition.name;
    if tool.registered.model_only {
        let message =
            format!("the view of `{name}` calls `{called}`, which is for the model alone");
        let help = "remove `model_only` from it, or the call from the view";
        return Err(ConfigError::new(message).help(help));
    }
    let optional_scopes: Vec<&str> = view.optional_scopes.split(' ').collect();
    for needed in needed_scopes(tool) {
        let of_widget = needed_scopes(widget)
            .filter(|own| own.provider == needed.provider)
            .flat_map(|own| own.scopes);
        let asked = of_widget.chain(&optional_scopes).map(|&scope| scope.to_owned()).collect();
        let missing = scope::missing(needed.catalogue, &asked, needed.scopes);
        if !missing.is_empty() {
            let missing = missing.join(" ");
            let message = format!(
                "the view of `{name}` calls `{called}`, which needs `{missing}`, and its user is not asked for that"
            );
            let help =
                format!("add `optional_scopes = \"{missing}\"` to `#[widget]`, or to its `scopes`");
            return Err(ConfigError::new(message).help(help));
        }
    }
    Ok(())
}

/// Fails if `optional_scopes` names a scope that no tool of the server needs and no catalogue has.
pub(super) fn check_optional_scopes(
    widget: &ServedTool,
    view: &View,
    tools: &[ServedTool],
) -> Result<(), ConfigError> {
    let known: Vec<_> = tools
        .iter()
        .flat_map(needed_scopes)
        .flat_map(|needed| needed.catalogue.iter().map(|scope| scope.name))
        .collect();
    let unknown =
        view.optional_scopes.split(' ').find(|scope| !scope.is_empty() && !known.contains(scope));
    let Some(scope) = unknown else { return Ok(()) };
    let name = &widget.registered.definition.name;
    let help = match suggest::nearest(scope, known.iter().copied()) {
        Some(known) => format!("did you mean `{known}`?"),
        None => {
            "it is a scope of a provider or catalogue that a tool of this server names".to_owned()
        }
    };
    let message =
        format!("`{name}` says `optional_scopes = \"{scope}\"`, and there is no such scope");
    Err(ConfigError::new(message).help(help))
}
