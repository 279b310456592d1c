//! A process that is killed while a client signs its user out.

use std::path::Path;

use forge::Config;
use integration::fleet::{Fleet, Options, Signal, User};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_out_that_was_cut_off_is_whole_when_it_is_asked_for_again() {
    let fleet = Fleet::start(Options {
        program: Path::new(env!("CARGO_BIN_EXE_fleet")),
        replicas: 1,
        store: "",
        forge: Config::default().crowd(4),
        // A lease of the process that was killed is waited for.
        more: &[("LEASE_MS", "4000")],
        nginx: None,
    })
    .await;
    let replica = &fleet.replicas[0];
    let points = [
        "disconnect.leased",
        "disconnect.revoked",
        "disconnect.removed",
        "disconnect.client_signed_out",
    ];
    for (number, point) in points.into_iter().enumerate() {
        let user = User::sign_in(&fleet, number).await;
        replica.send(Signal::Terminate).await;
        replica.ended().await;
        replica.start_with(&[("TOOLGATE_CRASH_POINT", point)]).await;
        assert!(replica.wait_until_it_listens().await);
        assert_ne!(user.sign_out().await, 200, "{point} is not reached");
        replica.ended().await;
        replica.start().await;
        assert_eq!(user.sign_out().await, 200, "{point}");
        let live = fleet.forge.live_grants_of(user.name());
        assert_eq!(live, 0, "{point}: it was acknowledged, and the provider's tokens are left");
    }
}
