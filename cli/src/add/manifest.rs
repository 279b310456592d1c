//! `Cargo.toml`: features of dependencies, and dependencies that are missing.

use toml_edit::{Array, DocumentMut, Item, Table, TableLike, Value};

/// Why a manifest is not edited, as the end of a sentence.
type Refusal = String;

/// Adds a feature to a dependency; true: the manifest changed.
///
/// # Errors
///
/// The dependency is missing, or is written in a way that cannot have the feature.
pub(crate) fn add_feature(
    manifest: &mut DocumentMut,
    package: &str,
    feature: &str,
) -> Result<bool, Refusal> {
    let Some(dependencies) = manifest.get_mut("dependencies").and_then(Item::as_table_like_mut)
    else {
        return Err(format!("`{package}` is not in [dependencies]"));
    };
    let Some(dependency) = find(dependencies, package) else {
        return Err(format!("`{package}` is not in [dependencies]"));
    };
    if let Some(version) = dependency.as_str() {
        let mut table = toml_edit::InlineTable::new();
        table.insert("version", version.into());
        table.insert("features", Value::Array(Array::from_iter([feature])));
        if let Some(value) = dependency.as_value_mut() {
            let decor = value.decor().clone();
            *value = Value::InlineTable(table);
            *value.decor_mut() = decor;
        }
        return Ok(true);
    }
    let Some(table) = dependency.as_table_like_mut() else {
        return Err(format!("`{package}` is no table"));
    };
    match table.get_mut("features") {
        None => {
            table.insert("features", toml_edit::value(Array::from_iter([feature])));
        }
        Some(features) => {
            let Some(features) = features.as_array_mut() else {
                return Err(format!("the features of `{package}` are no list"));
            };
            let has = |value: &Value| matches!(value.as_str(), Some(found) if found == feature || found == "all");
            if features.iter().any(has) {
                return Ok(false);
            }
            append(features, feature);
        }
    }
    Ok(true)
}

/// Appends to an array, on a line of its own where the last element has that.
fn append(array: &mut Array, value: &str) {
    let prefix = array.iter().last().and_then(|last| last.decor().prefix()?.as_str());
    let prefix = prefix.filter(|prefix| prefix.contains('\n')).map(str::to_owned);
    let Some(prefix) = prefix else { return array.push(value) };
    let indent = prefix.rsplit('\n').next().unwrap_or_default();
    // After a trailing comma, a comment on the line of the last element belongs to the bracket.
    let trailing = array.trailing().as_str().unwrap_or_default().to_owned();
    let (comment, end) = match trailing.split_once('\n') {
        Some((comment, end)) if array.trailing_comma() => (comment, format!("\n{end}")),
        _ => ("", trailing),
    };
    if !array.trailing_comma() {
        // A comment after the last element moves behind the new one.
        let last = array.len() - 1;
        if let Some(last) = array.get_mut(last) {
            let suffix = last.decor().suffix().and_then(|suffix| suffix.as_str());
            let suffix = suffix.unwrap_or_default().to_owned();
            last.decor_mut().set_suffix("");
            let decorated = Value::from(value).decorated(format!("\n{indent}"), suffix);
            return array.push_formatted(decorated);
        }
    }
    let decorated = Value::from(value).decorated(format!("{comment}\n{indent}"), "");
    array.push_formatted(decorated);
    array.set_trailing(end);
}

/// Adds `toolgate-providers` with a feature, from the same source as `toolgate`.
///
/// # Errors
///
/// It is not clear where `toolgate` comes from.
pub(crate) fn add_providers(manifest: &mut DocumentMut, feature: &str) -> Result<(), Refusal> {
    let refused = || "`toolgate` is not in [dependencies] with a version or a path".to_owned();
    let dependencies = manifest.get_mut("dependencies").ok_or_else(refused)?;
    let dependencies = dependencies.as_table_like_mut().ok_or_else(refused)?;
    let toolgate = find(dependencies, "toolgate").ok_or_else(refused)?;
    let mut table = toml_edit::InlineTable::new();
    if let Some(version) = toolgate.as_str() {
        table.insert("version", version.into());
    } else {
        let toolgate = toolgate.as_table_like().ok_or_else(refused)?;
        for key in ["version", "git", "branch", "tag", "rev", "registry"] {
            if let Some(value) = toolgate.get(key).and_then(Item::as_str) {
                table.insert(key, value.into());
            }
        }
        if let Some(path) = toolgate.get("path").and_then(Item::as_str) {
            let folder = path.strip_suffix("runtime").ok_or_else(refused)?;
            table.insert("path", format!("{folder}providers").into());
        }
        if table.is_empty() {
            return Err(refused());
        }
    }
    table.insert("features", Value::Array(Array::from_iter([feature])));
    dependencies.insert("toolgate-providers", toml_edit::value(table));
    Ok(())
}

/// Adds a dependency from crates.io, unless it is there.
///
/// # Errors
///
/// There are no dependencies.
pub(crate) fn add_crate(
    manifest: &mut DocumentMut,
    package: &str,
    version: &str,
) -> Result<(), Refusal> {
    let dependencies = manifest.get_mut("dependencies").and_then(Item::as_table_like_mut);
    let dependencies = dependencies.ok_or("[dependencies] is missing")?;
    if find(dependencies, package).is_none() {
        dependencies.insert(package, toml_edit::value(version));
    }
    Ok(())
}

/// Whether a package is among the dependencies.
pub(crate) fn depends_on(manifest: &DocumentMut, package: &str) -> bool {
    let dependencies = manifest.get("dependencies").and_then(Item::as_table_like);
    dependencies.is_some_and(|dependencies| {
        dependencies.iter().any(|(key, item)| is_package(key, item, package))
    })
}

fn find<'a>(dependencies: &'a mut dyn TableLike, package: &str) -> Option<&'a mut Item> {
    let mut found =
        dependencies.iter_mut().find(|(key, item)| is_package(key.get(), item, package));
    found.take().map(|(_, item)| item)
}

fn is_package(key: &str, item: &Item, package: &str) -> bool {
    let renamed =
        item.as_table_like().and_then(|table| table.get("package")).and_then(Item::as_str);
    renamed.unwrap_or(key) == package
}

/// The edition, which may be that of the workspace.
pub(crate) fn edition(manifest: &DocumentMut) -> Option<String> {
    let package = manifest.get("package").and_then(Item::as_table_like)?;
    package.get("edition")?.as_str().map(str::to_owned)
}

/// The program's source: of `[[bin]]`, if it has a path of its own.
pub(crate) fn program(manifest: &DocumentMut) -> Option<String> {
    let programs = manifest.get("bin")?.as_array_of_tables()?;
    let paths = programs.iter().filter_map(|program: &Table| program.get("path")?.as_str());
    match paths.collect::<Vec<_>>().as_slice() {
        [path] => Some((*path).to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(text: &str, edit: impl FnOnce(&mut DocumentMut) -> Result<bool, Refusal>) -> String {
        let mut manifest: DocumentMut = text.parse().unwrap();
        match edit(&mut manifest) {
            Ok(_) => manifest.to_string(),
            Err(refusal) => refusal,
        }
    }

    fn slack(text: &str) -> String {
        with(text, |manifest| add_feature(manifest, "toolgate-providers", "slack"))
    }

    #[test]
    fn a_feature_joins_the_others_as_they_are_written() {
        for (before, after) in [
            (
                "[dependencies]\ntoolgate-providers = { version = \"0.1\", features = [\"github\"] } # why\n",
                "[dependencies]\ntoolgate-providers = { version = \"0.1\", features = [\"github\", \"slack\"] } # why\n",
            ),
            (
                "[dependencies.toolgate-providers]\npath = \"../p\"\nfeatures = [\n    \"github\", # hub\n]\n",
                "[dependencies.toolgate-providers]\npath = \"../p\"\nfeatures = [\n    \"github\", # hub\n    \"slack\",\n]\n",
            ),
            (
                "[dependencies.toolgate-providers]\nfeatures = [\n\t# first\n\t\"github\",\n\t# second\n\t\"x\"\n]\n",
                "[dependencies.toolgate-providers]\nfeatures = [\n\t# first\n\t\"github\",\n\t# second\n\t\"x\",\n\t\"slack\"\n]\n",
            ),
            (
                "[dependencies]\ntoolgate-providers = \"0.1\" # why\n",
                "[dependencies]\ntoolgate-providers = { version = \"0.1\", features = [\"slack\"] } # why\n",
            ),
            (
                "[dependencies]\np = { package = \"toolgate-providers\", features = [\"slack\"] }\n",
                "[dependencies]\np = { package = \"toolgate-providers\", features = [\"slack\"] }\n",
            ),
            (
                "[dependencies]\ntoolgate-providers = { workspace = true }\n",
                "[dependencies]\ntoolgate-providers = { workspace = true , features = [\"slack\"] }\n",
            ),
        ] {
            assert_eq!(slack(before), after);
        }
        assert_eq!(slack("[package]\n"), "`toolgate-providers` is not in [dependencies]");
    }

    #[test]
    fn the_providers_come_from_the_source_of_the_runtime() {
        let add = |text| with(text, |manifest| add_providers(manifest, "slack").map(|()| true));
        assert_eq!(
            add("[dependencies]\ntoolgate = { path = \"../../runtime\", features = [\"dev\"] }\n"),
            "[dependencies]\ntoolgate = { path = \"../../runtime\", features = [\"dev\"] }\ntoolgate-providers = { path = \"../../providers\", features = [\"slack\"] }\n"
        );
        assert_eq!(
            add("[dependencies]\ntoolgate = \"0.1\"\n\n# tests\n[dev-dependencies]\n"),
            "[dependencies]\ntoolgate = \"0.1\"\ntoolgate-providers = { version = \"0.1\", features = [\"slack\"] }\n\n# tests\n[dev-dependencies]\n"
        );
        assert!(add("[dependencies]\ntoolgate.workspace = true\n").contains("is not in"));
    }
}
