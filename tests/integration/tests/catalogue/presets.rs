//! Presets of the gate: their functions, and what is set in the products' consoles.

use std::fmt::Write as _;

use serde::Serialize;

use super::Documentation;

/// A preset, as the documentation of its function has it.
#[derive(Serialize)]
pub(super) struct Preset {
    id: String,
    function: &'static str,
    name: &'static str,
    documentation: String,
    arguments: Vec<Argument>,
    /// Whether scopes have the URL of the resource before them.
    scope_prefix: bool,
    /// Where the steps are done: `In the dashboard`.
    place: String,
    steps: Vec<String>,
    /// What MCP hosts cannot do there.
    hosts: Option<String>,
}

/// An argument of the function.
#[derive(Serialize)]
struct Argument {
    variable: String,
    example: &'static str,
    /// Whether it is a list, which the variable separates by commas.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    list: bool,
}

/// A function, the product, and the function's arguments with examples.
type Function = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const PRESETS: [Function; 16] = [
    ("auth0", "Auth0", &[("DOMAIN", "acme.eu.auth0.com")]),
    (
        "entra",
        "Microsoft Entra ID",
        &[
            ("TENANT", "72f988bf-86f1-41af-91ab-2d7cd011db47"),
            ("APPLICATION", "5d1ffa2c-9d3e-4b0f-9f0a-1c5a4b7a2e10"),
        ],
    ),
    ("okta", "Okta", &[("DOMAIN", "acme.okta.com"), ("SERVER", "aus1a2b3c4d5")]),
    ("keycloak", "Keycloak", &[("URL", "https://sso.example"), ("REALM", "acme")]),
    (
        "cognito",
        "Amazon Cognito",
        &[
            ("REGION", "eu-west-1"),
            ("POOL", "eu-west-1_AbCdEf123"),
            ("CLIENTS", "3n4b5urk1ft4fl3mg5e62d9ado"),
        ],
    ),
    ("clerk", "Clerk", &[("FRONTEND_API", "clerk.acme.example"), ("CLIENTS", "2xhFjEI5X2qWRvtV")]),
    ("workos", "WorkOS", &[("DOMAIN", "acme.authkit.app")]),
    ("supabase", "Supabase", &[("URL", "https://abcdefghijklmnop.supabase.co")]),
    (
        "scalekit",
        "Scalekit",
        &[("ENVIRONMENT", "https://acme.scalekit.com"), ("RESOURCE", "res_57923487")],
    ),
    (
        "descope",
        "Descope",
        &[("URL", "https://api.descope.com"), ("PROJECT", "P2abc123"), ("SERVER", "MS4def567")],
    ),
    (
        "stytch",
        "Stytch",
        &[
            ("DOMAIN", "acme.customers.stytch.com"),
            ("PROJECT", "project-live-6c20cd16-73d5-44f7-852c-9a7e7b2ccf62"),
        ],
    ),
    (
        "zitadel",
        "ZITADEL",
        &[("URL", "https://acme.zitadel.cloud"), ("PROJECT", "69234237810729019")],
    ),
    (
        "authentik",
        "authentik",
        &[("URL", "https://auth.acme.example"), ("APPLICATION", "tools"), ("CLIENT", "Hq3w9vZ1")],
    ),
    ("logto", "Logto", &[("ENDPOINT", "https://acme.logto.app")]),
    ("ory", "Ory", &[("ISSUER", "https://acme.projects.oryapis.com")]),
    ("better_auth", "Better Auth", &[("URL", "https://app.example/api/auth")]),
];

pub(super) fn all() -> Vec<Preset> {
    PRESETS.iter().map(|(function, name, arguments)| preset(function, name, arguments)).collect()
}

fn preset(
    function: &'static str,
    name: &'static str,
    arguments: &'static [(&str, &str)],
) -> Preset {
    let path = format!("runtime/src/gate/presets/{function}.rs");
    let documentation = Documentation::read(&path, "///", "\npub fn ");
    let text = &documentation.0;
    let heading = text.lines().find_map(|line| line.strip_prefix("# In "));
    let place = heading.unwrap_or_else(|| panic!("{function} has no steps"));
    let steps = documentation.section(&format!("In {place}")).expect("the section");
    let (_, link) = text.split_once("](https://").unwrap_or_else(|| panic!("{function}: a link"));
    let link = link.split(')').next().unwrap_or_default();
    let prefix = function.to_uppercase();
    Preset {
        id: function.replace('_', "-"),
        function,
        name,
        documentation: format!("https://{link}"),
        arguments: arguments
            .iter()
            .map(|&(variable, example)| Argument {
                variable: format!("{prefix}_{variable}"),
                example,
                list: variable == "CLIENTS",
            })
            .collect(),
        scope_prefix: text.contains("verifier.scope_prefix("),
        place: format!("In {place}"),
        steps: Documentation::steps(&plain(steps)),
        hosts: documentation
            .section("What hosts cannot do")
            .map(|text| plain(text).split_whitespace().collect::<Vec<_>>().join(" ")),
    }
}

/// Markdown without links to items of the documentation.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        plain.push_str(before);
        let (label, after) = after.split_once(']').expect("the end of a link");
        let target = after.strip_prefix('(').and_then(|target| target.split_once(')'));
        match target {
            Some((url, after)) if url.starts_with("https://") => {
                let _ = write!(plain, "[{label}]({url})");
                rest = after;
            }
            Some((_, after)) => {
                plain.push_str(label);
                rest = after;
            }
            // A list in code.
            None if !label.starts_with('`') => {
                let _ = write!(plain, "[{label}]");
                rest = after;
            }
            None => {
                plain.push_str(label);
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}
