//! nginx as the proxy, with TLS.

use std::net::SocketAddr;

/// An nginx that runs until the test ends.
pub(super) struct Nginx {
    port: u16,
    certificate: reqwest::Certificate,
    _folder: tempfile::TempDir,
    _process: tokio::process::Child,
}

impl Nginx {
    pub(super) async fn start(
        program: &std::ffi::OsStr,
        backend: SocketAddr,
        strips: bool,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let made = tokio::process::Command::new("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
            .args(["-nodes", "-days", "2", "-subj", "/CN=corp.example"])
            .args(["-addext", "subjectAltName=DNS:corp.example"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-keyout", &at("key.pem"), "-out", &at("cert.pem")])
            .output()
            .await
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let pem = std::fs::read(at("cert.pem")).unwrap();
        let certificate = reqwest::Certificate::from_pem(&pem).unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
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
        std::fs::write(at("nginx.conf"), config).unwrap();
        let mut process = tokio::process::Command::new(program)
            .args(["-e", "stderr", "-p", &folder_path.to_string(), "-c", &at("nginx.conf")])
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            assert!(process.try_wait().unwrap().is_none(), "nginx did not start");
            tokio::task::yield_now().await;
        }
        Self { port, certificate, _folder: folder, _process: process }
    }

    /// A client of nginx with this address.
    pub(super) fn client(&self, address: &str) -> reqwest::Client {
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .local_address(address.parse::<std::net::IpAddr>().unwrap())
            .resolve("corp.example", SocketAddr::from(([127, 0, 0, 1], self.port)))
            .tls_certs_only([self.certificate.clone()])
            .no_proxy()
            .build()
            .unwrap()
    }
}
