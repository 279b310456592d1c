//! Following the supervisor while the program serves: it hands over, goes on, or leaves.

use std::{io, sync::Arc, time::Duration};

use serde_json::value::RawValue;
use tokio_util::sync::CancellationToken;

use super::{
    connection::DevChannel,
    message::{Heard, Said},
    state,
};
#[cfg(feature = "inspector")]
use crate::inspector::Shown;
use crate::{
    http::{Accepting, Handover},
    server::app::Assembled,
    support::hand_over::NamedState,
};

/// How long the calls under way may take to end before the state is handed over. What they change
/// afterwards follows.
const HAND_OVER_TIMEOUT: Duration = Duration::from_millis(800);

/// How often a program that was replaced passes on what its calls have changed. They wait until then.
const LATE_INTERVAL: Duration = Duration::from_millis(5);

/// How long the program that serves may take to take over what was passed on.
const MERGE_TIMEOUT: Duration = Duration::from_secs(2);

/// How much longer streams are open after their clients were notified: what was sent has to be written
/// before they end.
const NOTIFICATION_GRACE: Duration = Duration::from_millis(500);

/// What the supervisor's messages are about.
pub(crate) struct Served {
    pub(crate) app: Arc<Assembled>,
    pub(crate) handover: Arc<Handover>,
    pub(crate) states: Vec<NamedState>,
    /// Is cancelled when the last call has ended after another program took over, and what it changed was
    /// passed on.
    pub(crate) left: CancellationToken,
}

impl DevChannel {
    /// Does what the supervisor says, until it has ended.
    pub(crate) async fn follow(mut self, served: Served) {
        let followed = self.follow_messages(&served).await;
        if let Err(error) = followed {
            tracing::warn!(target: "toolgate::server", %error, "the supervisor is not understood");
        }
        served.abandon();
        served.left.cancel();
        self.lost.cancel();
    }

    async fn follow_messages(&mut self, served: &Served) -> io::Result<()> {
        while let Some(heard) = self.hear().await? {
            match heard {
                Heard::HandOver => {
                    self.accepting.send_replace(Accepting::Paused);
                    let state = served.hand_over().await?;
                    self.say(&Said::State { state: &state }).await?;
                }
                Heard::Resume => {
                    for (_, state) in &served.states {
                        state.resume();
                    }
                    self.accepting.send_replace(Accepting::Open);
                }
                Heard::Drain(drain) => {
                    self.accepting.send_replace(Accepting::Leaving);
                    self.leave(served, drain.tools_changed).await?;
                    served.abandon();
                    served.left.cancel();
                }
                Heard::Late(late) => {
                    state::merge(&served.states, &late.state);
                    self.say(&Said::Merged).await?;
                }
                #[cfg(feature = "inspector")]
                Heard::Build(build) => served.show(Shown::Build, &build),
                #[cfg(feature = "inspector")]
                Heard::Reload(reload) => served.show(Shown::Reload, &reload),
                _ => {}
            }
        }
        Ok(())
    }

    /// Waits until the last call has ended, and passes on what calls change until then.
    async fn leave(&mut self, served: &Served, tools_changed: bool) -> io::Result<()> {
        let mut last_call = std::pin::pin!(served.end(tools_changed));
        loop {
            let has_ended = tokio::select! {
                ended = tokio::time::timeout(LATE_INTERVAL, &mut last_call) => ended.is_ok(),
                heard = self.hear() => match heard? {
                    Some(_) => continue,
                    // The supervisor has ended.
                    None => return Ok(()),
                },
            };
            if let Some(state) = state::late(&served.states)? {
                self.say(&Said::Late { state: &state }).await?;
                let merged = tokio::time::timeout(MERGE_TIMEOUT, self.merged());
                if let Ok(merged) = merged.await {
                    merged?;
                }
            }
            for (_, state) in &served.states {
                state.passed_on();
            }
            if has_ended {
                return Ok(());
            }
        }
    }

    /// Waits until the program that serves has what was passed on, or the supervisor has ended.
    async fn merged(&mut self) -> io::Result<()> {
        while let Some(heard) = self.hear().await? {
            if matches!(heard, Heard::Merged) {
                break;
            }
        }
        Ok(())
    }
}

impl Served {
    /// Ends streams and calls, after another program took over.
    async fn end(&self, tools_changed: bool) {
        if tools_changed {
            self.announce_tools().await;
            tokio::time::sleep(NOTIFICATION_GRACE).await;
        }
        self.app.end_calls().await;
        self.app.end_refreshes().await;
        // Those that take longer than a drain may go on until the listener breaks them off.
        self.handover.settled().await;
        self.app.handler.dispatch.running.wait().await;
        self.app.handler.dispatch.grants.settled().await;
    }

    /// Lets what still changes the state go on: nothing is passed on any more.
    fn abandon(&self) {
        for (_, state) in &self.states {
            state.abandon();
        }
    }

    /// Waits for the calls under way, and copies what is in memory.
    async fn hand_over(&self) -> serde_json::Result<Box<RawValue>> {
        let dispatch = &self.app.handler.dispatch;
        let ended = async {
            self.handover.settled().await;
            dispatch.running.close();
            dispatch.running.wait().await;
            // Token refreshes run in tasks of their own, and their results must be stored.
            dispatch.grants.settled().await;
        };
        let _ = tokio::time::timeout(HAND_OVER_TIMEOUT, ended).await;
        dispatch.running.reopen();
        state::snapshot(&self.states)
    }

    /// Says to connected clients that the tools are others.
    async fn announce_tools(&self) {
        if let Some(changes) = &self.app.handler.dispatch.tool_changes {
            changes.announce().await;
        }
    }

    /// Shows something to the pages of the inspector.
    #[cfg(feature = "inspector")]
    fn show(&self, kind: Shown, what: &RawValue) {
        if let Some(inspector) = &self.app.inspector {
            inspector.show(kind, what);
        }
    }
}
