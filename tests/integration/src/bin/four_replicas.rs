//! A server of four processes on one PostgreSQL database, behind nginx, which asks them in turn, for judges
//! from elsewhere.
//!
//!     four_replicas PROGRAM
//!
//! PROGRAM is one beside this one. It finds the code host at `FORGE_URL`, its URL in `PUBLIC_URL`, and the
//! database in `TOOLGATE_STORE`. The requests are printed, each with its status and the process that
//! answered it.

#[cfg(unix)]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    use std::{env, net::SocketAddr, process::Stdio};

    use forge::Config;
    use integration::{front_proxy::FrontProxy, ports::free_port, postgres::Postgres};
    use tokio::{
        io::{AsyncBufReadExt, BufReader},
        process::Command,
        signal::unix::{SignalKind, signal},
    };

    let program = env::args().nth(1).ok_or("which program?")?;
    let program = env::current_exe()?.with_file_name(program);
    let nginx = env::var_os("NGINX_PROGRAM").ok_or("NGINX_PROGRAM does not say where nginx is")?;
    let database = Postgres::start().ok_or("PostgreSQL is not installed")?;
    let forge =
        forge::start(Config::default().redirect("http://127.0.0.1/callback/second")).await?;
    let addresses = [(); 4].map(|()| SocketAddr::from(([127, 0, 0, 1], free_port())));
    let (_proxy, address) = FrontProxy::replicas(&nginx, &addresses, Some("/dev/stdout")).await;
    let url = format!("http://{address}");
    let mut processes = Vec::new();
    for address in &addresses {
        let mut process = Command::new(&program)
            .args(["--http", &address.to_string()])
            .env("FORGE_URL", forge.url())
            .env("PUBLIC_URL", &url)
            .env("TOOLGATE_STORE", database.url())
            .env("TOOLGATE_KEY", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let mut said = BufReader::new(process.stdout.take().ok_or("no output")?).lines();
        while !said.next_line().await?.ok_or("a process did not start")?.contains("listens on") {}
        tokio::spawn(async move { while let Ok(Some(_)) = said.next_line().await {} });
        processes.push(process);
    }
    println!("{url}/mcp");
    // All of it has to be dropped, so that the processes end too.
    signal(SignalKind::terminate())?.recv().await;
    Ok(())
}

#[cfg(not(unix))]
fn main() {}
