//! The registry's tools: a declaration becomes a definition for hosts and a function to call.

use std::sync::Arc;

use rmcp::model::{Icon, JsonObject, MetaObject, ToolAnnotations};
use serde_json::{Value, value::RawValue};

use super::{
    Call, Dependencies, Dependency, Hints, Tool, ToolFuture, View,
    argument::{ArgumentList, ArgumentsSchema, argument_type::ArgumentType, object::Reading},
    outcome::ToolOutput,
    schema::{Side, for_hosts},
};
use crate::{
    error::{ConfigError, Error},
    scope::Access,
};

/// The declaration of a tool as data: as code, every tool would have its own copy.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts")]
pub(crate) struct ToolSpec {
    name: &'static str,
    title: Option<&'static str>,
    description: &'static str,
    hints: Hints,
    icons: &'static [&'static str],
    meta: Option<&'static str>,
    app_only: bool,
    model_only: bool,
    strict: bool,
    view: Option<View>,
    dependencies: fn() -> Dependencies,
    output_schema: fn() -> Option<JsonObject>,
}

impl ToolSpec {
    pub(super) const fn of<T: Tool>() -> &'static Self {
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
                strict: T::STRICT,
                view: T::VIEW,
                dependencies: T::dependencies,
                output_schema: T::Output::output_schema,
            }
        }
    }
}

/// A tool's arguments and its function.
pub(crate) trait Function: Send + Sync {
    fn describe(&self, schema: &mut ArgumentsSchema);
    fn decode(&self, raw: &RawValue, reading: Reading<'_>) -> Result<PreparedCall, Error>;
}

/// Generic over the arguments and not over the tool, so that tools with equal types share code.
struct FunctionOf<A: ArgumentList> {
    arguments: A,
    types: Vec<ArgumentType>,
    call: fn(&Call, A::Values) -> ToolFuture,
}

pub(super) fn function<A>(
    arguments: A,
    call: fn(&Call, A::Values) -> ToolFuture,
) -> Arc<dyn Function>
where
    A: ArgumentList + Send + Sync + 'static,
{
    Arc::new(FunctionOf { types: arguments.types(), arguments, call })
}

impl<A: ArgumentList + Send + Sync> Function for FunctionOf<A> {
    fn describe(&self, schema: &mut ArgumentsSchema) {
        self.arguments.describe(schema);
    }

    fn decode(&self, raw: &RawValue, reading: Reading<'_>) -> Result<PreparedCall, Error> {
        let values = self.arguments.read(raw, &self.types, reading)?;
        let function = self.call;
        Ok(Box::new(move |call| function(&call, values)))
    }
}

/// A call whose arguments are decoded.
pub(crate) type PreparedCall = Box<dyn FnOnce(Call) -> ToolFuture + Send>;

/// A tool, with all that a call needs made once.
#[derive(Clone)]
#[allow(clippy::struct_excessive_bools, reason = "independent facts")]
pub(crate) struct RegisteredTool {
    /// The name, as the code declares it.
    pub(crate) name: &'static str,
    pub(crate) definition: rmcp::model::Tool,
    pub(crate) dependencies: Dependencies,
    pub(crate) hints: Hints,
    pub(crate) app_only: bool,
    pub(crate) model_only: bool,
    /// It has a client of a provider.
    pub(crate) needs_provider: bool,
    /// It has a [`Context`](super::context::Context), so it may send notifications.
    pub(crate) uses_context: bool,
    /// Some of its arguments are mirrored in headers (SEP-2243), which rmcp compares.
    pub(crate) mirrors_headers: bool,
    /// Arguments are read strictly. See [`Tool::STRICT`].
    pub(crate) strict: bool,
    pub(crate) view: Option<View>,
    /// The arguments that name accounts of the caller.
    accounts: Vec<&'static str>,
    output_schema: fn() -> Option<JsonObject>,
    function: Arc<dyn Function>,
}

impl RegisteredTool {
    pub(super) fn new(
        tool: &'static ToolSpec,
        function: Arc<dyn Function>,
    ) -> Result<Self, ConfigError> {
        let dependencies = (tool.dependencies)();
        let definition = define(tool, &*function, &dependencies)
            .map_err(|error| ConfigError::new(format!("the tool `{}`: {error}", tool.name)))?;
        let accounts = account_arguments(&dependencies).map(|(name, _)| name).collect();
        Ok(Self {
            name: tool.name,
            accounts,
            needs_provider: dependencies.iter().any(|it| matches!(it, Dependency::Client(_))),
            uses_context: dependencies.iter().any(|it| matches!(it, Dependency::Context)),
            mirrors_headers: definition.input_schema.values().any(is_mirrored),
            definition,
            dependencies,
            hints: tool.hints,
            app_only: tool.app_only,
            model_only: tool.model_only,
            strict: tool.strict,
            view: tool.view,
            output_schema: tool.output_schema,
            function,
        })
    }

    /// Takes the arguments away that name accounts of this provider, at which a caller has one.
    pub(crate) fn with_one_account(&mut self, provider: &str) {
        self.dependencies.with_one_account(provider);
        let left: Vec<_> = account_arguments(&self.dependencies).map(|(name, _)| name).collect();
        let gone: Vec<_> = self.accounts.iter().filter(|name| !left.contains(name)).collect();
        if gone.is_empty() {
            return;
        }
        let schema = Arc::make_mut(&mut self.definition.input_schema);
        if let Some(Value::Object(properties)) = schema.get_mut("properties") {
            properties.retain(|name, _| !gone.iter().any(|gone| *gone == name));
        }
        self.accounts = left;
    }

    /// Decodes the arguments, and returns the call of the function with them.
    pub(crate) fn decode(&self, arguments: &RawValue) -> Result<PreparedCall, Error> {
        let accounts = &self.accounts;
        let reading = Reading { tool: &self.definition.name, strict: self.strict, accounts };
        self.function.decode(arguments, reading)
    }

    /// The schemas of the arguments and of the result as Rust's types have them, before they are
    /// rewritten for hosts.
    pub(crate) fn schemas_of_types(&self) -> (JsonObject, Option<JsonObject>) {
        let mut schema = ArgumentsSchema::default();
        self.function.describe(&mut schema);
        schema.add_accounts(account_arguments(&self.dependencies));
        // The tool was built with the same schema.
        (schema.finish().unwrap_or_default(), (self.output_schema)())
    }
}

/// The arguments that name accounts of the caller, each with the provider's name.
fn account_arguments(
    dependencies: &Dependencies,
) -> impl Iterator<Item = (&'static str, &'static str)> {
    dependencies.iter().filter_map(|dependency| match dependency {
        Dependency::Client(client) => Some((client.account?, client.provider_name)),
        _ => None,
    })
}

/// Whether a schema wants an argument in a header too (SEP-2243); rmcp compares the two.
pub(crate) fn is_mirrored(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => {
            members.iter().any(|(name, member)| name == "x-mcp-header" || is_mirrored(member))
        }
        Value::Array(items) => items.iter().any(is_mirrored),
        _ => false,
    }
}

fn define(
    tool: &'static ToolSpec,
    function: &dyn Function,
    dependencies: &Dependencies,
) -> Result<rmcp::model::Tool, ConfigError> {
    let mut schema = ArgumentsSchema::default();
    function.describe(&mut schema);
    schema.add_accounts(account_arguments(dependencies));
    let schema = Arc::new(for_hosts(schema.finish()?, Side::Input));
    let mut defined = rmcp::model::Tool::new(tool.name, tool.description, schema);
    defined.title = tool.title.map(str::to_owned);
    let output = (tool.output_schema)().map(|schema| for_hosts(schema, Side::Output));
    defined.output_schema = output.map(Arc::new);
    defined.annotations = Some(annotations(tool.title, tool.hints, dependencies));
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

/// The hints of the attribute; those that it omits follow from the access of the scopes.
fn annotations(title: Option<&str>, hints: Hints, dependencies: &[Dependency]) -> ToolAnnotations {
    let mut access = Vec::new();
    let mut open_world = None;
    for dependency in dependencies {
        let (catalogue, scopes) = match dependency {
            Dependency::Client(client) => {
                open_world = Some(true);
                (client.catalogue, client.scopes())
            }
            Dependency::Caller(caller) => (caller.catalogue, caller.scopes()),
            Dependency::State(_) | Dependency::Context => continue,
        };
        let declared = |name| catalogue.iter().find(|scope| scope.name == name);
        access.extend(scopes.iter().filter_map(|&name| declared(name)).map(|scope| scope.access));
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
