//! The table of tools that `tools![]` makes.

use std::sync::Arc;

use rmcp::model::{Icon, JsonObject, MetaObject, ToolAnnotations};
use serde_json::{Value, value::RawValue};

use crate::{
    error::{ConfigError, Error},
    scope::Access,
    tool::{
        Hints, Need, Needs, Running, Tool,
        argument::{ArgumentList, ArgumentsSchema},
        call::Call,
        outcome::IntoOutcome,
        view::View,
    },
};

/// A tool in a table: a name, and how the rest is built when a server starts.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    name: &'static str,
    declared: fn() -> (&'static Declared, Arc<dyn Function>),
}

impl Entry {
    /// The entry of `T`.
    pub const fn of<T: Tool>() -> Self {
        Self { name: T::NAME, declared: || (Declared::of::<T>(), function(T::ARGUMENTS, T::call)) }
    }

    /// The name that the model calls.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn build(&self) -> Result<Built, ConfigError> {
        let (declared, function) = (self.declared)();
        Built::of(declared, function)
    }
}

/// Tools to serve; [`tools!`](crate::tools) makes it.
#[derive(Clone, Debug, Default)]
pub struct Tools(Vec<Entry>);

impl Tools {
    /// The tools of a constant table.
    pub fn new(entries: &[Entry]) -> Self {
        Self(entries.to_vec())
    }

    /// Fails to compile, in a constant, where two tools have one name.
    ///
    /// # Panics
    ///
    /// Two tools have one name; the message says which.
    pub const fn assert_distinct(entries: &[Entry]) {
        // The compiler interprets every step, and pairs are many: a name is compared with those
        // before it only if one of them has left the same mark.
        let mut seen = [false; MARKS];
        let mut at = 0;
        while at < entries.len() {
            let mark = mark(entries[at].name.as_bytes());
            let mut other = if seen[mark] { 0 } else { at };
            while other < at {
                if equal(entries[at].name, entries[other].name) {
                    collide(entries[at].name);
                }
                other += 1;
            }
            seen[mark] = true;
            at += 1;
        }
    }

    /// The entries, in the order in which they were named.
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }
}

const MARKS: usize = 4096;

/// A number that tells most names apart, in few steps.
const fn mark(name: &[u8]) -> usize {
    let length = name.len();
    if length < 2 {
        return length;
    }
    let (middle, last) = (name[length / 2] as usize, name[length - 1] as usize);
    (length + 8 * name[0] as usize + 64 * middle + 16 * last + name[length - 2] as usize) % MARKS
}

const fn equal(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Panics with the name in the message, which `panic!` cannot format in a constant.
const fn collide(name: &str) -> ! {
    const BEFORE: &[u8] = b"two tools are named `";
    let mut text = [b'`'; 128];
    let (mut at, name) = (0, name.as_bytes());
    while at < BEFORE.len() {
        text[at] = BEFORE[at];
        at += 1;
    }
    let mut from = 0;
    while from < name.len() && at < text.len() - 1 {
        text[at] = name[from];
        at += 1;
        from += 1;
    }
    let (text, _) = text.split_at(at + 1);
    match std::str::from_utf8(text) {
        Ok(text) => panic!("{}", text),
        Err(_) => panic!("two tools have one name"),
    }
}

/// What a tool says of itself, as data: were it code, every tool would have a copy.
#[derive(Debug)]
struct Declared {
    name: &'static str,
    title: Option<&'static str>,
    description: &'static str,
    hints: Hints,
    icons: &'static [&'static str],
    meta: Option<&'static str>,
    app_only: bool,
    model_only: bool,
    view: Option<View>,
    needs: Needs,
    output_schema: fn() -> Option<JsonObject>,
}

impl Declared {
    const fn of<T: Tool>() -> &'static Self {
        const {
            &Self {
                name: T::NAME,
                title: T::TITLE,
                description: T::DESCRIPTION,
                hints: T::HINTS,
                icons: T::ICONS,
                meta: T::META,
                app_only: T::APP_ONLY,
                model_only: T::MODEL_ONLY,
                view: T::VIEW,
                needs: T::NEEDS,
                output_schema: T::Output::output_schema,
            }
        }
    }
}

/// A tool's arguments and its function.
trait Function: Send + Sync {
    fn describe(&self, schema: &mut ArgumentsSchema);
    fn decode(&self, raw: &RawValue) -> Result<Ready, Error>;
}

/// Generic over the arguments and not over the tool: tools with the same types share the code.
struct FunctionOf<A: ArgumentList> {
    arguments: A,
    /// See [`ArgumentList::names`].
    names: Vec<Vec<String>>,
    call: fn(&Call, A::Values) -> Running,
}

fn function<A>(arguments: A, call: fn(&Call, A::Values) -> Running) -> Arc<dyn Function>
where
    A: ArgumentList + Send + Sync + 'static,
{
    Arc::new(FunctionOf { names: arguments.names(), arguments, call })
}

impl<A: ArgumentList + Send + Sync> Function for FunctionOf<A> {
    fn describe(&self, schema: &mut ArgumentsSchema) {
        self.arguments.describe(schema);
    }

    fn decode(&self, raw: &RawValue) -> Result<Ready, Error> {
        let values = self.arguments.read(raw, &self.names)?;
        let function = self.call;
        Ok(Box::new(move |call| function(&call, values)))
    }
}

/// A call whose arguments are decoded.
pub(crate) type Ready = Box<dyn FnOnce(Call) -> Running + Send>;

/// A tool with everything made once that a call needs.
#[derive(Clone)]
#[allow(clippy::struct_excessive_bools, reason = "each answers a question of its own")]
pub(crate) struct Built {
    pub(crate) definition: rmcp::model::Tool,
    pub(crate) needs: &'static [Need],
    pub(crate) hints: Hints,
    pub(crate) app_only: bool,
    pub(crate) model_only: bool,
    /// It has clients.
    pub(crate) connects: bool,
    /// It may speak while it runs.
    pub(crate) speaks: bool,
    /// Some of its arguments are wanted in headers too (SEP-2243), which rmcp compares.
    pub(crate) marked: bool,
    pub(crate) view: Option<View>,
    function: Arc<dyn Function>,
}

impl Built {
    fn of(tool: &'static Declared, function: Arc<dyn Function>) -> Result<Self, ConfigError> {
        let definition = define(tool, &*function)
            .map_err(|error| ConfigError::new(format!("the tool `{}`: {error}", tool.name)))?;
        let needs = tool.needs.list();
        Ok(Self {
            connects: needs.iter().any(|need| matches!(need, Need::Client(_))),
            speaks: needs.iter().any(|need| matches!(need, Need::Context)),
            marked: definition.input_schema.values().any(is_marked),
            definition,
            needs,
            hints: tool.hints,
            app_only: tool.app_only,
            model_only: tool.model_only,
            view: tool.view,
            function,
        })
    }

    /// Decodes the arguments: what follows is the function.
    pub(crate) fn decode(&self, arguments: &RawValue) -> Result<Ready, Error> {
        self.function.decode(arguments)
    }
}

/// Does a schema ask for an argument in a header, too (SEP-2243)? rmcp compares the two.
pub(crate) fn is_marked(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => {
            members.iter().any(|(name, member)| name == "x-mcp-header" || is_marked(member))
        }
        Value::Array(items) => items.iter().any(is_marked),
        _ => false,
    }
}

fn define(
    tool: &'static Declared,
    function: &dyn Function,
) -> Result<rmcp::model::Tool, ConfigError> {
    let mut schema = ArgumentsSchema::default();
    function.describe(&mut schema);
    let schema = Arc::new(schema.finish()?);
    let mut defined = rmcp::model::Tool::new(tool.name, tool.description, schema);
    defined.title = tool.title.map(str::to_owned);
    defined.output_schema = (tool.output_schema)().map(Arc::new);
    defined.annotations = Some(annotations(tool.title, tool.hints, tool.needs.list()));
    if !tool.icons.is_empty() {
        defined.icons = Some(tool.icons.iter().map(|uri| Icon::new(*uri)).collect());
    }
    if let Some(meta) = tool.meta {
        let meta: JsonObject = serde_json::from_str(meta)
            .map_err(|error| ConfigError::new(format!("`meta` is not a JSON object: {error}")))?;
        defined.meta = Some(MetaObject(meta));
    }
    Ok(defined)
}

/// What the attribute says; what it leaves open follows from the access of the scopes.
fn annotations(title: Option<&str>, hints: Hints, needs: &[Need]) -> ToolAnnotations {
    let mut access = Vec::new();
    let mut open_world = None;
    for need in needs {
        if let Need::Client(client) = need {
            open_world = Some(true);
            let declared = |name| client.catalogue.iter().find(|scope| scope.name == name);
            access
                .extend(client.scopes.iter().filter_map(|&name| declared(name)).map(|s| s.access));
        }
    }
    let highest = access.into_iter().max();
    let read_only = highest.map(|highest| highest == Access::Read);
    let destructive = highest.map(|highest| highest == Access::Destructive);

    let mut annotations = ToolAnnotations::new();
    annotations.title = title.map(str::to_owned);
    annotations.read_only_hint = hints.read_only.or(read_only);
    annotations.destructive_hint = hints.destructive.or(destructive);
    annotations.idempotent_hint = hints.idempotent;
    annotations.open_world_hint = hints.open_world.or(open_world);
    annotations
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assert_distinct(names: &[&'static str]) {
        let entry = |&name| Entry { name, declared: || unreachable!() };
        Tools::assert_distinct(&names.iter().map(entry).collect::<Vec<_>>());
    }

    #[test]
    fn names_that_look_alike_are_told_apart() {
        let [one, other] = ["move_left_pane", "mend_left_pane"];
        assert_eq!(mark(one.as_bytes()), mark(other.as_bytes()));
        assert_distinct(&[one, other, "", "a", "ab"]);
    }

    #[test]
    #[should_panic = "two tools are named `move_left_pane`"]
    fn a_name_is_found_again_among_those_that_look_like_it() {
        assert_distinct(&["move_left_pane", "mend_left_pane", "other", "move_left_pane"]);
    }
}
