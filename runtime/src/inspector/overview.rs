//! Overview of the server: its tools, and what each person may do with them.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::SystemTime,
};

use serde_json::{Map, Value, json};

use super::{
    people::Person,
    state::{Access, Inspector},
    token::{DecodedToken, millis},
    tools,
};
use crate::{
    gate::{Claims, LOCAL_SUBJECT},
    grant::{ConnectedAccount, GrantState, StoreError},
    http::Connection,
    mcp::registry::ServedTool,
    scope,
    trace::held_by,
};

/// The versions of the protocol that the page speaks, the newest first.
const ERAS: [&str; 2] = ["2026-07-28", "2025-11-25"];

/// A person's account at a provider: the one that calls use which name none.
struct Account {
    /// What it is called, where the person has several or the provider says whose it is.
    name: Option<String>,
    scopes: BTreeSet<String>,
    /// Whether the person lets the client of the token use it.
    allows: bool,
}

type Accounts = BTreeMap<&'static str, Account>;

/// What an account is called, and how many others the person has at the provider.
fn shown_name(name: &str, others: usize) -> String {
    match others {
        0 => name.to_owned(),
        1 => format!("{name}, and another"),
        others => format!("{name}, and {others} others"),
    }
}

impl Inspector {
    /// The whole overview, as the page reads it.
    pub(super) async fn overview(&self) -> Result<Value, StoreError> {
        let state = &self.0;
        let identity = &state.dispatch.identity;
        let mut people = Vec::new();
        for person in state.people.all() {
            people.push(self.person(person).await?);
        }
        let mut overview = json!({
            "server": {
                "name": identity.name,
                "title": identity.title.as_deref().unwrap_or(&identity.name),
                "version": identity.version,
                "url": self.resource(),
                "resource": self.resource(),
                "eras": ERAS,
                "development": state.is_development,
                "access": match state.access {
                    Access::Broker => "broker",
                    Access::Dev => "dev",
                    Access::Outside => "outside",
                    Access::Open => "open",
                },
                "started_at": state.started_at,
                "now": millis(SystemTime::now()),
            },
            "people": people,
            "tools": tools::all(&state.dispatch),
            "templates": [],
            "hosts": hosts(&Connection::new(&identity.name, self.resource())),
            "calls": state.calls.all(),
            "can_save": state.is_development,
        });
        if let Some(previous) = &state.previous {
            overview["previous"] = previous.clone();
        }
        Ok(overview)
    }

    async fn person(&self, person: Person) -> Result<Value, StoreError> {
        let decoded = person.token.as_ref().map(|token| DecodedToken::of(&token.access));
        let claims = match &decoded {
            Some(Some(token)) => Some(token.to_claims()),
            Some(None) => Some(Claims::new("", &person.id)),
            None => None,
        };
        let accounts = self.accounts(claims.as_ref()).await?;
        let tools = &self.0.dispatch.tools;
        let access: Map<String, Value> = tools
            .iter()
            .map(|tool| {
                let name = tool.registered.definition.name.to_string();
                (name, self.access_to(tool, claims.as_ref(), &accounts))
            })
            .collect();
        let providers = tools::providers(&self.0.dispatch);
        let listed = providers.iter().map(|provider| {
            let account = accounts.get(provider);
            let scopes = account.map(|account| account.scopes.clone()).unwrap_or_default();
            json!({
                "provider": provider,
                "connected": account.is_some(),
                "account": account.and_then(|account| account.name.as_deref()),
                "scopes": scopes,
            })
        });
        let mut shown = json!({
            "id": person.id,
            "name": person.name,
            "accounts": listed.collect::<Vec<_>>(),
            "access": access,
        });
        if let (Some(token), Some(claims)) = (&person.token, &claims) {
            let coverage = self.coverage(claims, &accounts);
            let mut described = describe(decoded.flatten().as_ref(), &coverage);
            described["faults"] = self.faults(described["format"] == "jwt");
            if let Some(fault) = token.fault {
                described["fault"] = json!(fault);
            }
            shown["token"] = described;
        }
        Ok(shown)
    }

    /// The accounts of the caller with these claims.
    async fn accounts(&self, claims: Option<&Claims>) -> Result<Accounts, StoreError> {
        let dispatch = &self.0.dispatch;
        let subject = match (claims, &dispatch.resource_server) {
            (Some(claims), Some(gate)) => gate.subject(claims),
            (None, Some(_)) => return Ok(Accounts::new()),
            _ => LOCAL_SUBJECT.to_owned(),
        };
        let binds = dispatch.resource_server.as_ref().is_some_and(|gate| gate.binds_accounts());
        let client = claims.and_then(Claims::client_id).filter(|_| binds);
        let mut accounts = Accounts::new();
        for need in dispatch.tools.iter().flat_map(tools::clients) {
            if accounts.contains_key(need.provider) {
                continue;
            }
            let found = dispatch.grants.accounts(&subject, need.provider).await?;
            let others = found.len().saturating_sub(1);
            // A call that names no account uses the default.
            let found = found.into_iter().find(|account| account.is_default);
            let live = found.filter(|account| account.grant.state == GrantState::Live);
            if let Some(ConnectedAccount { grant, name, .. }) = live {
                let is_known = others > 0 || grant.identity().is_some();
                let name = is_known.then(|| shown_name(&name, others));
                let bound = dispatch.prompts.providers.bound_client(*need, client);
                let allows = bound.is_none_or(|client| grant.allows(client));
                let account = Account { name, scopes: grant.scopes, allows };
                accounts.insert(need.provider, account);
            }
        }
        Ok(accounts)
    }

    fn access_to(&self, tool: &ServedTool, claims: Option<&Claims>, accounts: &Accounts) -> Value {
        let gate = self.0.dispatch.resource_server.as_ref();
        let required = &tool.required_scopes;
        if gate.is_some_and(|gate| !gate.is_listed(claims, required)) {
            return json!({ "state": "hidden" });
        }
        if gate.is_some() && required.check(claims).is_err() {
            return match claims {
                Some(claims) => json!({ "state": "step_up", "missing": required.missing(claims) }),
                None => json!({ "state": "signed_out" }),
            };
        }
        if gate.is_some_and(|gate| !gate.allows_anonymous()) && claims.is_none() {
            return json!({ "state": "signed_out" });
        }
        for need in tools::clients(tool) {
            let missing = match accounts.get(need.provider) {
                Some(account) if account.allows => {
                    scope::missing(need.catalogue, &account.scopes, need.scopes())
                }
                _ => need.scopes().to_vec(),
            };
            let is_there = accounts.get(need.provider).is_some_and(|account| account.allows);
            if !is_there || !missing.is_empty() {
                return json!({
                    "state": "consent", "missing": missing, "provider": need.provider,
                });
            }
        }
        json!({ "state": "callable" })
    }

    /// Which declared scopes the token, or the person's account, covers, and by which of its scopes.
    fn coverage(&self, claims: &Claims, accounts: &Accounts) -> Value {
        let mut rows: Vec<(tools::DeclaredScope, Vec<&str>, bool)> = Vec::new();
        for tool in &self.0.dispatch.tools {
            let name = &*tool.registered.definition.name;
            for scope in tools::declared_scopes(tool) {
                match rows.iter_mut().find(|(known, ..)| *known == scope) {
                    Some((_, tools, _)) => tools.push(name),
                    None => {
                        let is_of_token = tool.required_scopes.names().any(|it| it == scope.name);
                        rows.push((scope, vec![name], is_of_token));
                    }
                }
            }
        }
        let none = BTreeSet::new();
        let rows = rows.into_iter().map(|(scope, tools, is_of_token)| {
            let account = scope.provider.and_then(|provider| accounts.get(provider));
            let held = match account {
                _ if is_of_token => claims.granted(),
                Some(account) => &account.scopes,
                None => &none,
            };
            let held_by = held_by(scope.catalogue, held, scope.name);
            let mut row = json!({ "scope": scope.name, "held_by": held_by, "tools": tools });
            if let Some(provider) = scope.provider {
                row["provider"] = provider.into();
            }
            row
        });
        rows.collect()
    }

    /// What the page can do to a token on purpose.
    fn faults(&self, is_jwt: bool) -> Value {
        if !self.0.is_development {
            return json!([]);
        }
        let mut faults = Vec::new();
        if self.0.signer.is_some() {
            faults.extend(["expire", "drop_scope"]);
        }
        if matches!(self.0.access, Access::Broker | Access::Outside) {
            faults.push("revoke");
        }
        if is_jwt {
            faults.push("break_signature");
        }
        json!(faults)
    }
}

/// A token without itself.
fn describe(token: Option<&DecodedToken>, coverage: &Value) -> Value {
    let Some(token) = token else {
        return json!({
            "format": "opaque", "claims": {}, "audience": [], "issuer": "", "coverage": coverage,
        });
    };
    let mut described = json!({
        "format": "jwt",
        "header": token.header,
        "claims": token.claims,
        "audience": token.audience(),
        "issuer": token.text("iss").unwrap_or_default(),
        "coverage": coverage,
    });
    for (member, claim) in [("issued_at", "iat"), ("expires_at", "exp")] {
        if let Some(time) = token.millis(claim) {
            described[member] = time.into();
        }
    }
    described
}

/// How each host is connected.
fn hosts(connection: &Connection) -> Value {
    let step = |say: &str, copy: String| json!([{ "say": say, "copy": copy }]);
    let url = connection.url();
    json!([
        { "name": "Claude Code", "steps": step("In a terminal:", connection.claude_code()) },
        { "name": "Claude Desktop",
          "steps": step("Settings, Connectors, Add custom connector, with this URL:", url.to_owned()) },
        { "name": "Cursor", "link": connection.cursor_link(),
          "steps": step("Or in ~/.cursor/mcp.json:", connection.cursor()) },
        { "name": "VS Code", "link": connection.vs_code_link(),
          "steps": step("Or in a terminal:", connection.vs_code()) },
        { "name": "Codex", "steps": step("In a terminal:", connection.codex()) },
        { "name": "Gemini CLI", "steps": step("In a terminal:", connection.gemini_cli()) },
    ])
}
