//! The markup of the page for people.

use maud::{Markup, html};
use rmcp::model::Implementation;

use super::hosts::Connection;
use crate::{
    mcp::registry::ServedTool,
    tool::{CallerDependency, ClientDependency, Dependency},
};

/// What a page shows.
pub(super) struct View<'a> {
    pub(super) name: &'a str,
    pub(super) identity: &'a Implementation,
    pub(super) connection: &'a Connection,
    /// Whether there is a gate, so that applications sign their users in.
    pub(super) has_gate: bool,
    /// Whether callers without a token may call tools that need none.
    pub(super) allows_anonymous: bool,
    /// Whether hosts that run elsewhere can reach the server.
    pub(super) is_public: bool,
    /// The path of the accounts, where the visitor can have some.
    pub(super) accounts: Option<&'a str>,
    /// What the visitor may list; `None` before a sign-in.
    pub(super) listing: Option<Listing<'a>>,
}

/// What a client with the rights of the visitor learns from the server.
pub(super) struct Listing<'a> {
    pub(super) instructions: Option<&'a str>,
    pub(super) tools: Vec<&'a ServedTool>,
    /// Whether there are tools that only clients with more scopes see.
    pub(super) is_partial: bool,
}

impl View<'_> {
    pub(super) fn body(&self) -> Markup {
        html! {
            @if let Some(description) = &self.identity.description {
                p.prose { (description) }
            }
            p {
                strong { (self.name) } " has tools for AI applications, over the Model Context Protocol (MCP). \
                Connect yours to this address:"
            }
            code.copy { (self.connection.url()) }
            p.soft {
                @if self.has_gate { "The application opens a browser for you to sign in. " }
                @if !self.is_public { "The server answers on this computer only." }
            }
            h2 { "Connect an application" }
            p.soft { "A click or a tap on a command selects all of it." }
            (self.hosts())
            h2 { "Tools" }
            (self.tools())
            p.next {
                @if let Some(accounts) = self.accounts {
                    a href=(accounts) { "Your accounts" } " shows what you have connected, and disconnects it. "
                }
                @if let Some(website) = &self.identity.website_url {
                    a href=(website) rel="noreferrer" { "Website" } ". "
                }
                "Version " (self.identity.version) "."
            }
        }
    }

    fn hosts(&self) -> Markup {
        let (connection, id) = (self.connection, self.connection.id());
        let copy = |text: &str| html! { code.copy { (text) } };
        html! {
            (host("Claude Code", &html! {
                (copy(&connection.claude_code()))
                @if self.has_gate { p { "Then " code { "/mcp" } " in Claude Code signs you in." } }
            }))
            (host("Claude.ai", &html! {
                @if self.is_public {
                    p { "In " strong { "Settings → Connectors → Add custom connector" } ", enter the address:" }
                    (copy(connection.url()))
                } @else { (unreachable("Claude.ai")) }
            }))
            (host("ChatGPT", &html! {
                @if self.is_public {
                    p { "Turn on " strong { "Settings → Apps & Connectors → Advanced settings → Developer mode" } ", choose " strong { "Create" } ", and enter the address:" }
                    (copy(connection.url()))
                    p { "Authentication is " strong { @if self.has_gate { "OAuth" } @else { "None" } } "." }
                } @else { (unreachable("ChatGPT")) }
            }))
            (host("Codex", &html! {
                (copy(&connection.codex()))
                @if self.has_gate {
                    p { "Sign in:" }
                    (copy(&format!("codex mcp login {id}")))
                }
                p { "Or in " code { "~/.codex/config.toml" } ":" }
                (copy(&connection.codex_table()))
            }))
            (host("Cursor", &html! {
                p { a.button href=(connection.cursor_link()) { "Add to Cursor" } }
                p { "Or in " code { "~/.cursor/mcp.json" } ":" }
                (copy(&connection.cursor()))
            }))
            (host("VS Code", &html! {
                p { a.button href=(connection.vs_code_link()) { "Add to VS Code" } }
                p { "Or in a terminal:" }
                (copy(&connection.vs_code()))
            }))
            (host("opencode", &html! {
                p { "In " code { "opencode.json" } ":" }
                (copy(&connection.opencode()))
                @if self.has_gate {
                    p { "Sign in:" }
                    (copy(&format!("opencode mcp auth {id}")))
                }
            }))
            (host("Another application", &html! {
                p { "The transport is Streamable HTTP, at" }
                (copy(connection.url()))
                p {
                    @if self.has_gate {
                        "The authorization server is found from there (RFC 9728)."
                    } @else { "It needs no credentials." }
                }
            }))
        }
    }

    fn tools(&self) -> Markup {
        let Some(listing) = &self.listing else {
            return html! {
                p {
                    "Its tools are listed to people who are signed in."
                    @if let Some(accounts) = self.accounts {
                        " " a href=(accounts) { "Sign in" } ", then come back to this page."
                    }
                }
            };
        };
        html! {
            @if let Some(instructions) = listing.instructions { p.prose { (instructions) } }
            @if listing.tools.is_empty() { p { "There are none to list here." } }
            @else {
                ul.tools { @for tool in &listing.tools { li { (self.tool(tool)) } } }
            }
            @if listing.is_partial {
                p.soft { "Tools that need more scopes are listed in an application that has them." }
            }
        }
    }

    fn tool(&self, tool: &ServedTool) -> Markup {
        let definition = &tool.registered.definition;
        let description = definition.description.as_deref().unwrap_or_default();
        let summary = description.split("\n\n").next().unwrap_or_default();
        html! {
            h3 {
                @if let Some(title) = &definition.title { (title) " " }
                code { (definition.name) }
                @if let Some(effect) = effect(tool) { span.badge { (effect) } }
            }
            p { (summary) }
            p.soft { (self.needs(tool)) }
        }
    }

    /// What a call needs: accounts, scopes, a sign-in.
    fn needs(&self, tool: &ServedTool) -> Markup {
        let needs = tool.registered.dependencies.iter().filter_map(|need| match need {
            // The caller's own token is exchanged.
            Dependency::Client(client) if client.exchanges_token() => Some((None, &[][..])),
            Dependency::Client(ClientDependency { provider_name, .. }) => {
                Some((Some(*provider_name), need_scopes(need)))
            }
            Dependency::Caller(CallerDependency { .. }) if self.has_gate => {
                Some((None, need_scopes(need)))
            }
            _ => None,
        });
        let needs: Vec<(Option<&str>, &[&str])> = needs.collect();
        html! {
            @if needs.is_empty() {
                @if self.has_gate && !self.allows_anonymous { "Needs a sign-in." }
                @else { "Needs no account." }
            }
            @for (at, (provider, scopes)) in needs.iter().enumerate() {
                @if at > 0 { " " }
                @match provider {
                    Some(provider) => { "Needs your " (provider) " account" }
                    None => { "Needs a sign-in" }
                }
                @if !scopes.is_empty() {
                    " with " @for (at, scope) in scopes.iter().enumerate() {
                        @if at > 0 { ", " }
                        code { (scope) }
                    }
                }
                "."
            }
        }
    }
}

fn need_scopes(need: &Dependency) -> &'static [&'static str] {
    match need {
        Dependency::Client(client) => client.scopes(),
        Dependency::Caller(caller) => caller.scopes(),
        _ => &[],
    }
}

fn effect(tool: &ServedTool) -> Option<&'static str> {
    let annotations = tool.registered.definition.annotations.as_ref()?;
    match (annotations.read_only_hint, annotations.destructive_hint) {
        (Some(true), _) => Some("only reads"),
        (_, Some(true)) => Some("can delete"),
        (Some(false), _) => Some("makes changes"),
        _ => None,
    }
}

fn host(name: &str, steps: &Markup) -> Markup {
    html! { details { summary { (name) } div { (steps) } } }
}

fn unreachable(host: &str) -> Markup {
    html! {
        p { (host) " connects from its maker's computers, which cannot reach this address. It needs one on the internet, with https." }
    }
}
