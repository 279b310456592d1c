//! TLS to the database.

use std::{fs, process::Command};

use integration::postgres::Postgres;
use toolgate::grant::{MasterKey, PostgresStore, StoreError};

/// A server with TLS, whose certificate, in `server.crt` of its directory, names `localhost`.
fn server_with_tls() -> Option<Postgres> {
    let mut server = Postgres::prepare()?;
    let path = server.directory().to_owned();
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=db"])
        .args(["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=CA:FALSE"])
        .arg("-keyout")
        .arg(path.join("server.key"))
        .arg("-out")
        .arg(path.join("server.crt"))
        .output();
    let Ok(made) = made else {
        eprintln!("skipped: openssl is not installed");
        return None;
    };
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    server.own("server.key");
    let file = |name| path.join(name).display().to_string();
    server.set(&[
        "ssl=on".to_owned(),
        format!("ssl_cert_file={}", file("server.crt")),
        format!("ssl_key_file={}", file("server.key")),
    ]);
    fs::write(path.join("data/pg_hba.conf"), "local all all trust\nhostssl all all all trust\n")
        .unwrap();
    server.run();
    Some(server)
}

async fn open(server: &Postgres, host: &str, query: &str) -> Result<PostgresStore, StoreError> {
    let url = format!("postgres://toolgate@{host}:{}/toolgate?{query}", server.port());
    PostgresStore::at(url).key(MasterKey::generate()).open().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_servers_certificate_and_name_are_verified() {
    let Some(server) = server_with_tls() else { return };
    let roots = format!("sslrootcert={}", server.directory().join("server.crt").display());
    let refused =
        async |host, query: &str| open(&server, host, query).await.unwrap_err().to_string();
    let error = refused("localhost", "sslmode=disable").await;
    assert!(error.contains("no encryption") || error.contains("pg_hba"), "{error}");
    let error = refused("localhost", "sslmode=require").await;
    assert!(error.contains("certificate"), "the system does not know it: {error}");
    let error = refused("127.0.0.1", &format!("sslmode=verify-full&{roots}")).await;
    assert!(error.contains("certificate"), "it names another server: {error}");
    let error = refused("localhost", "sslmode=require&sslrootcert=/nowhere.pem").await;
    assert!(error.contains("/nowhere.pem"), "{error}");
    for mode in ["require", "verify-ca", "verify-full"] {
        let error = refused("127.0.0.1", &format!("sslmode={mode}&{roots}")).await;
        assert!(error.contains("certificate"), "{mode}: {error}");
    }
    let store = open(&server, "localhost", &format!("sslmode=verify-full&{roots}")).await.unwrap();
    let encrypted = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                     WHERE application_name = 'toolgate'";
    assert_eq!(server.sql(encrypted), "t");
    drop(store);
}
