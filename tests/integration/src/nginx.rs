//! nginx with TLS before a server below a path.

use std::{
    ffi::OsStr,
    net::{IpAddr, SocketAddr, TcpListener},
};

use tempfile::{TempDir, tempdir};
use tokio::process::{Child, Command};

/// An nginx that runs until the test ends.
#[derive(Debug)]
pub struct Nginx {
    port: u16,
    certificate: reqwest::Certificate,
    _folder: TempDir,
    _process: Child,
}

impl Nginx {
    /// Starts `program` before a server at `backend`, which it serves at `https://corp.example/tools`.
    /// `strips`: it removes `/tools` from paths.
    ///
    /// # Panics
    ///
    /// It does not start, or `openssl` makes no certificate.
    pub async fn start(program: &OsStr, backend: SocketAddr, strips: bool) -> Self {
        let folder = tempdir().expect("nginx can be set up");
        let at =
            |name: &str| folder.path().join(name).to_str().expect("nginx can be set up").to_owned();
        let made = Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
            .args(["-nodes", "-days", "2", "-subj", "/CN=corp.example"])
            .args(["-addext", "subjectAltName=DNS:corp.example"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-keyout", &at("key.pem"), "-out", &at("cert.pem")])
            .output()
            .await
            .expect("nginx can be set up");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let pem = std::fs::read(at("cert.pem")).expect("nginx can be set up");
        let certificate = reqwest::Certificate::from_pem(&pem).expect("nginx can be set up");
        let free = TcpListener::bind("127.0.0.1:0").expect("nginx can be set up");
        let port = free.local_addr().expect("nginx can be set up").port();
        drop(free);
        let target =
            if strips { format!("http://{backend}/") } else { format!("http://{backend}") };
        let folder_path = folder.path().display();
        // As in docs/behind-a-proxy.md, with files below a folder of the test, and in one process, which
        // ends with the test.
        let config = format!(
            "daemon off; master_process off; pid {folder_path}/pid; error_log stderr;
             events {{ worker_connections 64; }}
             http {{
               access_log off; client_body_temp_path {folder_path}/body;
               proxy_temp_path {folder_path}/proxy; fastcgi_temp_path {folder_path}/f;
               uwsgi_temp_path {folder_path}/u; scgi_temp_path {folder_path}/s;
               server {{
                 listen 127.0.0.1:{port} ssl; server_name corp.example;
                 ssl_certificate {folder_path}/cert.pem; ssl_certificate_key {folder_path}/key.pem;
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
        );
        std::fs::write(at("nginx.conf"), config).expect("nginx can be set up");
        let mut process = Command::new(program)
            .args(["-e", "stderr", "-p", &folder_path.to_string(), "-c", &at("nginx.conf")])
            .kill_on_drop(true)
            .spawn()
            .expect("nginx can be set up");
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(
                process.try_wait().expect("nginx can be set up").is_none(),
                "nginx did not start"
            );
            tokio::task::yield_now().await;
        }
        Self { port, certificate, _folder: folder, _process: process }
    }

    /// A client of nginx with this address.
    ///
    /// # Panics
    ///
    /// The address is none.
    pub fn client(&self, address: &str) -> reqwest::Client {
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .local_address(address.parse::<IpAddr>().expect("nginx can be set up"))
            .resolve("corp.example", SocketAddr::from(([127, 0, 0, 1], self.port)))
            .tls_certs_only([self.certificate.clone()])
            .no_proxy()
            .build()
            .expect("nginx can be set up")
    }
}
