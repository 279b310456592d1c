//! The view of a widget: its page, and what it may reach.

use std::{env, fs, path::Path};

use syn::{Error, LitStr, Result, ReturnType};

use super::{
    function::Function,
    types::{inside, last_ident},
};
use crate::{
    args::widget::{CspArgs, WidgetArgs},
    errors::Errors,
};

/// The size limit of a view: hosts load all of it before they show it.
const MAX_VIEW_BYTES: u64 = 2 << 20;

/// A view, with the permissions of its page.
pub(crate) struct View {
    pub(crate) source: Source,
    pub(crate) csp: Option<CspArgs>,
    pub(crate) permissions: Vec<LitStr>,
    pub(crate) border: Option<bool>,
    pub(crate) domain: Option<LitStr>,
    pub(crate) optional_scopes: Option<LitStr>,
    pub(crate) invoking: Option<LitStr>,
    pub(crate) invoked: Option<LitStr>,
}

/// Where the page comes from.
pub(crate) enum Source {
    Inline(LitStr),
    File(LitStr),
}

impl View {
    /// The view that `args` declare for `function`, apart from the keys of the tool.
    pub(crate) fn new(args: WidgetArgs, function: &Function, errors: &mut Errors) -> Option<Self> {
        let Some(view) = args.view else {
            let ident = &function.sig.ident;
            let message = format!(
                "`{ident}` has no view\nhelp: name one: `#[widget(view = \"views/{ident}.html\")]`"
            );
            errors.push(Error::new_spanned(ident, message));
            return None;
        };
        Some(Self {
            source: errors.take(find(view.0))?,
            csp: args.csp.map(|csp| csp.0),
            permissions: args.permissions.map_or_else(Vec::new, |permissions| permissions.0),
            border: args.border.map(|border| border.on),
            domain: args.domain.map(|domain| domain.0),
            optional_scopes: args.optional_scopes.map(|scopes| scopes.0),
            invoking: args.invoking.map(|text| text.0),
            invoked: args.invoked.map(|text| text.0),
        })
    }
}

/// Checks that a widget returns its props.
pub(crate) fn check_props(function: &Function) -> Result<()> {
    let ReturnType::Type(_, ty) = &function.sig.output else {
        let message = "a widget returns its props: what the view shows\nhelp: write `-> Result<Props>`, where `Props` is a type of yours";
        return Err(Error::new_spanned(&function.sig.ident, message));
    };
    let props = inside("Result", ty).unwrap_or(ty);
    if last_ident(props).is_some_and(|ident| ident == "Json") {
        let message = "a widget returns its props without `Json`\nhelp: leave out `Json<..>`";
        return Err(Error::new_spanned(props, message));
    }
    Ok(())
}

/// The view that a literal contains or names. A path is relative to the crate's manifest.
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
            "`{text}` is outside of this crate\nhelp: write a path that is relative to its Cargo.toml, which is in {}",
            Path::new(&root).display()
        ));
    }
    let Ok(found) = fs::metadata(&path) else {
        return wrong(format!("there is no view at `{text}`\nhelp: it was looked for at {place}"));
    };
    if found.is_dir() {
        return wrong(format!(
            "`{text}` is a folder, and a view is one HTML file\nhelp: build the front end into one file, for example with vite-plugin-singlefile"
        ));
    }
    if path.extension().is_none_or(|extension| extension != "html") {
        return wrong(format!(
            "`{text}` is not a view: {place}\nhelp: a view is an `.html` file, or HTML itself"
        ));
    }
    check_size(&literal, found.len())?;
    check_text(&literal, &path)?;
    Ok(Source::File(literal))
}

fn check_size(literal: &LitStr, size: u64) -> Result<()> {
    if size <= MAX_VIEW_BYTES {
        return Ok(());
    }
    let text = literal.value();
    let view = if text.trim_start().starts_with('<') {
        "the view".to_owned()
    } else {
        format!("the view `{text}`")
    };
    let message = format!(
        "{view} has {size} bytes, more than the limit of {MAX_VIEW_BYTES}\nhelp: hosts load all of it before they show it; leave out fonts, pictures and source maps"
    );
    Err(Error::new(literal.span(), message))
}

/// Checks that the page is text: `include_str!` would report an error on the whole attribute.
fn check_text(literal: &LitStr, path: &Path) -> Result<()> {
    let Err(fault) = fs::read_to_string(path) else { return Ok(()) };
    let message = format!("{} cannot be read: {fault}\nhelp: save it as UTF-8", path.display());
    Err(Error::new(literal.span(), message))
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
                "`src/lib.rs` is not a view: {here}/src/lib.rs\nhelp: a view is an `.html` file, or HTML itself"
            )
        );
        assert!(fault("src").starts_with("`src` is a folder, and a view is one HTML file\nhelp: "));
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
        assert!(check_size(&literal, MAX_VIEW_BYTES).is_ok());
        let error = check_size(&literal, MAX_VIEW_BYTES + 1).unwrap_err().to_string();
        assert!(
            error.starts_with(
                "the view `view.html` has 2097153 bytes, more than the limit of 2097152"
            ),
            "{error}"
        );
    }
}
