//! A function under `#[tool]` or `#[requires]`: its parameters, told apart by their types.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::{
    Attribute, Error, FnArg, GenericArgument, Ident, Pat, PatType, Path, PathArguments,
    PathSegment, Result, ReturnType, Signature, Type, Visibility,
    ext::IdentExt,
    parse::{Parse, ParseStream},
    parse_quote,
};

use crate::errors::Errors;

/// A function whose body need not parse, so that the macro works while one types it.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    pub(crate) body: TokenStream,
}

impl Function {
    pub(crate) fn parse(attribute: &str, item: TokenStream) -> Result<Self> {
        let parser = |input: ParseStream<'_>| {
            Ok(Self {
                attrs: input.call(Attribute::parse_outer)?,
                vis: input.parse()?,
                sig: input.call(Signature::parse).map_err(|error| {
                    Error::new(error.span(), format!("`#[{attribute}]` goes on an `async fn`"))
                })?,
                body: input.parse()?,
            })
        };
        syn::parse::Parser::parse2(parser, item)
    }

    pub(crate) fn name(&self) -> String {
        self.sig.ident.unraw().to_string()
    }

    /// What neither a tool nor a helper may be, each fault on its token.
    pub(crate) fn check_signature(&self, what: &str, errors: &mut Errors) {
        let sig = &self.sig;
        if sig.asyncness.is_none() {
            let message = format!("{what} is an `async fn`\nhelp: write `async fn {}`", sig.ident);
            errors.push(Error::new_spanned(sig.fn_token, message));
        }
        if !matches!(sig.safety, syn::Safety::Default) {
            errors.push(Error::new_spanned(&sig.safety, format!("{what} is not `unsafe`")));
        }
        if let Some(abi) = &sig.abi {
            errors.push(Error::new_spanned(abi, format!("{what} has no ABI of its own")));
        }
        if let Some(receiver) = sig.receiver() {
            let message = format!(
                "{what} is a free function, without `self`\nhelp: what it shares with others comes as `State<T>`"
            );
            errors.push(Error::new_spanned(receiver.self_token, message));
        }
    }

    /// The type that it returns.
    pub(crate) fn output(&self) -> TokenStream {
        match &self.sig.output {
            ReturnType::Default => quote!(()),
            ReturnType::Type(_, ty) => ty.to_token_stream(),
        }
    }
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { attrs, vis, sig, body } = self;
        tokens.extend(quote!(#(#attrs)* #vis #sig #body));
    }
}

/// A parameter by what it is.
pub(crate) struct Parameter {
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    pub(crate) kind: Kind,
    /// What `#[arg(..)]` held, with the attribute's span.
    pub(crate) args: Vec<Attribute>,
    pub(crate) doc: String,
}

pub(crate) enum Kind {
    /// `AuthedClient<P>` or `&AuthedClient<P>`
    Client { provider: Path, borrowed: bool },
    /// `Caller`, `Caller<P>` or `Option<Caller>`
    Caller { catalogue: Option<Path>, borrowed: bool, optional: bool },
    /// `State<T>`
    State { of: Type, borrowed: bool },
    /// `Context`
    Context { borrowed: bool },
    /// Everything else: what the model sends.
    Argument,
}

impl Parameter {
    /// The provider whose scopes it carries.
    pub(crate) fn provider(&self) -> Option<&Path> {
        match &self.kind {
            Kind::Client { provider, .. } => Some(provider),
            Kind::Caller { catalogue, .. } => catalogue.as_ref(),
            _ => None,
        }
    }

    /// Is it injected, and taken by reference?
    pub(crate) fn is_borrowed(&self) -> bool {
        match self.kind {
            Kind::Client { borrowed, .. }
            | Kind::Caller { borrowed, .. }
            | Kind::State { borrowed, .. }
            | Kind::Context { borrowed } => borrowed,
            Kind::Argument => false,
        }
    }

    pub(crate) fn is_client(&self) -> bool {
        matches!(self.kind, Kind::Client { .. })
    }
}

impl Function {
    /// The parameters. Takes `#[arg]` and doc comments off them, and ties every client and every
    /// `Caller<P>` to `holder`.
    pub(crate) fn take_parameters(
        &mut self,
        holder: &Ident,
        errors: &mut Errors,
    ) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        for input in &mut self.sig.inputs {
            let FnArg::Typed(PatType { attrs, pat, ty, .. }) = input else { continue };
            let doc = crate::attribute::doc(attrs);
            let (args, rest) = std::mem::take(attrs)
                .into_iter()
                .filter(|attr| !attr.path().is_ident("doc"))
                .partition::<Vec<_>, _>(|attr| attr.path().is_ident("arg"));
            if let Some(cfg) = rest.iter().find(|attr| attr.path().is_ident("cfg")) {
                let message =
                    "a parameter cannot depend on `#[cfg]`\nhelp: put it on the whole function";
                errors.push(Error::new_spanned(cfg, message));
            }
            *attrs = rest;
            let Pat::Ident(pattern) = &**pat else {
                let message = "a parameter has a name, which the model or the runtime fills\nhelp: take it apart in the body";
                errors.push(Error::new_spanned(pat, message));
                continue;
            };
            let ident = pattern.ident.clone();
            let kind = classify(ty, holder);
            parameters.push(Parameter { ident, ty: (**ty).clone(), kind, args, doc });
        }
        parameters
    }
}

fn classify(ty: &mut Type, holder: &Ident) -> Kind {
    let (borrowed, ty) = match ungroup(ty) {
        Type::Reference(reference) => (true, ungroup(&mut reference.elem)),
        ty => (false, ty),
    };
    let Type::Path(path) = ty else { return Kind::Argument };
    let Some(last) = path.path.segments.last_mut() else { return Kind::Argument };
    match last.ident.to_string().as_str() {
        "AuthedClient" => match claim(last, holder) {
            Some(provider) => Kind::Client { provider, borrowed },
            None => Kind::Argument,
        },
        "Caller" => Kind::Caller { catalogue: claim(last, holder), borrowed, optional: false },
        "Option" => match generic(last) {
            Some(Type::Path(inner)) => match inner.path.segments.last_mut() {
                Some(caller) if caller.ident == "Caller" => {
                    Kind::Caller { catalogue: claim(caller, holder), borrowed, optional: true }
                }
                _ => Kind::Argument,
            },
            _ => Kind::Argument,
        },
        "Context" if last.arguments.is_none() => Kind::Context { borrowed },
        "State" => match generic(last) {
            Some(of) => Kind::State { of: of.clone(), borrowed },
            None => Kind::Argument,
        },
        _ => Kind::Argument,
    }
}

fn generic(segment: &mut PathSegment) -> Option<&mut Type> {
    let PathArguments::AngleBracketed(generics) = &mut segment.arguments else { return None };
    match generics.args.first_mut()? {
        GenericArgument::Type(ty) => Some(ungroup(ty)),
        _ => None,
    }
}

/// Makes `AuthedClient<P>` an `AuthedClient<P, holder>`, and returns `P`.
fn claim(segment: &mut PathSegment, holder: &Ident) -> Option<Path> {
    let Type::Path(provider) = generic(segment)? else { return None };
    let provider = provider.path.clone();
    if let PathArguments::AngleBracketed(generics) = &mut segment.arguments
        && generics.args.len() == 1
    {
        generics.args.push(parse_quote!(#holder));
    }
    Some(provider)
}

/// Looks through the invisible delimiters around a `$ty:ty` of a `macro_rules!`.
pub(crate) fn ungroup(mut ty: &mut Type) -> &mut Type {
    while let Type::Group(group) = ty {
        ty = &mut group.elem;
    }
    ty
}

/// The type that stands for the function. Braces keep it out of the value namespace.
pub(crate) fn marker(vis: &Visibility, name: &Ident, noun: &str) -> TokenStream {
    let doc = format!(" The {noun} [`{0}`](fn@{0}).", name.unraw());
    quote! {
        #[doc = #doc]
        #[allow(non_camel_case_types, dead_code, missing_debug_implementations)]
        #vis struct #name {}
    }
}

/// Silences what would only follow from a fault that is reported already. It goes nowhere without
/// a `compile_error!` beside it.
pub(crate) fn holds_all(krate: &Path, holder: &Ident, provider: &Path) -> TokenStream {
    quote! {
        impl #krate::__private::Requires<#provider> for #holder {
            fn scopes() -> &'static [&'static str] { &[] }
        }
        impl<const SCOPE: usize> #krate::__private::Holds<#provider, SCOPE> for #holder {}
        impl #krate::__private::CanWrite<#provider> for #holder {}
    }
}

/// A type of the name of a primitive would hide it from the whole module.
pub(crate) fn check_name(name: &Ident, noun: &str) -> Result<()> {
    const PRIMITIVES: [&str; 17] = [
        "bool", "char", "f32", "f64", "i128", "i16", "i32", "i64", "i8", "isize", "str", "u128",
        "u16", "u32", "u64", "u8", "usize",
    ];
    if PRIMITIVES.iter().any(|primitive| name == primitive) {
        let message = format!(
            "{noun} cannot be named as the primitive type `{name}`\nhelp: give the function another name; `#[tool(name = \"{name}\")]` is what the model sees"
        );
        return Err(Error::new_spanned(name, message));
    }
    Ok(())
}

/// `span`'s place, with local variables that the user's code cannot see.
pub(crate) fn hygienic(span: Span) -> Span {
    span.resolved_at(Span::mixed_site())
}
