//! `add tool`: a function with the scopes that it declares.

use std::path::PathBuf;

use anyhow::bail;

use super::{
    Stop,
    items::Items,
    manifest,
    manual::Manual,
    modules::Home,
    name,
    owner::{self, Owner},
    project::{Place, Project},
    test_file,
};

/// A tool, for scopes of the project's providers or of its catalogue.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The name of the function, and of the tool: `list_issues`.
    pub(super) name: String,
    /// The scopes that the tool needs, separated by commas.
    #[arg(long, value_delimiter = ',', num_args = 1..)]
    pub(super) scopes: Vec<String>,
    /// The provider or the catalogue, where several have the scope.
    #[arg(long, value_name = "TYPE")]
    pub(super) of: Option<String>,
}

pub(super) fn plan(project: &mut Project, arguments: &Args) -> Result<String, Stop> {
    let name = arguments.name.as_str();
    name::check_function(name)?;
    let mut place = project.place().map_err(|manual| {
        let scopes = attribute_of_scopes(&arguments.scopes);
        manual.step(
            "With the other tools",
            format!("/// What it does.\n#[tool{scopes}]\nasync fn {name}() -> Result<String> {{\n    todo!()\n}}"),
        )
        .step("In the list of tools", format!("tools![.., {name}]"))
    })?;
    refuse_taken(&place, name)?;
    let groups = groups(&place, &arguments.scopes, arguments.of.as_deref())?;
    let home = Home::of_tool(name, &groups);
    let file = file(project, &place, &home);
    add(&mut place, &home, name, |items| function(items, name, &groups))?;
    add_json(project, &groups)?;
    let broker = place.chain().broker().map(str::to_owned);
    project.finish(place)?;
    test_file::add_scopes(project, &groups, broker.as_deref())?;
    // A saved call is answered after one consent.
    if groups.iter().filter(|(owner, _)| !owner.is_catalogue).count() < 2 {
        project.add_call(name)?;
    }
    Ok(format!("`{name}` is in {}: say there what it does.", file.display()))
}

/// The file that a tool is in.
pub(super) fn file(project: &Project, place: &Place, home: &Home) -> PathBuf {
    place
        .modules
        .as_ref()
        .map_or_else(|| project.main.clone(), |modules| modules.file(&home.module))
}

/// Refuses the name of a function, a type, or a tool that is there.
pub(super) fn refuse_taken(place: &Place, name: &str) -> anyhow::Result<()> {
    let in_module = place.modules.as_ref().is_some_and(|modules| modules.lists_tool(name));
    if place.items.names().contains(name) || place.chains.lists_tool(name) || in_module {
        bail!("`{name}` exists already");
    }
    Ok(())
}

pub(super) fn groups(
    place: &Place,
    scopes: &[String],
    of: Option<&str>,
) -> anyhow::Result<Vec<(Owner, Vec<String>)>> {
    owner::of_scopes(&owner::owners(place), &words(scopes), of)
}

/// Scopes that are separated by spaces, as in an attribute: `--scopes "read:user user:email"`.
pub(super) fn words(scopes: &[String]) -> Vec<String> {
    scopes.iter().flat_map(|scopes| scopes.split_whitespace()).map(str::to_owned).collect()
}

/// Inserts the function, and its name into the list of tools.
///
/// # Errors
///
/// The module that it belongs to cannot be edited.
pub(super) fn add(
    place: &mut Place,
    home: &Home,
    name: &str,
    function: impl FnOnce(&Items) -> String,
) -> Result<(), Stop> {
    let Place { source, chains, items, modules } = place;
    if let Some(modules) = modules {
        return modules.add(home, name, function);
    }
    let chain = &chains.chains[0];
    items.add_function(source, chain, &function(items));
    chains.add_tool(source, chain, &items.name_of("tools"), name);
    Ok(())
}

/// Adds `serde_json` where a request needs it.
pub(super) fn add_json(
    project: &mut Project,
    groups: &[(Owner, Vec<String>)],
) -> Result<(), Manual> {
    if groups.iter().all(|(owner, _)| !owner.sends_json()) {
        return Ok(());
    }
    let added = manifest::add_crate(&mut project.manifest, "serde_json", "1");
    added.map_err(|reason| Manual::because(format!("in Cargo.toml {reason}")))
}

/// What `#[tool(..)]` has of scopes: nothing, `scopes = ..`, or `scopes(a = .., b = ..)`.
pub(super) fn scopes(groups: &[(Owner, Vec<String>)]) -> String {
    match groups {
        [] => String::new(),
        [(_, scopes)] => format!("scopes = {}", owner::literal(scopes)),
        groups => {
            let each = groups.iter().map(|(owner, scopes)| {
                format!("{} = {}", owner.parameter(), owner::literal(scopes))
            });
            format!("scopes({})", each.collect::<Vec<_>>().join(", "))
        }
    }
}

fn attribute_of_scopes(scopes: &[String]) -> String {
    if scopes.is_empty() { String::new() } else { format!("(scopes = {})", owner::literal(scopes)) }
}

fn function(items: &Items, name: &str, groups: &[(Owner, Vec<String>)]) -> String {
    let scopes = scopes(groups);
    let attribute = if scopes.is_empty() { String::new() } else { format!("({scopes})") };
    let parameters: Vec<_> =
        groups.iter().map(|(owner, _)| owner::parameter(items, owner)).collect();
    format!(
        "/// {}.\n#[{}{attribute}]\nasync fn {name}({}) -> {}<String> {{\n    {}\n}}",
        sentence(name),
        items.name_of("tool"),
        parameters.join(", "),
        items.name_of("Result"),
        body(groups),
    )
}

/// An expression that uses every parameter.
fn body(groups: &[(Owner, Vec<String>)]) -> String {
    let part = |owner: &Owner| {
        if owner.is_catalogue {
            "caller.subject().to_owned()".to_owned()
        } else {
            format!("{}?", owner.request())
        }
    };
    match groups {
        [] => "Ok(\"Done\".to_owned())".into(),
        [(owner, _)] if owner.is_catalogue => "Ok(caller.subject().to_owned())".into(),
        [(owner, _)] => owner.request(),
        groups => {
            let parts: Vec<_> = groups.iter().map(|(owner, _)| part(owner)).collect();
            format!("Ok([{}].join(\"\\n\"))", parts.join(", "))
        }
    }
}

/// `list_issues` as the beginning of a description: "List issues".
pub(super) fn sentence(name: &str) -> String {
    let words = name.replace('_', " ");
    let words = words.trim();
    let mut letters = words.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().to_string() + letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn scopes_are_separated_by_spaces_as_well() {
        let given = ["read:user user:email".to_owned(), " repo ".to_owned(), String::new()];
        assert_eq!(words(&given), ["read:user", "user:email", "repo"]);
    }
}
