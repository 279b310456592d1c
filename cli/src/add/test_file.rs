//! `src/tests.rs` as `new` writes it: a test of a new provider, and the scopes of its clients.

use anyhow::Result;
use syn::{Expr, Item, Lit, LitStr, visit::Visit};

use super::{owner::Owner, project::Project, source::Source};
use crate::new::{pieces::Piece, tests_file::CONSENT};

/// Appends a test of a provider, with its helper where that is missing.
///
/// A file that `new` did not write stays as it is.
///
/// # Errors
///
/// The file cannot be read.
pub(super) fn add(project: &mut Project, test: &Piece) -> Result<()> {
    edit(project, |source| {
        let helper = if function(source, "answers_after_consent").is_some() { "" } else { CONSENT };
        if function(source, &test.name).is_some() {
            return;
        }
        let end = source.text().len();
        let newline = if source.text().ends_with('\n') { "" } else { "\n" };
        source.insert(end, &format!("{newline}{helper}\n{}\n", test.item));
    })
}

/// Adds the scopes of a tool to those for which the tests' client has a token: those of our own
/// catalogue, and those of the provider behind the broker.
///
/// # Errors
///
/// The file cannot be read.
pub(super) fn add_scopes(
    project: &mut Project,
    groups: &[(Owner, Vec<String>)],
    broker: Option<&str>,
) -> Result<()> {
    let ours = groups.iter().filter(|(owner, _)| {
        owner.is_catalogue || broker.is_some_and(|broker| broker == owner.type_name)
    });
    let scopes: Vec<_> = ours.flat_map(|(_, scopes)| scopes).collect();
    edit(project, |source| {
        let Some(client) = function(source, "client").cloned() else { return };
        let mut finder = Literals(Vec::new());
        finder.visit_item_fn(&client);
        for literal in finder.0 {
            let value = literal.value();
            let missing = scopes.iter().filter(|scope| value.split(' ').all(|has| has != **scope));
            let missing: Vec<_> = missing.map(|scope| format!(" {scope}")).collect();
            let missing = missing.concat();
            let end = source.range(literal.span()).end;
            if !missing.is_empty() && source.text()[..end].ends_with('"') {
                source.insert(end - 1, &missing);
            }
        }
    })
}

fn edit(project: &mut Project, edit: impl FnOnce(&mut Source)) -> Result<()> {
    let path = project.main.with_file_name("tests.rs");
    let Some(before) = project.text(&path)? else { return Ok(()) };
    let Ok(mut source) = Source::parse(before.clone()) else { return Ok(()) };
    if function(&source, "client").is_none() {
        return Ok(());
    }
    edit(&mut source);
    if let Ok(after) = source.finish() {
        let after = project.formatted(&before, after);
        project.changes.replace(&path, before, after);
    }
    Ok(())
}

fn function<'a>(source: &'a Source, name: &str) -> Option<&'a syn::ItemFn> {
    source.tree().items.iter().find_map(|item| match item {
        Item::Fn(function) if function.sig.ident == name => Some(function),
        _ => None,
    })
}

/// The scopes in `.scopes("..")` and in `.sign_in(person, "..")`.
struct Literals(Vec<LitStr>);

impl<'ast> Visit<'ast> for Literals {
    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let has_scopes = call.method == "scopes" || call.method == "sign_in";
        if let Some(Expr::Lit(syn::ExprLit { lit: Lit::Str(literal), .. })) = call.args.last()
            && has_scopes
        {
            self.0.push(literal.clone());
        }
        syn::visit::visit_expr_method_call(self, call);
    }
}
