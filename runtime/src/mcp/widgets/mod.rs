//! The views of widgets, as resources of MCP Apps (SEP-1865).

pub(crate) mod page;

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use rmcp::model::{
    CacheScope, MetaObject, ReadResourceResult, Resource, ResourceContents, ServerCapabilities,
};
use serde_json::{Map, Value, json};

use super::registry::ServedTool;
use crate::{
    error::ConfigError,
    scope,
    scope::Scope,
    support::suggest,
    tool::{
        Need,
        view::{Source, View},
    },
};

/// The extension's name.
const EXTENSION: &str = "io.modelcontextprotocol/ui";

/// What a page of it is.
const MEDIA_TYPE: &str = "text/html;profile=mcp-app";

/// How long a page may be kept, in milliseconds: its URI changes when it does.
const KEPT: u64 = 24 * 3600 * 1000;

/// The widgets of a server.
#[derive(Default)]
pub(crate) struct Widgets {
    all: Vec<Widget>,
    /// By URI.
    index: HashMap<String, usize>,
    /// Pages are read from the disk each time, under one URI.
    live: bool,
    /// There are no other tools that a view could call.
    whole: bool,
}

struct Widget {
    uri: String,
    name: String,
    title: Option<String>,
    description: Option<String>,
    view: View,
    html: String,
    meta: Map<String, Value>,
    /// Every tool of the server, and why the view may not call it.
    refused: HashMap<String, Option<ConfigError>>,
}

impl Widget {
    /// Is it read from the disk, where pages are?
    fn lives(&self, live: bool) -> bool {
        live && !matches!(self.view.source, Source::Inline(_))
    }

    /// What is wrong with its calling this.
    fn fault(&self, called: &str, whole: bool) -> Option<ConfigError> {
        if let Some(refused) = self.refused.get(called) {
            return refused.clone();
        }
        let name = &self.name;
        let message = format!("the view of `{name}` calls `{called}`, and there is no such tool");
        let help = match suggest::nearest(called, self.refused.keys().map(String::as_str)) {
            Some(tool) => format!("did you mean `{tool}`?"),
            None => "name it among the tools, or mend the call in the view".to_owned(),
        };
        whole.then(|| ConfigError::new(message).help(help))
    }

    /// The page as it is on the disk now, or what is wrong with it.
    fn anew(&self, whole: bool) -> String {
        let page = page::assemble(&self.name, self.view.source, true).and_then(|html| {
            let called = page::called(&html).into_iter();
            ConfigError::join(called.filter_map(|called| self.fault(called, whole)).collect())?;
            Ok(html)
        });
        let page = page.unwrap_or_else(|fault| {
            format!("<pre>{}</pre>", maud::html! { (fault) }.into_string())
        });
        let version = fingerprint(&page, &self.meta);
        page::live(page, &self.uri, &version)
    }
}

impl Widgets {
    /// The widgets among `tools`, which are told where their views are. `whole`: there are no other
    /// tools that a view could call.
    pub(crate) fn of(
        server: &str,
        tools: &mut [ServedTool],
        live: bool,
        whole: bool,
    ) -> Result<Self, ConfigError> {
        let mut widgets = Self { live, whole, ..Self::default() };
        let mut faults = Vec::new();
        let mut calls = Vec::new();
        for tool in tools.iter() {
            let Some(view) = tool.registered.view else { continue };
            let name = tool.registered.definition.name.to_string();
            faults.extend(check_may_ask(tool, &view, tools).filter(|_| whole));
            match page::assemble(&name, view.source, live) {
                Ok(html) => {
                    let called: Vec<_> =
                        page::called(&html).into_iter().map(str::to_owned).collect();
                    let widget = widgets.add(server, tool, view, html, tools);
                    faults.extend(called.iter().filter_map(|called| widget.fault(called, whole)));
                    calls.extend(called);
                }
                Err(fault) => {
                    faults.push(ConfigError::new(format!("the view of `{name}`: {fault}")));
                }
            }
        }
        ConfigError::join(faults)?;
        // A page that changes may call any of them.
        let any = widgets.all.iter().any(|widget| widget.lives(live));
        for tool in tools.iter_mut() {
            let called = any || calls.iter().any(|name| **name == *tool.registered.definition.name);
            let widget = widgets.all.iter().find(|w| w.name == *tool.registered.definition.name);
            tell(tool, widget, called);
        }
        Ok(widgets)
    }

    fn add(
        &mut self,
        server: &str,
        tool: &ServedTool,
        view: View,
        html: String,
        tools: &[ServedTool],
    ) -> &Widget {
        let definition = &tool.registered.definition;
        let host: String = server.chars().map(|c| if is_plain(c) { c } else { '-' }).collect();
        let description = definition.description.as_ref().map(ToString::to_string);
        let meta = meta_of(&view, description.as_deref());
        let lives = self.live && !matches!(view.source, Source::Inline(_));
        let version = if lives { String::new() } else { format!("-{}", fingerprint(&html, &meta)) };
        let uri = format!("ui://{host}/{}{version}.html", definition.name);
        self.index.insert(uri.clone(), self.all.len());
        self.all.push(Widget {
            uri,
            name: definition.name.to_string(),
            title: definition.title.clone(),
            meta,
            description,
            refused: tools.iter().map(|called| check_call(tool, &view, called)).collect(),
            view,
            html,
        });
        &self.all[self.all.len() - 1]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(crate) fn has(&self, uri: &str) -> bool {
        self.index.contains_key(uri)
    }

    /// Tells clients that there are views.
    pub(crate) fn declare(&self, capabilities: &mut ServerCapabilities) {
        if !self.is_empty() {
            capabilities.resources.get_or_insert_default();
            capabilities
                .extensions
                .get_or_insert_default()
                .entry(EXTENSION.to_owned())
                .or_default();
        }
    }

    pub(crate) fn list(&self) -> impl Iterator<Item = Resource> {
        self.all.iter().map(|widget| {
            let mut resource =
                Resource::new(widget.uri.as_str(), widget.name.as_str()).with_mime_type(MEDIA_TYPE);
            resource.title.clone_from(&widget.title);
            resource.description.clone_from(&widget.description);
            resource.meta = Some(MetaObject(widget.meta.clone()));
            resource
        })
    }

    pub(crate) fn read(&self, uri: &str) -> Option<ReadResourceResult> {
        let widget = &self.all[*self.index.get(uri)?];
        let live = widget.lives(self.live);
        let html = if live { widget.anew(self.whole) } else { widget.html.clone() };
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

/// The start of the digest of the page, and of what it may do.
fn fingerprint(html: &str, meta: &Map<String, Value>) -> String {
    let digest = digest(&SHA256, format!("{}{html}", json!(meta)).as_bytes());
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
fn tell(tool: &mut ServedTool, widget: Option<&Widget>, called: bool) {
    let (app_only, model_only) = (tool.registered.app_only, tool.registered.model_only);
    if widget.is_none() && !app_only && !model_only && !called {
        return;
    }
    tool.reports_access = true;
    let meta = &mut tool.registered.definition.meta.get_or_insert_default().0;
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
    let visibility = match (app_only, model_only) {
        (true, _) => json!(["app"]),
        (_, true) => json!(["model"]),
        _ => json!(["model", "app"]),
    };
    ui.insert("visibility".to_owned(), visibility);
    meta.insert("openai/widgetAccessible".to_owned(), (!model_only).into());
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

/// A view calls tools with scopes that its user was asked for, or may be.
fn check_call(
    widget: &ServedTool,
    view: &View,
    tool: &ServedTool,
) -> (String, Option<ConfigError>) {
    let name = &widget.registered.definition.name;
    let called = tool.registered.definition.name.to_string();
    if tool.registered.model_only {
        let message =
            format!("the view of `{name}` calls `{called}`, which is for the model alone");
        let help = "remove `model_only` from it, or the call from the view";
        return (called, Some(ConfigError::new(message).help(help)));
    }
    let optional_scopes: Vec<&str> = view.optional_scopes.split(' ').collect();
    for (of, catalogue, scopes) in tool.registered.needs.iter().filter_map(scopes_of) {
        let same =
            widget.registered.needs.iter().filter_map(scopes_of).filter(|(name, ..)| *name == of);
        let of_widget = same.flat_map(|(_, _, scopes)| scopes);
        let asked = of_widget.chain(&optional_scopes).map(|&scope| scope.to_owned()).collect();
        let missing = scope::missing(catalogue, &asked, scopes);
        if !missing.is_empty() {
            let missing = missing.join(" ");
            let fault = ConfigError::new(format!(
                "the view of `{name}` calls `{called}`, which needs `{missing}`, and its user is not asked for that"
            ))
            .help(format!("add `optional_scopes = \"{missing}\"` to `#[widget]`, or to its `scopes`"));
            return (called, Some(fault));
        }
    }
    (called, None)
}

/// `optional_scopes` names scopes that are there: of what the widget itself works with, or of what a tool
/// of the server does.
fn check_may_ask(widget: &ServedTool, view: &View, tools: &[ServedTool]) -> Option<ConfigError> {
    let of =
        |tool: &ServedTool| tool.registered.needs.iter().filter_map(scopes_of).collect::<Vec<_>>();
    let needs: Vec<_> = tools.iter().flat_map(of).collect();
    let known = || needs.iter().flat_map(|(_, catalogue, _)| catalogue.iter().map(|s| s.name));
    let scope = view
        .optional_scopes
        .split(' ')
        .find(|asked| !asked.is_empty() && !known().any(|known| known == *asked))?;
    let name = &widget.registered.definition.name;
    let help = match suggest::nearest(scope, known()) {
        Some(known) => format!("did you mean `{known}`?"),
        None => {
            "it is a scope of a provider or catalogue that a tool of this server names".to_owned()
        }
    };
    let message =
        format!("`{name}` says `optional_scopes = \"{scope}\"`, and there is no such scope");
    Some(ConfigError::new(message).help(help))
}
