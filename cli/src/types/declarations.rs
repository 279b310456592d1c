//! TypeScript declarations of the arguments and results of tools, for the views of widgets.

use std::{fmt::Write as _, sync::LazyLock};

use serde_json::{Map, Value};

/// The declarations of tools in the form of `--describe json`: an interface `Tools`, and one for each
/// named type.
pub(crate) fn declarations<'a>(tools: impl Iterator<Item = &'a Value>) -> String {
    let mut types = Types::default();
    let mut members = String::new();
    for tool in tools {
        let arguments = types.inline(&tool["types"]["arguments"]);
        let result = tool["types"]
            .get("result")
            .map_or_else(|| "undefined".to_owned(), |schema| types.root(schema));
        members += &comment(tool["description"].as_str(), "  ");
        let name = key(tool["name"].as_str().unwrap_or_default());
        let _ = writeln!(members, "  {name}: {{ arguments: {arguments}; result: {result} }};");
    }
    let mut text = format!("export interface Tools {{\n{members}}}\n");
    for named in types.named {
        let _ = write!(text, "\n{}", named.text);
    }
    text
}

/// The named types that were declared so far.
#[derive(Default)]
struct Types {
    named: Vec<Declaration>,
}

struct Declaration {
    name: String,
    schema: Value,
    text: String,
}

impl Types {
    /// The type of a root schema: a declaration under its title, or the type itself without one.
    fn root(&mut self, schema: &Value) -> String {
        match schema["title"].as_str() {
            Some(title) => self.declare(title, schema, definitions(schema)),
            None => self.inline(schema),
        }
    }

    /// The type of a root schema, without a declaration of its own.
    fn inline(&mut self, schema: &Value) -> String {
        self.write(schema, definitions(schema))
    }

    /// Declares a type, unless it is declared already, and returns its name. A number is added to the
    /// name if another type has it.
    fn declare(&mut self, name: &str, schema: &Value, definitions: &Map<String, Value>) -> String {
        let mut bare = schema.clone();
        if let Some(bare) = bare.as_object_mut() {
            bare.retain(|key, _| !matches!(key.as_str(), "$defs" | "$schema" | "title"));
        }
        let name = type_name(name);
        let mut unique = name.clone();
        let mut count = 1;
        loop {
            match self.named.iter().find(|named| named.name == unique) {
                Some(other) if other.schema == bare => return unique,
                None if !RESERVED_NAMES.contains(&&*unique) => break,
                _ => {}
            }
            count += 1;
            unique = format!("{name}{count}");
        }
        let at = self.named.len();
        let (name, text) = (unique.clone(), String::new());
        self.named.push(Declaration { name, schema: bare.clone(), text });
        let doc = comment(bare["description"].as_str(), "");
        let is_plain = bare["properties"].is_object()
            && unions(&bare).next().is_none()
            && !bare["allOf"].is_array()
            && !bare["additionalProperties"].is_object();
        self.named[at].text = if is_plain {
            let members = self.members(&bare, definitions);
            let mut lines = String::new();
            for (doc, member) in &members {
                let _ = writeln!(lines, "{doc}  {member};");
            }
            format!("{doc}export interface {unique} {{\n{lines}}}\n")
        } else {
            format!("{doc}export type {unique} = {};\n", self.write(&bare, definitions))
        };
        unique
    }

    /// The type expression of a schema.
    fn write(&mut self, schema: &Value, definitions: &Map<String, Value>) -> String {
        let Some(object) = schema.as_object() else {
            return if *schema == Value::Bool(false) { "never" } else { "unknown" }.to_owned();
        };
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
            return match definitions.get(name) {
                Some(definition) => self.declare(name, definition, definitions),
                None => "unknown".to_owned(),
            };
        }
        if let Some(value) = object.get("const") {
            return value.to_string();
        }
        if let Some(values) = schema["enum"].as_array() {
            return union_of(values.iter().map(Value::to_string));
        }
        let mut parts = Vec::new();
        for union in unions(schema) {
            let kinds: Vec<_> = union.iter().map(|kind| self.write(kind, definitions)).collect();
            parts.push(union_of(kinds.into_iter()));
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            parts.push(self.write(part, definitions));
        }
        let kinds: Vec<&str> = match &schema["type"] {
            Value::String(kind) => vec![kind],
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
            _ if schema["properties"].is_object() => vec!["object"],
            _ => Vec::new(),
        };
        let kinds: Vec<_> = kinds
            .into_iter()
            // A union of objects often has `"type": "object"` next to it, which adds nothing.
            .filter(|kind| {
                parts.is_empty() || *kind != "object" || schema["properties"].is_object()
            })
            .map(|kind| self.write_kind(kind, schema, definitions))
            .collect();
        if !kinds.is_empty() {
            parts.push(union_of(kinds.into_iter()));
        }
        match parts.len() {
            0 => "unknown".to_owned(),
            1 => parts.remove(0),
            _ => parts.iter().map(|part| parenthesize(part)).collect::<Vec<_>>().join(" & "),
        }
    }

    /// The type expression of a schema with this `type`.
    fn write_kind(
        &mut self,
        kind: &str,
        schema: &Value,
        definitions: &Map<String, Value>,
    ) -> String {
        match kind {
            "integer" | "number" => "number".to_owned(),
            "string" | "boolean" | "null" => kind.to_owned(),
            "array" => match schema["prefixItems"].as_array() {
                Some(items) => {
                    let items: Vec<_> =
                        items.iter().map(|item| self.write(item, definitions)).collect();
                    format!("[{}]", items.join(", "))
                }
                None => {
                    let item = schema.get("items").map(|item| self.write(item, definitions));
                    format!("{}[]", parenthesize(&item.unwrap_or_else(|| "unknown".to_owned())))
                }
            },
            "object" => {
                let members = self.members(schema, definitions);
                let members: Vec<_> = members.into_iter().map(|(_, member)| member).collect();
                let own = (!members.is_empty()).then(|| format!("{{ {} }}", members.join("; ")));
                let rest = schema.get("additionalProperties").filter(|rest| rest.is_object());
                let rest = rest
                    .map(|rest| format!("{{ [key: string]: {} }}", self.write(rest, definitions)));
                match (own, rest) {
                    // In one type literal, TypeScript checks the members against the index signature.
                    (Some(own), Some(rest)) => format!("{own} & {rest}"),
                    (own, rest) => own.or(rest).unwrap_or_else(|| "{}".to_owned()),
                }
            }
            _ => "unknown".to_owned(),
        }
    }

    /// The members of an object, each with its doc comment.
    fn members(
        &mut self,
        schema: &Value,
        definitions: &Map<String, Value>,
    ) -> Vec<(String, String)> {
        let required: Vec<_> =
            schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut members = Vec::new();
        for (name, property) in schema["properties"].as_object().into_iter().flatten() {
            let optional = if required.contains(&name.as_str()) { "" } else { "?" };
            let ty = self.write(property, definitions);
            let doc = comment(property["description"].as_str(), "  ");
            members.push((doc, format!("{}{optional}: {ty}", key(name))));
        }
        members
    }
}

static NO_DEFINITIONS: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);

fn definitions(schema: &Value) -> &Map<String, Value> {
    schema["$defs"].as_object().unwrap_or(&NO_DEFINITIONS)
}

fn unions(schema: &Value) -> impl Iterator<Item = &Vec<Value>> {
    ["oneOf", "anyOf"].into_iter().filter_map(|key| schema[key].as_array())
}

/// A union of types, without duplicates.
fn union_of(kinds: impl Iterator<Item = String>) -> String {
    let mut once = Vec::<String>::new();
    for kind in kinds {
        if !once.contains(&kind) {
            once.push(kind);
        }
    }
    if once.is_empty() { "never".to_owned() } else { once.join(" | ") }
}

/// Adds parentheses to a union or an intersection, as in `(A | B)[]`.
fn parenthesize(ty: &str) -> String {
    let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
    let joined = ty.chars().any(|c| {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = quoted,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' => depth = depth.saturating_sub(1),
            '|' | '&' => return depth == 0,
            _ => {}
        }
        false
    });
    if joined { format!("({ty})") } else { ty.to_owned() }
}

/// Names that a declaration cannot have: `Tools`, and the names of TypeScript's own types.
const RESERVED_NAMES: [&str; 11] = [
    "Tools",
    "any",
    "bigint",
    "boolean",
    "never",
    "null",
    "number",
    "object",
    "string",
    "undefined",
    "unknown",
];

/// The name of a schema as an identifier.
fn type_name(name: &str) -> String {
    let mut name = name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '_', "_");
    if !is_identifier(&name) {
        name.insert(0, '_');
    }
    name
}

fn is_identifier(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// The name of a member, in quotes if it is not an identifier.
fn key(name: &str) -> String {
    if is_identifier(name) { name.to_owned() } else { Value::from(name).to_string() }
}

/// A doc comment, or nothing without a text.
fn comment(text: Option<&str>, indent: &str) -> String {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return String::new() };
    let text = text.replace("*/", "*\\/");
    let lines: Vec<_> = text.lines().map(str::trim_end).collect();
    match lines.as_slice() {
        [line] => format!("{indent}/** {line} */\n"),
        lines => {
            let inner = lines.join(&format!("\n{indent} * "));
            format!("{indent}/**\n{indent} * {inner}\n{indent} */\n")
        }
    }
}
