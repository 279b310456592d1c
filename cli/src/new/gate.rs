//! `src/gate.rs`: the gate that the environment describes.

use std::fmt::Write as _;

use super::doc_text;
use crate::catalogue::Preset;

/// The file. With `links`, people also sign in when they open a link to connect an account.
pub(crate) fn of(preset: &Preset, links: bool) -> String {
    let Preset { name, function, .. } = preset;
    let name = doc_text::of(name);
    let prefix = prefix(preset);
    let sign_in = if links { ", SignIn" } else { "" };
    let mut text = format!(
        "//! The gate: people of {name}, once the environment names it.\n//!\n//! Until then, development people sign in with one click, on this machine alone.\n\nuse toolgate::{{\n    Result, env,\n    gate::{{self, Gate{sign_in}}},\n}};\n\n"
    );
    let _ = write!(
        text,
        "/// Returns the gate that the environment describes, if it does.\npub(crate) fn from_env() -> Result<Option<Gate>> {{\n"
    );
    let mut arguments = Vec::new();
    for (at, argument) in preset.arguments.iter().enumerate() {
        let variable = argument.variable.strip_prefix(&prefix).unwrap_or(&argument.variable);
        let variable = variable.to_lowercase();
        let _ = if at == 0 {
            writeln!(
                text,
                "    let Some({variable}) = env::var(\"{}\") else {{\n        return Ok(None);\n    }};",
                argument.variable
            )
        } else {
            writeln!(text, "    let {variable} = env::require(\"{}\")?;", argument.variable)
        };
        arguments.push(if argument.list {
            format!("{variable}.split(',').map(str::trim)")
        } else {
            format!("&{variable}")
        });
    }
    let _ = writeln!(text, "    let verifier = gate::{function}({})?;", arguments.join(", "));
    let verifier = if preset.scope_prefix {
        "verifier.scope_prefix(format!(\"{url}/mcp/\"))"
    } else {
        "verifier"
    };
    if preset.scope_prefix {
        text.push_str("    let url = env::var(\"TOOLGATE_PUBLIC_URL\");\n    let url = url.unwrap_or_else(|| \"http://127.0.0.1:8765\".to_owned());\n");
    }
    let sign_in = if links { ".sign_in(sign_in()?)" } else { "" };
    let _ =
        write!(text, "    let gate = Gate::new({verifier}){sign_in};\n    Ok(Some(gate))\n}}\n");
    if links {
        let _ = write!(
            text,
            "\n/// Returns the client with which people sign in when they open a link to connect an account.\nfn sign_in() -> Result<SignIn> {{\n    let client = SignIn::client(env::require(\"{prefix}CLIENT_ID\")?);\n    Ok(match env::var(\"{prefix}CLIENT_SECRET\") {{\n        Some(secret) => client.secret(secret),\n        None => client,\n    }})\n}}\n"
        );
    }
    text
}

/// What the names of its variables begin with: `AUTH0_`.
pub(crate) fn prefix(preset: &Preset) -> String {
    format!("{}_", preset.function.to_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;

    #[test]
    fn every_gate_parses() {
        for preset in catalogue::presets() {
            for links in [true, false] {
                let text = of(preset, links);
                syn::parse_file(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
                assert_eq!(text.contains("SignIn"), links);
            }
        }
    }
}
