//! The providers and catalogues of a program, and the one that a scope belongs to.

use anyhow::{Result, bail};
use syn::LitStr;

use super::{items::Items, project::Place};
use crate::{
    catalogue::{self, Provider},
    suggestion::did_you_mean,
};

/// A provider or a catalogue, which declares scopes.
#[derive(Clone)]
pub(crate) struct Owner {
    pub(crate) type_name: String,
    /// A catalogue of the program, whose scopes are those of `Caller`.
    pub(crate) is_catalogue: bool,
    pub(crate) scopes: Vec<String>,
    /// What the catalogue knows of it.
    pub(super) known: Option<&'static Provider>,
}

impl Owner {
    /// The name of the parameter that has the client.
    pub(crate) fn parameter(&self) -> String {
        if self.is_catalogue {
            return "caller".into();
        }
        let name = match self.known {
            Some(known) => known.variable(),
            None => self.type_name.to_lowercase(),
        };
        if syn::parse_str::<syn::Ident>(&name).is_ok() { name } else { format!("{name}_client") }
    }
}

impl Owner {
    /// The expression of a request whose answer is text: that of the catalogue, which a stand-in
    /// answers too, or one for the root of the API.
    pub(crate) fn request(&self) -> String {
        let client = self.parameter();
        let tool = self.known.map(|known| &known.tool);
        let (path, body) =
            tool.map_or(("/", None), |tool| (tool.path.as_str(), tool.body.as_ref()));
        let method =
            if tool.is_none_or(|tool| tool.method == "GET") { "get" } else { "post_read_only" };
        let json =
            body.map(|json| format!(".json(&serde_json::json!({json}))")).unwrap_or_default();
        format!("{client}.{method}({path:?}){json}.send().await?.text().await")
    }

    /// Whether the request needs `serde_json`.
    pub(crate) fn sends_json(&self) -> bool {
        self.known.is_some_and(|known| known.tool.body.is_some())
    }
}

/// Every provider and catalogue that the module knows.
pub(crate) fn owners(place: &Place) -> Vec<Owner> {
    let mut owners: Vec<_> = place.items.enums().filter_map(declared).collect();
    for known in catalogue::providers() {
        if is_used(place, &known.ty) && owners.iter().all(|owner| owner.type_name != known.ty) {
            owners.push(Owner {
                type_name: known.ty.clone(),
                is_catalogue: false,
                scopes: known.scopes.iter().map(|scope| scope.name.clone()).collect(),
                known: Some(known),
            });
        }
    }
    owners
}

/// Whether a provider of the catalogue is imported, or registered at the builder.
pub(crate) fn is_used(place: &Place, type_name: &str) -> bool {
    let registered = place.chain().links.iter().any(|link| {
        link.method == "provider" && {
            let (call, path) = (format!("({type_name}::"), format!("::{type_name}::"));
            link.arguments.starts_with(&call) || link.arguments.contains(&path)
        }
    });
    let named = |(path, name): (String, String)| {
        path.split("::").next() == Some("toolgate_providers") && name == type_name
    };
    registered || place.items.imports().any(named)
}

fn declared(item: &syn::ItemEnum) -> Option<Owner> {
    let kind = item.attrs.iter().find_map(|attribute| {
        let name = attribute.path().segments.last()?.ident.to_string();
        matches!(name.as_str(), "provider" | "catalogue").then_some(name)
    })?;
    let attributes = item.variants.iter().flat_map(|variant| &variant.attrs);
    let scopes = attributes.filter(|attribute| attribute.path().is_ident("scope"));
    let scopes = scopes.filter_map(|attribute| {
        let tokens = attribute.meta.require_list().ok()?.tokens.clone();
        let first = tokens.into_iter().next()?;
        syn::parse2::<LitStr>(first.into()).ok().map(|literal| literal.value())
    });
    Some(Owner {
        type_name: item.ident.to_string(),
        is_catalogue: kind == "catalogue",
        scopes: scopes.collect(),
        known: None,
    })
}

/// The owner of each scope, in the order of the owners' first scopes.
///
/// # Errors
///
/// No owner has the scope, or several have it.
pub(crate) fn of_scopes(
    owners: &[Owner],
    scopes: &[String],
    wanted: Option<&str>,
) -> Result<Vec<(Owner, Vec<String>)>> {
    let mut groups: Vec<(Owner, Vec<String>)> = Vec::new();
    for scope in scopes {
        let has = |owner: &&Owner| {
            owner.scopes.contains(scope)
                && wanted.is_none_or(|wanted| wanted.eq_ignore_ascii_case(&owner.type_name))
        };
        let found: Vec<_> = owners.iter().filter(has).collect();
        let owner = match found.as_slice() {
            [owner] => *owner,
            [] => bail!("{}", unknown(owners, scope)),
            several => {
                let names: Vec<_> = several.iter().map(|owner| owner.type_name.as_str()).collect();
                bail!("`{scope}` is a scope of {}: say `--of {}`", names.join(" and of "), names[0])
            }
        };
        match groups.iter_mut().find(|(found, _)| found.type_name == owner.type_name) {
            Some((_, scopes)) if scopes.contains(scope) => {}
            Some((_, scopes)) => scopes.push(scope.clone()),
            None => groups.push((owner.clone(), vec![scope.clone()])),
        }
    }
    Ok(groups)
}

fn unknown(owners: &[Owner], scope: &str) -> String {
    let elsewhere = catalogue::providers().iter().find(|provider| {
        provider.scope(scope).is_some() && owners.iter().all(|owner| owner.type_name != provider.ty)
    });
    let known = owners.iter().flat_map(|owner| &owner.scopes).map(String::as_str);
    let hint = match elsewhere {
        Some(provider) => format!(
            "; {} has it: `cargo toolgate add provider {} --scopes {scope}`",
            provider.name, provider.id
        ),
        None => did_you_mean(scope, known),
    };
    format!("no provider and no catalogue of this program has the scope `{scope}`{hint}")
}

/// A list of scopes as an attribute has it: `"read"` or `["read", "write"]`.
pub(crate) fn literal(scopes: &[String]) -> String {
    let quoted: Vec<_> = scopes.iter().map(|scope| format!("{scope:?}")).collect();
    match quoted.as_slice() {
        [scope] => scope.clone(),
        scopes => format!("[{}]", scopes.join(", ")),
    }
}

/// The parameter's declaration for a client or a caller of an owner.
pub(crate) fn parameter(items: &Items, owner: &Owner) -> String {
    let kind = items.name_of(if owner.is_catalogue { "Caller" } else { "AuthedClient" });
    format!("{}: {kind}<{}>", owner.parameter(), owner.type_name)
}
