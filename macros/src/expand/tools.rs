//! `tools![]`: a constant table, in which every name occurs once.

use std::collections::HashMap;

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::{
    Error, Path, Result, Token,
    parse::{Parse, ParseStream},
};

use crate::errors::Errors;

pub(crate) fn expand(input: TokenStream) -> TokenStream {
    match syn::parse2::<Input>(input) {
        Ok(input) => input.expand(),
        Err(error) => error.into_compile_error(),
    }
}

/// `::toolgate; list_issues, issues::close`
struct Input {
    krate: Path,
    tools: Vec<Path>,
}

impl Parse for Input {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let krate = input.call(Path::parse_mod_style)?;
        input.parse::<Token![;]>()?;
        let tool = |input: ParseStream<'_>| {
            let path = input.call(Path::parse_mod_style).map_err(|error| {
                let message = "a tool is given as the path of its function\nhelp: write `tools![list_issues, issues::close]`";
                Error::new(error.span(), message)
            })?;
            if input.peek(syn::token::Paren) {
                let message = "name the tool, without calling it\nhelp: remove the parentheses";
                return Err(input.error(message));
            }
            Ok(path)
        };
        let mut tools = Vec::new();
        while !input.is_empty() {
            tools.push(tool(input)?);
            if !input.is_empty() && !input.peek(Token![,]) {
                return Err(input.error("tools are separated by commas\nhelp: write `,` here"));
            }
            input.parse::<Option<Token![,]>>()?;
        }
        Ok(Self { krate, tools })
    }
}

impl Input {
    fn expand(&self) -> TokenStream {
        let Self { krate, tools } = self;
        let mut errors = Errors::default();
        // By the name of the function; of equal names the first is kept.
        let mut seen = HashMap::<String, usize>::new();
        let mut pairs = TokenStream::new();
        for (at, tool) in tools.iter().enumerate() {
            let Some(last) = tool.segments.last() else { continue };
            let other = *seen.entry(last.ident.to_string()).or_insert(at);
            if other == at {
                continue;
            }
            if tools[..at].contains(tool) {
                let message = format!("`{}` is listed twice", last.ident);
                errors.push(Error::new_spanned(tool, message));
            }
            // Functions of one name in two modules: the error is shown at the second.
            pairs.extend(quote_spanned! {last.ident.span()=>
                TABLE[#at].assert_differs_from(&TABLE[#other]);
            });
        }
        if !errors.is_empty() {
            return quote!({ #errors #krate::__private::Tools::default() });
        }
        quote!({
            const TABLE: &[#krate::__private::ToolEntry] = &[#(#krate::__private::ToolEntry::new::<#tools>()),*];
            // All pairs of hundreds of names are compared: the lint suspects an endless loop.
            #[allow(long_running_const_eval)]
            const _: () = {
                #pairs
                #krate::__private::Tools::assert_distinct(TABLE)
            };
            #krate::__private::Tools::new(TABLE)
        })
    }
}
