//! `path!`: a path of an API, in which every value is one segment.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{
    Error, Expr, LitStr, Path, Result, Token,
    parse::{Parse, ParseStream},
};

pub(crate) fn expand(input: TokenStream) -> TokenStream {
    match syn::parse2::<Input>(input) {
        Ok(input) => input.expand().unwrap_or_else(Error::into_compile_error),
        Err(error) => error.into_compile_error(),
    }
}

/// `::toolgate; "/repos/{owner}"`
struct Input {
    krate: Path,
    literal: LitStr,
}

impl Parse for Input {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let krate = input.call(Path::parse_mod_style)?;
        input.parse::<Token![;]>()?;
        if !input.peek(LitStr) {
            let message = "`path!` takes a string literal: `path!(\"/repos/{owner}/{repo}\")`";
            return Err(Error::new(input.span(), message));
        }
        let literal = input.parse()?;
        input.parse::<Option<Token![,]>>()?;
        if !input.is_empty() {
            let message = "values are written in the braces: `path!(\"/repos/{owner}\")`";
            return Err(input.error(message));
        }
        Ok(Self { krate, literal })
    }
}

impl Input {
    fn expand(&self) -> Result<TokenStream> {
        let Self { krate, literal } = self;
        let (literals, values) = self.split()?;
        check(literal, &literals)?;
        // A block, so that no borrowed value is kept across an `.await` in the same statement.
        let path = Ident::new("path", Span::mixed_site());
        Ok(quote!({
            let #path = #krate::client::Path::from_parts(&[#(#literals),*], &[#(&#values),*]);
            #path
        }))
    }

    /// The literal pieces, and the values between them.
    fn split(&self) -> Result<(Vec<String>, Vec<Expr>)> {
        let fault = |message: String| Error::new(self.literal.span(), message);
        let text = self.literal.value();
        let (mut literals, mut values) = (vec![String::new()], Vec::new());
        let mut rest = text.chars().peekable();
        while let Some(character) = rest.next() {
            match character {
                '{' if rest.next_if_eq(&'{').is_some() => push(&mut literals, '{'),
                '}' if rest.next_if_eq(&'}').is_some() => push(&mut literals, '}'),
                '{' => {
                    let mut name = String::new();
                    loop {
                        match rest.next() {
                            Some('}') => break,
                            Some(character) => name.push(character),
                            None => return Err(fault(format!("`{{{name}` is not closed"))),
                        }
                    }
                    let value = LitStr::new(&name, self.literal.span())
                        .parse()
                        .map_err(|_| no_value(&name, fault))?;
                    values.push(value);
                    literals.push(String::new());
                }
                '}' => {
                    return Err(fault("this `}` has no `{`\nhelp: write `}}` for a brace".into()));
                }
                other => push(&mut literals, other),
            }
        }
        Ok((literals, values))
    }
}

/// The error for `{}`, for `{name:?}`, and for text that is not an expression.
fn no_value(name: &str, fault: impl Fn(String) -> Error) -> Error {
    let value = name.rsplit_once(':').map_or(name, |(value, _)| value).trim();
    if value.is_empty() {
        return fault(format!("`{{{name}}}` names no value\nhelp: write `{{owner}}`"));
    }
    if value.len() < name.trim().len() && syn::parse_str::<Expr>(value).is_ok() {
        return fault(format!(
            "a value in a path takes no format specifier\nhelp: write `{{{value}}}`"
        ));
    }
    fault(format!("`{name}` is not an expression"))
}

fn push(literals: &mut [String], character: char) {
    if let Some(last) = literals.last_mut() {
        last.push(character);
    }
}

fn check(literal: &LitStr, literals: &[String]) -> Result<()> {
    let fault = |message: &str| Err(Error::new(literal.span(), message));
    if !literals[0].starts_with('/') {
        return fault("a path begins with `/`, because it is appended to the URL of the API");
    }
    if literals.iter().any(|piece| piece.contains('?')) {
        return fault(
            "a path has no query\nhelp: add it to the request: `.query(&[(\"per_page\", limit)])`",
        );
    }
    if literals.iter().any(|piece| piece.contains('#')) {
        return fault("a path has no fragment");
    }
    let joined = literals.join("x");
    if joined.starts_with("//") {
        return fault("a path begins with a single `/`\nhelp: remove the other one");
    }
    if joined.contains('\\') {
        return fault("a path has no `\\`\nhelp: write `/`");
    }
    if joined.split('/').any(|segment| segment == "." || segment == "..") {
        return fault("a path has no `.` or `..` segment");
    }
    Ok(())
}
