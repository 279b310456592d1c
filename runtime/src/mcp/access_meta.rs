//! `_meta["toolgate/auth"]` on a result: the granted and missing scopes, and the link to connect.
//!
//! A widget's view reads it to show what its user may do.

use std::collections::BTreeSet;

use rmcp::{ErrorData, model::CallToolResponse};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::connections::MissingGrant;
use crate::{
    error::{Error, ErrorKind},
    gate::Claims,
    tool::call::Caller,
};

/// The key in `_meta` of a result, and in the data of an error.
const KEY: &str = "toolgate/auth";

/// What a call found out about the grants of its caller.
#[derive(Debug, Default)]
pub(crate) struct AuthMeta {
    granted: BTreeSet<String>,
    missing: BTreeSet<String>,
    connect_url: Option<String>,
}

impl AuthMeta {
    /// Records scopes that the caller granted.
    pub(crate) fn add_granted(&mut self, mut scopes: BTreeSet<String>) {
        self.granted.append(&mut scopes);
    }

    /// Records that the user is asked for `missing` at `connect_url`.
    pub(crate) fn set_prompted(&mut self, missing: &[MissingGrant], connect_url: Option<&str>) {
        for grant in missing {
            self.missing.extend(grant.missing_scopes().into_iter().map(str::to_owned));
            if !grant.is_of_other_client {
                self.granted.extend(grant.granted.iter().cloned());
            }
        }
        self.connect_url = connect_url.map(str::to_owned);
    }

    /// Records the scopes of an [`ErrorKind::ScopeMissing`]: they were asked for and withheld.
    pub(crate) fn add_withheld(&mut self, error: &Error) {
        if let ErrorKind::ScopeMissing { scopes, .. } = error.kind() {
            self.missing.extend(scopes.iter().cloned());
        }
    }

    /// Whether the user was asked to connect an account.
    pub(crate) fn prompted(&self) -> bool {
        self.connect_url.is_some()
    }

    /// Adds this to the response.
    pub(crate) fn attach(
        self,
        response: Result<CallToolResponse, ErrorData>,
        caller: Option<&Caller>,
    ) -> Result<CallToolResponse, ErrorData> {
        let auth = self.into_json(caller.and_then(Caller::claims));
        match response {
            Ok(CallToolResponse::Complete(mut result)) => {
                result.meta.get_or_insert_default().0.insert(KEY.to_owned(), auth);
                Ok(result.into())
            }
            Err(mut error) => {
                if let Some(Value::Object(data)) = &mut error.data {
                    // Of the data of -32042, the official SDKs keep the elicitations only.
                    let elicitation = data.get_mut("elicitations").and_then(|all| all.get_mut(0));
                    if let Some(elicitation) = elicitation {
                        elicitation["_meta"] = json!({ KEY: auth });
                    }
                    data.insert(KEY.to_owned(), auth);
                }
                Err(error)
            }
            input_required => input_required,
        }
    }

    fn into_json(self, claims: Option<&Claims>) -> Value {
        let mut auth = Map::new();
        if let Some(claims) = claims {
            auth.insert("subject".to_owned(), claims.subject().into());
            if let Some(account) = account_name(claims) {
                auth.insert("account".to_owned(), account.into());
            }
        }
        let mut scopes = self.granted;
        scopes.extend(claims.into_iter().flat_map(|claims| claims.granted().iter().cloned()));
        auth.insert("scopes".to_owned(), json!(scopes));
        auth.insert("missing".to_owned(), json!(self.missing));
        if let Some(url) = self.connect_url {
            auth.insert("connect".to_owned(), url.into());
        }
        auth.into()
    }
}

/// The name of the account, if the token has one (`OpenID` Connect Core §5.1).
fn account_name(claims: &Claims) -> Option<String> {
    #[derive(Deserialize)]
    struct Names {
        preferred_username: Option<String>,
        email: Option<String>,
        name: Option<String>,
    }
    let Names { preferred_username, email, name } = claims.extra().ok()?;
    preferred_username.or(email).or(name).filter(|name| !name.is_empty())
}
