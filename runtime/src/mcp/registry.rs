//! Served tool: a registered tool with what this server requires of its callers.

use serde_json::json;

use crate::{
    gate::{
        Claims,
        audit::AuditedCall,
        required_scopes::{DeclaredScopes, GrantedBy, RequiredScopes},
    },
    tool::{Dependency, Hints, registry::RegisteredTool},
    trace::{EventKind, ScopeOutcome, Span},
};

/// A tool as this server lists and calls it.
pub(crate) struct ServedTool {
    pub(crate) registered: RegisteredTool,
    /// Whether its results carry [`AuthMeta`](super::access_meta::AuthMeta), because a widget's view
    /// reads them.
    pub(crate) reports_access: bool,
    pub(crate) required_scopes: RequiredScopes,
}

impl ServedTool {
    /// A call of it, for the audit log and observers.
    pub(crate) fn audited<'a>(
        &'a self,
        span: &'a Span,
        claims: Option<&'a Claims>,
    ) -> AuditedCall<'a> {
        let (tool, required_scopes) = (self.registered.name, &self.required_scopes);
        AuditedCall { span, tool, required_scopes, claims }
    }

    /// Reports which of its scopes the caller has.
    pub(crate) fn trace_scopes(&self, span: &Span, caller: Option<&Claims>) {
        span.emit(|| EventKind::ScopesChecked {
            tool: self.registered.name,
            outcome: match (self.required_scopes.check(caller), caller) {
                (Ok(()), _) => ScopeOutcome::Covered,
                (Err(_), Some(_)) => ScopeOutcome::Missing,
                (Err(_), None) => ScopeOutcome::NoCaller,
            },
            required: self.required_scopes.coverage(caller),
            held: caller.map(|caller| caller.granted().into()),
        });
    }

    /// Publishes the required scopes under `_meta.securitySchemes`, where `ChatGPT` reads them before
    /// a call.
    pub(crate) fn publish_security_schemes(&mut self, anonymous: bool) {
        let scheme = if anonymous && self.required_scopes.check(None).is_ok() {
            json!({ "type": "noauth" })
        } else {
            let scopes: Vec<_> = self.required_scopes.names().collect();
            json!({ "type": "oauth2", "scopes": scopes })
        };
        let meta = self.registered.definition.meta.get_or_insert_default();
        meta.0.insert("securitySchemes".to_owned(), json!([scheme]));
    }
}

/// The scopes that a tool with these dependencies requires of its caller's token. `brokered` is the
/// provider behind the server's broker.
pub(crate) fn required_scopes(
    dependencies: &[Dependency],
    hints: Hints,
    brokered: Option<&str>,
) -> RequiredScopes {
    let declared = dependencies.iter().filter_map(|dependency| match dependency {
        Dependency::Caller(caller) => Some(DeclaredScopes {
            catalogue: caller.catalogue,
            names: caller.scopes(),
            granted_by: GrantedBy::Issuer,
        }),
        Dependency::Client(client) => Some(DeclaredScopes {
            catalogue: client.catalogue,
            names: client.scopes(),
            granted_by: if brokered == Some(client.provider) {
                GrantedBy::BrokeredProvider(client.provider_name)
            } else {
                GrantedBy::ConnectedProvider
            },
        }),
        _ => None,
    });
    let declared: Vec<_> = declared.collect();
    RequiredScopes::new(!declared.is_empty(), &declared, hints.default_scope)
}
