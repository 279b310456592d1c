//! nginx and Caddy, with TLS before a server below a path.

use std::{
    ffi::OsStr,
    net::{IpAddr, SocketAddr},
    path::Path,
};

use tempfile::{TempDir, tempdir};
use tokio::process::{Child, Command};

use crate::ports::free_port;

/// A proxy that runs until the test ends, and serves a server at `https://corp.example/tools`.
#[derive(Debug)]
pub struct FrontProxy {
    port: u16,
    certificate: reqwest::Certificate,
    _folder: TempDir,
    _process: Child,
}

impl FrontProxy {
    /// Starts nginx before a server at `backend`. `strips`: it removes `/tools` from paths.
    ///
    /// # Panics
    ///
    /// It does not start, or `openssl` makes no certificate.
    pub async fn nginx(program: &OsStr, backend: SocketAddr, strips: bool) -> Self {
        let target =
            if strips { format!("http://{backend}/") } else { format!("http://{backend}") };
        // As in docs/behind-a-proxy.md, with files below a folder of the test, and in one process, which
        // ends with the test.
        let config = |folder: &Path, port: u16| {
            let folder = folder.display();
            format!(
                "daemon off; master_process off; pid {folder}/pid; error_log stderr;
                 events {{ worker_connections 64; }}
                 http {{
                   access_log off; client_body_temp_path {folder}/body;
                   proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
                   uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
                   server {{
                     listen 127.0.0.1:{port} ssl; server_name corp.example;
                     ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
                     location /tools/ {{
                       proxy_pass {target};
                       proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                       proxy_set_header X-Forwarded-Proto $scheme;
                       proxy_set_header X-Forwarded-Host $host;
                       proxy_http_version 1.1; proxy_buffering off; proxy_read_timeout 1h;
                       client_max_body_size 4m;
                     }}
                     location = /.well-known/oauth-protected-resource/tools/mcp {{ proxy_pass http://{backend}; }}
                     location /.well-known/oauth-authorization-server/tools {{ proxy_pass http://{backend}; }}
                   }}
                 }}"
            )
        };
        Self::start(program, &["-e", "stderr", "-c"], config).await
    }

    /// Starts nginx before the processes of one server, which it asks in turn, and returns its address.
    /// The server trusts it as a proxy.
    ///
    /// # Panics
    ///
    /// As [`nginx`](Self::nginx).
    pub async fn round_robin(program: &OsStr, replicas: &[SocketAddr]) -> (Self, SocketAddr) {
        // As in docs/behind-a-proxy.md.
        let headers = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                       proxy_set_header X-Forwarded-Proto $scheme;
                       proxy_set_header X-Forwarded-Host $http_host;";
        Self::in_turn(program, replicas, (headers, "off")).await
    }

    /// Starts nginx before the replicas of a server to which it looks like their clients, and returns its
    /// address. It asks them in turn. `log`: where it writes each request, its status and the address of
    /// the replica.
    ///
    /// # Panics
    ///
    /// As [`nginx`](Self::nginx).
    pub async fn replicas(
        program: &OsStr,
        replicas: &[SocketAddr],
        log: Option<&str>,
    ) -> (Self, SocketAddr) {
        let log = log.map_or_else(|| "off".to_owned(), |file| format!("{file} served"));
        let headers = "proxy_set_header Host $http_host;";
        Self::in_turn(program, replicas, (headers, &log)).await
    }

    async fn in_turn(
        program: &OsStr,
        replicas: &[SocketAddr],
        (headers, log): (&str, &str),
    ) -> (Self, SocketAddr) {
        // A process that does not answer is asked again the next time.
        let servers = replicas.iter().map(|address| format!("server {address} max_fails=0;\n"));
        let servers = servers.collect::<Vec<_>>().concat();
        let config = |folder: &Path, port: u16| {
            let folder = folder.display();
            format!(
                "daemon off; master_process off; pid {folder}/pid; error_log stderr crit;
                 events {{ worker_connections 1024; }}
                 http {{
                   log_format served '$request_method $uri $status $upstream_addr';
                   access_log {log}; client_body_temp_path {folder}/body;
                   proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
                   uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
                   map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
                   upstream replicas {{ {servers} }}
                   server {{
                     listen 127.0.0.1:{port};
                     location / {{
                       proxy_pass http://replicas;
                       {headers}
                       proxy_set_header Upgrade $http_upgrade;
                       proxy_set_header Connection $connection_upgrade;
                       proxy_http_version 1.1; proxy_buffering off; proxy_read_timeout 1h;
                       client_max_body_size 4m;
                       add_header X-Served-By $upstream_addr always;
                     }}
                   }}
                 }}"
            )
        };
        let proxy = Self::start(program, &["-e", "stderr", "-c"], config).await;
        let address = SocketAddr::from(([127, 0, 0, 1], proxy.port));
        (proxy, address)
    }

    /// Starts Caddy before a server at `backend`. It leaves paths as they are.
    ///
    /// # Panics
    ///
    /// As [`nginx`](Self::nginx).
    pub async fn caddy(program: &OsStr, backend: SocketAddr) -> Self {
        // As in docs/behind-a-proxy.md, with a certificate of the test.
        let config = |folder: &Path, port: u16| {
            let folder = folder.display();
            format!(
                "{{
                     admin off
                     auto_https off
                 }}
                 https://corp.example:{port} {{
                     bind 127.0.0.1
                     tls {folder}/cert.pem {folder}/key.pem
                     reverse_proxy {backend} {{
                         flush_interval -1
                     }}
                 }}
                "
            )
        };
        Self::start(program, &["run", "--adapter", "caddyfile", "--config"], config).await
    }

    /// Starts `program` with these arguments and the path of its configuration.
    async fn start(
        program: &OsStr,
        arguments: &[&str],
        config: impl FnOnce(&Path, u16) -> String,
    ) -> Self {
        let folder = tempdir().expect("a folder can be made");
        let at = |name: &str| folder.path().join(name);
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
            .args(["-nodes", "-days", "2", "-subj", "/CN=corp.example"])
            .args(["-addext", "subjectAltName=DNS:corp.example"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .arg("-keyout")
            .arg(at("key.pem"))
            .arg("-out")
            .arg(at("cert.pem"))
            .output()
            .await
            .expect("openssl is there");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let pem = std::fs::read(at("cert.pem")).expect("openssl writes a certificate");
        let certificate = reqwest::Certificate::from_pem(&pem).expect("it is a certificate");
        let port = free_port();
        std::fs::write(at("config"), config(folder.path(), port)).expect("it can be written");
        let mut process = Command::new(program)
            .args(arguments)
            .arg(at("config"))
            .current_dir(folder.path())
            // Caddy keeps its state there.
            .env("HOME", folder.path())
            .kill_on_drop(true)
            .spawn()
            .expect("the proxy starts");
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            let ended = process.try_wait().expect("it can be waited for");
            assert!(ended.is_none(), "the proxy did not start");
            tokio::task::yield_now().await;
        }
        Self { port, certificate, _folder: folder, _process: process }
    }

    /// A client of the proxy with this address.
    ///
    /// # Panics
    ///
    /// The address is none.
    pub fn client(&self, address: &str) -> reqwest::Client {
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .local_address(address.parse::<IpAddr>().expect("it is an address"))
            .resolve("corp.example", SocketAddr::from(([127, 0, 0, 1], self.port)))
            .tls_certs_only([self.certificate.clone()])
            .no_proxy()
            .build()
            .expect("a client can be made")
    }
}
