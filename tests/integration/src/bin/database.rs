//! A program that runs one PostgreSQL server for several test programs. It prints the URL of the server, and
//! stops it on SIGTERM.

#[cfg(unix)]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    use integration::postgres::Postgres;
    use tokio::signal::unix::{SignalKind, signal};

    let mut ended = signal(SignalKind::terminate())?;
    let settings = ["max_connections=500", "fsync=off"];
    let database = Postgres::start_with(&settings).ok_or("PostgreSQL is not installed")?;
    println!("{}", database.url());
    ended.recv().await;
    Ok(())
}

#[cfg(not(unix))]
fn main() {}
