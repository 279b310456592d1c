//! Turn of a program: it is built, takes over the state of the one before it, and accepts.

use serde_json::Value;

use super::{
    changes::Changes,
    connection::DevChannel,
    identity::DevIdentity,
    message::{Accept, Heard, Said, StandInPlace},
    state,
};
use crate::{
    error::{Error, Result},
    http::Accepting,
    support::hand_over::NamedState,
};

/// A program that is built.
pub(crate) struct Built<'a> {
    pub(crate) identity: &'a DevIdentity,
    /// The URL of the endpoint.
    pub(crate) url: &'a str,
    /// The tools with their scopes.
    pub(crate) tools: Vec<Value>,
    /// The providers that are stand-ins, and where they are.
    pub(crate) stand_ins: Vec<(&'a str, &'a str)>,
    /// What the program takes over.
    pub(crate) states: &'a [NamedState],
    /// The link to the inspector.
    pub(crate) inspector: Option<&'a str>,
}

impl DevChannel {
    /// Waits until it is the turn of this program, and then takes over what the one before it handed
    /// over. From then on it accepts connections.
    pub(crate) async fn take_turn(&mut self, built: Built<'_>) -> Result<()> {
        let Built { identity, url, tools, stand_ins, states, inspector } = built;
        self.say(&Said::Keep { kept: identity }).await?;
        let place = |(provider, url)| StandInPlace { provider, url };
        let stand_ins = stand_ins.into_iter().map(place).collect();
        self.say(&Said::Built { url, tools: &tools, stand_ins }).await?;
        let Accept { state, tools_before } = loop {
            match self.hear().await? {
                Some(Heard::Accept(accept)) => break accept,
                Some(_) => {}
                None => return Err(Error::internal("the supervisor has ended")),
            }
        };
        if let Some(handed_over) = &state {
            state::restore(states, handed_over);
        }
        let changes = tools_before.map(|before| Changes::between(&before, &tools));
        self.accepting.send_replace(Accepting::Open);
        self.say(&Said::Ready { inspector, changes: changes.as_ref() }).await?;
        Ok(())
    }
}
