//! The callback of a catalogue: it checks the scopes of a tool or a helper, and implements the
//! traits that prove them.

use std::sync::Arc;

use proc_macro2::{Literal, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{
    Error, Ident, Path, Result, Token, bracketed,
    ext::IdentExt,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
    spanned::Spanned,
};

use super::{
    account_argument::{AccountArgument, key},
    marker::holds_all,
};
use crate::{
    args::{scope::Access, scopes::ScopeName},
    errors::Errors,
    hygiene::respanned,
    model::encoding::{Catalogue, Kind},
    suggest,
};

pub(crate) fn expand(input: TokenStream) -> TokenStream {
    match syn::parse2::<Request>(input) {
        Ok(request) => request.expand(),
        Err(error) => error.into_compile_error(),
    }
}

/// `"catalogue" crate = ::toolgate, tool = holder, client = Provider, scopes = ["scope"]`
struct Request {
    catalogue: Arc<Catalogue>,
    krate: Path,
    holder: Ident,
    provider: Path,
    /// The parameter is an `AuthedClient`, not a `Caller`.
    of_client: bool,
    purpose: Purpose,
    account: AccountArgument,
    scopes: Vec<ScopeName>,
}

/// What the scopes are for.
enum Purpose {
    /// `tool = list_issues`, with `read_only` where the attribute has it.
    Tool { read_only: Option<Span> },
    /// `helper = close, may_call = may_close`: the trait of the holders that may call it.
    Helper { may_call: Ident },
}

impl Parse for Request {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let catalogue: Literal = input.parse()?;
        let catalogue = Catalogue::read(&catalogue).ok_or_else(|| {
            let message = "the provider was declared with another version of `toolgate`\nhelp: use one version for the provider's crate and for this one";
            Error::new(catalogue.span(), message)
        })?;
        key(input)?;
        let krate = input.call(Path::parse_mod_style)?;
        input.parse::<Token![,]>()?;
        let of_helper = key(input)? == "helper";
        let holder = input.parse()?;
        input.parse::<Token![,]>()?;
        let purpose = if of_helper {
            key(input)?;
            let may_call = input.parse()?;
            input.parse::<Token![,]>()?;
            Purpose::Helper { may_call }
        } else if input.peek2(Token![,]) {
            let read_only: Ident = input.parse()?;
            input.parse::<Token![,]>()?;
            Purpose::Tool { read_only: Some(read_only.span()) }
        } else {
            Purpose::Tool { read_only: None }
        };
        let (account, next) = AccountArgument::parse(input)?;
        let of_client = next == "client";
        let provider = input.call(Path::parse_mod_style)?;
        input.parse::<Token![,]>()?;
        key(input)?;
        let list;
        bracketed!(list in input);
        let scopes = Punctuated::<ScopeName, Token![,]>::parse_terminated(&list)?;
        let scopes = scopes.into_iter().collect();
        Ok(Self { catalogue, krate, holder, provider, of_client, purpose, account, scopes })
    }
}

impl Request {
    fn expand(&self) -> TokenStream {
        if self.catalogue.kind() == Kind::Missing {
            return self.expand_missing();
        }
        let mut errors = Errors::default();
        errors.take(self.check_kind());
        if self.has_account() {
            errors.take(self.account.check(&self.provider_name()));
        }
        // A catalogue is empty only if the errors of its provider are reported already.
        let declared = if !errors.is_empty() || self.catalogue.is_empty() {
            Vec::new()
        } else {
            self.resolve(&mut errors)
        };
        if errors.is_empty() && !self.catalogue.is_empty() {
            return self.emit(&declared);
        }
        let Self { krate, holder, provider, .. } = self;
        let holds_all = holds_all(krate, holder, provider);
        let may_call = self.may_call(&[]);
        quote!(#errors #holds_all #may_call)
    }

    /// Checks that a client is of a provider: a catalogue has no API.
    fn check_kind(&self) -> Result<()> {
        if !self.of_client || self.catalogue.kind() == Kind::Provider {
            return Ok(());
        }
        let name = self.provider_name();
        let message = format!(
            "`{name}` is not a provider: it has no API\nhelp: take `Caller<{name}>`, or write `#[provider(..)]` instead of `#[catalogue]`"
        );
        Err(Error::new_spanned(&self.provider, message))
    }

    /// Whether an argument names an account of the client.
    fn has_account(&self) -> bool {
        self.of_client
            && self.catalogue.has_accounts()
            && matches!(self.purpose, Purpose::Tool { .. })
    }

    /// The expansion for a type without a catalogue: a bound that is not satisfied, so that rustc
    /// reports it. For a type that does not exist, rustc reports only that.
    fn expand_missing(&self) -> TokenStream {
        let Self { krate, holder, provider, .. } = self;
        let holds_all =
            holds_all(krate, holder, &Ident::new("catalogue", Span::call_site()).into());
        let may_call = self.may_call(&[]);
        let span = provider.span();
        let parameter = Ident::new(if self.of_client { "Client" } else { "Caller" }, span);
        let (krate, catalogue) = (respanned(krate, span), Ident::new("catalogue", span));
        let check = quote_spanned! {span=>
            const _: () = <#krate::__private::fallback::#parameter as #krate::__private::fallback::Of<#catalogue>>::IS;
        };
        quote!(#check #holds_all #may_call)
    }

    fn provider_name(&self) -> String {
        self.provider.segments.last().map(|segment| segment.ident.to_string()).unwrap_or_default()
    }

    /// The indices of the declared scopes. Reports every error among them.
    fn resolve(&self, errors: &mut Errors) -> Vec<usize> {
        let mut declared = Vec::<(usize, &ScopeName)>::new();
        for name in &self.scopes {
            let position = self.catalogue.scopes().iter().position(|scope| match name {
                ScopeName::Token(token, _) => scope.token == *token,
                ScopeName::Variant(variant) => variant.unraw() == scope.variant,
            });
            match position {
                Some(index) => declared.push((index, name)),
                None => errors.push(self.unknown(name)),
            }
        }
        for (at, &(index, name)) in declared.iter().enumerate() {
            let cover = declared.iter().enumerate().find(|&(other_at, &(other, _))| {
                self.catalogue.implies(other, index) || other == index && other_at < at
            });
            if let Some((_, &(other, _))) = cover {
                errors.push(self.redundant(name, index, other));
            }
        }
        let declared: Vec<_> = declared.into_iter().map(|(index, _)| index).collect();
        if let Purpose::Tool { read_only: Some(span) } = self.purpose {
            self.check_read_only(&declared, span, errors);
        }
        declared
    }

    fn unknown(&self, name: &ScopeName) -> Error {
        let provider = self.provider_name();
        let scopes = self.catalogue.scopes();
        let (word, help) = match name {
            ScopeName::Token(token, _) => {
                let known = scopes.iter().map(|scope| scope.token.as_str());
                let help = if token.contains(',') {
                    "scopes are separated by one space, without commas".to_owned()
                } else {
                    suggest::help(token, known, "its scopes are")
                };
                (token.clone(), help)
            }
            ScopeName::Variant(variant) => {
                let word = variant.to_string();
                let known = scopes.iter().map(|scope| scope.variant.as_str());
                let help = suggest::help(&word, known, "its variants are");
                (word, help)
            }
        };
        Error::new(name.span(), format!("`{provider}` has no scope `{word}`\nhelp: {help}"))
    }

    fn redundant(&self, name: &ScopeName, index: usize, other: usize) -> Error {
        let token = &self.catalogue.scopes()[index].token;
        let message = if index == other {
            format!("the scope `{token}` is listed twice")
        } else {
            let other = &self.catalogue.scopes()[other].token;
            format!(
                "the scope `{token}` is redundant: `{other}` implies it\nhelp: remove `{token}`"
            )
        };
        Error::new(name.span(), message)
    }

    fn check_read_only(&self, declared: &[usize], span: Span, errors: &mut Errors) {
        let writes = declared
            .iter()
            .map(|&index| &self.catalogue.scopes()[index])
            .find(|scope| scope.access != Access::Read);
        if let Some(scope) = writes {
            let token = &scope.token;
            errors.push(Error::new(
                span,
                format!(
                    "`{}` is not read-only: its scope `{token}` lets it write\nhelp: remove `read_only`, or declare a scope with `access = read`",
                    self.holder
                ),
            ));
        }
    }

    fn emit(&self, declared: &[usize]) -> TokenStream {
        let Self { krate, holder, provider, .. } = self;
        let tokens = declared.iter().map(|&index| &self.catalogue.scopes()[index].token);
        let held = self.catalogue.closure(declared);
        // A scope has at least the access of the scopes that it implies.
        let can_write = declared
            .iter()
            .any(|&index| self.catalogue.scopes()[index].access != Access::Read)
            .then(|| quote!(impl #krate::__private::DeclaresWrite<#provider> for #holder {}));
        let may_call = self.may_call(declared);
        let account = self.has_account().then(|| self.account.emit());
        quote! {
            impl #krate::__private::Requires<#provider> for #holder {
                type Of = #provider;
                fn scopes() -> &'static [&'static str] {
                    &[#(#tokens),*]
                }
                #account
            }
            #(
                impl #krate::__private::Holds<#provider, #held> for #holder {}
            )*
            #can_write
            #may_call
        }
    }

    /// Lets every holder of all `declared` scopes call the helper.
    fn may_call(&self, declared: &[usize]) -> Option<TokenStream> {
        let Self { krate, provider, .. } = self;
        let Purpose::Helper { may_call } = &self.purpose else { return None };
        let bounds = if declared.is_empty() {
            TokenStream::new()
        } else {
            quote!(where Holder: #(#krate::__private::Holds<#provider, #declared>)+*)
        };
        Some(quote! {
            #[diagnostic::do_not_recommend]
            impl<Holder> #may_call<#provider> for Holder #bounds {}
        })
    }
}
