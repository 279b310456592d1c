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

    /// Notifies the client that the user is done. A client that has disconnected meanwhile can call
    /// again without the notification.
    pub(super) async fn complete(self, elicitation: &str) {
        let Self { link, peer } = self;
        if let Some(link) = &link
            && link.peers.pass_on(&link.session, elicitation).await
        {
            return;
        }
        // The client of a session listens on another connection, which may be newer than the call.
        let peer = link.and_then(|link| link.peer()).unwrap_or(peer);
        notify(&peer, elicitation).await;
    }
}

/// Sends `notifications/elicitation/complete`.
pub(crate) async fn notify(peer: &Peer<RoleServer>, elicitation: &str) {
    let params = json!({ "elicitationId": elicitation });
    let notification = CustomNotification::new("notifications/elicitation/complete", Some(params));
    let notification = ServerNotification::CustomNotification(notification);
    // The client may have disconnected.
    let _ = peer.send_notification(notification).await;
}
