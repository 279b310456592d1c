//! Widget metadata: `_meta` of view resources and of the tools of a server with widgets.
//!
//! Each fact has the name of MCP Apps (SEP-1865) and the name by which `ChatGPT` reads it.

use serde_json::{Map, Value, json};

use crate::{mcp::registry::ServedTool, tool::view::View};

/// `_meta` of the resource: what the page may do, and how it is shown.
pub(super) fn of_resource(view: &View, description: Option<&str>) -> Map<String, Value> {
    let mut ui = Map::new();
    let mut meta = Map::new();
    let lists = view.csp.lists();
    if lists.iter().any(|list| !list.is_empty()) {
        let csp = json!({
            "connectDomains": view.csp.connect,
            "resourceDomains": view.csp.resource,
            "frameDomains": view.csp.frame,
            "baseUriDomains": view.csp.base_uri,
        });
        ui.insert("csp".to_owned(), csp);
    }
    meta.insert(
        "openai/widgetCSP".to_owned(),
        json!({
            "connect_domains": view.csp.connect,
            "resource_domains": view.csp.resource,
            "frame_domains": view.csp.frame,
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
    if let Some(domain) = view.domain {
        ui.insert("domain".to_owned(), domain.into());
        meta.insert("openai/widgetDomain".to_owned(), domain.into());
    }
    if let Some(description) = description {
        meta.insert("openai/widgetDescription".to_owned(), description.into());
    }
    if !ui.is_empty() {
        meta.insert("ui".to_owned(), ui.into());
    }
    meta
}

/// Adds the URI of a widget's page to `_meta` of its tool, and to every tool that a page may call who
/// may call it.
pub(super) fn add_to_tool(tool: &mut ServedTool, widget: Option<(&str, &View)>, called: bool) {
    let (app_only, model_only) = (tool.registered.app_only, tool.registered.model_only);
    if widget.is_none() && !app_only && !model_only && !called {
        return;
    }
    tool.reports_access = true;
    let meta = &mut tool.registered.definition.meta.get_or_insert_default().0;
    let mut ui = Map::new();
    if let Some((uri, view)) = widget {
        ui.insert("resourceUri".to_owned(), uri.into());
        // The name of the drafts, which some hosts know alone.
        meta.insert("ui/resourceUri".to_owned(), uri.into());
        meta.insert("openai/outputTemplate".to_owned(), uri.into());
        for (name, text) in [("invoking", view.invoking), ("invoked", view.invoked)] {
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
