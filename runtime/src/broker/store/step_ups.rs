//! Step-ups of sign-ins in the store. A link is `SIGN_IN.SECRET`; both parts are in the record of the
//! sign-in, so that a link ends with it, and no link takes room of its own.

use std::time::Duration;

use super::{
    sign_ins::{REFRESH_TOKEN_TTL, SignInRecord, Stage},
    step_up_record::{Decision, PendingLink, Refusal},
    typed_store::{SIGN_INS, millis},
};
use crate::{
    broker::state::Broker,
    grant::{Namespace, SaveError, StoreError, Stored},
    support::crypto,
};

/// How long a link is valid.
pub(crate) const STEP_UP_LINK_TTL: Duration = Duration::from_secs(600);

/// How much longer a link must be valid to be given out again.
const LINK_REUSE_MARGIN: Duration = Duration::from_secs(300);

/// The length of the secret in a link, which has 132 random bits.
const SECRET_LEN: usize = 22;

/// A link, and the sign-in to which it adds scopes.
pub(crate) struct FoundLink {
    pub(crate) sign_in_id: String,
    pub(crate) sign_in: SignInRecord,
    pub(crate) link: PendingLink,
}

impl Broker {
    /// The sign-in with this ID, if it has not ended, and belongs to this subject and client.
    pub(crate) async fn live_sign_in(
        &self,
        id: &str,
        subject: &str,
        client: Option<&str>,
    ) -> Result<Option<SignInRecord>, StoreError> {
        let found = self.0.records.read::<SignInRecord>(SIGN_INS, id).await?;
        let sign_in = found.map(|stored| stored.value).filter(|sign_in| {
            matches!(sign_in.stage, Stage::Family(_))
                && sign_in.subject == subject
                && Some(&*sign_in.client_id) == client
        });
        match sign_in {
            Some(sign_in)
                if self.has_issued(&sign_in) && !self.has_ended(subject, sign_in.begun).await? =>
            {
                Ok(Some(sign_in))
            }
            _ => Ok(None),
        }
    }

    /// Whether the sign-in has not ended, as far as its own record says.
    #[cfg(any(feature = "sse", feature = "websocket"))]
    pub(crate) async fn has_refresh_tokens(&self, id: &str) -> Result<bool, StoreError> {
        let found = self.0.records.read::<SignInRecord>(SIGN_INS, id).await?;
        Ok(found.is_some_and(|stored| matches!(stored.value.stage, Stage::Family(_))))
    }

    /// A link that adds these scopes to the sign-in, and whether it was given out before.
    pub(crate) async fn offer_link(
        &self,
        id: &str,
        scopes: &[String],
    ) -> Result<Option<(String, bool)>, StoreError> {
        let now = self.now();
        let (until, reused_until) = (now + STEP_UP_LINK_TTL, now + LINK_REUSE_MARGIN);
        let mut secret = crypto::random_token();
        secret.truncate(SECRET_LEN);
        let mut again = None;
        let found = self.0.records.read::<SignInRecord>(SIGN_INS, id).await?;
        if let Some(stored) = found {
            let unused = stored.value.step_up.unused_link(scopes, millis(reused_until));
            again = unused.map(|link| link.secret.clone());
        }
        if let Some(secret) = again {
            return Ok(Some((format!("{id}.{secret}"), true)));
        }
        let link = PendingLink {
            secret: secret.clone(),
            scopes: scopes.to_vec(),
            until: millis(until),
            allowed: false,
        };
        let added = self.change_sign_in(id, |sign_in| {
            sign_in.step_up.add_link(link.clone(), millis(now));
            Some(())
        });
        Ok(added.await?.map(|()| (format!("{id}.{secret}"), false)))
    }

    /// What `link` names, if it is valid and its sign-in has not ended. Whether it was allowed
    /// already is left to the caller.
    pub(crate) async fn find_link(&self, link: &str) -> Result<Option<FoundLink>, StoreError> {
        let Some((id, secret)) = link.split_once('.') else { return Ok(None) };
        let Some(found) = self.0.records.read::<SignInRecord>(SIGN_INS, id).await? else {
            return Ok(None);
        };
        let (sign_in, now) = (found.value, millis(self.now()));
        let mut links = sign_in.step_up.links().iter();
        let found =
            links.find(|link| crypto::constant_time_eq(&link.secret, secret) && link.until > now);
        let Some(link) = found.cloned() else { return Ok(None) };
        let is_live = matches!(sign_in.stage, Stage::Family(_))
            && self.has_issued(&sign_in)
            && !self.has_ended(&sign_in.subject, sign_in.begun).await?;
        Ok(is_live.then(|| FoundLink { sign_in_id: id.to_owned(), sign_in, link }))
    }

    /// Marks the link as allowed, for one caller only.
    pub(crate) async fn allow_link(&self, found: &FoundLink) -> Result<bool, StoreError> {
        let secret = &found.link.secret;
        let allowed = self.change_sign_in(&found.sign_in_id, |sign_in| {
            let link = sign_in.step_up.link_mut(secret)?;
            (!std::mem::replace(&mut link.allowed, true)).then_some(())
        });
        Ok(allowed.await?.is_some())
    }

    /// Records what came of a link. `false`: the link or its sign-in is gone.
    pub(crate) async fn settle_link(
        &self,
        id: &str,
        secret: &str,
        decision: &Decision,
    ) -> Result<bool, StoreError> {
        let settle = |sign_in: &mut SignInRecord| sign_in.step_up.settle(secret, decision);
        // Calls wait for it.
        let settled = self.change_sign_in_in(SIGN_INS.watched(), id, settle).await?;
        self.0.step_ups.forget(id);
        Ok(settled.is_some())
    }

    /// Takes the refusal of these scopes, so that the client hears of it once.
    pub(crate) async fn take_refusal(
        &self,
        id: &str,
        scopes: &[String],
    ) -> Result<Option<Refusal>, StoreError> {
        self.change_sign_in(id, |sign_in| {
            sign_in.step_up.refusal_of(scopes)?;
            sign_in.step_up.take_refusal()
        })
        .await
    }

    /// Whether the host of the sign-in does nothing about challenges, which it shows by this call:
    /// it was challenged for it before, or for several others. Otherwise, and where the sign-in has
    /// ended, it is challenged now.
    pub(crate) async fn is_challenged_again(
        &self,
        id: &str,
        call: u64,
    ) -> Result<bool, StoreError> {
        let now = millis(self.now());
        let challenged =
            self.change_sign_in(id, |sign_in| Some(sign_in.step_up.is_challenged_again(call, now)));
        Ok(challenged.await?.unwrap_or_default())
    }

    /// Changes a sign-in that has not ended. `None`: it has, or `change` made none.
    async fn change_sign_in<T>(
        &self,
        id: &str,
        change: impl Fn(&mut SignInRecord) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        self.change_sign_in_in(SIGN_INS, id, change).await
    }

    /// As [`change_sign_in`](Self::change_sign_in), in the namespace with or without an announcement.
    async fn change_sign_in_in<T>(
        &self,
        namespace: Namespace,
        id: &str,
        change: impl Fn(&mut SignInRecord) -> Option<T>,
    ) -> Result<Option<T>, StoreError> {
        loop {
            let Some(found) = self.0.records.read::<SignInRecord>(namespace, id).await? else {
                return Ok(None);
            };
            let Stored { value: mut sign_in, revision } = found;
            if !matches!(sign_in.stage, Stage::Family(_)) {
                return Ok(None);
            }
            let Some(changed) = change(&mut sign_in) else { return Ok(None) };
            let until = self.now() + REFRESH_TOKEN_TTL;
            match self.0.records.write(namespace, id, &sign_in, until, revision).await {
                Ok(_) => return Ok(Some(changed)),
                // Another writer has succeeded, so this ends.
                Err(SaveError::Conflict) => {}
                Err(SaveError::Store(error)) => return Err(error),
            }
        }
    }
}
