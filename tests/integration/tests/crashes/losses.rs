//! The kill that explains the loss of a grant.

use std::time::{Duration, Instant};

use forge::{
    RefreshOutcome::{self, Refused, Renewed, Reused},
    RefreshRequest,
};
use integration::fleet::{Kill, Loss, find_kills};

const INTERRUPTED: &str = "this server was stopped while it renewed the access";

struct Clock(Instant);

impl Clock {
    fn at(&self, milliseconds: u64) -> Instant {
        self.0 + Duration::from_millis(milliseconds)
    }

    fn request(
        &self,
        at: u64,
        grant: usize,
        process: &str,
        outcome: RefreshOutcome,
    ) -> RefreshRequest {
        let (user, query) = ("alice".to_owned(), process.to_owned());
        RefreshRequest { at: self.at(at), user, grant, query, outcome }
    }

    fn kill(&self, at: u64, process: &str) -> Kill {
        Kill { process: process.to_owned(), at: self.at(at) }
    }

    fn loss(&self, at: u64, words: &str) -> Loss {
        let (person, words) = ("alice".to_owned(), words.to_owned());
        Loss { person, said_at: self.at(at), words }
    }
}

#[test]
fn a_loss_is_of_the_kill_of_the_process_that_spent_the_token() {
    let clock = Clock(Instant::now());
    let requests = [
        clock.request(0, 0, "1.1", Renewed),
        clock.request(1000, 3, "1.1", Renewed),
        clock.request(2000, 3, "2.4", Renewed),
        clock.request(5000, 3, "1.1", Reused),
        clock.request(6000, 3, "1.2", Refused),
    ];
    let kills = [clock.kill(1500, "1.0"), clock.kill(2015, "2.4"), clock.kill(2500, "2.5")];
    let (matches, faults) = find_kills(&[clock.loss(6500, INTERRUPTED)], &requests, &kills);
    assert!(faults.is_empty(), "{faults:?}");
    let [found] = matches[..] else { panic!("{matches:?}") };
    assert_eq!((found.grant, found.kill), (3, 1));
    assert_eq!(found.in_flight, Duration::from_millis(15));
}

#[test]
fn a_loss_without_such_a_kill_is_a_fault() {
    let clock = Clock(Instant::now());
    let spent = [clock.request(0, 0, "2.4", Renewed), clock.request(900, 0, "1.1", Reused)];
    let fault = |losses: &[Loss], requests: &[RefreshRequest], kills: &[Kill]| {
        let (_, mut faults) = find_kills(losses, requests, kills);
        assert_eq!(faults.len(), 1, "{faults:?}");
        faults.remove(0)
    };
    let loss = clock.loss(1000, INTERRUPTED);
    let lost = std::slice::from_ref(&loss);
    let of_another = fault(lost, &spent, &[clock.kill(5, "1.1"), clock.kill(6, "2.5")]);
    assert!(of_another.contains("by process 2.4, which was not killed"), "{of_another}");
    let kill = [clock.kill(40_000, "2.4")];
    let too_late = fault(lost, &spent, &kill);
    assert!(too_late.contains("was killed 40s after its request"), "{too_late}");
    let kill = [clock.kill(10, "2.4")];
    let not_reused = fault(lost, &spent[..1], &kill);
    assert!(not_reused.contains("its token was not used again"), "{not_reused}");
    let unasked = fault(lost, &[], &kill);
    assert!(unasked.contains("without a refresh request"), "{unasked}");
    let otherwise = fault(&[clock.loss(1000, "you have revoked it")], &spent, &kill);
    assert!(otherwise.contains("for another reason"), "{otherwise}");
    let twice = fault(&[loss.clone(), loss.clone()], &spent, &kill);
    assert!(twice.contains("one grant is lost twice"), "{twice}");
}
