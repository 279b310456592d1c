//! Notifications to the service manager that started the process (`sd_notify` of systemd).

/// Says that the server accepts connections.
pub(super) fn ready() {
    send("READY=1");
}

/// Says that the server ends.
pub(super) fn stopping() {
    send("STOPPING=1");
}

#[cfg(unix)]
fn send(state: &str) {
    let socket = std::env::var_os("NOTIFY_SOCKET").filter(|socket| !socket.is_empty());
    if let Some(socket) = socket
        && let Err(error) = send_to(&socket, state.as_bytes())
    {
        tracing::warn!(target: "toolgate::server", %error, "the service manager could not be notified at `NOTIFY_SOCKET`");
    }
}

#[cfg(unix)]
fn send_to(path: &std::ffi::OsStr, state: &[u8]) -> std::io::Result<()> {
    use std::os::unix::net::{SocketAddr, UnixDatagram};

    let socket = UnixDatagram::unbound()?;
    #[cfg(target_os = "linux")]
    if let Some(name) = path.as_encoded_bytes().strip_prefix(b"@") {
        use std::os::linux::net::SocketAddrExt as _;

        return socket.send_to_addr(state, &SocketAddr::from_abstract_name(name)?).map(drop);
    }
    socket.send_to_addr(state, &SocketAddr::from_pathname(path)?).map(drop)
}

#[cfg(not(unix))]
fn send(_: &str) {}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    #[test]
    fn the_state_arrives_at_a_socket_of_either_kind() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let received = |socket: UnixDatagram| {
            let mut buffer = [0; 32];
            let length = socket.recv(&mut buffer).unwrap();
            String::from_utf8_lossy(&buffer[..length]).into_owned()
        };
        let socket = UnixDatagram::bind(&path).unwrap();
        send_to(path.as_os_str(), b"READY=1").unwrap();
        assert_eq!(received(socket), "READY=1");
        #[cfg(target_os = "linux")]
        {
            use std::os::{linux::net::SocketAddrExt as _, unix::net::SocketAddr};

            let name = format!("toolgate-test-{}", std::process::id());
            let address = SocketAddr::from_abstract_name(&name).unwrap();
            let socket = UnixDatagram::bind_addr(&address).unwrap();
            send_to(format!("@{name}").as_ref(), b"STOPPING=1").unwrap();
            assert_eq!(received(socket), "STOPPING=1");
        }
        assert!(send_to(directory.path().join("none").as_os_str(), b"READY=1").is_err());
    }
}
