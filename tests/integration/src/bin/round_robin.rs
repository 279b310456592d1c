//! A server of two processes behind nginx, of which one is killed before every message, for judges from
//! elsewhere. It prints the requests and their statuses.

use std::env;

use integration::round_robin::{Kills, Site};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let nginx = env::var_os("NGINX_PROGRAM").ok_or("NGINX_PROGRAM does not say where nginx is")?;
    let replica = env::current_exe()?.with_file_name("replica");
    let mut site = Site::start((&nginx, &replica), Kills::BeforeMessages, &[]).await;
    println!("{}", site.mcp());
    while let Some(line) = site.answered().await {
        println!("{line}");
    }
    Ok(())
}
