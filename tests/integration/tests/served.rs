//! The program `served`, as tests start it.

use std::{net::SocketAddr, path::Path, process::Stdio};

use forge::Running;
use integration::waiting::soon;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

/// The program at a forge.
pub(crate) fn program(forge: &Running) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_served"));
    command.env("FORGE_URL", forge.url()).kill_on_drop(true);
    command
}

/// The program at a forge, with its database and the file of its key in a directory.
pub(crate) fn program_in(forge: &Running, directory: &Path) -> Command {
    let mut command = program(forge);
    command
        .env("TOOLGATE_DATA", directory)
        .env("XDG_CONFIG_HOME", directory)
        .env_remove("TOOLGATE_KEY")
        .env_remove("TOOLGATE_HTTP");
    command
}

/// Starts the program over HTTP, on a port that is free, and returns where it listens.
pub(crate) async fn over_http(mut command: Command) -> (Child, SocketAddr) {
    command.args(["--http", "127.0.0.1:0"]).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = soon(output.next_line()).await.unwrap().expect("it says where it listens");
    let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap();
    // What follows is read, so that the program can go on writing.
    tokio::spawn(async move { while let Ok(Some(_)) = output.next_line().await {} });
    (child, address.parse().unwrap())
}
