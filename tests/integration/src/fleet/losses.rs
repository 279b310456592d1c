//! Grants that were lost, and the kills that lost them.

use std::time::{Duration, Instant};

use forge::{RefreshOutcome, RefreshRequest};

/// In what words people are asked to connect an account whose refresh was interrupted.
pub(super) const INTERRUPTED: &str = "this server was stopped while it renewed the access";

/// How long a refresh request may have been under way when its process was killed: the time that a server
/// gives a request and the storing of its answer.
const MAX_IN_FLIGHT: Duration = Duration::from_secs(30);

/// A grant that was lost.
#[derive(Clone, Debug)]
pub struct Loss {
    /// Whose it was.
    pub person: String,
    /// When the call was refused.
    pub said_at: Instant,
    /// In what words.
    pub words: String,
}

/// A process that was sent SIGKILL.
#[derive(Clone, Debug)]
pub struct Kill {
    /// The process, as the provider saw it in the query of its requests.
    pub process: String,
    /// When it had ended.
    pub at: Instant,
}

/// The kill that explains a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// The grant, as the provider counts them.
    pub grant: usize,
    /// Which of the kills.
    pub kill: usize,
    /// How long before the end of the process the provider got the request. Zero: it read the request
    /// when the process had ended.
    pub in_flight: Duration,
}

/// Finds the kill of each loss, and says for which there is none.
pub fn find_kills(
    losses: &[Loss],
    requests: &[RefreshRequest],
    kills: &[Kill],
) -> (Vec<Match>, Vec<String>) {
    let (mut matches, mut faults) = (Vec::<Match>::new(), Vec::new());
    for loss in losses {
        match loss.find_kill(requests, kills) {
            Ok(found) if matches.iter().any(|other| other.grant == found.grant) => {
                faults.push(format!("{}: one grant is lost twice", loss.person));
            }
            Ok(found) => matches.push(found),
            Err(fault) => faults.push(fault),
        }
    }
    (matches, faults)
}

impl Loss {
    /// The kill that lost this grant: of the process whose refresh request spent the grant's token and that
    /// did not store the answer, so that the token was used again.
    ///
    /// # Errors
    ///
    /// What is missing in `requests`, the log of the provider, or in `kills`.
    fn find_kill(&self, requests: &[RefreshRequest], kills: &[Kill]) -> Result<Match, String> {
        if !self.words.contains(INTERRUPTED) {
            return Err(format!("{}: lost for another reason: {}", self.person, self.words));
        }
        let of_person = requests.iter().filter(|request| request.user == self.person);
        let before: Vec<_> = of_person.filter(|request| request.at <= self.said_at).collect();
        let Some(grant) = before.iter().map(|request| request.grant).max() else {
            return Err(format!("{}: lost without a refresh request", self.person));
        };
        let of_grant = before.iter().filter(|request| request.grant == grant);
        let mut spent = None;
        let mut is_reused = false;
        for request in of_grant {
            match request.outcome {
                RefreshOutcome::Reused => is_reused = true,
                RefreshOutcome::Renewed if !is_reused => spent = Some(request),
                _ => {}
            }
        }
        let (Some(spent), true) = (spent, is_reused) else {
            return Err(format!("{}: lost, and its token was not used again", self.person));
        };
        let process = &spent.query;
        let Some(kill) = kills.iter().position(|kill| kill.process == *process) else {
            return Err(format!(
                "{}: lost by process {process}, which was not killed",
                self.person
            ));
        };
        let in_flight = kills[kill].at.saturating_duration_since(spent.at);
        if in_flight > MAX_IN_FLIGHT {
            let person = &self.person;
            return Err(format!("{person}: {process} was killed {in_flight:?} after its request"));
        }
        Ok(Match { grant, kill, in_flight })
    }
}
