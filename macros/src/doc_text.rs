//! Doc comments as text.

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// Inserts an attribute of ours where readers look for none: after the doc comments.
pub(crate) fn insert_after_docs(attrs: &mut Vec<Attribute>, attr: Attribute) {
    let at = attrs.iter().position(|attr| !attr.path().is_ident("doc")).unwrap_or(attrs.len());
    attrs.insert(at, attr);
}

/// The text of the doc comments among `attrs`, as markdown.
pub(crate) fn doc_text(attrs: &[Attribute]) -> String {
    let mut text = String::new();
    for attr in attrs {
        if !attr.path().is_ident("doc") {
            continue;
        }
        let Meta::NameValue(pair) = &attr.meta else { continue };
        let Expr::Lit(ExprLit { lit: Lit::Str(line), .. }) = &pair.value else { continue };
        let line = line.value();
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(line.strip_prefix(' ').unwrap_or(&line).trim_end());
    }
    text.trim().to_owned()
}
