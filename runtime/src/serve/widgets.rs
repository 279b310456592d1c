//! The views of widgets, as resources of MCP Apps (SEP-1865).

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use rmcp::model::{
    CacheScope, MetaObject, ReadResourceResult, Resource, ResourceContents, ServerCapabilities,
};
use serde_json::{Map, Value, json};

use super::{dispatch::Served, page};
use crate::{
    error::ConfigError,
    scope::{self, Scope},
    tool::Need,
    view::{Source, View},
};

/// The extension's name.
const EXTENSION: &str = "io.modelcontextprotocol/ui";

/// What a page of it is.
const MEDIA_TYPE: &str = "text/html;profile=mcp-app";

/// How long a page may be kept, in milliseconds: its URI changes when it does.
const KEPT: u64 = 24 * 3600 * 1000;

/// The widgets of a server.
#[derive(Default)]
pub(super) struct Widgets {
    all: Vec<Widget>,
    /// By URI.
    index: HashMap<String, usize>,
    /// Pages are read from the disk each time, under one URI.
    live: bool,
}

struct Widget {
    uri: String,
    name: String,
    title: Option<String>,
    description: Option<String>,
    view: View,
    html: String,
    meta: Map<String, Value>,
}

impl Widgets {
    /// The widgets among `tools`, which are told where their views are. `whole`: there are no other
    /// tools that a view could call.
    pub(super) fn of(
        server: &str,
        tools: &mut [Served],
        live: bool,
        whole: bool,
    ) -> Result<Self, ConfigError> {
        let mut widgets = Self { live, ..Self::default() };
        let mut faults = Vec::new();
        let mut calls = Vec::new();
        for tool in tools.iter() {
            let Some(view) = tool.built.view else { continue };
            let name = tool.built.definition.name.to_string();
            match page::assemble(&name, view.source, live) {
                Ok(html) => {
                    for called in page::called(&html) {
                        calls.push(called.to_owned());
                        faults.extend(check_call(tool, &view, called, tools, whole));
                    }
                    widgets.add(server, tool, view, html);
                }
                Err(fault) => {
                    faults.push(ConfigError::new(format!("the view of `{name}`: {fault}")));
                }
            }
        }
        ConfigError::join(faults)?;
        for tool in tools.iter_mut() {
            let called = calls.iter().any(|name| **name == *tool.built.definition.name);
            let widget = widgets.all.iter().find(|w| w.name == *tool.built.definition.name);
            tell(tool, widget, called);
        }
        Ok(widgets)
    }

    fn add(&mut self, server: &str, tool: &Served, view: View, html: String) {
        let definition = &tool.built.definition;
        let host: String = server.chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
        let version = match (self.live, view.source) {
            (true, Source::File { .. } | Source::Folder { .. }) => String::new(),
            _ => format!("-{}", fingerprint(&html)),
        };
        let uri = format!("ui://{host}/{}{version}.html", definition.name);
        let description = definition.description.as_ref().map(ToString::to_string);
        self.index.insert(uri.clone(), self.all.len());
        self.all.push(Widget {
            uri,
            name: definition.name.to_string(),
            title: definition.title.clone(),
            meta: meta_of(&view, description.as_deref()),
            description,
            view,
            html,
        });
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn has(&self, uri: &str) -> bool {
        self.index.contains_key(uri)
    }

    /// Tells clients that there are views.
    pub(super) fn declare(&self, capabilities: &mut ServerCapabilities) {
        if !self.is_empty() {
            capabilities.resources.get_or_insert_default();
            capabilities
                .extensions
                .get_or_insert_default()
                .entry(EXTENSION.to_owned())
                .or_default();
        }
    }

    pub(super) fn list(&self) -> impl Iterator<Item = Resource> {
        self.all.iter().map(|widget| {
            let mut resource =
                Resource::new(widget.uri.as_str(), widget.name.as_str()).with_mime_type(MEDIA_TYPE);
            resource.title.clone_from(&widget.title);
            resource.description.clone_from(&widget.description);
            resource.meta = Some(MetaObject(widget.meta.clone()));
            resource
        })
    }

    pub(super) fn read(&self, uri: &str) -> Option<ReadResourceResult> {
        let widget = &self.all[*self.index.get(uri)?];
        let live = self.live && !matches!(widget.view.source, Source::Inline(_));
        let html = match page::assemble(&widget.name, widget.view.source, live) {
            Ok(html) if live => html,
            Err(fault) => format!("<pre>{}</pre>", maud::html! { (fault) }.into_string()),
            Ok(_) => widget.html.clone(),
        };
        let contents = ResourceContents::text(html, uri)
            .with_mime_type(MEDIA_TYPE)
            .with_meta(MetaObject(widget.meta.clone()));
        let mut result = ReadResourceResult::new(vec![contents]);
        result.ttl_ms = Some(if live { 0 } else { KEPT });
        result.cache_scope = Some(CacheScope::Public);
        Some(result)
    }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.')
}

/// The start of the page's digest.
fn fingerprint(html: &str) -> String {
    let digest = digest(&SHA256, html.as_bytes());
    let mut start = [0; 8];
    start.copy_from_slice(&digest.as_ref()[..8]);
    format!("{:016x}", u64::from_be_bytes(start))
}

/// What stands under `_meta` of the resource: as the extension wants it, and as `ChatGPT` does.
fn meta_of(view: &View, description: Option<&str>) -> Map<String, Value> {
    let mut ui = Map::new();
    let mut meta = Map::new();
    let lists = [view.connect, view.resource, view.frame, view.base_uri];
    if lists.iter().any(|list| !list.is_empty()) {
        let csp = json!({
            "connectDomains": view.connect,
            "resourceDomains": view.resource,
            "frameDomains": view.frame,
            "baseUriDomains": view.base_uri,
        });
        ui.insert("csp".to_owned(), csp);
    }
    meta.insert(
        "openai/widgetCSP".to_owned(),
        json!({
            "connect_domains": view.connect,
            "resource_domains": view.resource,
            "frame_domains": view.frame,
        }),
    );
    if !view.permissions.is_empty() {
        let permissions = view.permissions.iter().map(|name| {
            let name = if *name == "clipboard_write" { "clipboardWrite" } else { name };
            (name.to_owned(), json!({}))
        });
        ui.insert("permissions".to_owned(), Value::Object(permissions.collect()));
    }
    if let Some(border) = view.border {
        ui.insert("prefersBorder".to_owned(), border.into());
        meta.insert("openai/widgetPrefersBorder".to_owned(), border.into());
    }
    if let Some(description) = description {
        meta.insert("openai/widgetDescription".to_owned(), description.into());
    }
    if !ui.is_empty() {
        meta.insert("ui".to_owned(), ui.into());
    }
    meta
}

/// Says on the tool where its view is, and who may call it.
fn tell(tool: &mut Served, widget: Option<&Widget>, called: bool) {
    let app_only = tool.built.app_only;
    if widget.is_none() && !app_only && !called {
        return;
    }
    tool.seen = true;
    let meta = &mut tool.built.definition.meta.get_or_insert_default().0;
    let mut ui = Map::new();
    if let Some(widget) = widget {
        ui.insert("resourceUri".to_owned(), widget.uri.clone().into());
        meta.insert("openai/outputTemplate".to_owned(), widget.uri.clone().into());
        for (name, text) in [("invoking", widget.view.invoking), ("invoked", widget.view.invoked)] {
            if let Some(text) = text {
                meta.insert(format!("openai/toolInvocation/{name}"), text.into());
            }
        }
    }
    let visibility = if app_only { json!(["app"]) } else { json!(["model", "app"]) };
    ui.insert("visibility".to_owned(), visibility);
    meta.insert("openai/widgetAccessible".to_owned(), true.into());
    if app_only {
        meta.insert("openai/visibility".to_owned(), "private".into());
    }
    meta.insert("ui".to_owned(), ui.into());
}

type Needed = (&'static str, &'static [Scope], &'static [&'static str]);

/// Of what, out of which scopes, and which of them.
fn scopes_of(need: &Need) -> Option<Needed> {
    match need {
        Need::Client(need) => Some((need.provider_name, need.catalogue, need.scopes)),
        Need::Caller(need) => Some((need.provider_name, need.catalogue, need.scopes)),
        _ => None,
    }
}

/// A view calls tools that are there, with scopes that its user was asked for, or may be.
fn check_call(
    widget: &Served,
    view: &View,
    called: &str,
    tools: &[Served],
    whole: bool,
) -> Option<ConfigError> {
    let name = &widget.built.definition.name;
    let Some(tool) = tools.iter().find(|tool| *tool.built.definition.name == *called) else {
        return whole.then(|| {
            ConfigError::new(format!(
                "the view of `{name}` calls `{called}`, and there is no such tool"
            ))
            .help("name it among the tools, or mend the call in the view")
        });
    };
    let may_ask: Vec<&str> = view.may_ask.split(' ').collect();
    for (of, catalogue, scopes) in tool.built.needs.iter().filter_map(scopes_of) {
        let same = widget.built.needs.iter().filter_map(scopes_of).filter(|(name, ..)| *name == of);
        let of_widget = same.flat_map(|(_, _, scopes)| scopes);
        let asked = of_widget.chain(&may_ask).map(|&scope| scope.to_owned()).collect();
        let missing = scope::missing(catalogue, &asked, scopes);
        if !missing.is_empty() {
            let missing = missing.join(" ");
            return Some(
                ConfigError::new(format!(
                    "the view of `{name}` calls `{called}`, which needs `{missing}`, and its user is not asked for that"
                ))
                .help(format!("add `may_ask = \"{missing}\"` to `#[widget]`, or to its `scopes`")),
            );
        }
    }
    None
}
