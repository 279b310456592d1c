//! `#[tool]` and `#[widget]`: an async function, kept as it is, and a type of the same name that
//! stands for it.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Error, Ident, LitStr, Path, Type, ext::IdentExt, parse_quote, spanned::Spanned};

use crate::{
    argument::{self, Argument},
    attribute::{self, Entry, Value},
    errors::Errors,
    function::{self, Function, Kind, Parameter, check_name, holds_all, hygienic},
    scopes::{ScopeList, Scopes},
    widget::{self, View},
};

const KEYS: [&str; 14] = [
    "scopes",
    "name",
    "title",
    "read_only",
    "destructive",
    "idempotent",
    "open_world",
    "default_scope",
    "app_only",
    "model_only",
    "icons",
    "meta",
    "provider",
    "crate",
];

/// Which of the two attributes it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Tool,
    Widget,
}

impl Form {
    fn name(self) -> &'static str {
        match self {
            Self::Tool => "tool",
            Self::Widget => "widget",
        }
    }
}

pub(crate) fn expand(form: Form, attr: TokenStream, item: TokenStream) -> TokenStream {
    let mut function = match Function::parse(form.name(), item.clone())
        .and_then(|function| check_name(&function.sig.ident, "a tool").map(|()| function))
    {
        Ok(function) => function,
        Err(error) => {
            let error = error.into_compile_error();
            return quote!(#item #error);
        }
    };
    let mut errors = Errors::default();
    let args = Args::new(form, attr, &mut errors);
    function.check_signature("a tool", &mut errors);
    if function.sig.receiver().is_some() {
        // In an `impl` block there is no place for what stands beside a tool.
        return quote!(#item #errors);
    }
    check_generics(&function, &mut errors);
    check_output(&mut function, &mut errors);
    if form == Form::Widget {
        args.view.check(&function, &mut errors);
    }
    let holder = function.sig.ident.clone();
    let parameters = function.take_parameters(&holder, &mut errors);
    let tool = Tool::new(&args, &function, &parameters, &mut errors);

    let marker = function::marker(&function.vis, &holder, "tool");
    let (implementation, scopes) = if errors.is_empty() {
        (tool.emit(), tool.emit_requests())
    } else {
        (tool.recover(), tool.recover_scopes())
    };
    // The function comes first: rust-analyzer maps a name to its first appearance.
    // A tool is async even where it has nothing to wait for.
    quote! {
        #[allow(clippy::unused_async)]
        #function
        #marker
        #implementation
        #scopes
        #errors
    }
}

/// What stands in `#[tool(..)]` or `#[widget(..)]`.
struct Args {
    form: Form,
    krate: Path,
    scopes: Option<Scopes>,
    scopes_span: Span,
    scopes_given: bool,
    name: Option<LitStr>,
    title: Option<LitStr>,
    hints: Vec<(Ident, bool)>,
    read_only: Option<Span>,
    icons: Vec<LitStr>,
    meta: Option<LitStr>,
    provider: Option<Path>,
    app_only: bool,
    model_only: bool,
    view: View,
}

impl Args {
    fn new(form: Form, tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self {
            form,
            krate: parse_quote!(::toolgate),
            scopes: None,
            scopes_span: Span::call_site(),
            scopes_given: false,
            name: None,
            title: None,
            hints: Vec::new(),
            read_only: None,
            icons: Vec::new(),
            meta: None,
            provider: None,
            app_only: false,
            model_only: false,
            view: View::default(),
        };
        let mut known = KEYS.to_vec();
        if form == Form::Widget || widget::has_key(&tokens) {
            known.extend(widget::KEYS);
        }
        for entry in Entry::all(&format!("#[{}]", form.name()), tokens, &known, errors) {
            let result = args.set(entry);
            errors.take(result);
        }
        args
    }

    fn set(&mut self, entry: Entry) -> syn::Result<()> {
        let key = entry.key.clone();
        match key.to_string().as_str() {
            "scopes" => {
                self.scopes_span = key.span();
                self.scopes_given = true;
                self.scopes = Some(match entry.value {
                    Value::Equals(tokens) => Scopes::parse_equals(tokens)?,
                    Value::List(tokens) => Scopes::parse_list(tokens, key.span())?,
                    Value::Flag => {
                        let message = "`scopes` is written `scopes = \"repo:read\"`";
                        return Err(Error::new(key.span(), message));
                    }
                });
            }
            "name" => self.name = Some(check_tool_name(entry.text()?)?),
            "title" => self.title = Some(entry.text()?),
            "icons" => self.icons = entry.texts()?,
            "meta" => self.meta = Some(meta(entry)?),
            "provider" => self.provider = Some(entry.path()?),
            "crate" => self.krate = entry.krate()?,
            "app_only" | "model_only" => {
                let (value, span) = entry.flag()?;
                let (this, other) = if key == "app_only" {
                    (&mut self.app_only, self.model_only)
                } else {
                    (&mut self.model_only, self.app_only)
                };
                *this = value;
                if value && other {
                    let message = "nobody could call it: `app_only` and `model_only` exclude each other\nhelp: remove one; without both, the model and views may call it";
                    return Err(Error::new(span, message));
                }
            }
            name if widget::KEYS.contains(&name) => {
                if self.form == Form::Tool {
                    let message = format!("`{name}` is a widget's\nhelp: write `#[widget(..)]`");
                    return Err(Error::new(key.span(), message));
                }
                self.view.set(entry)?;
            }
            _ => {
                let (value, span) = entry.flag()?;
                if key == "read_only" && value {
                    self.read_only = Some(span);
                }
                self.hints.push((key, value));
            }
        }
        Ok(())
    }
}

/// What MCP recommends for names, and every host accepts.
fn check_tool_name(name: LitStr) -> syn::Result<LitStr> {
    let value = name.value();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if (1..=64).contains(&value.len()) && value.bytes().all(fits) {
        return Ok(name);
    }
    let message = format!(
        "`{value}` is not a tool name\nhelp: 1 to 64 of A-Z, a-z, 0-9, `_`, `-` and `.`; `title` is for people"
    );
    Err(Error::new(name.span(), message))
}

/// `meta = "{..}"` or `meta(key = "value")`, as JSON text.
fn meta(entry: Entry) -> syn::Result<LitStr> {
    let span = entry.key.span();
    let Value::List(tokens) = entry.value else { return entry.text() };
    let parser =
        syn::punctuated::Punctuated::<syn::MetaNameValue, syn::Token![,]>::parse_terminated;
    let mut members = Vec::new();
    for pair in syn::parse::Parser::parse2(parser, tokens)? {
        let key: Vec<_> = pair.path.segments.iter().map(|s| s.ident.to_string()).collect();
        let syn::Expr::Lit(syn::ExprLit { lit, .. }) = &pair.value else {
            return Err(Error::new_spanned(&pair.value, "a value of `meta` is a literal"));
        };
        let value = match lit {
            syn::Lit::Str(text) => argument::quoted(&text.value()),
            syn::Lit::Bool(value) => value.value.to_string(),
            syn::Lit::Int(number) => number.base10_digits().to_owned(),
            other => {
                let message = "a value of `meta` is a string, a whole number or a boolean\nhelp: for more, write `meta = \"{..}\"` with JSON";
                return Err(Error::new_spanned(other, message));
            }
        };
        members.push(format!("{}:{value}", argument::quoted(&key.join("/"))));
    }
    Ok(LitStr::new(&format!("{{{}}}", members.join(",")), span))
}

/// The same path, at the place of `span`. But `$crate` is what its own place makes it.
fn respanned(path: &impl ToTokens, span: Span) -> TokenStream {
    let tokens = path.to_token_stream().into_iter().map(|mut token| {
        if !matches!(&token, TokenTree::Ident(ident) if *ident == "$crate") {
            token.set_span(span);
        }
        token
    });
    tokens.collect()
}

fn check_generics(function: &Function, errors: &mut Errors) {
    let generics = &function.sig.generics;
    if !generics.params.is_empty() {
        let message =
            "a tool has no generic parameters: its schema is fixed\nhelp: write the types";
        errors.push(Error::new_spanned(&generics.params, message));
    }
}

fn check_output(function: &mut Function, errors: &mut Errors) {
    let syn::ReturnType::Type(_, ty) = &mut function.sig.output else { return };
    match &mut **ty {
        Type::ImplTrait(_) => {
            let message = "the result of a tool is a type with a name\nhelp: write `String`, `Json<T>` or another result";
            errors.push(Error::new_spanned(ty, message));
        }
        Type::Reference(reference)
            if reference.lifetime.as_ref().is_none_or(|lifetime| lifetime.ident != "static") =>
        {
            let message = "the result of a tool is owned\nhelp: write `String`, or `&'static str`";
            errors.push(Error::new_spanned(&*reference, message));
            // Or rustc would say it again, in other words.
            reference.lifetime = Some(parse_quote!('static));
        }
        _ => {}
    }
}

struct Tool<'a> {
    args: &'a Args,
    function: &'a Function,
    parameters: &'a [Parameter],
    arguments: Vec<Argument>,
    name: LitStr,
    description: String,
    /// The provider, what macro has its catalogue, and the scopes, for each client.
    requests: Vec<(&'a Path, &'a Path, Option<&'a ScopeList>)>,
}

/// How what the function returned becomes what a host shows.
type Shown = Box<dyn FnOnce(TokenStream) -> TokenStream>;

impl<'a> Tool<'a> {
    fn new(
        args: &'a Args,
        function: &'a Function,
        parameters: &'a [Parameter],
        errors: &mut Errors,
    ) -> Self {
        let ident = &function.sig.ident;
        let name = args.name.clone().unwrap_or_else(|| LitStr::new(&function.name(), ident.span()));
        if args.name.is_none() {
            errors.take(check_tool_name(name.clone()));
        }
        let description = attribute::doc(&function.attrs);
        if description.is_empty() {
            let message = format!(
                "`{ident}` has no description, and the model chooses tools by it\nhelp: write a doc comment: `/// Lists the open issues of a repository.`"
            );
            errors.push(Error::new_spanned(ident, message));
        }
        let mut arguments = Vec::<Argument>::new();
        for parameter in parameters {
            if !matches!(parameter.kind, Kind::Argument) {
                if let Some(attr) = parameter.args.first() {
                    let message = format!(
                        "`{}` is injected, so `#[arg]` says nothing of it",
                        parameter.ident
                    );
                    errors.push(Error::new_spanned(attr, message));
                }
                continue;
            }
            let argument = Argument::new(&args.krate, parameter, errors);
            if arguments.iter().any(|other| other.name.value() == argument.name.value()) {
                let message = format!("two arguments are named `{}`", argument.name.value());
                errors.push(Error::new(argument.name.span(), message));
            }
            arguments.push(argument);
        }
        if arguments.len() > 16 {
            let message = "a tool takes at most 16 arguments\nhelp: put some into a struct: `#[arg(flatten)] options: Options`";
            errors.push(Error::new_spanned(ident, message));
        }
        let requests = requests(args, parameters, errors);
        Self { args, function, parameters, arguments, name, description, requests }
    }

    fn emit(&self) -> TokenStream {
        let Self { args, function, parameters, arguments, name, description, .. } = self;
        let krate = &args.krate;
        let tool = &function.sig.ident;
        let (output, shown) = self.emit_output();

        let constants = self.emit_constants();
        let dependencies = self.emit_dependencies();
        let types = parameters.iter().filter(|p| matches!(p.kind, Kind::Argument)).map(|p| &p.ty);
        let values = arguments.iter().map(|argument| &argument.constant);

        // What the user named is not in sight of these names, nor the other way round.
        let local = |ident: &Ident| {
            let mut local = ident.clone();
            local.set_span(hygienic(ident.span()));
            local
        };
        let patterns: Vec<_> = parameters
            .iter()
            .filter(|parameter| matches!(parameter.kind, Kind::Argument))
            .map(|parameter| local(&parameter.ident))
            .collect();
        let injects = parameters.len() > arguments.len();
        let mut call = Ident::new(if injects { "call" } else { "_call" }, Span::mixed_site());
        if parameters.iter().any(|parameter| local(&parameter.ident) == call) {
            call = Ident::new("_call", Span::mixed_site());
        }
        let injected = |parameter: &Parameter| match &parameter.kind {
            Kind::Client { .. } => quote!(#call.client()),
            Kind::Caller { optional: true, .. } => quote!(#call.optional_caller()),
            Kind::Caller { .. } => quote!(#call.caller()),
            Kind::State { .. } => quote!(#call.state()),
            Kind::Context { .. } => quote!(#call.context()),
            Kind::Argument => local(&parameter.ident).into_token_stream(),
        };
        let span = hygienic(tool.span());
        // With the place of the name, or a future that is not `Send` is shown on the attribute.
        let running = respanned(&quote!(#krate::__private::ToolFuture), span);
        let borrows = parameters.iter().any(Parameter::is_borrowed);
        // What is borrowed, or shown, needs a future around the function's own.
        let body = if borrows || shown.is_some() {
            let kept = parameters.iter().filter(|p| !matches!(p.kind, Kind::Argument));
            let kept = kept.map(|parameter| {
                let (name, value) = (local(&parameter.ident), injected(parameter));
                quote!(let #name = #value;)
            });
            let passed = parameters.iter().map(|parameter| {
                let name = local(&parameter.ident);
                if parameter.is_borrowed() { quote!(&#name) } else { quote!(#name) }
            });
            let called = quote_spanned!(span=> #tool(#(#passed),*).await);
            let called = shown.map_or(called.clone(), |shown| shown(called));
            quote_spanned! {span=>
                #(#kept)*
                #running::new::<Self>(async move { #called })
            }
        } else {
            let passed = parameters.iter().map(injected);
            quote_spanned!(span=> #running::new::<Self>(#tool(#(#passed),*)))
        };
        let call_fn = quote_spanned! {span=>
            fn call(
                #call: &#krate::__private::Call,
                (#(#patterns,)*): #krate::__private::Values<Self>,
            ) -> #krate::__private::ToolFuture {
                #body
            }
        };
        quote! {
            #[automatically_derived]
            impl #krate::__private::Tool for #tool {
                const NAME: &'static str = #name;
                const DESCRIPTION: &'static str = #description;
                #constants
                type Arguments = (#(#krate::__private::Arg<#types>,)*);
                const ARGUMENTS: Self::Arguments = (#(#values,)*);
                type Output = #output;

                #dependencies

                #call_fn
            }
        }
    }

    /// The type of the outcome, and how the function's result becomes one.
    fn emit_output(&self) -> (TokenStream, Option<Shown>) {
        let krate = self.args.krate.clone();
        let output = self.function.output();
        if self.args.form == Form::Tool {
            return (output, None);
        }
        // How the result is called decides: a type may be both fallible and JSON.
        let fallible = match &self.function.sig.output {
            syn::ReturnType::Type(_, ty) => widget::last_segment(ty).as_deref() == Some("Result"),
            syn::ReturnType::Default => false,
        };
        // A fault of the props is shown on their type.
        let span = output.span().resolved_at(Span::call_site());
        let spanned = respanned(&krate, span);
        if fallible {
            let outcome =
                quote_spanned!(span=> <#output as #spanned::__private::Fallible>::Outcome);
            (outcome, Some(Box::new(move |called| quote!(#called.map(#krate::__private::Shown)))))
        } else {
            let outcome = quote_spanned!(span=> #spanned::__private::Shown<#output>);
            (outcome, Some(Box::new(move |called| quote!(#krate::__private::Shown(#called)))))
        }
    }

    /// The constants that have a default, where they depart from it.
    fn emit_constants(&self) -> TokenStream {
        let Self { args, .. } = self;
        let krate = &args.krate;
        let mut constants = TokenStream::new();
        if let Some(title) = &args.title {
            constants.extend(quote! {
                const TITLE: ::core::option::Option<&'static str> = ::core::option::Option::Some(#title);
            });
        }
        if !args.hints.is_empty() {
            let hints = args
                .hints
                .iter()
                .map(|(key, value)| quote!(#key: ::core::option::Option::Some(#value)));
            constants.extend(quote! {
                const HINTS: #krate::__private::Hints = #krate::__private::Hints { #(#hints,)* ..#krate::__private::Hints::DERIVED };
            });
        }
        let icons = &args.icons;
        if !icons.is_empty() {
            constants.extend(quote! {
                const ICONS: &'static [&'static str] = &[#(#icons),*];
            });
        }
        if let Some(meta) = &args.meta {
            constants.extend(quote! {
                const META: ::core::option::Option<&'static str> = ::core::option::Option::Some(#meta);
            });
        }
        if args.app_only {
            constants.extend(quote! {
                const APP_ONLY: bool = true;
            });
        }
        if args.model_only {
            constants.extend(quote! {
                const MODEL_ONLY: bool = true;
            });
        }
        let view = args.view.emit(krate);
        if !view.is_empty() {
            constants.extend(quote! {
                const VIEW: ::core::option::Option<#krate::__private::View> = ::core::option::Option::Some(#view);
            });
        }
        constants
    }

    /// The injected parameters; no tokens, if there are none.
    fn emit_dependencies(&self) -> TokenStream {
        let krate = &self.args.krate;
        let dependencies = self.parameters.iter().filter_map(|parameter| {
            let name = parameter.ident.unraw().to_string();
            Some(match &parameter.kind {
                Kind::Client { provider, .. } => quote!(client::<#provider, Self>(#name)),
                Kind::Caller { catalogue: Some(catalogue), .. } => {
                    quote!(caller::<#catalogue, Self>(#name))
                }
                Kind::Caller { optional: false, .. } => quote!(CALLER),
                Kind::State { of, .. } => quote!(state::<#of>(#name)),
                Kind::Context { .. } => quote!(Context),
                Kind::Caller { .. } | Kind::Argument => return None,
            })
        });
        let dependencies: Vec<_> = dependencies.collect();
        if dependencies.is_empty() {
            return TokenStream::new();
        }
        quote! {
            fn dependencies() -> &'static [#krate::__private::Dependency] {
                const { &[#(#krate::__private::Dependency::#dependencies),*] }
            }
        }
    }

    /// Asks each catalogue to call [`crate::grant`] back.
    ///
    /// The function itself stays here: what goes through a catalogue is parsed once more.
    fn emit_requests(&self) -> TokenStream {
        let krate = &self.args.krate;
        let tool = &self.function.sig.ident;
        let purpose = match self.args.read_only {
            Some(span) => Ident::new("read_only", span),
            None => Ident::new("tool", Span::call_site()),
        };
        let requests = self.requests.iter().map(|(provider, catalogue, scopes)| {
            let scopes = scopes.map(ScopeList::tokens);
            quote! {
                #catalogue! {
                    #![callback = #krate::__private::grant]
                    #krate; #tool: #provider; #purpose; #scopes
                }
            }
        });
        quote!(#(#requests)*)
    }

    /// A tool that cannot be called, so that the place where it is registered has no fault.
    fn recover(&self) -> TokenStream {
        let krate = &self.args.krate;
        let tool = &self.function.sig.ident;
        let name = &self.name;
        quote! {
            #[automatically_derived]
            impl #krate::__private::Tool for #tool {
                const NAME: &'static str = #name;
                const DESCRIPTION: &'static str = "";
                type Arguments = ();
                const ARGUMENTS: () = ();
                type Output = ();

                fn call(_: &#krate::__private::Call, (): ()) -> #krate::__private::ToolFuture {
                    ::core::unreachable!()
                }
            }
        }
    }

    fn recover_scopes(&self) -> TokenStream {
        let mut seen = Vec::<&Path>::new();
        let mut tokens = TokenStream::new();
        for provider in self.parameters.iter().filter_map(Parameter::provider) {
            if !seen.contains(&provider) {
                seen.push(provider);
                tokens.extend(holds_all(&self.args.krate, &self.function.sig.ident, provider));
            }
        }
        tokens
    }
}

/// Matches the clients with their scopes.
fn requests<'a>(
    args: &'a Args,
    parameters: &'a [Parameter],
    errors: &mut Errors,
) -> Vec<(&'a Path, &'a Path, Option<&'a ScopeList>)> {
    let clients: Vec<(&Parameter, &Path)> =
        parameters.iter().filter_map(|p| p.provider().map(|provider| (p, provider))).collect();
    for parameter in parameters {
        if let Kind::Caller { catalogue: Some(_), optional: true, .. } = &parameter.kind {
            let message = "a caller who may be missing carries no scopes\nhelp: write `Caller<P>` to demand them, or `Option<Caller>`";
            errors.push(Error::new_spanned(&parameter.ty, message));
            return Vec::new();
        }
    }
    for (at, (parameter, provider)) in clients.iter().enumerate() {
        if clients[..at].iter().any(|(_, other)| other == provider) {
            let message = "two clients of one provider\nhelp: one client is enough, it may be borrowed as often as you like";
            errors.push(Error::new_spanned(&parameter.ty, message));
            return Vec::new();
        }
    }
    if args.scopes.is_none() && args.scopes_given {
        return Vec::new(); // Their fault is reported already.
    }
    let form = args.form.name();
    let matched = pair(args.scopes.as_ref(), args.scopes_span, &clients, form, errors);
    matched
        .into_iter()
        .map(|(provider, scopes)| (provider, args.provider.as_ref().unwrap_or(provider), scopes))
        .collect()
}

/// Gives each client its scopes, by the parameter's name where there are several.
pub(crate) fn pair<'a>(
    scopes: Option<&'a Scopes>,
    scopes_span: Span,
    clients: &[(&'a Parameter, &'a Path)],
    attribute: &str,
    errors: &mut Errors,
) -> Vec<(&'a Path, Option<&'a ScopeList>)> {
    let names: Vec<_> = clients.iter().map(|(p, _)| p.ident.to_string()).collect();
    let keyed_form = || {
        let pairs: Vec<_> = names.iter().map(|name| format!("{name} = \"..\"")).collect();
        pairs.join(", ")
    };
    match (scopes, clients) {
        (None, []) => Vec::new(),
        (None, [(parameter, _), ..]) => {
            if parameter.is_client() || parameter.provider().is_some() {
                let message = format!(
                    "`{}` is authorized for nothing: it has no scopes\nhelp: declare what it needs: `{attribute_form}`",
                    parameter.ident,
                    attribute_form = match attribute {
                        "requires" => "#[requires(\"..\")]".to_owned(),
                        _ => format!("#[{attribute}(scopes = \"..\")]"),
                    },
                );
                errors.push(Error::new(parameter.ty.span(), message));
            }
            Vec::new()
        }
        (Some(_), []) => {
            let message = "scopes without a client to use them\nhelp: take a parameter `AuthedClient<P>`, where `P` is the provider";
            errors.push(Error::new(scopes_span, message));
            Vec::new()
        }
        (Some(Scopes::Only(list)), [(_, provider)]) => vec![(*provider, Some(list))],
        (Some(Scopes::Only(list)), _) => {
            let message = format!(
                "which client are these scopes for?\nhelp: name it: `scopes({})`",
                keyed_form()
            );
            errors.push(Error::new(list.span, message));
            Vec::new()
        }
        (Some(Scopes::Keyed(keyed)), _) => {
            let mut matched = Vec::new();
            for (key, _) in keyed {
                if !names.iter().any(|name| key == name) {
                    let help = crate::suggest::help(
                        &key.to_string(),
                        names.iter().map(String::as_str),
                        "the clients are",
                    );
                    let message = format!("no client is named `{key}`\nhelp: {help}");
                    errors.push(Error::new(key.span(), message));
                }
            }
            for (parameter, provider) in clients {
                match keyed.iter().find(|(key, _)| *key == parameter.ident) {
                    Some((_, list)) => matched.push((*provider, Some(list))),
                    // A misspelt key is reported already.
                    None if !errors.is_empty() => {}
                    None => errors.push(Error::new(
                        parameter.ty.span(),
                        format!(
                            "`{0}` is authorized for nothing: it has no scopes\nhelp: add `{0} = \"..\"` to the scopes",
                            parameter.ident
                        ),
                    )),
                }
            }
            matched
        }
    }
}
