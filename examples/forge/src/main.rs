//! Runs a forge.

use std::{error::Error, net::SocketAddr, time::Duration};

use forge::Config;
use lexopt::prelude::*;

const HELP: &str = "A small code-hosting service with an OAuth server.

      --address <ADDRESS>     Listen on this address [env: FORGE_ADDRESS] [default: 127.0.0.1:4600]
      --access-ttl <SECONDS>  How long an access token lives [default: 3600]
      --no-rotation           Keep refresh tokens as they are
      --no-expiry             Do not say when tokens expire
      --withhold <SCOPE>      Never grant this scope
      --redirect <URI>        Register another redirect URI of the client
      --github                Speak as GitHub does
      --faults                Offer the fault switches under /faults";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::var("FORGE_ADDRESS").unwrap_or_else(|_| "127.0.0.1:4600".to_owned());
    let mut config = Config::default()
        .address(address.parse::<SocketAddr>()?)
        .access_ttl(Duration::from_secs(3600));
    let mut flags = lexopt::Parser::from_env();
    while let Some(flag) = flags.next()? {
        config = match flag {
            Long("address") => config.address(flags.value()?.parse::<SocketAddr>()?),
            Long("access-ttl") => config.access_ttl(Duration::from_secs(flags.value()?.parse()?)),
            Long("no-rotation") => config.without_rotation(),
            Long("no-expiry") => config.without_expiry(),
            Long("withhold") => config.withhold(flags.value()?.string()?),
            Long("redirect") => config.redirect(flags.value()?.string()?),
            Long("github") => config.github(),
            Long("faults") => config.faults(),
            Short('h') | Long("help") => {
                println!("{HELP}");
                return Ok(());
            }
            other => return Err(other.unexpected().into()),
        };
    }
    let forge = forge::start(config).await?;
    println!("forge listens on {}", forge.url());
    tokio::signal::ctrl_c().await?;
    Ok(())
}
