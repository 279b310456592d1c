//! A tunnel, whose program is a shell script here: what it makes public is a listener of its own.

use std::{fs, net::SocketAddr, os::unix::fs::PermissionsExt as _};

use serde_json::Value;

use crate::project::{Dev, Project};

const PUBLIC: &str = "https://quiet-river.trycloudflare.com";

fn dev(project: &Project) -> Dev {
    let command =
        format!("echo {{port}} > tunnel; echo 'INF | {PUBLIC} |' >&2; exec tail -f /dev/null");
    project.dev(&["--port", "0", "--tunnel", &command])
}

/// As the tunnel passes requests on, or as a stranger wants them to look.
async fn get(address: SocketAddr, path: &str, host: &str) -> (u16, String) {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
    let request = client.build().unwrap().get(format!("http://{address}{path}"));
    let response = request.header("host", host).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn the_public_name_is_that_of_the_tunnel_and_the_inspector_is_not_there() {
    let project = Project::new();
    project.save(0, "gated");
    let mut dev = dev(&project);
    let link = dev.says("/inspector?token=").await;
    let token = link.trim().rsplit('=').next().unwrap();
    let address = dev.address().await;
    dev.has_said(&format!("Tunnel {PUBLIC}/mcp")).await;
    let port = fs::read_to_string(project.root().join("tunnel")).unwrap();
    let tunnel = SocketAddr::new(address.ip(), port.trim().parse().unwrap());
    let host = "quiet-river.trycloudflare.com";
    for version in 0..=1 {
        // The listener is there, and waits until it is served.
        let metadata = "/.well-known/oauth-protected-resource/mcp";
        let resource =
            |text: String| serde_json::from_str::<Value>(&text).unwrap()["resource"].clone();
        let (status, text) = get(tunnel, metadata, host).await;
        assert_eq!((status, resource(text)), (200, format!("{PUBLIC}/mcp").into()));
        let (status, text) = get(address, metadata, &address.to_string()).await;
        assert_eq!((status, resource(text)), (200, format!("http://{address}/mcp").into()));

        let page = format!("/inspector?token={token}");
        for host in [host, &address.to_string(), &tunnel.to_string(), "localhost"] {
            for path in [&*page, "/inspector/api/overview", "/dev/login", "/dev/token?user=alice"] {
                assert_eq!(get(tunnel, path, host).await.0, 404, "{path} of {host}");
            }
        }
        let (status, _) = get(address, &page, &address.to_string()).await;
        assert!((300..400).contains(&status), "on this machine its link is taken: {status}");
        if version == 0 {
            project.save(1, "gated");
            dev.says("Served").await;
        }
    }
    dev.end().await;
}

#[tokio::test]
async fn people_without_passwords_are_not_made_public() {
    let project = Project::new();
    let mut dev = dev(&project);
    let address = dev.address().await;
    dev.has_said("on this machine alone, not through a tunnel").await;
    dev.has_said("the tunnel is not served").await;
    assert_eq!(get(address, "/dev/token?user=alice", &address.to_string()).await.0, 200);
    dev.end().await;
}

/// What the programs print: cloudflared to standard error (`cmd/cloudflared/tunnel/quick_tunnel.go` of
/// cloudflare/cloudflared, through zerolog's console), ngrok with `--log stdout` in its format `logfmt`
/// (<https://ngrok.com/docs/agent/config/v3>), tailscale to standard output (`messageForPort` in
/// `cmd/tailscale/cli/serve_v2.go` of tailscale/tailscale).
#[tokio::test]
async fn the_known_tunnel_programs_are_started_and_their_urls_found() {
    for (name, arguments, stream, prints, url) in [
        (
            "cloudflared",
            "tunnel --url http://127.0.0.1:{port}",
            "2",
            include_str!("tunnels/cloudflared.txt"),
            "https://quiet-river-17-notes.trycloudflare.com",
        ),
        (
            "ngrok",
            "http {port} --log stdout",
            "1",
            include_str!("tunnels/ngrok.txt"),
            "https://3f2a-192-0-2-7.ngrok-free.app",
        ),
        (
            "tailscale",
            "funnel {port}",
            "1",
            include_str!("tunnels/tailscale.txt"),
            "https://laptop.tail1234.ts.net",
        ),
    ] {
        let project = Project::new();
        project.save(0, "gated");
        let root = project.root();
        let script = format!(
            "#!/bin/sh\necho \"$*\" > '{root}/called'\ncat '{root}/prints' >&{stream}\nexec tail -f /dev/null\n",
            root = root.display()
        );
        project.write("prints", prints);
        project.write(&format!("programs/{name}"), &script);
        let program = root.join("programs").join(name);
        fs::set_permissions(program, fs::Permissions::from_mode(0o755)).unwrap();
        let programs = root.join("programs");
        let mut dev = project.dev_with(&["--port", "0", "--tunnel", name], Some(&programs));
        dev.has_said(&format!("Tunnel {url}/mcp")).await;
        let called = fs::read_to_string(root.join("called")).unwrap();
        let port = called.trim().rsplit([' ', ':']).find_map(|word| word.parse::<u16>().ok());
        let port = port.expect("the port is an argument");
        assert_eq!(called.trim(), arguments.replace("{port}", &port.to_string()));
        let tunnel = SocketAddr::from(([127, 0, 0, 1], port));
        let host = url.trim_start_matches("https://");
        let (status, text) = get(tunnel, "/.well-known/oauth-protected-resource/mcp", host).await;
        assert!(status == 200 && text.contains(&format!("\"{url}/mcp\"")), "{status} {text}");
        dev.end().await;
    }
}

#[tokio::test]
async fn what_a_tunnel_asks_for_is_shown() {
    let project = Project::new();
    let asks = "echo 'To enable, visit:'; echo '    https://login.tailscale.com/f/funnel?node=n1'; exec tail -f /dev/null";
    let mut dev = project.dev(&["--port", "0", "--tunnel", asks]);
    dev.has_said("https://login.tailscale.com/f/funnel?node=n1").await;
    dev.end().await;
}

#[tokio::test]
async fn a_tunnel_that_ends_leaves_the_server_as_it_is() {
    let project = Project::new();
    let ends = format!("echo {PUBLIC}; printf 'no \\033[31mquota\\n' >&2; exit 7");
    let mut dev = project.dev(&["--port", "0", "--tunnel", &ends]);
    let address = dev.address().await;
    dev.has_said("the tunnel ended: exit status: 7").await;
    dev.has_said("no [31mquota").await;
    project.save(1, "");
    dev.says("Served").await;
    assert_eq!(get(address, "/", &address.to_string()).await.0, 200);
    dev.end().await;
}
