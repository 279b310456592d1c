//! Sessions of clients of 2025.

use reqwest::Method;
use serde_json::json;

use super::{examination::Examination, protocol::Spoken, rules::protocol};
use crate::remote::{
    http::{Answer, Failure, Read},
    mcp::{self, Remote, SESSION, VERSION},
};

/// A session that does not exist, in the form that most servers use.
const UNKNOWN: &str = "5e5510f0-0000-4000-8000-746f6f6c6763";

/// Fewer characters cannot hold 64 random bits.
const MIN_ID_LEN: usize = 11;

pub(super) async fn examine(exam: &mut Examination, spoken: &Spoken) {
    let Some(remote) = &spoken.legacy else { return };
    let Some(session) = &remote.session else {
        return exam.report.skipped(&protocol::SESSION_ID, "the server has no sessions");
    };
    let is_visible = session.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
    let seen = match (is_visible, session.len() >= MIN_ID_LEN) {
        (true, true) => Ok(format!("{} characters", session.len())),
        (false, _) => Err("other characters than visible ASCII".to_owned()),
        (_, false) => Err(format!("{} characters", session.len())),
    };
    exam.report.judge(&protocol::SESSION_ID, seen);
    let stranger = Remote { session: Some(UNKNOWN.to_owned()), ..remote.clone() };
    match list(&stranger).await {
        Ok(answer) if answer.status == 404 => exam.report.ok(&protocol::SESSION_UNKNOWN, "404"),
        // Some hosts begin a new session for this status, too.
        Ok(answer) if answer.status == 400 => {
            exam.report.warning(&protocol::SESSION_UNKNOWN, answer.summary());
        }
        Ok(answer) => exam.report.violated(&protocol::SESSION_UNKNOWN, answer.summary()),
        Err(failure) => exam.report.violated(&protocol::SESSION_UNKNOWN, failure.to_string()),
    }
}

/// Ends the session of the examination, and looks whether it has ended.
pub(super) async fn end(exam: &mut Examination, spoken: &Spoken) {
    let Some(remote) = spoken.legacy.as_ref().filter(|remote| remote.session.is_some()) else {
        return;
    };
    let seen = match delete(remote).await {
        Some(Ok(answer)) if answer.is_success() => match list(remote).await {
            Ok(answer) if !answer.is_success() => Ok(answer.status.to_string()),
            Ok(answer) => Err(format!("{} afterwards", answer.summary())),
            Err(failure) => Err(failure.to_string()),
        },
        Some(Ok(answer)) if answer.status == 405 => Ok("405: sessions are not ended".to_owned()),
        Some(Ok(answer)) => Err(answer.summary()),
        Some(Err(failure)) => Err(failure.to_string()),
        None => return,
    };
    exam.report.judge(&protocol::SESSION_ENDED, seen);
}

async fn list(remote: &Remote) -> Result<Answer, Failure> {
    remote.send(&mcp::request(7, "tools/list", json!({}))).await
}

/// Ends a session, if there is one.
pub(super) async fn delete(remote: &Remote) -> Option<Result<Answer, Failure>> {
    let session = remote.session.as_ref()?;
    let mut request = remote.plain(Method::DELETE).header(SESSION, session);
    if let Some(version) = &remote.version {
        request = request.header(VERSION, version);
    }
    Some(remote.http.send(request, Read::Message).await)
}
