//! A Rust file that is only added to: text is inserted at byte offsets of its syntax tree.

use std::ops::Range;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;

/// A parsed file and the insertions that were asked for.
pub(crate) struct Source {
    text: String,
    /// Where the part that syn sees begins: after a byte order mark and a `#!` line.
    start: usize,
    tree: syn::File,
    insertions: Vec<(usize, String)>,
}

impl Source {
    /// Parses a file.
    ///
    /// # Errors
    ///
    /// The text is not Rust, or its places are not known.
    pub(crate) fn parse(text: String) -> Result<Self, String> {
        let mut start = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let rest = &text[start..];
        if rest.starts_with("#!") && !rest[2..].trim_start().starts_with('[') {
            start += rest.find('\n').unwrap_or(rest.len());
        }
        let tree = syn::parse_str::<syn::File>(&text[start..]).map_err(|e| e.to_string())?;
        let source = Self { text, start, tree, insertions: Vec::new() };
        if source.places_are_known(source.tree.to_token_stream()) {
            Ok(source)
        } else {
            Err("the places of its items are not known".into())
        }
    }

    /// Whether the span of every identifier is right.
    fn places_are_known(&self, tokens: TokenStream) -> bool {
        tokens.into_iter().all(|token| match token {
            TokenTree::Group(group) => self.places_are_known(group.stream()),
            // A doc comment is an attribute to syn, with identifiers that the text does not have.
            TokenTree::Ident(ident) if ident == "doc" => true,
            TokenTree::Ident(ident) => {
                self.text.get(self.range(ident.span())) == Some(&ident.to_string())
            }
            _ => true,
        })
    }

    pub(crate) fn tree(&self) -> &syn::File {
        &self.tree
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The bytes of one token.
    pub(crate) fn range(&self, span: Span) -> Range<usize> {
        let range = span.byte_range();
        self.start + range.start..self.start + range.end
    }

    /// The bytes of a node, from its first token to its last.
    pub(crate) fn range_of(&self, node: &impl ToTokens) -> Range<usize> {
        self.range_of_tokens(node.to_token_stream())
    }

    pub(crate) fn range_of_tokens(&self, tokens: TokenStream) -> Range<usize> {
        let mut tokens = tokens.into_iter();
        let Some(first) = tokens.next() else { return self.start..self.start };
        let start = self.range(first.span()).start;
        let last = tokens.last().unwrap_or(first);
        start..self.range(last.span()).end
    }

    /// The line of an offset, from 1.
    pub(crate) fn line(&self, at: usize) -> usize {
        self.text[..at].matches('\n').count() + 1
    }

    pub(crate) fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(self.start, |newline| newline + 1)
    }

    /// The white space that begins the line of `at`, if nothing else stands between.
    pub(crate) fn indent_before(&self, at: usize) -> Option<&str> {
        let before = &self.text[self.line_start(at)..at];
        before.trim().is_empty().then_some(before)
    }

    /// The white space that begins the line of `at`.
    pub(crate) fn indent(&self, at: usize) -> &str {
        let line = &self.text[self.line_start(at)..];
        &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
    }

    /// The end of the line of `at`, if nothing but a comment stands between, else `at`.
    pub(crate) fn past_comment(&self, at: usize) -> usize {
        let rest = self.text[at..].split('\n').next().unwrap_or_default();
        let rest = rest.strip_suffix('\r').unwrap_or(rest);
        let mut comment = rest.trim_start();
        while let Some(inner) = comment.strip_prefix("/*") {
            match inner.split_once("*/") {
                Some((inner, after)) if !inner.contains("/*") => comment = after.trim_start(),
                _ => break,
            }
        }
        if comment.is_empty() || comment.starts_with("//") { at + rest.len() } else { at }
    }

    /// Inserts text, written with `\n` and four spaces, with the line breaks and the indentation of the
    /// file.
    pub(crate) fn insert(&mut self, at: usize, text: &str) {
        let text = self.in_its_style(text);
        self.insertions.push((at, text));
    }

    fn in_its_style(&self, text: &str) -> String {
        let tabs = self.text.lines().any(|line| line.starts_with('\t'));
        let mut styled = String::with_capacity(text.len());
        for (index, line) in text.split('\n').enumerate() {
            if index > 0 {
                styled.push_str(self.newline());
            }
            let mut line = line;
            if tabs && index > 0 {
                while let Some(rest) = line.strip_prefix("    ") {
                    styled.push('\t');
                    line = rest;
                }
            }
            styled.push_str(line);
        }
        styled
    }

    fn newline(&self) -> &'static str {
        if self.text.contains("\r\n") { "\r\n" } else { "\n" }
    }

    /// The text with what was inserted.
    ///
    /// # Errors
    ///
    /// The text does not parse any more.
    pub(crate) fn finish(mut self) -> Result<String, String> {
        self.insertions.sort_by_key(|(at, _)| *at);
        let (mut result, mut written) = (String::with_capacity(self.text.len() + 512), 0);
        for (at, text) in &self.insertions {
            result.push_str(&self.text[written..*at]);
            result.push_str(text);
            written = *at;
        }
        result.push_str(&self.text[written..]);
        match Self::parse(result) {
            Ok(parsed) => Ok(parsed.text),
            Err(error) => Err(format!("what would be written does not parse: {error}")),
        }
    }
}

/// Indents every line but the first and the empty ones.
pub(crate) fn indented(text: &str, indent: &str) -> String {
    let mut lines = text.split('\n');
    let mut result = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        result.push('\n');
        if !line.is_empty() {
            result.push_str(indent);
        }
        result.push_str(line);
    }
    result
}
