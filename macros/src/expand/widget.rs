//! `#[widget]`: a tool whose result is shown by a view.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{LitStr, Path, ReturnType, spanned::Spanned};

use super::tool::{Output, emit, parse_function};
use crate::{
    args::{self, Parsed, widget::WidgetArgs},
    errors::Errors,
    hygiene::respanned,
    model::{
        tool::Tool,
        types::{inside, last_ident},
        view::{Source, View, check_props},
    },
};

pub(crate) fn expand(attr: TokenStream, item: TokenStream) -> TokenStream {
    let function = match parse_function("widget", item) {
        Ok(function) => function,
        Err(tokens) => return tokens,
    };
    let mut errors = Errors::default();
    let Parsed { krate, mut args, is_described } = args::parse::<WidgetArgs>(attr, &mut errors);
    let of_tool = args.as_mut().map(|args| std::mem::take(&mut args.tool));
    let parsed = Parsed { krate, args: of_tool, is_described };
    let tool = match Tool::new("widget", parsed, function, &mut errors) {
        Ok(tool) => tool,
        Err(method) => return quote!(#method #errors),
    };
    let view = args.and_then(|args| View::new(args, &tool.function, &mut errors));
    errors.take(check_props(&tool.function));
    emit(&tool, &output(&tool, view.as_ref()), &errors)
}

/// The props as JSON, and the view that shows them.
fn output(tool: &Tool, view: Option<&View>) -> Output {
    let krate = &tool.krate;
    let props = tool.function.output();
    let view = view.map(|view| view.emit(krate));
    let constants = view.map_or_else(TokenStream::new, |view| {
        quote! {
            const VIEW: ::core::option::Option<#krate::__private::View> = ::core::option::Option::Some(#view);
        }
    });
    // The name of the result decides: a type may be both fallible and JSON.
    let fallible = match &tool.function.sig.output {
        ReturnType::Type(_, ty) => last_ident(ty).is_some_and(|ident| ident == "Result"),
        ReturnType::Default => false,
    };
    // Errors of the props are reported on their type.
    let span = match &tool.function.sig.output {
        ReturnType::Type(_, ty) => inside("Result", ty).unwrap_or(ty).span(),
        ReturnType::Default => props.span(),
    };
    let spanned = respanned(krate, span);
    if fallible {
        Output {
            ty: quote_spanned!(span=> <#props as #spanned::__private::Fallible>::Outcome),
            map: Some(|krate, called| quote!(#krate::__private::ShownResult(#called))),
            constants,
        }
    } else {
        Output {
            ty: quote_spanned!(span=> #spanned::__private::Shown<#props>),
            map: Some(|krate, called| quote!(#krate::__private::Shown(#called))),
            constants,
        }
    }
}

impl View {
    fn emit(&self, krate: &Path) -> TokenStream {
        let in_crate = |path: &str| {
            let path = format!("/{path}");
            quote!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), #path))
        };
        let mut view = match &self.source {
            Source::Inline(html) => quote!(#krate::__private::View::inline(#html)),
            Source::File(path) => {
                let path = in_crate(&path.value());
                quote!(#krate::__private::View::file(#path, ::core::include_str!(#path)))
            }
        };
        let mut add = |method: &str, value: TokenStream| {
            let method = Ident::new(method, Span::call_site());
            view.extend(quote!(.#method(#value)));
        };
        if let Some(csp) = &self.csp {
            let lists = [
                ("connect", &csp.connect),
                ("resource", &csp.resource),
                ("frame", &csp.frame),
                ("base_uri", &csp.base_uri),
            ];
            for (name, list) in lists {
                if let Some(list) = list {
                    add(name, list_of(&list.0));
                }
            }
        }
        if !self.permissions.is_empty() {
            add("permissions", list_of(&self.permissions));
        }
        if let Some(border) = self.border {
            add("border", quote!(#border));
        }
        let texts = [
            ("domain", &self.domain),
            ("optional_scopes", &self.optional_scopes),
            ("invoking", &self.invoking),
            ("invoked", &self.invoked),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                add(name, quote!(#text));
            }
        }
        view
    }
}

fn list_of(texts: &[LitStr]) -> TokenStream {
    quote!(&[#(#texts),*])
}
