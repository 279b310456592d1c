//! Completion of elicitations: the notification by which a client of 2025-11-25 knows that its user is
//! done in the browser.

use rmcp::{
    Peer, RoleServer,
    model::{CustomNotification, Extensions, ServerNotification},
    service::RequestContext,
};
use serde_json::json;

use super::request::SessionLink;

/// The client of a call that asked its user for something.
pub(super) struct AskedClient {
    link: Option<SessionLink>,
    peer: Peer<RoleServer>,
}

impl AskedClient {
    pub(super) fn of(context: &RequestContext<RoleServer>) -> Self {
        let extensions: &Extensions = &context.extensions;
        Self { link: SessionLink::of(extensions).cloned(), peer: context.peer.clone() }
    }

    /// Says that the user is done. The client may have disconnected; it can call again without that.
    pub(super) async fn complete(self, elicitation: &str) {
        let Self { link, peer } = self;
        if let Some(link) = &link
            && link.peers.pass_on(&link.session, elicitation).await
        {
            return;
        }
        // The client of a session listens by another connection, which may have begun since.
        let peer = link.and_then(|link| link.peer()).unwrap_or(peer);
        notify(&peer, elicitation).await;
    }
}

/// Sends `notifications/elicitation/complete`.
pub(crate) async fn notify(peer: &Peer<RoleServer>, elicitation: &str) {
    let params = json!({ "elicitationId": elicitation });
    let notification = CustomNotification::new("notifications/elicitation/complete", Some(params));
    let notification = ServerNotification::CustomNotification(notification);
    // It may be gone.
    let _ = peer.send_notification(notification).await;
}
