//! A server of two processes behind nginx, of which one is killed before every message, for judges from
//! elsewhere. It prints the requests and their statuses.

use std::{env, io};

use integration::round_robin::{Kills, Site};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let nginx = env::var_os("NGINX_PROGRAM").ok_or("NGINX_PROGRAM does not say where nginx is")?;
    let replica = env::current_exe()?.with_file_name("replica");
    let mut site = Site::start((&nginx, &replica), (2, Kills::BeforeMessages), &[]).await;
    println!("{}", site.mcp());
    let prints = async {
        while let Some(line) = site.answered().await {
            println!("{line}");
        }
        Ok(())
    };
    // The site has to be dropped, so that its processes end too.
    tokio::select! {
        printed = prints => printed,
        ended = terminated() => Ok(ended?),
    }
}

/// Waits for the signal that ends this process.
async fn terminated() -> io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        signal(SignalKind::terminate())?.recv().await;
        Ok(())
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
