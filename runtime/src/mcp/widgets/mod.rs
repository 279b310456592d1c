//! Widgets: tools whose result an MCP host shows with an HTML page (MCP Apps, SEP-1865).

mod check;
mod document;
mod meta;
mod page;

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use rmcp::model::{
    CacheScope, MetaObject, ReadResourceResult, Resource, ResourceContents, ServerCapabilities,
};
use serde_json::{Map, Value, json};

use super::registry::ServedTool;
use crate::{
    error::ConfigError,
    support::suggest,
    tool::view::{Source, View},
};

/// The name of the extension.
const EXTENSION: &str = "io.modelcontextprotocol/ui";

/// The media type of a page.
const MEDIA_TYPE: &str = "text/html;profile=mcp-app";

/// How long clients may cache a page, in milliseconds. Its URI changes with its content.
const PAGE_TTL_MS: u64 = 24 * 3600 * 1000;

/// The widgets of a server.
#[derive(Default)]
pub(crate) struct Widgets {
    all: Vec<Widget>,
    /// The host of their URIs: the server's name.
    host: String,
    /// The position of each widget in `all`, by its name.
    index: HashMap<String, usize>,
    /// Whether pages are read from the disk at every request, under a URI that does not change.
    live: bool,
    /// Whether the server knows all of its tools: a fallback handler may have others.
    knows_all_tools: bool,
}

struct Widget {
    uri: String,
    name: String,
    title: Option<String>,
    description: Option<String>,
    view: View,
    html: String,
    meta: Map<String, Value>,
    /// For every tool of the server, whether the view may call it.
    callable: HashMap<String, Result<(), ConfigError>>,
}

impl Widget {
    fn is_live(&self, live: bool) -> bool {
        live && !matches!(self.view.source, Source::Inline(_))
    }

    /// Fails if the view may not call the tool, or there is none of that name.
    fn check_call(&self, called: &str, knows_all_tools: bool) -> Result<(), ConfigError> {
        if let Some(checked) = self.callable.get(called) {
            return checked.clone();
        }
        if !knows_all_tools {
            return Ok(());
        }
        let name = &self.name;
        let message = format!("the view of `{name}` calls `{called}`, and there is no such tool");
        let help = match suggest::nearest(called, self.callable.keys().map(String::as_str)) {
            Some(tool) => format!("did you mean `{tool}`?"),
            None => "name it among the tools, or correct the call in the view".to_owned(),
        };
        Err(ConfigError::new(message).help(help))
    }

    /// The page as its file is now, or a page with what is wrong with it.
    fn read_live(&self, knows_all_tools: bool) -> String {
        let page = page::assemble(&self.name, self.view.source, true).and_then(|html| {
            let faults = page::called_tools(&html)
                .into_iter()
                .filter_map(|called| self.check_call(called, knows_all_tools).err());
            ConfigError::join(faults.collect())?;
            Ok(html)
        });
        let page = page.unwrap_or_else(|fault| {
            format!("<pre>{}</pre>", maud::html! { (fault) }.into_string())
        });
        let version = fingerprint(&page, &self.meta);
        page::with_live_reload(page, &self.uri, &version)
    }
}

impl Widgets {
    /// Builds the pages of the widgets among `tools`, and adds their URIs to the tools.
    pub(crate) fn new(
        server: &str,
        tools: &mut [ServedTool],
        live: bool,
        knows_all_tools: bool,
    ) -> Result<Self, ConfigError> {
        let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        let host = server.replace(|c| !is_host(c), "-");
        let mut widgets = Self { host, live, knows_all_tools, ..Self::default() };
        let mut faults = Vec::new();
        let mut called_tools = Vec::new();
        for tool in tools.iter() {
            let Some(view) = tool.registered.view else { continue };
            if knows_all_tools {
                faults.extend(check::check_optional_scopes(tool, &view, tools).err());
            }
            let name = &tool.registered.definition.name;
            match page::assemble(name, view.source, live) {
                Ok(html) => {
                    let called: Vec<_> =
                        page::called_tools(&html).into_iter().map(str::to_owned).collect();
                    let widget = widgets.add(tool, view, html, tools);
                    faults.extend(
                        called.iter().filter_map(|it| widget.check_call(it, knows_all_tools).err()),
                    );
                    called_tools.extend(called);
                }
                Err(fault) => {
                    faults.push(ConfigError::new(format!("the view of `{name}`: {fault}")));
                }
            }
        }
        ConfigError::join(faults)?;
        // A page that can change may come to call any tool.
        let any_live = widgets.all.iter().any(|widget| widget.is_live(live));
        for tool in tools.iter_mut() {
            let name = &*tool.registered.definition.name;
            let called = any_live || called_tools.iter().any(|called| called == name);
            let widget = widgets.all.iter().find(|widget| widget.name == name);
            meta::add_to_tool(tool, widget.map(|it| (it.uri.as_str(), &it.view)), called);
        }
        Ok(widgets)
    }

    fn add(
        &mut self,
        tool: &ServedTool,
        view: View,
        html: String,
        tools: &[ServedTool],
    ) -> &Widget {
        let definition = &tool.registered.definition;
        let description = definition.description.as_ref().map(ToString::to_string);
        let callable = tools.iter().map(|called| {
            let name = called.registered.definition.name.to_string();
            (name, check::check_call(tool, &view, called))
        });
        let mut widget = Widget {
            uri: String::new(),
            name: definition.name.to_string(),
            title: definition.title.clone(),
            meta: meta::of_resource(&view, description.as_deref()),
            description,
            callable: callable.collect(),
            view,
            html,
        };
        let version = if widget.is_live(self.live) {
            String::new()
        } else {
            format!("-{}", fingerprint(&widget.html, &widget.meta))
        };
        widget.uri = format!("ui://{}/{}{version}.html", self.host, widget.name);
        self.index.insert(widget.name.clone(), self.all.len());
        self.all.push(widget);
        &self.all[self.all.len() - 1]
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether `uri` is the page of a widget, in this version or in another one.
    pub(crate) fn contains(&self, uri: &str) -> bool {
        self.find(uri).is_some()
    }

    /// The widget of a URI. The version in it is a key for caches: a host that kept the URI of an
    /// earlier deployment gets the page as it is now. A name that the server had before counts too,
    /// unless a fallback handler may have pages of its own.
    fn find(&self, uri: &str) -> Option<&Widget> {
        let (host, page) = uri.strip_prefix("ui://")?.split_once('/')?;
        if host != self.host && !self.knows_all_tools {
            return None;
        }
        let page = page.strip_suffix(".html")?;
        let without_version = || {
            let (name, version) = page.rsplit_once('-')?;
            is_version(version).then_some(name)
        };
        let position = self.index.get(page).or_else(|| self.index.get(without_version()?))?;
        Some(&self.all[*position])
    }

    /// Declares resources and the extension, if there are widgets.
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
        let widget = self.find(uri)?;
        let live = widget.is_live(self.live);
        let html = if live { widget.read_live(self.knows_all_tools) } else { widget.html.clone() };
        let contents = ResourceContents::text(html, uri)
            .with_mime_type(MEDIA_TYPE)
            .with_meta(MetaObject(widget.meta.clone()));
        let mut result = ReadResourceResult::new(vec![contents]);
        result.ttl_ms = Some(if live { 0 } else { PAGE_TTL_MS });
        result.cache_scope = Some(CacheScope::Public);
        Some(result)
    }
}

/// Whether `text` looks like a [`fingerprint`], of this release or another one.
fn is_version(text: &str) -> bool {
    (8..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The start of a digest of the page and of what it may do, which versions its URI.
fn fingerprint(html: &str, meta: &Map<String, Value>) -> String {
    let digest = digest(&SHA256, format!("{}{html}", json!(meta)).as_bytes());
    let mut start = [0; 8];
    start.copy_from_slice(&digest.as_ref()[..8]);
    format!("{:016x}", u64::from_be_bytes(start))
}
