//! The table of tools that `tools![]` makes.

use std::{pin::Pin, sync::Arc};

use futures::FutureExt;
use rmcp::model::{Icon, JsonObject, MetaObject, ToolAnnotations};
use serde_json::value::RawValue;

use crate::{
    argument::{ArgumentList, ArgumentsSchema},
    call::Call,
    error::{ConfigError, Error},
    outcome::{IntoOutcome, Outcome},
    scope::Access,
    tool::{Hints, Need, Tool},
    view::View,
};

/// A tool in a table: a name, and how the rest is built when a server starts.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    name: &'static str,
    build: fn() -> Result<Built, ConfigError>,
}

impl Entry {
    /// The entry of `T`.
    pub const fn of<T: Tool>() -> Self {
        Self { name: T::NAME, build: Built::of::<T> }
    }

    /// The name that the model calls.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn build(&self) -> Result<Built, ConfigError> {
        (self.build)()
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
        let mut at = 1;
        while at < entries.len() {
            let mut other = 0;
            while other < at {
                if equal(entries[at].name, entries[other].name) {
                    collide(entries[at].name);
                }
                other += 1;
            }
            at += 1;
        }
    }

    /// The entries, in the order in which they were named.
    pub fn entries(&self) -> &[Entry] {
        &self.0
    }
}

/// From the end: names of a family begin alike, and a table may have hundreds.
const fn equal(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut at = one.len();
    while at > 0 {
        at -= 1;
        if one[at] != other[at] {
            return false;
        }
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

type Decode = dyn Fn(&RawValue) -> Result<Ready, Error> + Send + Sync;

/// A call whose arguments are decoded.
pub(crate) type Ready = Box<dyn FnOnce(Call) -> Running + Send>;

/// A call under way.
pub(crate) type Running = Pin<Box<dyn Future<Output = Outcome> + Send>>;

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
    decode: Arc<Decode>,
}

impl Built {
    fn of<T: Tool>() -> Result<Self, ConfigError> {
        let arguments = T::ARGUMENTS;
        let definition = define::<T>(&arguments)
            .map_err(|error| ConfigError::new(format!("the tool `{}`: {error}", T::NAME)))?;
        let decode = move |raw: &RawValue| -> Result<Ready, Error> {
            let arguments = arguments.read(raw)?;
            Ok(Box::new(|call| Box::pin(T::call(call, arguments).map(IntoOutcome::into_outcome))))
        };
        let schema = serde_json::to_string(&definition.input_schema);
        Ok(Self {
            connects: T::NEEDS.iter().any(|need| matches!(need, Need::Client(_))),
            speaks: T::NEEDS.iter().any(|need| matches!(need, Need::Context)),
            marked: schema.map_or(true, |schema| schema.contains("x-mcp-header")),
            definition,
            needs: T::NEEDS,
            hints: T::HINTS,
            app_only: T::APP_ONLY,
            model_only: T::MODEL_ONLY,
            view: T::VIEW,
            decode: Arc::new(decode),
        })
    }

    /// Decodes the arguments: what follows is the function.
    pub(crate) fn decode(&self, arguments: &RawValue) -> Result<Ready, Error> {
        (self.decode)(arguments)
    }
}

fn define<T: Tool>(arguments: &T::Arguments) -> Result<rmcp::model::Tool, ConfigError> {
    let mut schema = ArgumentsSchema::default();
    arguments.describe(&mut schema);
    let mut tool = rmcp::model::Tool::new(T::NAME, T::DESCRIPTION, Arc::new(schema.finish()?));
    tool.title = T::TITLE.map(str::to_owned);
    tool.output_schema = T::Output::output_schema().map(Arc::new);
    tool.annotations = Some(annotations(T::TITLE, T::HINTS, T::NEEDS));
    if !T::ICONS.is_empty() {
        tool.icons = Some(T::ICONS.iter().map(|uri| Icon::new(*uri)).collect());
    }
    if let Some(meta) = T::META {
        let meta: JsonObject = serde_json::from_str(meta)
            .map_err(|error| ConfigError::new(format!("`meta` is not a JSON object: {error}")))?;
        tool.meta = Some(MetaObject(meta));
    }
    Ok(tool)
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
