//! Who imports whom: folders keep to the order in `ARCHITECTURE.md`, no files import each other in a
//! circle, and files stay short.
//!
//! Code under `#[cfg(test)]` is left out, and so is `lib.rs` of the runtime, which only exports.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// The names of modules from the root of a crate on. The root itself is empty.
type Module = Vec<String>;

/// `use` declarations, and paths that begin with `crate`, `super`, `self` or a child module.
struct Import {
    /// The module that it is written in.
    from: Module,
    path: Vec<String>,
    /// Whether it is a `pub use` of any visibility.
    exports: bool,
}

/// The modules of one crate, and what they import.
#[derive(Default)]
struct Crate {
    /// The file of each module. Inline modules have their parent's.
    files: BTreeMap<Module, PathBuf>,
    imports: Vec<Import>,
    /// What a name in a module is an alias of, and where the alias is written.
    aliases: BTreeMap<(Module, String), Vec<String>>,
    /// What a module imports with `*`.
    globs: BTreeMap<Module, Vec<Vec<String>>>,
    /// What a module defines.
    items: BTreeSet<(Module, String)>,
}

impl Crate {
    fn read(src: &Path) -> Self {
        let mut files = Vec::new();
        list(src, &mut files);
        let mut found = Self::default();
        for file in &files {
            let relative = file.strip_prefix(src).unwrap().with_extension("");
            let mut module: Module =
                relative.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
            if module.last().is_some_and(|last| last == "mod" || module.len() == 1 && last == "lib")
            {
                module.pop();
            }
            found.files.insert(module, relative.with_extension("rs"));
        }
        for (module, file) in found.files.clone() {
            let text = fs::read_to_string(src.join(&file)).unwrap();
            let tokens: TokenStream =
                text.parse().unwrap_or_else(|error| panic!("{}: {error}", file.display()));
            found.scan(tokens, &module, &file, true);
        }
        found.forget_tests();
        found
    }

    /// Removes the files of modules that are declared under `#[cfg(test)]`, which are marked by an
    /// empty path.
    fn forget_tests(&mut self) {
        let tests: Vec<Module> = self
            .files
            .iter()
            .filter(|(_, file)| file.as_os_str().is_empty())
            .map(|(module, _)| module.clone())
            .collect();
        let is_test = |module: &Module| tests.iter().any(|test| module.starts_with(test));
        self.imports.retain(|import| !is_test(&import.from));
        self.files.retain(|module, _| !is_test(module));
    }

    /// Notes what is imported and defined in the tokens, which are those of a whole module if `top`.
    fn scan(&mut self, tokens: TokenStream, module: &Module, file: &Path, top: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        let mut exports = false;
        while at < tokens.len() {
            let word = ident(&tokens, at);
            if is_punct(&tokens, at, '#') && tests_only(&tokens, at + 1) {
                at = self.skip_item(&tokens, at + 2, module);
                continue;
            }
            match word.as_deref() {
                Some("pub") => {
                    exports = true;
                    at += 1 + usize::from(is_group(&tokens, at + 1, Delimiter::Parenthesis));
                    continue;
                }
                Some("use") => {
                    let end = (at..tokens.len())
                        .find(|&end| is_punct(&tokens, end, ';'))
                        .unwrap_or(tokens.len());
                    self.tree(&tokens[at + 1..end], &[], module, exports);
                    at = end;
                }
                Some("mod") if is_group(&tokens, at + 2, Delimiter::Brace) => {
                    let inner = child(module, &ident(&tokens, at + 1).unwrap());
                    self.files.insert(inner.clone(), file.to_owned());
                    let TokenTree::Group(group) = &tokens[at + 2] else { unreachable!() };
                    self.scan(group.stream(), &inner, file, true);
                    at += 2;
                }
                Some(
                    "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" | "union",
                ) if top => {
                    if let Some(name) = ident(&tokens, at + 1) {
                        self.items.insert((module.clone(), name));
                    }
                }
                Some(first) => {
                    let begins = at == 0
                        || !(is_punct(&tokens, at - 1, ':') || is_punct(&tokens, at - 1, '.'));
                    let path = path_at(&tokens, at);
                    let ours = matches!(first, "crate" | "super" | "self")
                        || self.files.contains_key(&child(module, first));
                    // What the macros for users write is not imported here.
                    let expanded = path.get(1).is_some_and(|name| name == "__private");
                    if begins && ours && !expanded && path.len() > 1 {
                        at += 3 * (path.len() - 1);
                        self.imports.push(Import { from: module.clone(), path, exports: false });
                    }
                }
                None => {
                    if let TokenTree::Group(group) = &tokens[at] {
                        self.scan(group.stream(), module, file, false);
                    }
                }
            }
            exports = false;
            at += 1;
        }
    }

    /// Passes over an item that only tests have, and returns where the next one begins.
    fn skip_item(&mut self, tokens: &[TokenTree], mut at: usize, module: &Module) -> usize {
        while at < tokens.len() {
            if ident(tokens, at).as_deref() == Some("mod") && is_punct(tokens, at + 2, ';') {
                self.files.insert(child(module, &ident(tokens, at + 1).unwrap()), PathBuf::new());
            }
            at += 1;
            if is_punct(tokens, at - 1, ';')
                || is_punct(tokens, at - 1, ',')
                || is_group(tokens, at - 1, Delimiter::Brace)
            {
                break;
            }
        }
        at
    }

    /// Notes what a tree of a `use` declaration names, after a prefix.
    fn tree(&mut self, tokens: &[TokenTree], prefix: &[String], module: &Module, exports: bool) {
        for tree in
            tokens.split(|token| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ','))
        {
            let mut path = prefix.to_vec();
            let mut alias = None;
            let mut at = 0;
            if tree.is_empty() {
                // What follows the last comma.
                continue;
            }
            while at < tree.len() {
                match &tree[at] {
                    TokenTree::Ident(word) if *word == "as" => {
                        alias = ident(tree, at + 1);
                        at += 1;
                    }
                    TokenTree::Ident(word) => path.push(word.to_string()),
                    TokenTree::Group(group) => {
                        let inner: Vec<_> = group.stream().into_iter().collect();
                        self.tree(&inner, &path, module, exports);
                        path.clear();
                    }
                    TokenTree::Punct(mark) if mark.as_char() == '*' => {
                        self.globs.entry(module.clone()).or_default().push(path.clone());
                    }
                    _ => {}
                }
                at += 1;
            }
            if path.len() > 1 && path.last().is_some_and(|last| last == "self") {
                path.pop();
            }
            if let Some(last) = path.last() {
                let name = alias.unwrap_or_else(|| last.clone());
                self.aliases.insert((module.clone(), name), path.clone());
                self.imports.push(Import { from: module.clone(), path, exports });
            }
        }
    }

    /// The module that defines what a path names, as seen from a module; none if it is another crate's.
    fn resolve(&self, path: &[String], from: &Module, depth: usize) -> Option<Module> {
        let (first, mut rest) = path.split_first()?;
        let mut module = match first.as_str() {
            "crate" => Module::new(),
            "self" => from.clone(),
            "super" => from.split_last()?.1.to_vec(),
            name if self.files.contains_key(&child(from, name)) => child(from, name),
            _ => return None,
        };
        while let Some((name, after)) = rest.split_first() {
            let inner = child(&module, name);
            if name == "super" {
                module.pop();
            } else if self.files.contains_key(&inner) {
                module = inner;
            } else {
                return Some(self.item(&module, name, after, depth));
            }
            rest = after;
        }
        Some(module)
    }

    /// The module that defines an item that a module has, by itself or by importing it.
    fn item(&self, module: &Module, name: &str, after: &[String], depth: usize) -> Module {
        let key = (module.clone(), name.to_owned());
        if depth > 8 || self.items.contains(&key) {
            return module.clone();
        }
        if let Some(path) = self.aliases.get(&key) {
            let path: Vec<String> = path.iter().chain(after).cloned().collect();
            // What other crates define belongs to the module that exports it here.
            return self.resolve(&path, module, depth + 1).unwrap_or_else(|| module.clone());
        }
        for path in self.globs.get(module).into_iter().flatten() {
            if let Some(target) = self.resolve(path, module, depth + 1)
                && self.items.contains(&(target.clone(), name.to_owned()))
            {
                return target;
            }
        }
        module.clone()
    }

    /// Which module of which file imports which, with the path as it is written.
    fn edges(&self) -> Vec<(&Module, Module, String)> {
        self.imports
            .iter()
            .filter_map(|import| {
                let target = self.resolve(&import.path, &import.from, 0)?;
                let facade = import.exports && target.starts_with(&import.from);
                let same = self.files.get(&target)? == self.files.get(&import.from)?;
                (!facade && !same).then(|| (&import.from, target, import.path.join("::")))
            })
            .collect()
    }

    /// What contradicts an order. `lib.rs` is not in it: it may export everything, and nothing may
    /// import what it defines.
    fn against(&self, order: &Order) -> Vec<String> {
        let folder = |module: &Module| {
            let first = self.files[module].iter().next().unwrap().to_str().unwrap();
            first.trim_end_matches(".rs").to_owned()
        };
        let mut faults = BTreeSet::new();
        for name in self.files.keys().map(folder) {
            if name != "lib" && order.level(&name).is_none() {
                faults.insert(format!("`{name}` has no place in the order"));
            }
        }
        for (from, target, path) in self.edges() {
            let (above, below) = (folder(from), folder(&target));
            let arrow = format!("{above} → {below}");
            let straight = above == "lib"
                || above == below
                || order.exceptions.contains(&arrow)
                || below != "lib" && order.level(&above) < order.level(&below);
            if !straight {
                faults.insert(format!("{arrow}: {} names {path}", self.files[from].display()));
            }
        }
        faults.into_iter().collect()
    }

    /// The shortest circle through each file that is in one.
    fn circles(&self) -> Vec<String> {
        let mut graph: BTreeMap<&Path, BTreeSet<&Path>> = BTreeMap::new();
        for (from, target, _) in self.edges() {
            let (from, to) = (&self.files[from], &self.files[&target]);
            if from != Path::new("lib.rs") && to != Path::new("lib.rs") {
                graph.entry(from).or_default().insert(to);
            }
        }
        let mut circles = BTreeMap::new();
        for &start in graph.keys() {
            let mut came: BTreeMap<&Path, &Path> = BTreeMap::new();
            let mut queue = VecDeque::from([start]);
            while let Some(at) = queue.pop_front() {
                for &next in graph.get(at).into_iter().flatten() {
                    if came.contains_key(next) {
                        continue;
                    }
                    came.insert(next, at);
                    queue.push_back(next);
                }
                if came.contains_key(start) {
                    break;
                }
            }
            let Some(&last) = came.get(start) else { continue };
            let mut circle = vec![start, last];
            while circle.last() != Some(&start) {
                circle.push(came[circle[circle.len() - 1]]);
            }
            let files: BTreeSet<&Path> = circle.iter().copied().collect();
            let shown: Vec<String> =
                circle.iter().rev().map(|file| file.display().to_string()).collect();
            circles.entry(files).or_insert(shown.join(" → "));
        }
        circles.into_values().collect()
    }
}

fn child(module: &[String], name: &str) -> Module {
    module.iter().cloned().chain([name.to_owned()]).collect()
}

fn ident(tokens: &[TokenTree], at: usize) -> Option<String> {
    match tokens.get(at) {
        Some(TokenTree::Ident(word)) => Some(word.to_string()),
        _ => None,
    }
}

fn is_punct(tokens: &[TokenTree], at: usize, mark: char) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Punct(found)) if found.as_char() == mark)
}

fn is_group(tokens: &[TokenTree], at: usize, delimiter: Delimiter) -> bool {
    matches!(tokens.get(at), Some(TokenTree::Group(group)) if group.delimiter() == delimiter)
}

/// Whether an attribute is `#[cfg(test)]`, or wants `test` and more.
fn tests_only(tokens: &[TokenTree], at: usize) -> bool {
    let Some(TokenTree::Group(group)) = tokens.get(at) else { return false };
    let text = group.stream().to_string().replace(' ', "");
    text == "cfg(test)" || text.starts_with("cfg(all(test,")
}

/// The segments of a path that begins with an identifier.
fn path_at(tokens: &[TokenTree], mut at: usize) -> Vec<String> {
    let mut path: Vec<String> = ident(tokens, at).into_iter().collect();
    while is_punct(tokens, at + 1, ':') && is_punct(tokens, at + 2, ':') {
        let Some(next) = ident(tokens, at + 3) else { break };
        path.push(next);
        at += 3;
    }
    path
}

/// Every source file below a folder. What a build or npm leaves is not ours.
fn list(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            if !path.ends_with("target") && !path.ends_with("node_modules") {
                list(&path, files);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The order of the folders of a crate, from the top.
struct Order {
    levels: Vec<Vec<String>>,
    exceptions: Vec<String>,
}

impl Order {
    /// Reads the block ```` ```text ```` below a heading of `ARCHITECTURE.md`: levels with arrows
    /// between them, and then a line `except: a → b` for each exception.
    fn read(heading: &str) -> Self {
        let page = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
        let section =
            page.split_once(&format!("\n## {heading}\n")).expect("the heading is there").1;
        let block = section.split("```").nth(1).and_then(|block| block.strip_prefix("text\n"));
        let mut parts = block.expect("a block of text").split("except:");
        let names = |level: &str| {
            let level = level.trim().trim_matches(|brace| brace == '{' || brace == '}');
            level.split(',').map(|name| name.trim().to_owned()).collect()
        };
        let levels = parts.next().unwrap().split('→').map(names).collect();
        Self { levels, exceptions: parts.map(|arrow| arrow.trim().to_owned()).collect() }
    }

    fn level(&self, folder: &str) -> Option<usize> {
        self.levels.iter().position(|names| names.iter().any(|name| name == folder))
    }
}

fn assert_straight(heading: &str, src: &str) {
    let sources = Crate::read(&root().join(src));
    assert!(sources.imports.len() > 100, "only {} imports in {src}", sources.imports.len());
    let (against, circles) = (sources.against(&Order::read(heading)), sources.circles());
    let mut report = String::new();
    for fault in against.iter().chain(&circles) {
        let _ = writeln!(report, "  {fault}");
    }
    let (arrows, circles) = (against.len(), circles.len());
    assert!(report.is_empty(), "{src}: {arrows} against the order, {circles} circles:\n{report}");
}

#[test]
fn the_runtime_keeps_to_its_order() {
    assert_straight("Order of the runtime", "runtime/src");
}

#[test]
fn the_macros_keep_to_their_order() {
    assert_straight("Order of the macros", "macros/src");
}

#[test]
fn files_stay_short() {
    let mut long = Vec::new();
    for (src, most) in [
        ("runtime", 500),
        ("macros/src", 300),
        ("macros/expansions", 500),
        ("tests", 500),
        ("benches", 500),
        ("examples", 500),
    ] {
        let mut files = Vec::new();
        list(&root().join(src), &mut files);
        for file in files {
            let lines = fs::read_to_string(&file).unwrap().lines().count();
            if lines > most {
                long.push(format!("{}: {lines} lines, at most {most}", file.display()));
            }
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}
