//! Two processes behind nginx that are replaced one after the other while people call.
//!
//! `.ci/proxies` and `.ci/postgres` say where nginx is.

use std::{path::Path, time::Duration};

use forge::Config;
use integration::{
    fleet::{Fleet, Load, Options, Signal},
    postgres::Postgres,
};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_replicas_are_upgraded_under_load_without_a_failed_call() {
    let Some(nginx) = std::env::var_os("NGINX_PROGRAM") else { return };
    let Some(database) = Postgres::start() else { return };
    let load = Load { calls: 300, people: 6, length: Duration::from_secs(8) };
    let fleet = Fleet::start(Options {
        program: Path::new(env!("CARGO_BIN_EXE_fleet")),
        replicas: 2,
        store: &database.url(),
        forge: Config::default().access_ttl(Duration::from_secs(2)).crowd(load.people),
        more: &[("TOOLGATE_DRAIN_DELAY", "1")],
        nginx: Some(&nginx),
    })
    .await;
    let mut users = load.sign_in(&fleet).await;
    let (tally, ()) = tokio::join!(load.run(&fleet, &mut users), async {
        for replica in &fleet.replicas {
            replica.send(Signal::Terminate).await;
            let status = replica.ended().await.unwrap();
            assert!(status.success(), "{status}");
            // The next one is replaced when this one is ready.
            replica.start().await;
        }
    });
    assert_eq!(tally.served, load.calls, "{tally:?}");
    let counts = fleet.forge.counts();
    assert_eq!((counts.reuses, counts.most_at_once), (0, 1), "{counts:?}");
    assert!(counts.refreshes > 6, "tokens were renewed meanwhile: {counts:?}");
}
