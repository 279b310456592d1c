//! Tokens of people: how the page gets them, renews them, and breaks them on purpose.

use std::time::{Duration, SystemTime};

use super::{
    authorization_server::{AuthorizationServer, CLIENT_ID},
    people::HeldToken,
    state::{Access, Inspector},
    token::{DecodedToken, Fault, TokenDraft, with_broken_signature},
};

/// How long a token is valid that the page's server signs itself.
const TOKEN_TTL: Duration = Duration::from_secs(600);

/// How long the only token is valid that the page gets: for a command that is copied.
const COPIED_TOKEN_TTL: Duration = Duration::from_secs(60);

/// How much longer a token must be valid to be sent.
const RENEWAL_MARGIN: Duration = Duration::from_secs(10);

impl Inspector {
    /// Gives each person of the program a token, in development.
    pub(crate) async fn sign_in_declared_people(&self) {
        while let Some(person) = self.0.people.next_without_token() {
            if let Err(error) = self.sign_in_at_once(&person, &[]).await {
                tracing::debug!(target: "toolgate::server", error, "no token can be made for the inspector");
                return;
            }
        }
    }

    /// Signs a person in without a browser. Without scopes, with those that hosts ask for at first.
    pub(super) async fn sign_in_at_once(
        &self,
        person: &str,
        scopes: &[String],
    ) -> Result<(), String> {
        let scopes = match scopes {
            [] => self.default_scopes(),
            scopes => scopes.to_vec(),
        };
        let draft = TokenDraft {
            subject: person.to_owned(),
            client: CLIENT_ID.to_owned(),
            sign_in: None,
            scopes,
            expires_at: SystemTime::now() + TOKEN_TTL,
        };
        let scopes = draft.scopes.clone();
        let access = self.sign(draft).await?;
        let client = CLIENT_ID.to_owned();
        self.keep(person, HeldToken { access, refresh: None, scopes, fault: None, client });
        Ok(())
    }

    /// The URL under which a person signs in with a browser.
    pub(super) async fn sign_in_url(&self, scopes: &[String]) -> Result<String, String> {
        let server = self.authorization_server().await?;
        Ok(self.0.oauth.authorization_url(&server, scopes))
    }

    /// Keeps the tokens of a sign-in whose answer came. Returns who signed in.
    pub(super) async fn finish_sign_in(&self, query: &str) -> Result<String, String> {
        let _signing_in = self.0.signing_in.write().await;
        let local = (&self.0.local, &*self.0.exchanges);
        let (server, tokens) = self.0.oauth.finish(query, local).await?;
        let subject = DecodedToken::of(&tokens.access_token)
            .and_then(|token| token.text("sub").map(str::to_owned))
            .unwrap_or_else(|| "someone".to_owned());
        let token = HeldToken {
            scopes: scopes_of(&tokens.access_token),
            access: tokens.access_token,
            refresh: tokens.refresh_token,
            fault: None,
            client: server.client_id,
        };
        self.keep(&subject, token);
        Ok(subject)
    }

    /// The token to send for a person: a new one if it has expired, unless it was broken on purpose.
    pub(super) async fn token_to_send(&self, person: &str) -> Result<String, String> {
        drop(self.0.signing_in.read().await);
        let token = self.0.people.token(person)?;
        let expires_at = DecodedToken::of(&token.access).and_then(|token| token.millis("exp"));
        let soon = super::token::millis(SystemTime::now() + RENEWAL_MARGIN);
        if token.fault.is_some() || expires_at.is_none_or(|expires_at| expires_at > soon) {
            return Ok(token.access);
        }
        match self.renew(person).await {
            Ok(()) => Ok(self.0.people.token(person)?.access),
            // The answer to the old one says what is wrong.
            Err(_) => Ok(token.access),
        }
    }

    /// Gives a person a good token again.
    pub(super) async fn renew(&self, person: &str) -> Result<(), String> {
        let token = self.0.people.token(person)?;
        if self.0.access == Access::Dev {
            return self.sign_in_at_once(person, &token.scopes).await;
        }
        let Some(refresh) = &token.refresh else {
            return Err(format!("There is no refresh token of {person}: sign in again."));
        };
        let server = self.authorization_server().await?;
        let local = (&self.0.local, &*self.0.exchanges);
        let tokens = self.0.oauth.refresh(&server, refresh, local).await?;
        let refresh = tokens.refresh_token.or(token.refresh);
        let scopes = scopes_of(&tokens.access_token);
        let access = tokens.access_token;
        let renewed = HeldToken { access, refresh, scopes, fault: None, ..token };
        self.keep(person, renewed);
        Ok(())
    }

    /// Breaks a person's token.
    pub(super) async fn break_token(
        &self,
        person: &str,
        fault: Fault,
        scope: Option<&str>,
    ) -> Result<(), String> {
        let token = self.0.people.token(person)?;
        let access = match fault {
            Fault::Signature => with_broken_signature(&token.access),
            Fault::Expired => {
                let expired = SystemTime::now() - Duration::from_secs(300);
                self.sign(TokenDraft { expires_at: expired, ..draft(person, &token)? }).await?
            }
            Fault::Scope => {
                let mut draft = draft(person, &token)?;
                draft.scopes.retain(|held| Some(&**held) != scope);
                // Of the sign-in the server would know the scopes that were added.
                draft.sign_in = None;
                self.sign(draft).await?
            }
            Fault::Revoked => return self.revoke(person, token).await,
        };
        self.keep(person, HeldToken { access, fault: Some(fault), ..token });
        Ok(())
    }

    /// Revokes what a person has, at the authorization server. It may be that it revokes no access
    /// tokens: those of the broker are good until they end.
    async fn revoke(&self, person: &str, token: HeldToken) -> Result<(), String> {
        let server = self.authorization_server().await?;
        let local = (&self.0.local, &*self.0.exchanges);
        if let Some(refresh) = &token.refresh {
            self.0.oauth.revoke(&server, ("refresh_token", refresh), local).await?;
        }
        if !server.is_own {
            self.0.oauth.revoke(&server, ("access_token", &token.access), local).await?;
        }
        self.keep(person, HeldToken { fault: Some(Fault::Revoked), ..token });
        Ok(())
    }

    /// A token of a minute with the scopes of a person's, for a command that is copied.
    pub(super) async fn copied_token(&self, person: &str) -> Result<String, String> {
        let token = self.0.people.token(person)?;
        if self.0.signer.is_none() {
            return Err("This server has no key to sign a token of a minute.".to_owned());
        }
        let expires_at = SystemTime::now() + COPIED_TOKEN_TTL;
        self.sign(TokenDraft { expires_at, ..draft(person, &token)? }).await
    }

    /// The person's scopes with more of them, where a sign-in is not asked.
    pub(super) async fn widen_at_once(
        &self,
        person: &str,
        scopes: &[String],
    ) -> Result<(), String> {
        let mut all = self.0.people.token(person)?.scopes;
        all.extend(scopes.iter().cloned());
        all.sort_unstable();
        all.dedup();
        self.sign_in_at_once(person, &all).await
    }

    fn keep(&self, person: &str, token: HeldToken) {
        self.0.people.keep(person, token);
        self.0.sessions.clear(Some(person));
        self.0.log.state_changed();
    }

    async fn sign(&self, draft: TokenDraft) -> Result<String, String> {
        let signer = self.0.signer.as_ref().filter(|_| self.0.is_development);
        let signer = signer.ok_or("This server does not sign tokens for the inspector.")?;
        signer.sign(draft).await
    }

    /// The scopes that hosts ask for at the first sign-in.
    fn default_scopes(&self) -> Vec<String> {
        let tools = self.0.dispatch.tools.iter().map(|tool| &tool.required_scopes);
        let required = crate::gate::required_scopes::default_scopes(tools);
        required.into_iter().map(str::to_owned).collect()
    }

    async fn authorization_server(&self) -> Result<AuthorizationServer, String> {
        #[cfg(feature = "broker")]
        if let Some(broker) = &self.0.broker {
            return Ok(AuthorizationServer::own(broker.issuer()));
        }
        let gate = self.0.dispatch.resource_server.as_ref();
        let gate = gate.ok_or("This server has no gate, so there is no sign-in.")?;
        let issuers = gate.authorization_servers();
        let issuer = issuers.first().ok_or("This server names no authorization server.")?;
        self.0.oauth.other(issuer).await
    }
}

fn scopes_of(access_token: &str) -> Vec<String> {
    let decoded = DecodedToken::of(access_token);
    decoded.map(|token| token.scopes().into_iter().collect()).unwrap_or_default()
}

/// The same token, to sign it again.
fn draft(person: &str, token: &HeldToken) -> Result<TokenDraft, String> {
    let decoded = DecodedToken::of(&token.access).ok_or("The token is opaque.")?;
    Ok(TokenDraft {
        subject: decoded.text("sub").unwrap_or(person).to_owned(),
        client: decoded.text("client_id").unwrap_or(&token.client).to_owned(),
        sign_in: decoded.text("sid").map(str::to_owned),
        scopes: decoded.scopes().into_iter().collect(),
        expires_at: SystemTime::now() + TOKEN_TTL,
    })
}
