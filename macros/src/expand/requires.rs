//! `#[requires]`: a helper that declares the scopes that it needs of its client.
//!
//! A generic shell carries the bound and boxes the future of a body that is not generic over the
//! holder. So there is one error and one copy of the code, and recursion works.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::{Error, FnArg, GenericParam, Lifetime, Path, Type, ext::IdentExt, parse_quote};

use super::{
    lifetimes::with_lifetime,
    marker::{holds_all, marker},
    request::request,
};
use crate::{
    args::{self, Parsed},
    errors::Errors,
    model::{
        function::{Function, check_name},
        parameter::{Kind, Parameter},
        scopes::{ClientScopes, match_clients},
        types::ungroup,
    },
};

pub(crate) fn expand(attr: TokenStream, item: TokenStream) -> TokenStream {
    let mut inner = match Function::parse("requires", item.clone()) {
        Ok(function) => function,
        Err(tokens) => return tokens,
    };
    if let Err(error) = check_name(&inner.sig.ident, "a helper") {
        let error = error.into_compile_error();
        return quote!(#item #error);
    }
    let mut errors = Errors::default();
    let Parsed { krate, args: scopes, .. } = args::requires::parse(attr, &mut errors);
    inner.check_signature("a helper with `#[requires]`", &mut errors);
    if inner.sig.receiver().is_some() || inner.sig.asyncness.is_none() {
        return quote!(#inner #errors);
    }
    let helper = inner.sig.ident.clone();
    let before = errors.len();
    let parameters = inner.take_parameters(&helper, true, &mut errors);
    check_providers(&inner, &parameters, &mut errors);
    let clients: Vec<_> = parameters.iter().filter(|parameter| parameter.is_client()).collect();
    let matched = match &scopes {
        Some(scopes) if errors.len() == before => {
            match_clients(Some(scopes), Span::call_site(), &clients, "requires", &mut errors)
        }
        _ => Vec::new(), // A fault is reported already.
    };
    let helper = Helper { krate, inner: &inner, parameters: &parameters, matched };
    if helper.matched.len() != clients.len() || !errors.is_empty() {
        return helper.recover(&clients, &errors);
    }
    let shell = helper.emit_shell();
    let marker = marker(&inner.vis, &inner.sig.ident, "helper");
    let may_call = helper.emit_may_call();
    let requests = helper.emit_requests();
    quote! {
        #shell
        #marker
        #may_call
        #requests
        #errors
    }
}

/// Fails for a generic parameter as the provider: the scopes of a helper belong to one provider.
fn check_providers(function: &Function, parameters: &[Parameter], errors: &mut Errors) {
    let generic = |provider: &Path| {
        function.sig.generics.type_params().any(|param| provider.is_ident(&param.ident))
    };
    for provider in parameters.iter().filter_map(Parameter::provider).filter(|path| generic(path)) {
        let message = "a helper cannot be generic over the provider, because its scopes belong to one\nhelp: name the provider, as in `AuthedClient<GitHub>`";
        errors.push(Error::new_spanned(provider, message));
    }
}

/// `name`, with `_` appended while it is a name in the function. The body counts too, because the
/// function that it becomes is inside of the shell.
fn free_name(name: &str, function: &Function) -> String {
    let mut name = name.to_owned();
    while contains(function.to_token_stream(), &name) {
        name.push('_');
    }
    name
}

fn contains(tokens: TokenStream, name: &str) -> bool {
    tokens.into_iter().any(|token| match token {
        TokenTree::Ident(ident) => ident == name,
        TokenTree::Group(group) => contains(group.stream(), name),
        _ => false,
    })
}

struct Helper<'a> {
    krate: Path,
    inner: &'a Function,
    parameters: &'a [Parameter],
    matched: Vec<ClientScopes>,
}

impl Helper<'_> {
    /// A function that accepts the clients of all tools, so that its callers have no errors.
    fn recover(&self, clients: &[&Parameter], errors: &Errors) -> TokenStream {
        let Function { attrs, vis, sig, .. } = self.inner;
        let helper = &sig.ident;
        let marker = marker(vis, helper, "helper");
        let providers = clients.iter().filter_map(|client| client.provider());
        let scopes: TokenStream =
            providers.map(|provider| holds_all(&self.krate, helper, provider)).collect();
        let holder = format_ident!("{}", free_name("Holder", self.inner));
        let mut sig = sig.clone();
        for input in &mut sig.inputs {
            if let FnArg::Typed(input) = input
                && clients.iter().any(|client| client.ty == *input.ty)
            {
                *input.ty = held_by(&input.ty, &holder);
            }
        }
        if !clients.is_empty() {
            sig.generics.params.push(parse_quote!(#holder));
        }
        quote! {
            #(#attrs)*
            #[allow(unused_variables, clippy::unused_async)]
            #vis #sig { ::core::unreachable!() }
            #marker
            #scopes
            #errors
        }
    }

    fn may_call(&self) -> Ident {
        format_ident!("may_{}", self.inner.sig.ident.unraw(), span = self.inner.sig.ident.span())
    }

    /// The function to call, generic over the holder of the client.
    fn emit_shell(&self) -> TokenStream {
        let Self { inner: Function { attrs, vis, sig, body }, parameters, matched, .. } = self;
        let helper = &sig.ident;
        let may_call = self.may_call();
        let providers = matched.iter().map(|client| &client.provider);
        let holder = format_ident!("{}", free_name("Holder", self.inner));
        let life = free_name("f", self.inner);
        let lifetime = Lifetime::new(&format!("'{life}"), Span::call_site());
        let output = with_lifetime(self.inner.output(), &life);

        let (mut names, mut types) = (Vec::new(), Vec::new());
        let (mut passed, mut inner_types, mut rebinds) = (Vec::new(), Vec::new(), Vec::new());
        for parameter in *parameters {
            let Parameter { ident, ty, kind, .. } = parameter;
            names.push(ident);
            if let Kind::Client { borrowed, .. } = kind {
                types.push(with_lifetime(held_by(ty, &holder).to_token_stream(), &life));
                passed.push(quote!(#ident.narrow()));
                inner_types.push(owned(ty));
                if *borrowed {
                    rebinds.push(quote!(let #ident = &#ident;));
                }
            } else {
                // `impl Trait` outlives the future, as the generic parameters do.
                let bound = matches!(ty, Type::ImplTrait(_)).then(|| quote!(+ #lifetime));
                let ty_of_shell = with_lifetime(ty.to_token_stream(), &life);
                types.push(quote!(#ty_of_shell #bound));
                passed.push(quote!(#ident));
                inner_types.push(ty.to_token_stream());
            }
        }
        // Each parameter outlives the future. The bound goes to the other bounds of the parameter.
        let (mut lifetimes, mut generics) = (Vec::new(), Vec::new());
        let mut outlive = Vec::new();
        for mut parameter in sig.generics.params.clone() {
            match &mut parameter {
                GenericParam::Type(parameter) if parameter.bounds.is_empty() => {
                    let ident = &parameter.ident;
                    outlive.push(quote!(#ident: #lifetime));
                }
                GenericParam::Type(parameter) => parameter.bounds.push(parse_quote!(#lifetime)),
                GenericParam::Lifetime(parameter) => parameter.bounds.push(parse_quote!(#lifetime)),
                GenericParam::Const(_) => {}
            }
            match parameter {
                GenericParam::Lifetime(_) => lifetimes.push(parameter),
                _ => generics.push(parameter),
            }
        }
        let inner_generics = &sig.generics;
        // The value of a constant cannot be inferred from the arguments.
        let given = generics.iter().any(|parameter| matches!(parameter, GenericParam::Const(_)));
        let given = given.then(|| {
            let names = generics.iter().map(|parameter| match parameter {
                GenericParam::Type(parameter) => &parameter.ident,
                GenericParam::Const(parameter) => &parameter.ident,
                GenericParam::Lifetime(_) => unreachable!("lifetimes are in a list of their own"),
            });
            quote!(::<#(#names),*>)
        });
        let wheres = sig.generics.where_clause.as_ref().map(|clause| {
            let predicates = &clause.predicates;
            quote!(#predicates,)
        });
        let inner_where = &sig.generics.where_clause;
        let inner_name = format_ident!("{}_body", helper.unraw());
        let inner_output = &sig.output;
        let body = if rebinds.is_empty() { quote!(#body) } else { quote!({ #(#rebinds)* #body }) };
        let patterns = sig.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(input) => Some(&input.pat),
            FnArg::Receiver(_) => None,
        });
        quote! {
            #(#attrs)*
            #vis fn #helper<#lifetime, #(#lifetimes,)* #holder #(, #generics)*>(
                #(#names: #types),*
            ) -> ::core::pin::Pin<
                ::std::boxed::Box<dyn ::core::future::Future<Output = #output> + ::core::marker::Send + #lifetime>,
            >
            where
                #wheres
                #(#outlive,)*
                #holder: #(#may_call<#providers>)+*,
            {
                async fn #inner_name #inner_generics(
                    #(#patterns: #inner_types),*
                ) #inner_output #inner_where #body

                ::std::boxed::Box::pin(#inner_name #given (#(#passed),*))
            }
        }
    }

    /// The trait of the holders that may call the helper. Its name and attributes make the error.
    fn emit_may_call(&self) -> TokenStream {
        let Self { inner: Function { vis, sig, .. }, matched, .. } = self;
        let helper = sig.ident.unraw().to_string();
        let may_call = self.may_call();
        let needs: Vec<_> = matched.iter().map(|client| client.scopes.describe()).collect();
        let needs = needs.join(" and ");
        let message =
            format!("`{{Self}}` may not call `{helper}`, which needs the {needs} of `{{P}}`");
        let label = format!("needs the {needs}");
        let note =
            "declare it where `{Self}` is declared: `#[tool(scopes = ..)]`, `#[requires(..)]`";
        let doc = format!(" The holders of a client that may call [`{helper}`](fn@{helper}).");
        quote! {
            #[doc = #doc]
            #[doc(hidden)]
            #[allow(non_camel_case_types)]
            #[diagnostic::on_unimplemented(message = #message, label = #label, note = #note)]
            #vis trait #may_call<P> {}
        }
    }

    fn emit_requests(&self) -> TokenStream {
        let helper = &self.inner.sig.ident;
        let may_call = self.may_call();
        let holder = quote!(helper = #helper, may_call = #may_call,);
        let ask = |client: &ClientScopes| request(&self.krate, &client.provider, &holder, client);
        self.matched.iter().map(ask).collect()
    }
}

/// `AuthedClient<P, helper>` as `AuthedClient<P, holder>`.
fn held_by(ty: &Type, holder: &Ident) -> Type {
    let mut ty = ty.clone();
    let target = match ungroup(&mut ty) {
        Type::Reference(reference) => ungroup(&mut reference.elem),
        other => other,
    };
    if let Type::Path(path) = target
        && let Some(last) = path.path.segments.last_mut()
        && let syn::PathArguments::AngleBracketed(generics) = &mut last.arguments
    {
        generics.args.pop();
        generics.args.push(parse_quote!(#holder));
    }
    ty
}

/// `T` of `&T`.
fn owned(ty: &Type) -> TokenStream {
    match ty {
        Type::Reference(reference) => reference.elem.to_token_stream(),
        Type::Group(group) => owned(&group.elem),
        other => other.to_token_stream(),
    }
}
