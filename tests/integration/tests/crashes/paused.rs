//! A process that is paused (SIGSTOP) while it renews a token.

use std::{path::Path, time::Duration};

use forge::Config;
use integration::{
    fleet::{Answer, Fleet, Options, Signal, User},
    postgres::Postgres,
};

/// How long the right to renew lasts. A request may take half of it, which has to be enough to stop its
/// process on a busy machine.
const LEASE: Duration = Duration::from_secs(10);

async fn fleet(database: &Postgres, forge: Config) -> (Fleet, User) {
    let url = database.url();
    let fleet = Fleet::start(Options {
        program: Path::new(env!("CARGO_BIN_EXE_fleet")),
        replicas: 2,
        store: &url,
        forge: forge.crowd(1),
        more: &[("LEASE_MS", "10000")],
        nginx: None,
    });
    let fleet = fleet.await;
    let user = User::sign_in(&fleet, 0).await;
    (fleet, user)
}

fn endpoint(fleet: &Fleet, replica: usize) -> String {
    format!("http://{}/mcp", fleet.replicas[replica].address())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_was_stopped_before_its_request_does_not_send_it_when_it_goes_on() {
    let Some(database) = Postgres::start() else { return };
    let (fleet, user) = fleet(&database, Config::default()).await;
    let stopped = &fleet.replicas[0];
    stopped.send(Signal::Terminate).await;
    stopped.ended().await;
    stopped.start_with(&[("TOOLGATE_CRASH_POINT", "refresh.sending:stop")]).await;
    assert!(stopped.wait_until_it_listens().await);
    fleet.forge.expire_access_tokens();
    let (first, second) = (endpoint(&fleet, 0), endpoint(&fleet, 1));
    let (late, ()) = tokio::join!(user.call(&first), async {
        while !stopped.is_stopped().await {
            tokio::task::yield_now().await;
        }
        // The other process waits for the end of the lease.
        assert_eq!(user.call(&second).await, Answer::Served);
        assert_eq!(fleet.forge.counts().refreshes, 1);
        stopped.send(Signal::Continue).await;
    });
    assert_eq!(late, Answer::Served);
    let counts = fleet.forge.counts();
    assert_eq!((counts.refreshes_refused, counts.reuses), (0, 0), "{counts:?}");
    assert_eq!(counts.most_at_once, 1);
    assert_eq!(user.call(&second).await, Answer::Served, "the newer token is still there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_that_came_while_the_process_was_stopped_is_not_lost() {
    let Some(database) = Postgres::start() else { return };
    let life = Duration::from_secs(4);
    let (fleet, user) = fleet(&database, Config::default().access_ttl(life)).await;
    // The token expires, for the server and the provider.
    tokio::time::sleep(life).await;
    let stopped = &fleet.replicas[0];
    let held = fleet.forge.faults().hold_token();
    let first = endpoint(&fleet, 0);
    let (served, ()) = tokio::join!(user.call(&first), async {
        held.reached(1).await;
        stopped.send(Signal::Stop).await;
        while !stopped.is_stopped().await {
            tokio::task::yield_now().await;
        }
        drop(held);
        // Longer than a request may take, and than the token lives.
        tokio::time::sleep(LEASE + Duration::from_secs(1)).await;
        stopped.send(Signal::Continue).await;
    });
    // The new token has expired before it was used. That is no reason to ask the person.
    assert!(!served.is_lost(), "{served:?}");
    assert_eq!(user.call(&endpoint(&fleet, 1)).await, Answer::Served);
    let counts = fleet.forge.counts();
    assert_eq!((counts.refreshes_refused, counts.reuses), (0, 0), "{counts:?}");
}
