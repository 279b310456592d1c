//! Description of a server: its tools with their scopes, as `--describe` prints them.

use std::fmt;

use rmcp::model::JsonObject;
use serde::Serialize;
use serde_json::Value;

use crate::tool::{Dependency, registry::RegisteredTool, schema::name_root};

/// The tools of a server, with their scopes.
#[derive(Clone, Debug, Serialize)]
pub struct Description {
    /// The server's name.
    pub name: String,
    /// The server's version.
    pub version: String,
    /// Its tools, in the order in which they are listed.
    pub tools: Vec<ToolDescription>,
}

/// One tool.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ToolDescription {
    /// The name by which the model calls it.
    pub name: String,
    /// The description that the model reads.
    pub description: String,
    /// The scopes that it declares, each list with the name of its provider.
    pub scopes: Vec<(String, Vec<String>)>,
    /// The tool as `tools/list` has it, with schemas and annotations.
    pub definition: Value,
    /// The schemas of its Rust types.
    pub types: ToolTypes,
}

/// The schemas of the Rust types of a tool. Other than the schemas that hosts get, they keep the names
/// of types and tuples, of which `cargo toolgate types` makes TypeScript.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct ToolTypes {
    /// The arguments.
    pub arguments: JsonObject,
    /// The structured result, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<JsonObject>,
}

impl ToolDescription {
    pub(crate) fn new(tool: &RegisteredTool) -> Self {
        let scopes = tool.dependencies.iter().filter_map(|need| {
            let (provider, scopes) = match need {
                Dependency::Client(client) => (client.provider_name, client.scopes()),
                Dependency::Caller(caller) if !caller.scopes().is_empty() => {
                    (caller.provider_name, caller.scopes())
                }
                Dependency::Caller(_) | Dependency::State(_) | Dependency::Context => return None,
            };
            Some((provider.to_owned(), scopes.iter().map(|&scope| scope.to_owned()).collect()))
        });
        Self {
            name: tool.definition.name.to_string(),
            description: tool.definition.description.clone().unwrap_or_default().into_owned(),
            scopes: scopes.collect(),
            definition: serde_json::to_value(&tool.definition).unwrap_or_default(),
            types: ToolTypes::new(tool),
        }
    }

    fn effect(&self) -> &'static str {
        let hint = |name: &str| self.definition["annotations"][name].as_bool();
        match (hint("readOnlyHint"), hint("destructiveHint")) {
            (Some(true), _) => "reads",
            (_, Some(true)) => "destroys",
            (Some(false), _) => "writes",
            _ => "",
        }
    }
}

impl ToolTypes {
    fn new(tool: &RegisteredTool) -> Self {
        let (arguments, mut result) = tool.schemas_of_types();
        if let Some(result) = &mut result {
            name_root(result);
        }
        Self { arguments, result }
    }
}

/// Writes a table for the terminal.
impl fmt::Display for Description {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<[String; 4]> = self
            .tools
            .iter()
            .map(|tool| {
                let scopes: Vec<_> = tool
                    .scopes
                    .iter()
                    .map(|(provider, scopes)| format!("{provider}: {}", scopes.join(" ")))
                    .collect();
                let first = tool.description.lines().next().unwrap_or_default().to_owned();
                [tool.name.clone(), scopes.join(", "), tool.effect().to_owned(), first]
            })
            .collect();
        let head = ["tool", "scopes", "it", "description"].map(str::to_owned);
        let width = |column: usize| {
            rows.iter().chain([&head]).map(|row| row[column].chars().count()).max().unwrap_or(0)
        };
        let widths = [width(0), width(1), width(2)];
        writeln!(f, "{} {}\n", self.name, self.version)?;
        for [name, scopes, effect, description] in [&head].into_iter().chain(&rows) {
            let line = format!(
                "{name:0$}  {scopes:1$}  {effect:2$}  {description}",
                widths[0], widths[1], widths[2]
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
