//! The builder of a server in a file: `toolgate::server!().provider(..).tools(..)`.

use std::ops::Range;

use quote::ToTokens;
use syn::{Expr, Item, ReturnType, visit::Visit};

use super::{list::List, source::Source};

/// A method call of the builder.
pub(crate) struct Link {
    pub(crate) method: String,
    /// The type in `broker::<Forge>` and the arguments, as tokens without spaces.
    pub(crate) arguments: String,
    dot: usize,
    /// The method's name.
    name: usize,
    /// After the opening parenthesis of the arguments.
    open: usize,
    end: usize,
    /// The list in `.tools(tools![..])`.
    list: Option<List>,
}

impl Link {
    /// Inserts text before the method's name, and before its arguments.
    pub(crate) fn extend(&self, source: &mut Source, name: &str, arguments: &str) {
        source.insert(self.name, name);
        source.insert(self.open, arguments);
    }
}

/// A builder outside tests.
pub(crate) struct Chain {
    /// The inline modules around it, from the outermost.
    pub(crate) module: Vec<String>,
    /// The item of the module that it stands in.
    pub(crate) item: Range<usize>,
    /// Whether `?` may be used there.
    pub(crate) fallible: bool,
    root: Range<usize>,
    pub(crate) links: Vec<Link>,
}

/// What a file builds.
#[derive(Default)]
pub(crate) struct Chains {
    pub(crate) chains: Vec<Chain>,
    /// Every `tools![..]` outside tests that is no argument of a builder.
    lists: Vec<List>,
}

impl Chains {
    /// Finds every builder outside tests.
    pub(crate) fn find(source: &Source) -> Self {
        let mut finder = Finder {
            source,
            found: Self::default(),
            module: Vec::new(),
            item: 0..0,
            fallible: false,
        };
        finder.items(&source.tree().items);
        finder.found
    }

    /// Inserts the name of a tool into the list of the only chain, into the only list of the file,
    /// or as a list of its own.
    ///
    /// `tools` is the name of the macro there.
    pub(crate) fn add_tool(&self, source: &mut Source, chain: &Chain, tools: &str, name: &str) {
        let mut lists = chain.links.iter().rev().filter_map(|link| link.list.as_ref());
        if let Some(list) = lists.next().or(self.only_list()) {
            return list.append(source, name);
        }
        let last = chain.links.iter().rev().find(|link| link.method == "tools");
        let last = last.or(chain.links.iter().rev().find(|link| link.method == "provider"));
        chain.add_link(source, last, &format!(".tools({tools}![{name}])"));
    }

    /// The only `tools![..]` that is no argument of a builder.
    pub(crate) fn only_list(&self) -> Option<&List> {
        match self.lists.as_slice() {
            [list] => Some(list),
            _ => None,
        }
    }

    /// Whether a list has the tool.
    pub(crate) fn lists_tool(&self, name: &str) -> bool {
        let linked = self.chains.iter().flat_map(|chain| &chain.links);
        let mut lists = linked.filter_map(|link| link.list.as_ref()).chain(&self.lists);
        lists.any(|list| list.elements.iter().any(|path| path.split("::").last() == Some(name)))
    }
}

impl Chain {
    pub(crate) fn has(&self, method: &str) -> bool {
        self.links.iter().any(|link| link.method == method)
    }

    pub(crate) fn last(&self, method: &str) -> Option<&Link> {
        self.links.iter().rev().find(|link| link.method == method)
    }

    /// The provider of `.broker::<Provider>(..)`.
    pub(crate) fn broker(&self) -> Option<&str> {
        let (_, arguments) = self.last("broker")?.arguments.split_once('<')?;
        arguments.split_once('>').map(|(provider, _)| provider)
    }

    pub(crate) fn start(&self) -> usize {
        self.root.start
    }

    /// Inserts a method call after a link, or after the root.
    pub(crate) fn add_link(&self, source: &mut Source, after: Option<&Link>, call: &str) {
        let end = after.map_or(self.root.end, |link| link.end);
        let indent = self.links.iter().find_map(|link| source.indent_before(link.dot));
        let Some(indent) = indent.map(str::to_owned) else {
            return source.insert(end, call);
        };
        let at = source.past_comment(end);
        source.insert(at, &format!("\n{indent}{}", super::source::indented(call, &indent)));
    }
}

/// Whether attributes restrict an item to tests.
pub(crate) fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let name = attribute.path().segments.last().map(|segment| segment.ident.to_string());
        match name.as_deref() {
            Some("test") => true,
            Some("cfg") => attribute.meta.to_token_stream().into_iter().any(has_test),
            _ => false,
        }
    })
}

fn has_test(token: proc_macro2::TokenTree) -> bool {
    match token {
        proc_macro2::TokenTree::Ident(ident) => ident == "test",
        proc_macro2::TokenTree::Group(group) => group.stream().into_iter().any(has_test),
        _ => false,
    }
}

pub(crate) fn attributes(item: &Item) -> &[syn::Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

struct Finder<'a> {
    source: &'a Source,
    found: Chains,
    module: Vec<String>,
    item: Range<usize>,
    fallible: bool,
}

impl Finder<'_> {
    fn items(&mut self, items: &[Item]) {
        for item in items.iter().filter(|item| !is_test(attributes(item))) {
            if let Item::Mod(module) = item {
                if let Some((_, items)) = &module.content {
                    self.module.push(module.ident.to_string());
                    self.items(items);
                    self.module.pop();
                }
                continue;
            }
            self.item = self.source.range_of(item);
            self.visit_item(item);
        }
    }

    fn within(&mut self, fallible: bool, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.fallible, fallible);
        visit(self);
        self.fallible = outer;
    }

    fn record(&mut self, root: &Expr, calls: &[&syn::ExprMethodCall]) {
        let links = calls.iter().rev().map(|call| {
            let turbofish = call.turbofish.to_token_stream();
            let arguments = call.args.to_token_stream();
            let list = match call.args.first() {
                Some(Expr::Macro(invocation)) if is_named(&invocation.mac.path, &["tools"]) => {
                    Some(List::of_macro(self.source, &invocation.mac))
                }
                _ => None,
            };
            Link {
                method: call.method.to_string(),
                arguments: format!("{turbofish}({arguments})").replace(char::is_whitespace, ""),
                dot: self.source.range(call.dot_token.span).start,
                name: self.source.range(call.method.span()).start,
                open: self.source.range(call.paren_token.span.open()).end,
                end: self.source.range(call.paren_token.span.close()).end,
                list: list.filter(|_| call.method == "tools"),
            }
        });
        let links = links.collect();
        self.found.chains.push(Chain {
            module: self.module.clone(),
            item: self.item.clone(),
            fallible: self.fallible,
            root: self.source.range_of(root),
            links,
        });
    }
}

/// Whether a builder begins with the expression.
fn is_root(expression: &Expr) -> bool {
    match expression {
        Expr::Macro(invocation) => is_named(&invocation.mac.path, &["server"]),
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => is_named(&path.path, &["Server", "new"]),
            _ => false,
        },
        _ => false,
    }
}

/// Whether a path ends in these names, and begins with nothing but the crate.
fn is_named(path: &syn::Path, names: &[&str]) -> bool {
    let segments: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    let Some(prefix) = segments.len().checked_sub(names.len()) else { return false };
    segments[prefix..].iter().eq(names) && (prefix == 0 || segments[..prefix] == ["toolgate"])
}

/// Whether `?` on an error of the configuration compiles in a function with this return type.
fn returns_result(output: &ReturnType) -> bool {
    let ReturnType::Type(_, output) = output else { return false };
    let syn::Type::Path(path) = &**output else { return false };
    let segments: Vec<_> =
        path.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    segments.last().is_some_and(|last| last == "Result")
        && !segments.iter().any(|segment| segment == "io" || segment == "fmt")
}

impl<'ast> Visit<'ast> for Finder<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_test(attributes(item)) {
            syn::visit::visit_item(self, item);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        let fallible = returns_result(&function.sig.output);
        self.within(fallible, |finder| syn::visit::visit_item_fn(finder, function));
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        let fallible = returns_result(&function.sig.output);
        self.within(fallible, |finder| syn::visit::visit_impl_item_fn(finder, function));
    }

    fn visit_expr_closure(&mut self, closure: &'ast syn::ExprClosure) {
        self.within(false, |finder| syn::visit::visit_expr_closure(finder, closure));
    }

    fn visit_expr_async(&mut self, block: &'ast syn::ExprAsync) {
        self.within(false, |finder| syn::visit::visit_expr_async(finder, block));
    }

    fn visit_expr(&mut self, expression: &'ast Expr) {
        let (mut calls, mut root) = (Vec::new(), expression);
        loop {
            root = match root {
                Expr::MethodCall(call) => {
                    calls.push(call);
                    &call.receiver
                }
                Expr::Paren(paren) => &paren.expr,
                Expr::Group(group) => &group.expr,
                _ => break,
            };
        }
        if is_root(root) {
            self.record(root, &calls);
            for argument in calls.iter().flat_map(|call| &call.args) {
                match argument {
                    // The list is already an argument of the builder.
                    Expr::Macro(invocation) if is_named(&invocation.mac.path, &["tools"]) => {}
                    argument => self.visit_expr(argument),
                }
            }
        } else {
            syn::visit::visit_expr(self, expression);
        }
    }

    fn visit_macro(&mut self, invocation: &'ast syn::Macro) {
        if is_named(&invocation.path, &["tools"]) {
            self.found.lists.push(List::of_macro(self.source, invocation));
        }
    }
}
