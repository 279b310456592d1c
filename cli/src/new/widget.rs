//! Pages of tools, in plain HTML or in React.

use super::{destination::Source, project::File};

macro_rules! react {
    ($($path:literal)*) => {
        [$(($path, include_str!(concat!("../../templates/react/", $path)))),*]
    };
}

/// The source of the page in React, below `views/who_am_i`.
const REACT: [(&str, &str); 7] = react![
    "package.json" "vite.config.js" "tsconfig.json" "who_am_i.html"
    "src/main.tsx" "src/who_am_i.tsx" "src/page.css"
];

/// The built page, so that a project compiles without Node.
const BUILT: &str = include_str!("../../templates/react/who_am_i.built.html");

const TYPES: &str = include_str!("../../templates/react/src/tools.d.ts");

/// Where a page is.
const PAGE: &str = "views/who_am_i.html";

pub(super) fn html() -> File {
    File::new(PAGE, include_str!("../../templates/who_am_i.html"))
}

pub(super) fn react(source: &Source) -> Vec<File> {
    let library = library(source);
    let mut files = vec![File::new(PAGE, BUILT)];
    for (path, text) in REACT {
        let text = text.replace("{{toolgate-view}}", &library);
        files.push(File::new(format!("views/who_am_i/{path}"), text));
    }
    files.push(File::new("views/who_am_i/src/tools.d.ts", TYPES));
    files
}

/// The source of a page in React that lists what a tool returns, below `views/NAME`.
pub(crate) fn react_list(name: &str, title: &str, source: &Source) -> Vec<File> {
    let component: String = name.split('_').map(capitalized).collect();
    let library = library(source);
    let types = format!(
        "export interface Tools {{\n  /** {title}. */\n  {name}: {{ arguments: {{}}; result: {{ result: string[] }} }};\n}}\n"
    );
    let texts = REACT.into_iter().map(|(path, text)| match path {
        "src/who_am_i.tsx" => (path, include_str!("../../templates/react/src/list.tsx")),
        _ => (path, text),
    });
    let texts = texts.map(|(path, text)| (path, text.to_owned()));
    let files = texts.chain([("src/tools.d.ts", types)]).map(|(path, text)| {
        let text = text
            .replace("{{toolgate-view}}", &library)
            .replace("who_am_i", name)
            .replace("who-am-i", &name.replace('_', "-"))
            .replace("WhoAmI", &component)
            .replace("Who am I", title);
        File::new(format!("views/{name}/{}", path.replace("who_am_i", name)), text)
    });
    files.collect()
}

fn capitalized(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect()
}

/// What `package.json` has as the version of the library.
fn library(source: &Source) -> String {
    match source {
        Source::Checkout(root) => {
            format!("file:{}", root.join("view").display().to_string().replace('\\', "/"))
        }
        Source::Registry => env!("CARGO_PKG_VERSION").to_owned(),
    }
}
