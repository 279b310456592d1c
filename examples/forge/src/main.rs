//! Runs a forge.

use std::{net::SocketAddr, time::Duration};

use clap::Parser;
use forge::Config;

/// A small code-hosting service with an OAuth server.
#[derive(Parser)]
#[allow(clippy::struct_excessive_bools, reason = "they are flags")]
struct Flags {
    /// Listen on this address.
    #[arg(long, default_value = "127.0.0.1:4600", env = "FORGE_ADDRESS")]
    address: SocketAddr,
    /// How long an access token lives, in seconds.
    #[arg(long, default_value_t = 3600)]
    access_ttl: u64,
    /// Keep refresh tokens as they are.
    #[arg(long)]
    no_rotation: bool,
    /// Do not say when tokens expire.
    #[arg(long)]
    no_expiry: bool,
    /// Never grant this scope.
    #[arg(long)]
    withhold: Vec<String>,
    /// Speak as GitHub does.
    #[arg(long)]
    github: bool,
    /// Offer the fault switches under /faults.
    #[arg(long)]
    faults: bool,
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let flags = Flags::parse();
    let mut config =
        Config::default().address(flags.address).access_ttl(Duration::from_secs(flags.access_ttl));
    if flags.no_rotation {
        config = config.without_rotation();
    }
    if flags.no_expiry {
        config = config.without_expiry();
    }
    if flags.github {
        config = config.github();
    }
    if flags.faults {
        config = config.faults();
    }
    config = flags.withhold.into_iter().fold(config, Config::withhold);
    let forge = forge::start(config).await?;
    println!("forge listens on {}", forge.url());
    tokio::signal::ctrl_c().await
}
