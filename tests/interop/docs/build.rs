//! Writes each example of docs/widgets.md as a function that makes its server.

use std::{env, fmt::Write as _, fs, path::Path};

const PAGE: &str = "../../../docs/widgets.md";

/// A page that the judge changes.
const LIVE: &str = "<!doctype html><html lang='en'><title>Live</title><main><h1>One</h1><p id='said'></p></main>
<script toolgate></script>
<script>toolgate.view().onchange(({ props }) => (document.getElementById('said').textContent = props ? props.result.join(' ') : 'Waiting'))</script></html>";

fn main() {
    println!("cargo::rerun-if-changed={PAGE}");
    let page = fs::read_to_string(PAGE).expect("the page is there");
    let mut text = String::new();
    let mut names = Vec::new();
    for block in page.split("```rust").skip(1) {
        let code = block.split("```").next().unwrap_or_default();
        // Its first line is the rest of the fence; rustdoc hides the lines that begin with `#`.
        let lines = code.lines().skip(1).map(|line| match line.strip_prefix("# ") {
            Some(hidden) => hidden,
            None if line == "#" => "",
            None => line,
        });
        let code = lines.collect::<Vec<_>>().join("\n");
        let Some((_, tools)) = code.rsplit_once("tools![") else { continue };
        let tools = tools.split(']').next().unwrap_or_default();
        let provider = if code.contains("enum Forge") {
            ".provider(Forge::client(\"id\").secret(\"secret\"))"
        } else {
            ""
        };
        let name = tools.split(',').next().unwrap_or_default();
        let _ = writeln!(
            text,
            "fn {name}() -> toolgate::Server {{\n{code}\ntoolgate::server!(){provider}.tools(tools![{tools}])\n}}\n"
        );
        names.push(name.to_owned());
    }
    let arms: String = names.iter().map(|name| format!("{name:?} => {name}(),\n")).collect();
    let _ = writeln!(
        text,
        "const NAMES: &[&str] = &{names:?};\nfn server(name: &str) -> toolgate::Server {{\nmatch name {{\n{arms}_ => panic!(\"the examples are {{NAMES:?}}\"),\n}}\n}}"
    );
    let out = env::var_os("OUT_DIR").expect("cargo says where");
    fs::write(Path::new(&out).join("live.html"), LIVE).expect("it can be written");
    fs::write(Path::new(&out).join("examples.rs"), text).expect("it can be written");
}
