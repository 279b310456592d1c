//! Writes the program of `docs/add-your-provider.md`, so that what the page says is what runs.

use std::{env, fs, path::Path};

#[path = "src/blocks.rs"]
mod blocks;

/// How `main` ends; the last step of the page puts another line in its place.
const LAST: &str = "    server.serve().await\n";

fn main() {
    let [program, signs_in] = blocks::blocks("rust")[..] else {
        panic!("the page has a program and the line of its last step");
    };
    assert_eq!(program.matches(LAST).count(), 1, "the program ends with {LAST}");
    let both = format!(
        "    if std::env::var_os(\"SIGN_IN\").is_some() {{\n        return {};\n    }}\n{LAST}",
        signs_in.trim_end(),
    );
    let folder = env::var("OUT_DIR").expect("cargo says where");
    fs::write(Path::new(&folder).join("page.rs"), program.replace(LAST, &both))
        .expect("it is written");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/blocks.rs");
    println!("cargo::rerun-if-changed=../../../docs/add-your-provider.md");
}
