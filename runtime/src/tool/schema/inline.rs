//! Inlining of definitions: each reference becomes what it refers to, unless that contains itself.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{annotations::is_annotation, definitions, merge::merge, walk};

/// A definition that is larger when all of it is inlined, as JSON text, is kept if it is used more
/// than once: nested types would double a schema with each level.
const MAX_INLINED_BYTES: usize = 8 * 1024;

pub(super) fn inline(mut root: Map<String, Value>) -> Map<String, Value> {
    let definitions = definitions::take(&mut root);
    if definitions.is_empty() {
        return root;
    }
    let kept = Kept::new(&root, &definitions).names;
    let inliner = Inliner { definitions: &definitions, kept: &kept };
    let mut root = inliner.expand_root(&root);
    let bodies: Map<String, Value> = kept
        .iter()
        .map(|name| (name.clone(), inliner.expand(&definitions[name], &mut vec![name.clone()])))
        .collect();
    if !bodies.is_empty() {
        root.insert("$defs".into(), bodies.into());
    }
    root
}

struct Inliner<'a> {
    definitions: &'a Map<String, Value>,
    /// The definitions that references stay for.
    kept: &'a BTreeSet<String>,
}

impl Inliner<'_> {
    /// The root is never a reference: MCP requires its `type`.
    fn expand_root(&self, root: &Map<String, Value>) -> Map<String, Value> {
        let expanded = match self.known_target(root) {
            Some(name) => self.merged(root, &name, &mut Vec::new()),
            None => self.expand(&Value::Object(root.clone()), &mut Vec::new()),
        };
        match expanded {
            Value::Object(root) => root,
            _ => Map::new(),
        }
    }

    /// `open` has the names of the definitions that are being expanded.
    fn expand(&self, schema: &Value, open: &mut Vec<String>) -> Value {
        let Value::Object(schema) = schema else { return schema.clone() };
        let Some(name) = self.known_target(schema) else {
            return Value::Object(self.expand_members(schema, open));
        };
        if !self.kept.contains(&name) {
            return self.merged(schema, &name, open);
        }
        let siblings = schema.iter().filter(|(keyword, _)| *keyword != "$ref");
        if siblings.clone().count() == 0 {
            return Value::Object(schema.clone());
        }
        let is_described = siblings.clone().all(|(keyword, _)| is_annotation(keyword));
        if !is_described && !open.contains(&name) {
            return self.merged(schema, &name, open);
        }
        // Before 2019-09, keywords next to a reference meant nothing.
        let mut siblings = self.expand_members(&siblings_of(schema), open);
        let keyword = if is_described { "anyOf" } else { "allOf" };
        siblings.insert(keyword.into(), json!([{ "$ref": schema["$ref"] }]));
        Value::Object(siblings)
    }

    fn known_target(&self, schema: &Map<String, Value>) -> Option<String> {
        let name = definitions::target(schema.get("$ref")?.as_str()?)?;
        self.definitions.contains_key(&*name).then(|| name.into_owned())
    }

    /// The definition with the keywords next to the reference.
    fn merged(&self, schema: &Map<String, Value>, name: &str, open: &mut Vec<String>) -> Value {
        open.push(name.to_owned());
        let body = self.expand(&self.definitions[name], open);
        open.pop();
        let siblings = self.expand_members(&siblings_of(schema), open);
        match body {
            Value::Object(body) if siblings.is_empty() => Value::Object(body),
            Value::Object(body) => match merge(body.clone(), siblings.clone()) {
                Ok(merged) => Value::Object(merged),
                Err(_) => {
                    let mut both = siblings;
                    both.insert("allOf".into(), json!([body]));
                    Value::Object(both)
                }
            },
            // `true`, which adds nothing.
            Value::Bool(true) => Value::Object(siblings),
            body => body,
        }
    }

    fn expand_members(
        &self,
        schema: &Map<String, Value>,
        open: &mut Vec<String>,
    ) -> Map<String, Value> {
        let mut schema = schema.clone();
        walk::for_each_mut(&mut schema, &mut |part| *part = self.expand(part, open));
        schema
    }
}

fn siblings_of(schema: &Map<String, Value>) -> Map<String, Value> {
    let mut siblings = schema.clone();
    siblings.remove("$ref");
    siblings
}

/// Finds the definitions that are kept: those that contain themselves, and large ones.
struct Kept<'a> {
    definitions: &'a Map<String, Value>,
    /// How often each definition is referred to.
    uses: BTreeMap<String, usize>,
    sizes: BTreeMap<String, usize>,
    names: BTreeSet<String>,
}

impl<'a> Kept<'a> {
    fn new(root: &Map<String, Value>, definitions: &'a Map<String, Value>) -> Self {
        let mut uses = BTreeMap::new();
        let root = Value::Object(root.clone());
        for schema in definitions.values().chain([&root]) {
            definitions::for_each_target(schema, &mut |name| {
                *uses.entry(name.to_owned()).or_default() += 1;
            });
        }
        let names = BTreeSet::new();
        let mut kept = Self { definitions, uses, sizes: BTreeMap::new(), names };
        for name in definitions.keys() {
            if kept.contains_itself(name) {
                kept.names.insert(name.clone());
            }
        }
        for name in definitions.keys() {
            kept.size(name);
        }
        kept
    }

    fn contains_itself(&self, name: &str) -> bool {
        let (mut next, mut reached) = (vec![name.to_owned()], BTreeSet::new());
        while let Some(at) = next.pop() {
            let Some(definition) = self.definitions.get(&at) else { continue };
            definitions::for_each_target(definition, &mut |target| {
                if reached.insert(target.to_owned()) {
                    next.push(target.to_owned());
                }
            });
        }
        reached.contains(name)
    }

    /// The bytes that a reference to the definition becomes.
    fn size(&mut self, name: &str) -> usize {
        let reference = name.len() + 20;
        if self.names.contains(name) {
            return reference;
        }
        if let Some(size) = self.sizes.get(name) {
            return *size;
        }
        let Some(definition) = self.definitions.get(name) else { return reference };
        let mut size = definition.to_string().len();
        let mut targets = Vec::new();
        definitions::for_each_target(definition, &mut |target| targets.push(target.to_owned()));
        for target in targets {
            size += self.size(&target);
        }
        if size > MAX_INLINED_BYTES && self.uses.get(name).is_some_and(|uses| *uses > 1) {
            self.names.insert(name.to_owned());
            return reference;
        }
        self.sizes.insert(name.to_owned(), size);
        size
    }
}
