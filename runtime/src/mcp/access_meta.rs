//! What a widget's view is told of its user's access, beside the result of a call.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use rmcp::{
    ErrorData,
    model::{CallToolResponse, CallToolResult},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::connections::Lack;
use crate::{
    error::{Error, ErrorKind},
    gate::Claims,
    scope,
    tool::call::Caller,
};

/// Under which name, in `_meta` of a result or in the data of an error.
const KEY: &str = "toolgate/auth";

/// What is found out during a call.
#[derive(Debug, Default)]
pub(crate) struct Access(Mutex<Found>);

#[derive(Debug, Default)]
struct Found {
    scopes: BTreeSet<String>,
    missing: BTreeSet<String>,
    connect: Option<String>,
}

impl Access {
    fn found(&self) -> std::sync::MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These were granted.
    pub(crate) fn grants(&self, scopes: impl IntoIterator<Item = String>) {
        self.found().scopes.extend(scopes);
    }

    /// The user is asked for what these lack, under this link.
    pub(crate) fn lacks(&self, lacks: &[Lack], link: Option<&str>) {
        let mut found = self.found();
        for lack in lacks {
            let missing = scope::missing(lack.need.catalogue, &lack.granted, lack.need.scopes);
            found.missing.extend(missing.into_iter().map(str::to_owned));
            found.scopes.extend(lack.granted.iter().cloned());
        }
        found.connect = link.map(str::to_owned);
    }

    /// The provider or the user withheld these.
    pub(crate) fn refused(&self, error: &Error) {
        if let ErrorKind::ScopeMissing { scopes, .. } = error.kind() {
            self.found().missing.extend(scopes.iter().cloned());
        }
    }

    /// The outcome, for a view.
    pub(crate) fn tell(
        self,
        outcome: Result<CallToolResponse, ErrorData>,
        caller: Option<&Caller>,
    ) -> Result<CallToolResponse, ErrorData> {
        let found = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut auth = Map::new();
        let claims = caller.and_then(Caller::claims);
        if let Some(claims) = claims {
            auth.insert("subject".to_owned(), claims.subject().into());
            if let Some(account) = account(claims) {
                auth.insert("account".to_owned(), account.into());
            }
        }
        let mut scopes = found.scopes;
        scopes.extend(claims.into_iter().flat_map(|claims| claims.granted().iter().cloned()));
        auth.insert("scopes".to_owned(), json!(scopes));
        auth.insert("missing".to_owned(), json!(found.missing));
        if let Some(link) = found.connect {
            auth.insert("connect".to_owned(), link.into());
        }
        match outcome {
            Ok(CallToolResponse::Complete(result)) => Ok(add(result, auth).into()),
            Err(mut error) => {
                if let Some(Value::Object(data)) = &mut error.data {
                    // Official clients keep no more of -32042 than what it asks for.
                    if let Some(asked) = data.get_mut("elicitations").and_then(|all| all.get_mut(0))
                    {
                        asked["_meta"] = json!({ KEY: auth });
                    }
                    data.insert(KEY.to_owned(), auth.into());
                }
                Err(error)
            }
            asks => asks,
        }
    }
}

/// By which name people know the caller, if the token says it (`OpenID` Connect Core §5.1).
fn account(claims: &Claims) -> Option<String> {
    #[derive(Deserialize)]
    struct Names {
        preferred_username: Option<String>,
        email: Option<String>,
        name: Option<String>,
    }
    let Names { preferred_username, email, name } = claims.extra().ok()?;
    preferred_username.or(email).or(name).filter(|name| !name.is_empty())
}

fn add(mut result: CallToolResult, auth: Map<String, Value>) -> CallToolResult {
    result.meta.get_or_insert_default().0.insert(KEY.to_owned(), auth.into());
    result
}
