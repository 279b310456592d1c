//! A WebSocket with the subprotocol `mcp`.

use std::net::{IpAddr, SocketAddr};

use futures::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::{
    WebSocketStream, client_async_with_config,
    tungstenite::{
        Error, Message, client::IntoClientRequest, http::HeaderValue, protocol::WebSocketConfig,
    },
};

use super::{End, Opening, Refusal};

/// The socket of a client.
#[derive(Debug)]
pub struct Socket {
    wire: WebSocketStream<TcpStream>,
    /// How it ended, if it has.
    pub end: End,
}

/// A connection from an address of the machine.
pub(crate) async fn tcp(address: SocketAddr, from: Option<IpAddr>) -> TcpStream {
    let socket = TcpSocket::new_v4().expect("a socket");
    if let Some(from) = from {
        socket.bind((from, 0).into()).expect("an address of the machine");
    }
    socket.connect(address).await.expect("the server listens")
}

impl Socket {
    pub(super) async fn open(address: SocketAddr, opening: &Opening) -> Result<Self, Refusal> {
        let url = format!("ws://{address}{}", opening.target("/ws"));
        let mut request = url.into_client_request().expect("a request");
        let headers = request.headers_mut();
        headers.insert("sec-websocket-protocol", HeaderValue::from_static("mcp"));
        headers.extend(opening.headers.clone());
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        let stream = tcp(address, opening.from).await;
        match client_async_with_config(request, stream, Some(config)).await {
            Ok((wire, response)) => {
                assert_eq!(response.headers()["sec-websocket-protocol"], "mcp");
                Ok(Self { wire, end: End::default() })
            }
            Err(Error::Http(response)) => {
                let (parts, body) = response.into_parts();
                let body = String::from_utf8_lossy(&body.unwrap_or_default()).into_owned();
                Err(Refusal { status: parts.status.as_u16(), headers: parts.headers, body })
            }
            Err(error) => panic!("the server answers: {error}"),
        }
    }

    pub(super) async fn send(&mut self, text: String) {
        self.send_frame(Message::text(text)).await;
    }

    /// Sends any frame. If the server has ended the connection, what it said is read later.
    pub async fn send_frame(&mut self, frame: Message) {
        let _ = self.wire.send(frame).await;
    }

    pub(super) async fn receive(&mut self) -> Option<Value> {
        loop {
            match self.wire.next().await? {
                Ok(Message::Text(text)) => {
                    return Some(serde_json::from_str(&text).expect("JSON"));
                }
                Ok(Message::Close(Some(frame))) => {
                    let (code, reason) = (Some(frame.code.into()), frame.reason.to_string());
                    self.end = End { code, reason };
                }
                Ok(Message::Binary(frame)) => panic!("a binary frame: {frame:?}"),
                Ok(_) => {}
                Err(_) => return None,
            }
        }
    }

    /// The connection below, for what is no frame.
    pub fn wire(&mut self) -> &mut TcpStream {
        self.wire.get_mut()
    }
}
