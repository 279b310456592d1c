//! The view of a `#[widget]`: where it is, and what it may reach.

use std::{env, fs, path::Path};

use proc_macro2::{TokenStream, TokenTree};
use quote::quote;
use syn::{
    Error, GenericArgument, Ident, LitBool, LitStr, PathArguments, Result, ReturnType, Token, Type,
    parse::Parser, punctuated::Punctuated,
};

use crate::{
    attribute::{Entry, Value},
    errors::Errors,
    function::Function,
    suggest,
};

/// The largest view, in bytes: hosts fetch it before anything is seen.
const LARGEST: u64 = 2 << 20;

/// The keys that only a widget has.
pub(crate) const KEYS: [&str; 7] =
    ["view", "csp", "permissions", "border", "optional_scopes", "invoking", "invoked"];

const CSP: [&str; 4] = ["connect", "resource", "frame", "base_uri"];
const PERMISSIONS: [&str; 4] = ["camera", "microphone", "geolocation", "clipboard_write"];

/// Does one of them stand there?
pub(crate) fn has_key(tokens: &TokenStream) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Ident(ident) => KEYS.iter().any(|key| ident == key),
        _ => false,
    })
}

/// What a widget says of its view.
#[derive(Default)]
pub(crate) struct View {
    source: Option<Source>,
    /// A method of the runtime's `View`, and its arguments.
    calls: Vec<(Ident, TokenStream)>,
}

enum Source {
    Inline(LitStr),
    File(LitStr),
    /// The folder, and its files, by their paths in it.
    Folder(LitStr, Vec<String>),
}

impl View {
    /// A widget has a view, and returns what it shows.
    pub(crate) fn check(&self, function: &Function, errors: &mut Errors) {
        let ident = &function.sig.ident;
        if self.source.is_none() && errors.is_empty() {
            let message = format!(
                "`{ident}` has no view\nhelp: name one: `#[widget(view = \"views/{ident}.html\")]`"
            );
            errors.push(Error::new_spanned(ident, message));
        }
        let ReturnType::Type(_, ty) = &function.sig.output else {
            let message = "a widget returns its props: what the view shows\nhelp: write `-> Result<Props>`, where `Props` is a type of yours";
            errors.push(Error::new_spanned(ident, message));
            return;
        };
        let props = result_of(ty).unwrap_or(ty);
        if last_segment(props).as_deref() == Some("Json") {
            let message =
                "the result of a widget is its props themselves\nhelp: leave out `Json<..>`";
            errors.push(Error::new_spanned(props, message));
        }
    }

    pub(crate) fn set(&mut self, entry: Entry) -> Result<()> {
        let key = entry.key.clone();
        match key.to_string().as_str() {
            "view" => self.source = Some(find(entry.text()?)?),
            "csp" => self.csp(entry)?,
            "permissions" => {
                let names = entry.texts()?;
                for name in &names {
                    check_known(name, &PERMISSIONS, "a permission", "permissions are")?;
                }
                self.calls.push((key, quote!(&[#(#names),*])));
            }
            "border" => {
                let (value, span) = entry.flag()?;
                let value = LitBool::new(value, span);
                self.calls.push((key, quote!(#value)));
            }
            "optional_scopes" => {
                let text = entry.text()?;
                self.calls.push((key, quote!(#text)));
            }
            _ => {
                let text = entry.text()?;
                if text.value().chars().count() > 64 {
                    let message = format!("`{key}` has at most 64 characters");
                    return Err(Error::new(text.span(), message));
                }
                self.calls.push((key, quote!(#text)));
            }
        }
        Ok(())
    }

    /// `csp(connect = ["https://.."], ..)`
    fn csp(&mut self, entry: Entry) -> Result<()> {
        let form = "`csp` is written `csp(connect = [\"https://api.example\"], resource = [..])`";
        let Value::List(tokens) = entry.value else {
            return Err(Error::new(entry.key.span(), form));
        };
        let parser = Punctuated::<Entry, Token![,]>::parse_terminated;
        let mut seen = Vec::<Ident>::new();
        for entry in parser.parse2(tokens)? {
            let name = entry.key.to_string();
            if !CSP.contains(&name.as_str()) {
                let help = suggest::help(&name, CSP, "its lists are");
                let message = format!("`csp` has no list `{name}`\nhelp: {help}");
                return Err(Error::new(entry.key.span(), message));
            }
            if seen.contains(&entry.key) {
                return Err(Error::new(entry.key.span(), format!("`{name}` is given twice")));
            }
            let Value::Equals(tokens) = entry.value else {
                return Err(Error::new(entry.key.span(), form));
            };
            let syn::Expr::Array(list) = syn::parse2(tokens.clone())? else {
                let message = format!("`{name}` is a list\nhelp: write `{name} = [{tokens}]`");
                return Err(Error::new_spanned(tokens, message));
            };
            let mut origins = Vec::new();
            for element in &list.elems {
                let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = element else {
                    return Err(Error::new_spanned(
                        element,
                        "an origin is a literal: \"https://..\"",
                    ));
                };
                check_origin(text, name == "connect")?;
                origins.push(text);
            }
            self.calls.push((entry.key.clone(), quote!(&[#(#origins),*])));
            seen.push(entry.key);
        }
        Ok(())
    }

    pub(crate) fn emit(&self, krate: &syn::Path) -> TokenStream {
        let in_crate = |path: &str| {
            let path = format!("/{path}");
            quote!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), #path))
        };
        let source = match &self.source {
            None => return TokenStream::new(),
            Some(Source::Inline(html)) => quote!(#krate::__private::View::inline(#html)),
            Some(Source::File(path)) => {
                let path = in_crate(&path.value());
                quote!(#krate::__private::View::file(#path, ::core::include_str!(#path)))
            }
            Some(Source::Folder(folder, files)) => {
                let folder = folder.value();
                let folder = folder.trim_end_matches('/');
                let contents = files.iter().map(|file| in_crate(&format!("{folder}/{file}")));
                let folder = in_crate(folder);
                quote! {
                    #krate::__private::View::folder(#folder, &[#((#files, ::core::include_str!(#contents))),*])
                }
            }
        };
        let calls = self.calls.iter().map(|(name, value)| quote!(.#name(#value)));
        quote!(#source #(#calls)*)
    }
}

/// The name of a type, without its path and its arguments.
pub(crate) fn last_segment(ty: &Type) -> Option<String> {
    let Type::Path(path) = ty else { return None };
    Some(path.path.segments.last()?.ident.to_string())
}

/// `T` of `Result<T>` or `Result<T, E>`.
fn result_of(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last().filter(|last| last.ident == "Result")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}

/// The view that a literal names, looked for beside the crate's manifest.
fn find(literal: LitStr) -> Result<Source> {
    let text = literal.value();
    let wrong = |message: String| Err(Error::new(literal.span(), message));
    if text.trim_start().starts_with('<') {
        check_size(&literal, text.len() as u64)?;
        return Ok(Source::Inline(literal));
    }
    let root = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    let path = Path::new(&root).join(&text);
    let place = path.display();
    let climbs = text.split(['/', '\\']).any(|part| part == "..");
    if climbs || Path::new(&text).is_absolute() || text.starts_with('/') {
        return wrong(format!(
            "`{text}` is outside of this crate\nhelp: a view is a path from its Cargo.toml on, which is in {}",
            Path::new(&root).display()
        ));
    }
    let Ok(found) = fs::metadata(&path) else {
        return wrong(format!("there is no view at `{text}`\nhelp: it was looked for at {place}"));
    };
    if found.is_dir() {
        let mut files = Vec::new();
        let size = list(&path, "", &mut files)
            .map_err(|error| Error::new(literal.span(), format!("`{text}`: {error}")))?;
        if !files.iter().any(|file| file == "index.html") {
            return wrong(format!(
                "the folder `{text}` holds no `index.html`\nhelp: build the front end first; it was looked for in {place}"
            ));
        }
        check_size(&literal, size)?;
        for file in &files {
            check_text(&literal, &path.join(file))?;
        }
        return Ok(Source::Folder(literal, files));
    }
    if path.extension().is_none_or(|extension| extension != "html") {
        return wrong(format!(
            "`{text}` is not a view: {place}\nhelp: a view is an `.html` file, a folder with an `index.html`, or HTML itself"
        ));
    }
    check_size(&literal, found.len())?;
    check_text(&literal, &path)?;
    Ok(Source::File(literal))
}

fn check_size(literal: &LitStr, size: u64) -> Result<()> {
    if size <= LARGEST {
        return Ok(());
    }
    let text = literal.value();
    let view = if text.trim_start().starts_with('<') {
        "the view".to_owned()
    } else {
        format!("the view `{text}`")
    };
    let message = format!(
        "{view} has {size} bytes, and {LARGEST} are the most\nhelp: hosts load it before anything is seen; leave out fonts, pictures and source maps"
    );
    Err(Error::new(literal.span(), message))
}

/// A page is text; the compiler would say so of the whole attribute.
fn check_text(literal: &LitStr, path: &Path) -> Result<()> {
    let Err(fault) = fs::read_to_string(path) else { return Ok(()) };
    let message = format!("{} cannot be read: {fault}\nhelp: save it as UTF-8", path.display());
    Err(Error::new(literal.span(), message))
}

/// The files of a built front end that go into its page; their size in bytes.
fn list(folder: &Path, prefix: &str, files: &mut Vec<String>) -> std::io::Result<u64> {
    let mut size = 0;
    let mut entries = fs::read_dir(folder)?.collect::<std::io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            size += list(&entry.path(), &format!("{name}/"), files)?;
        } else if [".html", ".js", ".mjs", ".css"].iter().any(|end| name.ends_with(end)) {
            size += entry.metadata()?.len();
            files.push(name);
        }
    }
    Ok(size)
}

fn check_known(name: &LitStr, known: &[&str], what: &str, are: &str) -> Result<()> {
    let value = name.value();
    if known.contains(&value.as_str()) {
        return Ok(());
    }
    let help = suggest::help(&value, known.iter().copied(), are);
    Err(Error::new(name.span(), format!("`{value}` is not {what}\nhelp: {help}")))
}

/// Scheme, host and perhaps port, as browsers compare them, and nothing that stands for several.
fn check_origin(literal: &LitStr, connects: bool) -> Result<()> {
    let text = literal.value();
    let wrong = |why: &str| {
        let example =
            if connects { "`https://api.example` or `wss://..`" } else { "`https://cdn.example`" };
        let message =
            format!("`{text}` is not an origin: {why}\nhelp: write {example}, without a path");
        Err(Error::new(literal.span(), message))
    };
    if text.contains('*') {
        return wrong("a wildcard would let in sites that nobody has named");
    }
    let rest = match text.split_once("://") {
        Some(("https", rest)) => rest,
        Some(("wss", rest)) if connects => rest,
        _ => return wrong("it does not begin with `https://`"),
    };
    if rest.starts_with('[') {
        return wrong("browsers know no IPv6 address there, so it needs a name");
    }
    let (host, port) = rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port)));
    if rest.contains(['/', '?', '#', '@']) {
        return wrong("it has more than a host and a port");
    }
    if !host.is_ascii() {
        return wrong("its host is not in the ASCII form, which begins with `xn--`");
    }
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return wrong("its host is not in lower case");
    }
    let fits =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
    let labels = host.split('.').all(|label| !label.is_empty() && !label.starts_with('-'));
    if !host.bytes().all(fits) || !labels {
        return wrong("its host is not one: a-z, 0-9 and `-`, between dots");
    }
    let is_port = |port: &str| {
        port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok_and(|n| n > 0)
    };
    if !port.is_none_or(is_port) {
        return wrong("its port is not a number from 1 to 65535");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proc_macro2::Span;

    use super::*;

    fn fault(path: &str) -> String {
        match find(LitStr::new(path, Span::call_site())) {
            Err(error) => error.to_string(),
            Ok(_) => "none".to_owned(),
        }
    }

    #[test]
    fn a_view_is_looked_for_in_the_crate() {
        let here = env!("CARGO_MANIFEST_DIR");
        assert_eq!(
            fault("views/board.html"),
            format!(
                "there is no view at `views/board.html`\nhelp: it was looked for at {here}/views/board.html"
            )
        );
        assert_eq!(
            fault("src/lib.rs"),
            format!(
                "`src/lib.rs` is not a view: {here}/src/lib.rs\nhelp: a view is an `.html` file, a folder with an `index.html`, or HTML itself"
            )
        );
        assert!(fault("src").starts_with("the folder `src` holds no `index.html`"));
        for outside in ["../view.html", "/etc/passwd", "views/../../x.html", "..\\x.html"] {
            assert!(
                fault(outside).starts_with(&format!("`{outside}` is outside of this crate")),
                "{outside}"
            );
        }
        assert_eq!(fault("  <p></p>"), "none");
    }

    #[test]
    fn a_page_that_is_too_large_is_refused() {
        let literal = LitStr::new("view.html", Span::call_site());
        assert!(check_size(&literal, LARGEST).is_ok());
        let error = check_size(&literal, LARGEST + 1).unwrap_err().to_string();
        assert!(
            error.starts_with("the view `view.html` has 2097153 bytes, and 2097152 are the most"),
            "{error}"
        );
    }

    #[test]
    fn an_origin_is_what_a_browser_compares() {
        let check = |text: &str| match check_origin(&LitStr::new(text, Span::call_site()), true) {
            Ok(()) => "fits".to_owned(),
            Err(error) => error.to_string().lines().next().unwrap_or_default().to_owned(),
        };
        for fits in ["https://a.example", "wss://a-b.example:8443", "https://xn--bcher-kva.example"]
        {
            assert_eq!(check(fits), "fits");
        }
        for (text, why) in [
            ("https://API.example", "its host is not in lower case"),
            ("https://bücher.example", "its host is not in the ASCII form"),
            ("https://[::1]:80", "browsers know no IPv6 address there"),
            ("https://", "its host is not one"),
            ("https://a..example", "its host is not one"),
            ("https://-a.example", "its host is not one"),
            ("https://a_b.example", "its host is not one"),
            ("https://a.example:+80", "its port is not a number"),
            ("https://a.example:0", "its port is not a number"),
            ("https://a.example:65536", "its port is not a number"),
            ("https://a.example:", "its port is not a number"),
            ("https://a.example:80/x", "it has more than a host and a port"),
            ("https://a@b.example", "it has more than a host and a port"),
            ("ws://a.example", "it does not begin with `https://`"),
        ] {
            let said = check(text);
            assert!(said.starts_with(&format!("`{text}` is not an origin: {why}")), "{said}");
        }
    }
}
