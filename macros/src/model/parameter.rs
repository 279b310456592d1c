//! Parameters, classified by their types.

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{
    Attribute, Error, FnArg, GenericArgument, Ident, Pat, PatType, Path, PathArguments,
    PathSegment, Result, Type, parse_quote,
};

use super::{
    claim::{claim, generic},
    function::Function,
    types::ungroup,
};
use crate::{doc_text::doc_text, errors::Errors};

/// A parameter of a tool or a helper.
pub(crate) struct Parameter {
    pub(crate) ident: Ident,
    pub(crate) ty: Type,
    pub(crate) kind: Kind,
    /// Its `#[arg(..)]`.
    pub(crate) args: Vec<Attribute>,
    pub(crate) doc: String,
}

/// Where a parameter's value comes from.
pub(crate) enum Kind {
    /// `AuthedClient<P>` or `&AuthedClient<P>`
    Client { provider: Path, borrowed: bool },
    /// `Caller`, `Caller<P>` or `Option<Caller>`
    Caller { catalogue: Option<Path>, borrowed: bool, optional: bool },
    /// `State<T>`
    State { of: Type, borrowed: bool },
    /// `Context`
    Context { borrowed: bool },
    /// Every other type: the model sends the value.
    Argument,
}

impl Parameter {
    /// The provider or catalogue whose scopes it carries.
    pub(crate) fn provider(&self) -> Option<&Path> {
        match &self.kind {
            Kind::Client { provider, .. } => Some(provider),
            Kind::Caller { catalogue, .. } => catalogue.as_ref(),
            _ => None,
        }
    }

    /// An injected parameter that the function takes by reference.
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

    pub(crate) fn is_argument(&self) -> bool {
        matches!(self.kind, Kind::Argument)
    }
}

impl Function {
    /// The parameters. Removes `#[arg]` and doc comments from them, and adds `holder` to the type
    /// of every client and every `Caller<P>`. In a helper all others are arguments.
    ///
    /// The type of a faulty parameter is replaced, and the function loses its body, which would
    /// only repeat the error.
    pub(crate) fn take_parameters(
        &mut self,
        holder: &Ident,
        is_helper: bool,
        errors: &mut Errors,
    ) -> Vec<Parameter> {
        let mut parameters = Vec::new();
        let mut stub = false;
        for input in &mut self.sig.inputs {
            let FnArg::Typed(PatType { attrs, pat, ty, .. }) = input else { continue };
            let doc = doc_text(attrs);
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
                let help = match &**pat {
                    Pat::Wild(_) => "write a name, which may begin with `_`",
                    _ => "write a name, and the pattern in a `let` in the body",
                };
                let message = format!("a parameter needs a name\nhelp: {help}");
                errors.push(Error::new_spanned(pat, message));
                continue;
            };
            let ident = pattern.ident.clone();
            match classify(ty, holder, is_helper) {
                Ok(kind) => {
                    parameters.push(Parameter { ident, ty: (**ty).clone(), kind, args, doc });
                }
                Err(error) => {
                    errors.push(error);
                    // So that calls of the function have no errors.
                    **ty = parse_quote!(impl ::core::marker::Sized);
                    stub = true;
                }
            }
        }
        if stub {
            self.drop_body();
        }
        parameters
    }
}

fn classify(ty: &mut Type, holder: &Ident, is_helper: bool) -> Result<Kind> {
    if is_plain(ty) {
        return Ok(Kind::Argument);
    }
    check_shape(ungroup(ty))?;
    let whole = ty.clone();
    let (borrowed, ty) = match ungroup(ty) {
        Type::Reference(reference) => (true, ungroup(&mut reference.elem)),
        ty => (false, ty),
    };
    let Type::Path(path) = ty else { return argument(&whole) };
    let Some(last) = path.path.segments.last_mut() else { return argument(&whole) };
    let kind = match last.ident.to_string().as_str() {
        "AuthedClient" => match claim(last, holder)? {
            Some(provider) => Kind::Client { provider, borrowed },
            None => {
                let message = "this client has no provider\nhelp: write `AuthedClient<P>`, where `P` is the provider: `AuthedClient<GitHub>`";
                return Err(Error::new_spanned(&*last, message));
            }
        },
        "Caller" => Kind::Caller { catalogue: claim(last, holder)?, borrowed, optional: false },
        "Option" => match generic(last) {
            Some(Type::Path(inner)) => match inner.path.segments.last_mut() {
                Some(caller) if caller.ident == "Caller" => {
                    Kind::Caller { catalogue: claim(caller, holder)?, borrowed, optional: true }
                }
                Some(injected) if !is_helper && is_always_there(injected) => {
                    let message = format!(
                        "`Context` and `State<T>` are never missing, so they cannot be optional\nhelp: write `{}`",
                        injected.to_token_stream().to_string().replace(' ', "")
                    );
                    return Err(Error::new_spanned(&whole, message));
                }
                _ => return argument(&whole),
            },
            _ => return argument(&whole),
        },
        // The caller of a helper passes these, and they may be types of the user's own.
        "Context" | "State" if is_helper => return argument(&whole),
        "Context" if last.arguments.is_none() => Kind::Context { borrowed },
        "Context" if has_only_lifetimes(last) => {
            let message = "a context has no lifetime\nhelp: write `Context`, or `&Context`";
            return Err(Error::new_spanned(&last.arguments, message));
        }
        "State" if last.arguments.is_none() => {
            let message = "this state has no type\nhelp: write `State<T>`, where `T` is the type that was given to `Server::state`";
            return Err(Error::new_spanned(&*last, message));
        }
        "State" => match generic(last) {
            Some(of) => Kind::State { of: of.clone(), borrowed },
            None => return argument(&whole),
        },
        _ => return argument(&whole),
    };
    if let Type::Reference(reference) = &whole
        && let Some(token) = &reference.mutability
    {
        let message =
            "this parameter is shared with other calls\nhelp: borrow it as `&`, without `mut`";
        return Err(Error::new_spanned(token, message));
    }
    Ok(kind)
}

/// Whether it is a type such as `String` or `u64`, as for most parameters, which needs no checks.
fn is_plain(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path.segments.last().is_some_and(|last| {
        let name = last.ident.to_string();
        last.arguments.is_none()
            && !matches!(name.as_str(), "AuthedClient" | "Caller" | "Context" | "Self" | "State")
    })
}

/// Fails for a type that no parameter can have. The error of rustc would be much longer.
fn check_shape(ty: &Type) -> Result<()> {
    let help = match ty {
        Type::Slice(slice) => {
            let element = slice.elem.to_token_stream().to_string().replace(' ', "");
            format!("write `Vec<{element}>`")
        }
        Type::Infer(_) | Type::TraitObject(_) => "write the type".to_owned(),
        Type::Path(path) if path.path.is_ident("Self") => "write the type".to_owned(),
        _ => return Ok(()),
    };
    let message = format!("the type of a parameter must be sized and written out\nhelp: {help}");
    Err(Error::new_spanned(ty, message))
}

/// Whether the type is `Context` or `State<T>`. `State` and `Context<T>` are types of the user.
fn is_always_there(segment: &PathSegment) -> bool {
    match &segment.arguments {
        PathArguments::None => segment.ident == "Context",
        _ => segment.ident == "State",
    }
}

fn has_only_lifetimes(segment: &PathSegment) -> bool {
    let PathArguments::AngleBracketed(generics) = &segment.arguments else { return false };
    generics.args.iter().all(|argument| matches!(argument, GenericArgument::Lifetime(_)))
}

/// [`Kind::Argument`]; fails if a client is inside of the type.
fn argument(ty: &Type) -> Result<Kind> {
    match find_client(ty.to_token_stream()) {
        None => Ok(Kind::Argument),
        Some(client) => {
            let message = "a client cannot be inside of another type\nhelp: write `AuthedClient<P>` or `&AuthedClient<P>`";
            Err(Error::new(client.span(), message))
        }
    }
}

fn find_client(tokens: TokenStream) -> Option<Ident> {
    tokens.into_iter().find_map(|token| match token {
        TokenTree::Ident(ident) if ident == "AuthedClient" => Some(ident),
        TokenTree::Group(group) => find_client(group.stream()),
        _ => None,
    })
}
