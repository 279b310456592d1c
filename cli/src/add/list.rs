//! Lists between brackets: the names in `tools![..]` and in `use krate::{..}`.

use std::ops::Range;

use proc_macro2::{TokenStream, TokenTree};
use syn::MacroDelimiter;

use super::source::Source;

/// Where a list and its last element are, in bytes.
#[derive(Clone)]
pub(crate) struct List {
    /// After the opening bracket.
    open: usize,
    last: Option<Range<usize>>,
    /// The end of the comma after the last element.
    comma: Option<usize>,
    /// The elements as text, without spaces.
    pub(crate) elements: Vec<String>,
}

impl List {
    /// The list of a macro's invocation.
    pub(crate) fn of_macro(source: &Source, invocation: &syn::Macro) -> Self {
        let span = match &invocation.delimiter {
            MacroDelimiter::Paren(paren) => paren.span,
            MacroDelimiter::Brace(brace) => brace.span,
            MacroDelimiter::Bracket(bracket) => bracket.span,
        };
        Self::new(source, source.range(span.open()).end, invocation.tokens.clone())
    }

    pub(crate) fn new(source: &Source, open: usize, tokens: TokenStream) -> Self {
        let mut list = Self { open, last: None, comma: None, elements: Vec::new() };
        let mut fresh = true;
        for token in tokens {
            let range = source.range(token.span());
            if matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ',') {
                list.comma = Some(range.end);
                fresh = true;
                continue;
            }
            list.comma = None;
            if fresh {
                list.last = Some(range.clone());
                list.elements.push(String::new());
                fresh = false;
            }
            if let (Some(last), Some(element)) = (&mut list.last, list.elements.last_mut()) {
                last.end = range.end;
                element.push_str(&token.to_string());
            }
        }
        list
    }

    /// Inserts an element at the end, on a line of its own where the last one has that.
    pub(crate) fn append(&self, source: &mut Source, element: &str) {
        let Some(last) = &self.last else {
            return source.insert(self.open, element);
        };
        let Some(indent) = source.indent_before(last.start).map(str::to_owned) else {
            return match self.comma {
                Some(comma) => source.insert(comma, &format!(" {element},")),
                None => source.insert(last.end, &format!(", {element}")),
            };
        };
        if self.comma.is_none() {
            source.insert(last.end, ",");
        }
        let at = source.past_comment(self.comma.unwrap_or(last.end));
        source.insert(at, &format!("\n{indent}{element},"));
    }
}
