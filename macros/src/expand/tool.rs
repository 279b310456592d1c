//! `#[tool]`: an async function, kept as it is, and a type of the same name that implements `Tool`.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Ident, Path, ext::IdentExt};

use super::{
    marker::{holds_all, marker},
    request::request,
    state::StateType,
};
use crate::{
    args::{self, tool::ToolArgs},
    doc_text::with_attribute,
    errors::Errors,
    hygiene::{hygienic, respanned},
    model::{
        function::{Function, check_name},
        parameter::{Kind, Parameter},
        tool::Tool,
    },
};

pub(crate) fn expand(attr: TokenStream, item: TokenStream) -> TokenStream {
    let function = match parse_function("tool", item) {
        Ok(function) => function,
        Err(tokens) => return tokens,
    };
    let mut errors = Errors::default();
    let parsed = args::parse::<ToolArgs>(attr, &mut errors);
    match Tool::new("tool", parsed, function, &mut errors) {
        Ok(tool) => emit(&tool, &Output::plain(&tool), &errors),
        Err(method) => quote!(#method #errors),
    }
}

/// Parses the function, or returns the item as it is, with an error.
pub(super) fn parse_function(attribute: &str, item: TokenStream) -> Result<Function, TokenStream> {
    let function = Function::parse(attribute, item.clone())?;
    check_name(&function.sig.ident, "a tool").map(|()| function).map_err(|error| {
        let error = error.into_compile_error();
        quote!(#item #error)
    })
}

/// The result of the call.
pub(super) struct Output {
    /// The type that the tool returns.
    pub(super) ty: TokenStream,
    /// What happens to the function's result, if the tool returns another type.
    pub(super) map: Option<fn(&Path, TokenStream) -> TokenStream>,
    /// Constants of the tool that belong to its output.
    pub(super) constants: TokenStream,
}

impl Output {
    fn plain(tool: &Tool) -> Self {
        Self { ty: tool.function.output(), map: None, constants: TokenStream::new() }
    }
}

/// The whole expansion.
pub(super) fn emit(tool: &Tool, output: &Output, errors: &Errors) -> TokenStream {
    // A tool is async even where it has nothing to wait for.
    let Function { attrs, vis, sig, body } = &tool.function;
    let attrs = with_attribute(attrs, &quote!(#[allow(clippy::unused_async)]));
    let marker = marker(vis, &sig.ident, "tool");
    let (implementation, scopes) = if errors.is_empty() {
        (tool.emit(output), tool.emit_requests())
    } else {
        (tool.recover(), tool.recover_scopes())
    };
    // The function comes first: rust-analyzer maps a name to its first appearance.
    quote! {
        #attrs #vis #sig #body
        #marker
        #implementation
        #scopes
        #errors
    }
}

impl Tool {
    fn emit(&self, output: &Output) -> TokenStream {
        let Self { krate, name, description, arguments, .. } = self;
        let tool = &self.function.sig.ident;
        let constants = self.emit_constants(&output.constants);
        let types = arguments.iter().map(|argument| &argument.ty);
        let values = arguments.iter().map(|argument| argument.emit(krate));
        let dependencies = self.emit_dependencies();
        let call = self.emit_call(output);
        let output = &output.ty;
        let name_lint = self.emit_name_lint();
        quote! {
            #name_lint
            #[automatically_derived]
            impl #krate::__private::Tool for #tool {
                const NAME: &'static str = #name;
                const DESCRIPTION: &'static str = #description;
                #constants
                type Arguments = (#(#krate::__private::Arg<#types>,)*);
                const ARGUMENTS: Self::Arguments = (#(#values,)*);
                type Output = #output;

                #dependencies

                #call
            }
        }
    }

    fn emit_call(&self, output: &Output) -> TokenStream {
        let Self { krate, parameters, .. } = self;
        let tool = &self.function.sig.ident;
        let patterns = parameters.iter().filter(|p| p.is_argument()).map(|p| local(&p.ident));
        let injects = parameters.iter().any(|parameter| !parameter.is_argument());
        let mut name = if injects { "call" } else { "_call" }.to_owned();
        while parameters.iter().any(|parameter| parameter.ident == name) {
            name.insert(0, '_');
        }
        let call = Ident::new(&name, Span::mixed_site());
        let value = |parameter: &Parameter| match &parameter.kind {
            Kind::Client { .. } => quote!(#call.client()),
            Kind::Caller { optional: true, .. } => quote!(#call.optional_caller()),
            Kind::Caller { .. } => quote!(#call.caller()),
            Kind::State { of, .. } => {
                let state = StateType::new(krate, of);
                state.call(&quote!(of), &quote!(#call))
            }
            Kind::Context { .. } => quote!(#call.context()),
            Kind::Argument => local(&parameter.ident).into_token_stream(),
        };
        let span = hygienic(tool.span());
        // With the span of the name, or a future that is not `Send` is reported on the attribute.
        let running = respanned(&quote!(#krate::__private::ToolFuture), span);
        let borrows = parameters.iter().any(Parameter::is_borrowed);
        // Borrowed parameters and a mapped result need a future around that of the function.
        let body = if borrows || output.map.is_some() {
            let injected = parameters.iter().filter(|parameter| !parameter.is_argument());
            let lets = injected.map(|parameter| {
                let (name, value) = (local(&parameter.ident), value(parameter));
                quote!(let #name = #value;)
            });
            let passed = parameters.iter().map(|parameter| {
                let name = local(&parameter.ident);
                if parameter.is_borrowed() { quote!(&#name) } else { quote!(#name) }
            });
            let called = quote_spanned!(span=> #tool(#(#passed),*).await);
            let called = output.map.map_or(called.clone(), |map| map(krate, called));
            let guarded = self.guard(quote_spanned!(span=> async move { #called }));
            quote_spanned! {span=>
                #(#lets)*
                #running::new::<Self>(#guarded)
            }
        } else {
            let passed = parameters.iter().map(value);
            let guarded = self.guard(quote_spanned!(span=> #tool(#(#passed),*)));
            quote_spanned!(span=> #running::new::<Self>(#guarded))
        };
        quote_spanned! {span=>
            fn call(
                #call: &#krate::__private::Call,
                (#(#patterns,)*): #krate::__private::Values<Self>,
            ) -> #krate::__private::ToolFuture {
                #body
            }
        }
    }

    /// The future of the call, with a type that exists only if every state may be shared.
    fn guard(&self, future: TokenStream) -> TokenStream {
        let states = self.parameters.iter().filter_map(|parameter| match &parameter.kind {
            Kind::State { of, .. } => Some(StateType::new(&self.krate, of)),
            _ => None,
        });
        states.fold(future, |future, state| state.call(&quote!(guard), &future))
    }

    /// The injected parameters; no tokens, if there are none.
    fn emit_dependencies(&self) -> Option<TokenStream> {
        let krate = &self.krate;
        let infer = Path::from(Ident::new("_", Span::call_site()));
        // The type of the only client is inferred, so that a missing type is reported once.
        let of = |provider| if self.clients.len() == 1 { &infer } else { provider };
        let dependencies = self.parameters.iter().filter_map(|parameter| {
            let name = parameter.ident.unraw().to_string();
            Some(match &parameter.kind {
                Kind::Client { provider, .. } => {
                    let provider = of(provider);
                    quote!(client::<#provider, Self>(#name))
                }
                Kind::Caller { catalogue: Some(catalogue), .. } => {
                    let catalogue = of(catalogue);
                    quote!(caller::<#catalogue, Self>(#name))
                }
                Kind::Caller { optional: false, .. } => quote!(any_caller()),
                Kind::State { of, .. } => quote!(state::<#of>(#name)),
                Kind::Context { .. } => quote!(context()),
                Kind::Caller { .. } | Kind::Argument => return None,
            })
        });
        let dependencies: Vec<_> = dependencies.collect();
        let client = self.parameters.iter().find(|parameter| parameter.is_client());
        let list = match (dependencies.as_slice(), client) {
            ([], _) => return None,
            // A single call, for the time that the compiler needs for each tool.
            ([_], Some(client)) => {
                let name = client.ident.unraw().to_string();
                quote!(of_client::<_, Self>(#name))
            }
            (all, _) => quote!(new()#(.#all)*),
        };
        Some(quote! {
            fn dependencies() -> #krate::__private::Dependencies {
                #krate::__private::Dependencies::#list
            }
        })
    }

    /// Asks each catalogue to call [`super::prove_scopes`] back.
    ///
    /// The function itself is not passed, because what a catalogue passes is parsed again.
    fn emit_requests(&self) -> TokenStream {
        let tool = &self.function.sig.ident;
        let read_only = self.attribute.read_only.map(|span| Ident::new("read_only", span));
        let read_only = read_only.map(|key| quote!(#key,));
        let requests = self.clients.iter().map(|client| {
            let catalogue = self.provider.as_ref().unwrap_or(&client.provider);
            let account = client.of_client.then(|| self.emit_account(client));
            let holder = quote!(tool = #tool, #read_only #account);
            request(&self.krate, catalogue, &holder, client)
        });
        requests.collect()
    }

    /// A tool that cannot be called, so that the place where it is registered has no error.
    fn recover(&self) -> TokenStream {
        let Self { krate, name, .. } = self;
        let tool = &self.function.sig.ident;
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
                tokens.extend(holds_all(&self.krate, &self.function.sig.ident, provider));
            }
        }
        tokens
    }
}

/// A parameter's name for the expansion, which is hygienic: code of the user does not see it, and
/// it hides no name of the user.
fn local(ident: &Ident) -> Ident {
    let mut local = ident.clone();
    local.set_span(hygienic(ident.span()));
    local
}
