//! Acts of the page: what changes something, or asks for more than the overview has.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    doctor::{self, Check, Patient},
    saved_calls::SavedCall,
    stage::StageCsp,
    state::{Access, Inspector},
    token::{DecodedToken, Fault},
    tools,
};
use crate::{
    consent::ConsentOwner,
    gate::LOCAL_SUBJECT,
    grant::WantedAccount,
    support::escape::{MAX_LOGGED_CHARS, escape_to},
    tool::ClientDependency,
};

/// What the page asks for.
#[derive(Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub(super) enum Act {
    SignIn {
        person: Option<String>,
        #[serde(default)]
        scopes: Vec<String>,
    },
    SignOut {
        person: String,
    },
    Renew {
        person: String,
    },
    Widen {
        person: String,
        scopes: Vec<String>,
    },
    Connect {
        person: Option<String>,
        provider: String,
        #[serde(default)]
        scopes: Vec<String>,
    },
    Disconnect {
        person: Option<String>,
        provider: String,
    },
    Expire {
        person: String,
    },
    Revoke {
        person: String,
    },
    BreakSignature {
        person: String,
    },
    DropScope {
        person: String,
        scope: String,
    },
    MinuteToken {
        person: String,
    },
    Save {
        call: SavedCall,
    },
    Remove {
        name: String,
    },
    Run {
        name: String,
    },
    Doctor,
    Clear,
    Stage {
        html: String,
        #[serde(default)]
        csp: Option<StageCsp>,
    },
}

/// What came of it.
#[derive(Default, Serialize)]
pub(super) struct Done {
    /// A page that the person opens.
    #[serde(skip_serializing_if = "Option::is_none")]
    open: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Vec<Check>>,
    /// A notice.
    #[serde(skip_serializing_if = "Option::is_none")]
    say: Option<String>,
}

impl Done {
    fn open(url: String) -> Self {
        Self { open: Some(url), ..Self::default() }
    }

    fn say(text: impl Into<String>) -> Self {
        let text = escape_to(&text.into(), MAX_LOGGED_CHARS).into_owned();
        Self { say: Some(text), ..Self::default() }
    }
}

impl Inspector {
    /// Does what the page asks for. The error is a sentence.
    pub(super) async fn act(&self, act: Act) -> Result<Done, String> {
        let done = self.perform(act).await?;
        self.0.log.state_changed();
        Ok(done)
    }

    async fn perform(&self, act: Act) -> Result<Done, String> {
        match act {
            Act::SignIn { person, scopes } => self.sign_in(person, &scopes).await,
            Act::SignOut { person } => {
                self.0.people.forget(&person);
                self.0.sessions.clear(Some(&person));
                Ok(Done::say(format!("{person} is signed out.")))
            }
            Act::Renew { person } => self.renew(&person).await.map(|()| Done::default()),
            Act::Widen { person, scopes } => self.widen(&person, scopes).await,
            Act::Connect { person, provider, scopes } => {
                self.connect(person.as_deref(), &provider, &scopes).await
            }
            Act::Disconnect { person, provider } => {
                self.disconnect(person.as_deref(), &provider).await
            }
            Act::Expire { person } => self.damage(&person, Fault::Expired, None).await,
            Act::Revoke { person } => {
                self.damage(&person, Fault::Revoked, None).await?;
                Ok(Done::say(match self.0.access {
                    Access::Broker => {
                        "The sign-in is revoked, and so is its refresh token. The access token is good until it expires: no one is asked about it."
                    }
                    _ => {
                        "The tokens are revoked. A server that does not ask their issuer accepts the access token until it expires."
                    }
                }))
            }
            Act::BreakSignature { person } => self.damage(&person, Fault::Signature, None).await,
            Act::DropScope { person, scope } => {
                self.damage(&person, Fault::Scope, Some(&scope)).await?;
                Ok(Done::say(format!("The token of {person} lacks {scope} now.")))
            }
            Act::MinuteToken { person } => {
                let token = self.copied_token(&person).await?;
                Ok(Done { token: Some(token), ..Done::default() })
            }
            Act::Save { call } => {
                self.for_development("Calls are saved")?;
                let name = call.name.clone();
                self.0.calls.save(call)?;
                Ok(Done::say(format!("Saved as calls/{name}.json.")))
            }
            Act::Remove { name } => {
                self.for_development("Calls are removed")?;
                self.0.calls.remove(&name).map(|()| Done::default())
            }
            Act::Run { name } => self.run_saved_call(&name).await.map(|()| Done::default()),
            Act::Doctor => {
                let checks = doctor::examine(&self.patient()).await;
                Ok(Done { checks: Some(checks), ..Done::default() })
            }
            Act::Clear => {
                self.for_development("Limits are cleared")?;
                self.0.sessions.clear(None);
                if let Some(gate) = &self.0.dispatch.resource_server {
                    gate.clear_rate_limits();
                }
                Ok(Done::say(
                    "No request counts towards a limit any more. The page begins new sessions.",
                ))
            }
            Act::Stage { html, csp } => {
                let url = self.0.stage.stage(&html, &csp.unwrap_or_default());
                Ok(Done { url: Some(url), ..Done::default() })
            }
        }
    }

    async fn sign_in(&self, person: Option<String>, scopes: &[String]) -> Result<Done, String> {
        match self.0.access {
            Access::Open => Err("This server has no gate, so there is no sign-in.".to_owned()),
            Access::Dev => {
                let person = person.or_else(|| self.0.people.next_without_token());
                let person = person.ok_or("Everyone whom the program names is signed in.")?;
                if self.0.people.get(&person).is_none() {
                    return Err(format!("The program does not name {}.", person.escape_debug()));
                }
                self.sign_in_at_once(&person, scopes).await?;
                Ok(Done::say(format!("{person} is signed in.")))
            }
            Access::Broker | Access::Outside => self.sign_in_url(scopes).await.map(Done::open),
        }
    }

    /// More scopes for a person: at once where that is possible, and otherwise by a sign-in that asks
    /// for all of them.
    async fn widen(&self, person: &str, scopes: Vec<String>) -> Result<Done, String> {
        if self.0.access == Access::Dev {
            self.widen_at_once(person, &scopes).await?;
            return Ok(Done::say(format!("{person} has {} now.", scopes.join(" "))));
        }
        let mut all = self.0.people.token(person)?.scopes;
        all.extend(scopes);
        all.sort_unstable();
        all.dedup();
        self.sign_in_url(&all).await.map(Done::open)
    }

    async fn damage(
        &self,
        person: &str,
        fault: Fault,
        scope: Option<&str>,
    ) -> Result<Done, String> {
        self.for_development("Tokens are broken")?;
        self.break_token(person, fault, scope).await.map(|()| Done::default())
    }

    /// A link under which a person connects an account.
    async fn connect(
        &self,
        person: Option<&str>,
        provider: &str,
        scopes: &[String],
    ) -> Result<Done, String> {
        let dispatch = &self.0.dispatch;
        let mut needs = dispatch.tools.iter().flat_map(tools::clients);
        let need = needs.find(|need| need.provider == provider);
        let need = need.ok_or_else(|| format!("No tool uses {}.", provider.escape_debug()))?;
        let (subject, client) = self.owner(person)?;
        let binds = dispatch.resource_server.as_ref().is_some_and(|gate| gate.binds_accounts());
        let client = client.as_deref().filter(|_| binds);
        let client = dispatch.prompts.providers.bound_client(*need, client);
        let found = dispatch.grants.accounts(&subject, need.provider).await;
        let mut found = found.map_err(|error| error.to_string())?.into_iter();
        let default = found.find(|account| account.is_default);
        let granted = default.map(|account| account.grant.scopes).unwrap_or_default();
        let of_tools = dispatch.tools.iter().flat_map(tools::clients);
        let declared = of_tools.filter(|client| client.provider == provider);
        let declared: Vec<&str> = declared.flat_map(ClientDependency::scopes).copied().collect();
        let asked = |scope: &&str| match scopes {
            [] => need.scopes().contains(scope),
            scopes => scopes.iter().any(|asked| asked == scope),
        };
        let mut needed: Vec<&str> = declared.into_iter().filter(asked).collect();
        needed.sort_unstable();
        needed.dedup();
        let owner = ConsentOwner { subject: &subject, client };
        let span = dispatch.tracer.span();
        let consents = &dispatch.prompts.consents;
        let link = consents
            .begin(owner, (need.provider, &WantedAccount::Default), &needed, &granted, &span)
            .await;
        let link = link.map_err(|error| error.to_string())?;
        Ok(Done::open(link.url))
    }

    async fn disconnect(&self, person: Option<&str>, provider: &str) -> Result<Done, String> {
        let (subject, _) = self.owner(person)?;
        let consents = &self.0.dispatch.prompts.consents;
        match consents.disconnect_default(provider, subject).await {
            Some(Ok(_)) => Ok(Done::say("The account is disconnected.")),
            Some(Err(error)) => Err(error),
            None => Err(format!("There is no provider {}.", provider.escape_debug())),
        }
    }

    /// Whose accounts a person has, and by which client.
    fn owner(&self, person: Option<&str>) -> Result<(String, Option<String>), String> {
        let Some(gate) = &self.0.dispatch.resource_server else {
            return Ok((LOCAL_SUBJECT.to_owned(), None));
        };
        let person = person.ok_or("Sign in first.")?;
        let token = self.0.people.token(person)?;
        let decoded = DecodedToken::of(&token.access).ok_or("The token is opaque.")?;
        let claims = decoded.to_claims();
        Ok((gate.subject(&claims), claims.client_id().map(str::to_owned)))
    }

    fn for_development(&self, what: &str) -> Result<(), String> {
        if self.0.is_development {
            return Ok(());
        }
        Err(format!("{what} in development only: in a build with debug assertions."))
    }

    fn patient(&self) -> Patient<'_> {
        Patient {
            dispatch: &self.0.dispatch,
            base: &self.0.base,
            #[cfg(feature = "broker")]
            broker: self.0.broker.as_ref(),
        }
    }
}

/// Reads an act. The error is a sentence.
pub(super) fn parse(body: &[u8]) -> Result<Act, String> {
    let value: Value =
        serde_json::from_slice(body).map_err(|error| format!("The body is not JSON: {error}."))?;
    serde_json::from_value(value).map_err(|error| format!("The act is not understood: {error}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acts_are_read_by_their_names() {
        assert!(matches!(parse(br#"{"act":"doctor"}"#), Ok(Act::Doctor)));
        let parsed = parse(br#"{"act":"drop_scope","person":"a","scope":"b"}"#);
        assert!(matches!(parsed, Ok(Act::DropScope { .. })));
        let parsed = parse(br#"{"act":"save","call":{"name":"a","tool":"b","person":null,"arguments":"{}","expect":{"outcome":"result"}}}"#);
        assert!(matches!(parsed, Ok(Act::Save { .. })));
        let parsed = parse(br#"{"act":"stage","html":"","csp":null,"permissions":{}}"#);
        assert!(matches!(parsed, Ok(Act::Stage { .. })));
        assert!(parse(b"{}").is_err() && parse(br#"{"act":"format"}"#).is_err());
    }
}
