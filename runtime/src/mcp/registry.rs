//! Served tool: a registered tool with what this server requires of its callers.

use serde_json::json;

use crate::{gate::required_scopes::Demand, tool::registry::RegisteredTool};

/// A tool as this server lists and calls it.
pub(crate) struct ServedTool {
    pub(crate) registered: RegisteredTool,
    /// Whether its results carry [`AuthMeta`](super::access_meta::AuthMeta), because a widget's view
    /// reads them.
    pub(crate) reports_access: bool,
    pub(crate) required_scopes: Demand,
}

impl ServedTool {
    /// Publishes the required scopes under `_meta.securitySchemes`, where `ChatGPT` reads them before
    /// a call.
    pub(crate) fn publish_security_schemes(&mut self, anonymous: bool) {
        let scheme = if anonymous && self.required_scopes.check(None).is_ok() {
            json!({ "type": "noauth" })
        } else {
            let scopes: Vec<_> = self.required_scopes.scopes().collect();
            json!({ "type": "oauth2", "scopes": scopes })
        };
        let meta = self.registered.definition.meta.get_or_insert_default();
        meta.0.insert("securitySchemes".to_owned(), json!([scheme]));
    }
}
