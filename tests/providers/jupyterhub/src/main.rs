//! The example `jupyterhub` against JupyterHub itself: `run.sh` installs one, and runs this.
//!
//! `walk person URL NAME` is a person at a browser, for clients in other languages: it prints where
//! the browser ended.

mod blocks;
mod brokered;
mod consented;
mod described;
mod elsewhere;
mod hub;
mod person;
mod served;

use hub::Hub;
use person::Person;

#[tokio::main]
#[allow(clippy::print_stdout, reason = "this is what the command is for")]
async fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    if let [command, url, name] = &arguments[..] {
        assert_eq!(command, "person", "`walk`, or `walk person URL NAME`");
        println!("{}", Person::new(name).visit(url, &[]).await.url);
        return;
    }
    println!("-- the page, step by step");
    described::step_by_step().await;
    let mut hub = Hub::start(&[
        "http",
        "stdio",
        "broker",
        "wrong",
        "wrong-broker",
        "typescript",
        "typescript-http",
    ])
    .await;
    println!("-- consent by the tool, HTTP");
    consented::over_http(&mut hub).await;
    println!("-- consent by the tool, standard input and output");
    consented::over_stdio(&hub).await;
    println!("-- the broker");
    brokered::two_people(&mut hub).await;
    println!("-- a secret that is wrong");
    consented::with_a_wrong_secret(&hub).await;
    brokered::with_a_wrong_secret(&hub).await;
    println!("-- a client in TypeScript");
    elsewhere::through_the_broker(&hub).await;
    elsewhere::over_stdio(&hub).await;
    elsewhere::over_http(&hub).await;
}
