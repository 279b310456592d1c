//! `#[requires]`: a helper that says which scopes it needs of the client that it is handed.
//!
//! A thin generic shell carries the bound and boxes one body that is not generic: so there is one
//! error and one copy of the code, and recursion works.

use proc_macro2::{Delimiter, Group, Ident, Punct, Spacing, Span, TokenStream, TokenTree};
use quote::{ToTokens, format_ident, quote};
use syn::{Error, FnArg, GenericParam, Path, Type, ext::IdentExt, parse_quote, spanned::Spanned};

use crate::{
    errors::Errors,
    function::{self, Function, Kind, Parameter, check_name},
    scopes::{ScopeList, Scopes},
    tool::pair,
};

pub(crate) fn expand(attr: TokenStream, item: TokenStream) -> TokenStream {
    let mut inner = match Function::parse("requires", item.clone())
        .and_then(|function| check_name(&function.sig.ident, "a helper").map(|()| function))
    {
        Ok(function) => function,
        Err(error) => {
            let error = error.into_compile_error();
            return quote!(#item #error);
        }
    };
    let mut errors = Errors::default();
    let args = Args::new(attr, &mut errors);
    inner.check_signature("a helper with `#[requires]`", &mut errors);
    if inner.sig.receiver().is_some() || inner.sig.asyncness.is_none() {
        return quote!(#item #errors);
    }
    let helper = inner.sig.ident.clone();
    let outer = inner.sig.clone();
    let parameters = inner.take_parameters(&helper, &mut errors);
    let clients: Vec<(&Parameter, &Path)> = parameters
        .iter()
        .filter(|parameter| parameter.is_client())
        .filter_map(|parameter| Some((parameter, parameter.provider()?)))
        .collect();
    let matched = match &args.scopes {
        Some(scopes) => pair(Some(scopes), Span::call_site(), &clients, "requires", &mut errors),
        None => Vec::new(), // Their fault is reported already.
    };
    if matched.len() != clients.len() {
        // Nothing of the shell would be true.
        let marker = function::marker(&inner.vis, &helper, "helper");
        let scopes: TokenStream = clients
            .iter()
            .map(|(_, provider)| function::holds_all(&args.krate, &helper, provider))
            .collect();
        let attrs = &inner.attrs;
        let vis = &inner.vis;
        let output = &outer.output;
        let inputs = plain(&outer.inputs);
        let name = &outer.ident;
        let generics = &outer.generics;
        return quote! {
            #(#attrs)*
            #[allow(unused_variables, clippy::unused_async)]
            #vis async fn #name #generics(#inputs) #output { ::core::unreachable!() }
            #marker
            #scopes
            #errors
        };
    }
    let helper = Helper { args: &args, inner: &inner, parameters: &parameters, matched };
    let shell = helper.emit_shell();
    let marker = function::marker(&inner.vis, &helper.inner.sig.ident, "helper");
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

fn plain(inputs: &syn::punctuated::Punctuated<FnArg, syn::Token![,]>) -> TokenStream {
    let inputs = inputs.iter().map(|input| match input {
        FnArg::Typed(input) => {
            let (pat, ty) = (&input.pat, &input.ty);
            quote!(#pat: #ty)
        }
        FnArg::Receiver(receiver) => receiver.to_token_stream(),
    });
    quote!(#(#inputs),*)
}

/// What stands in `#[requires(..)]`.
struct Args {
    krate: Path,
    scopes: Option<Scopes>,
}

impl Args {
    fn new(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut args = Self { krate: parse_quote!(::toolgate), scopes: None };
        let (krate, tokens) = take_crate(tokens);
        if let Some(krate) = krate {
            args.krate = errors.take(krate).unwrap_or_else(|| parse_quote!(::toolgate));
        }
        if tokens.is_empty() {
            let message = "name the scopes that the helper needs: `#[requires(\"repo:read\")]`";
            errors.push(Error::new(Span::call_site(), message));
            return args;
        }
        let span = tokens.span();
        args.scopes = errors.take(Scopes::parse_list(tokens, span));
        args
    }
}

/// Takes `crate = ::path` out of a list of scopes.
fn take_crate(tokens: TokenStream) -> (Option<syn::Result<Path>>, TokenStream) {
    let mut rest = TokenStream::new();
    let mut krate = None;
    let mut part = TokenStream::new();
    let mut flush = |part: &mut TokenStream, comma: Option<TokenTree>| {
        let starts = part.clone().into_iter().next();
        if matches!(&starts, Some(TokenTree::Ident(ident)) if *ident == "crate") {
            let entry: syn::Result<crate::attribute::Entry> = syn::parse2(std::mem::take(part));
            krate = Some(entry.and_then(crate::attribute::Entry::krate));
        } else {
            rest.extend(std::mem::take(part));
            rest.extend(comma);
        }
    };
    for token in tokens {
        if matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ',') {
            flush(&mut part, Some(token));
        } else {
            part.extend(Some(token));
        }
    }
    flush(&mut part, None);
    (krate, rest)
}

struct Helper<'a> {
    args: &'a Args,
    inner: &'a Function,
    parameters: &'a [Parameter],
    matched: Vec<(&'a Path, Option<&'a ScopeList>)>,
}

impl Helper<'_> {
    fn may_call(&self) -> Ident {
        format_ident!("may_{}", self.inner.sig.ident.unraw(), span = self.inner.sig.ident.span())
    }

    /// The function that one calls: generic over who holds the client.
    fn emit_shell(&self) -> TokenStream {
        let Self { inner: Function { attrs, vis, sig, body }, parameters, matched, .. } = self;
        let helper = &sig.ident;
        let may_call = self.may_call();
        let providers = matched.iter().map(|(provider, _)| provider);
        let output = with_lifetime(self.inner.output());

        let (mut names, mut types) = (Vec::new(), Vec::new());
        let (mut passed, mut inner_types, mut rebinds) = (Vec::new(), Vec::new(), Vec::new());
        for parameter in *parameters {
            let Parameter { ident, ty, kind, .. } = parameter;
            names.push(ident);
            if let Kind::Client { provider, borrowed } = kind {
                types.push(with_lifetime(held_by(ty, &quote!(Holder))));
                passed.push(quote!(#ident.narrow()));
                inner_types.push(owned(ty));
                if *borrowed {
                    rebinds.push(quote!(let #ident = &#ident;));
                }
                let _ = provider;
            } else {
                types.push(with_lifetime(ty.to_token_stream()));
                passed.push(quote!(#ident));
                inner_types.push(ty.to_token_stream());
            }
        }
        let generics = &sig.generics.params;
        let generics = if generics.is_empty() { quote!() } else { quote!(, #generics) };
        let inner_generics = &sig.generics;
        let wheres = sig.generics.where_clause.as_ref().map(|clause| {
            let predicates = &clause.predicates;
            quote!(#predicates,)
        });
        let outlive = sig.generics.params.iter().filter_map(|parameter| match parameter {
            GenericParam::Type(parameter) => {
                let ident = &parameter.ident;
                Some(quote!(#ident: 'f))
            }
            GenericParam::Lifetime(parameter) => {
                let lifetime = &parameter.lifetime;
                Some(quote!(#lifetime: 'f))
            }
            GenericParam::Const(_) => None,
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
            #vis fn #helper<'f, Holder #generics>(
                #(#names: #types),*
            ) -> ::core::pin::Pin<
                ::std::boxed::Box<dyn ::core::future::Future<Output = #output> + ::core::marker::Send + 'f>,
            >
            where
                #wheres
                #(#outlive,)*
                Holder: #(#may_call<#providers>)+*,
            {
                async fn #inner_name #inner_generics(
                    #(#patterns: #inner_types),*
                ) #inner_output #inner_where #body

                ::std::boxed::Box::pin(#inner_name(#(#passed),*))
            }
        }
    }

    /// The trait of those who may call the helper: its name and its words make the error.
    fn emit_may_call(&self) -> TokenStream {
        let Self { inner: Function { vis, sig, .. }, matched, .. } = self;
        let helper = sig.ident.unraw().to_string();
        let may_call = self.may_call();
        let needs: Vec<_> =
            matched.iter().filter_map(|(_, scopes)| scopes.map(ScopeList::spoken)).collect();
        let needs = needs.join(" and ");
        let message =
            format!("`{{Self}}` may not call `{helper}`, which needs the {needs} of `{{P}}`");
        let label = format!("needs the {needs}");
        let note =
            "declare it where `{Self}` is declared: `#[tool(scopes = ..)]`, `#[requires(..)]`";
        let doc = format!(" Who may call [`{helper}`](fn@{helper}).");
        quote! {
            #[doc = #doc]
            #[doc(hidden)]
            #[allow(non_camel_case_types)]
            #[diagnostic::on_unimplemented(message = #message, label = #label, note = #note)]
            #vis trait #may_call<P> {}
        }
    }

    fn emit_requests(&self) -> TokenStream {
        let krate = &self.args.krate;
        let helper = &self.inner.sig.ident;
        let may_call = self.may_call();
        let requests = self.matched.iter().map(|(provider, scopes)| {
            let scopes = scopes.map(ScopeList::tokens);
            quote! {
                #provider! {
                    #![callback = #krate::__private::grant]
                    #krate; #helper: #provider; helper #may_call; #scopes
                }
            }
        });
        quote!(#(#requests)*)
    }
}

/// `AuthedClient<P, helper>` as `AuthedClient<P, holder>`.
fn held_by(ty: &Type, holder: &TokenStream) -> TokenStream {
    let mut ty = ty.clone();
    let target = match function::ungroup(&mut ty) {
        Type::Reference(reference) => function::ungroup(&mut reference.elem),
        other => other,
    };
    if let Type::Path(path) = target
        && let Some(last) = path.path.segments.last_mut()
        && let syn::PathArguments::AngleBracketed(generics) = &mut last.arguments
    {
        generics.args.pop();
        generics.args.push(parse_quote!(#holder));
    }
    ty.to_token_stream()
}

/// `T` of `&T`.
fn owned(ty: &Type) -> TokenStream {
    match ty {
        Type::Reference(reference) => reference.elem.to_token_stream(),
        Type::Group(group) => owned(&group.elem),
        other => other.to_token_stream(),
    }
}

/// Every elided lifetime becomes `'f`: the box lives as long as what it borrows.
fn with_lifetime(tokens: TokenStream) -> TokenStream {
    let lifetime = |span: Span| {
        let mut quote = Punct::new('\'', Spacing::Joint);
        quote.set_span(span);
        [TokenTree::Punct(quote), TokenTree::Ident(Ident::new("f", span))]
    };
    let mut output = TokenStream::new();
    let mut tokens = tokens.into_iter().peekable();
    let mut after_fn = false;
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '&' => {
                let span = punct.span();
                output.extend([TokenTree::Punct(punct)]);
                let named =
                    matches!(tokens.peek(), Some(TokenTree::Punct(next)) if next.as_char() == '\'');
                if !named {
                    output.extend(lifetime(span));
                }
            }
            TokenTree::Punct(punct) if punct.as_char() == '\'' => match tokens.peek() {
                Some(TokenTree::Ident(ident)) if *ident == "_" => {
                    let span = ident.span();
                    tokens.next();
                    output.extend(lifetime(span));
                }
                _ => output.extend([TokenTree::Punct(punct)]),
            },
            // The lifetimes of a closure's parameters are the closure's own.
            TokenTree::Group(group) if after_fn => output.extend([TokenTree::Group(group)]),
            TokenTree::Group(group) if group.delimiter() != Delimiter::Brace => {
                let mut replaced = Group::new(group.delimiter(), with_lifetime(group.stream()));
                replaced.set_span(group.span());
                output.extend([TokenTree::Group(replaced)]);
            }
            TokenTree::Ident(ident) => {
                after_fn = ["fn", "Fn", "FnMut", "FnOnce"].iter().any(|word| ident == word);
                output.extend([TokenTree::Ident(ident)]);
                continue;
            }
            other => output.extend([other]),
        }
        after_fn = false;
    }
    output
}
