//! A tool: what `#[tool]` and `#[widget]` share.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{Error, GenericParam, LitStr, Path, Type, parse_quote};

use super::{
    argument::Argument,
    function::Function,
    parameter::{Kind, Parameter},
    scopes::{ClientScopes, match_clients},
};
use crate::{
    args::{
        Parsed,
        tool::{ToolArgs, ToolName},
        value::Switch,
    },
    doc_text::{doc_text, expanded_later},
    errors::Errors,
};

/// The most arguments of a tool; those of a flattened struct do not count.
const MAX_ARGUMENTS: usize = 16;

pub(crate) struct Tool {
    pub(crate) krate: Path,
    pub(crate) function: Function,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) name: LitStr,
    pub(crate) description: String,
    pub(crate) attribute: Attribute,
    /// The scopes of each client.
    pub(crate) clients: Vec<ClientScopes>,
    /// The provider's own name, where the type of the client is an alias.
    pub(crate) provider: Option<Path>,
}

/// What the attribute declares, except the name and the scopes.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a key of its own")]
pub(crate) struct Attribute {
    pub(crate) title: Option<LitStr>,
    /// The hints that are given, under the names of the runtime's fields.
    pub(crate) hints: Vec<(&'static str, bool)>,
    /// The span of `read_only`, which is checked against the scopes.
    pub(crate) read_only: Option<Span>,
    pub(crate) icons: Vec<LitStr>,
    pub(crate) meta: Option<LitStr>,
    pub(crate) app_only: bool,
    pub(crate) model_only: bool,
    /// Whether arguments that do not match the schema are refused, even if the meaning is clear.
    pub(crate) strict: bool,
    /// Whether the name is longer than some hosts accept, and no attribute allows that.
    pub(crate) warns_of_name: bool,
}

impl Tool {
    /// `attribute` is `tool` or `widget`. Returns a method as it is: it cannot be a tool, because
    /// an `impl` block cannot hold the tool's type.
    pub(crate) fn new(
        attribute: &str,
        parsed: Parsed<ToolArgs>,
        mut function: Function,
        errors: &mut Errors,
    ) -> Result<Self, TokenStream> {
        let Parsed { krate, args, is_described } = parsed;
        function.check_signature("a tool", errors);
        if function.sig.receiver().is_some() {
            return Err(function.to_token_stream());
        }
        let ident = function.sig.ident.clone();
        let before = errors.len();
        let parameters = function.take_parameters(&ident, false, errors);
        let faulty = errors.len() > before;
        let arguments = arguments(&parameters, errors);
        if arguments.len() > MAX_ARGUMENTS {
            let message = format!(
                "a tool takes at most {MAX_ARGUMENTS} arguments\nhelp: put some into a struct: `#[arg(flatten)] options: Options`"
            );
            errors.push(Error::new_spanned(&ident, message));
        }
        check_output(&mut function, errors);
        check_generics(&function, errors);
        let description = doc_text(&function.attrs);
        if let Some(text) = expanded_later(&function.attrs).filter(|_| description.is_empty()) {
            let message = format!(
                "the description cannot come from another macro, which is expanded too late for `#[{attribute}]` to read it\nhelp: write a doc comment: `/// ..`"
            );
            errors.push(Error::new_spanned(text, message));
        } else if description.is_empty() && !is_described {
            let message = format!(
                "`{ident}` has no description, and the model chooses tools by it\nhelp: write a doc comment: `/// Lists the open issues of a repository.`"
            );
            errors.push(Error::new_spanned(&ident, message));
        }
        let mut tool = Self {
            krate,
            name: LitStr::new(&function.name(), ident.span()),
            function,
            parameters,
            arguments,
            description,
            attribute: Attribute::default(),
            clients: Vec::new(),
            provider: None,
        };
        // If the attribute is faulty, the scopes of the clients are unknown.
        if let Some(args) = args {
            tool.set(attribute, args, faulty, errors);
        }
        Ok(tool)
    }

    /// `faulty` tells whether a parameter has a faulty type, so that a client may be missing.
    fn set(&mut self, attribute: &str, args: ToolArgs, faulty: bool, errors: &mut Errors) {
        let name = match args.name {
            Some(name) => Some(name),
            None => errors.take(ToolName::of_function(self.name.clone())),
        };
        let is_long = name.as_ref().is_some_and(ToolName::is_long);
        if let Some(name) = name {
            self.name = name.0;
        }
        let on = |switch: Option<Switch>| switch.is_some_and(|switch| switch.on);
        let hints = [
            ("read_only", args.read_only),
            ("destructive", args.destructive),
            ("idempotent", args.idempotent),
            ("open_world", args.open_world),
            ("default_scope", args.default_scope),
        ];
        let given = |(hint, switch): (_, Option<Switch>)| Some((hint, switch?.on));
        self.attribute = Attribute {
            title: args.title.map(|title| title.0),
            read_only: args.read_only.filter(|hint| hint.on).map(|hint| hint.span),
            hints: hints.into_iter().filter_map(given).collect(),
            icons: args.icons.map_or_else(Vec::new, |icons| icons.0),
            meta: args.meta.map(|meta| meta.0),
            app_only: on(args.app_only),
            model_only: on(args.model_only),
            strict: on(args.strict),
            warns_of_name: is_long && !on(args.long_name) && !self.function.allows_deprecated(),
        };
        if let Some(model_only) = args.model_only
            && self.attribute.app_only
            && self.attribute.model_only
        {
            let message = "`app_only` and `model_only` exclude each other: nothing could call this tool\nhelp: remove one; without both, the model and views may call it";
            errors.push(Error::new(model_only.span, message));
        }
        let clients: Vec<_> =
            self.parameters.iter().filter(|parameter| parameter.provider().is_some()).collect();
        if faulty || !check_clients(&self.parameters, &clients, errors) {
            return;
        }
        let key = args.scopes.as_ref().map_or_else(Span::call_site, |scopes| scopes.key);
        let scopes = args.scopes.as_ref().map(|scopes| &scopes.value);
        self.clients = match_clients(scopes, key, &clients, attribute, errors);
        self.provider = args.provider.map(|provider| provider.0);
    }
}

fn arguments(parameters: &[Parameter], errors: &mut Errors) -> Vec<Argument> {
    let mut arguments = Vec::<Argument>::new();
    for parameter in parameters {
        if parameter.is_argument() {
            let argument = Argument::new(parameter, errors);
            let name = argument.name.value();
            if arguments.iter().any(|other| other.name.value() == name) {
                let message = format!("two arguments are named `{name}`");
                errors.push(Error::new(argument.name.span(), message));
            }
            arguments.push(argument);
        } else if let Some(attr) = parameter.args.first() {
            let message = format!("`{}` is injected, so it takes no `#[arg]`", parameter.ident);
            errors.push(Error::new_spanned(attr, message));
        }
    }
    arguments
}

/// Fails for two clients of one provider, and for scopes of an optional caller.
fn check_clients(parameters: &[Parameter], clients: &[&Parameter], errors: &mut Errors) -> bool {
    for parameter in parameters {
        if let Kind::Caller { catalogue: Some(_), optional: true, .. } = &parameter.kind {
            let message = "an optional caller has no scopes\nhelp: write `Caller<P>` to require them, or `Option<Caller>`";
            errors.push(Error::new_spanned(&parameter.ty, message));
            return false;
        }
    }
    for (at, client) in clients.iter().enumerate() {
        if clients[..at].iter().any(|other| other.provider() == client.provider()) {
            let message = "two clients of the same provider\nhelp: take one client, and borrow it wherever it is needed";
            errors.push(Error::new_spanned(&client.ty, message));
            return false;
        }
    }
    true
}

/// Fails for generic parameters: the schema is fixed, and references need no lifetime.
fn check_generics(function: &Function, errors: &mut Errors) {
    let params = &function.sig.generics.params;
    if params.is_empty() {
        return;
    }
    if params.iter().any(|param| !matches!(param, GenericParam::Lifetime(_))) {
        let message =
            "a tool has no generic parameters: its schema is fixed\nhelp: write the types";
        errors.push(Error::new_spanned(params, message));
    } else if errors.is_empty() {
        // An argument or a result with this lifetime is reported already.
        let message = "a tool has no lifetime parameters\nhelp: borrow what is injected without a lifetime: `&AuthedClient<P>`";
        errors.push(Error::new_spanned(params, message));
    }
}

fn check_output(function: &mut Function, errors: &mut Errors) {
    if function.sig.asyncness.is_none() {
        return; // A function that is not `async` is reported already.
    }
    let syn::ReturnType::Type(_, ty) = &mut function.sig.output else { return };
    match &mut **ty {
        Type::ImplTrait(_) => {
            let message = "the type of a tool's result must be written out\nhelp: write `String`, `Json<T>` or another result";
            errors.push(Error::new_spanned(ty, message));
        }
        Type::Reference(reference)
            if reference.lifetime.as_ref().is_none_or(|lifetime| lifetime.ident != "static") =>
        {
            let message = "the result of a tool is owned\nhelp: write `String`, or `&'static str`";
            errors.push(Error::new_spanned(&*reference, message));
            // Without a parameter to borrow from, rustc would report it too.
            reference.lifetime = Some(parse_quote!('static));
        }
        _ => {}
    }
}
