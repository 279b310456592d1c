//! Switch from one program to the next, without a failed call.
//!
//! The new program builds its configuration first. Then the old one stops to accept connections and
//! hands over what it has in memory; what arrives meanwhile waits in the queue of the listener. If the
//! new one fails before it accepts connections, the old one goes on.

use std::time::Duration;

use serde_json::value::RawValue;
use tokio::time::timeout;

use super::{
    message::{Changes, FromProgram, ToProgram, VERSION},
    program::{Event, Program},
};

/// How long a program may take to build its configuration.
const BUILT_TIMEOUT: Duration = Duration::from_secs(60);

/// How long each of the steps after that may take.
const STEP_TIMEOUT: Duration = Duration::from_secs(10);

/// A program that accepts connections.
pub(super) struct Serving {
    pub(super) program: Program,
    /// Its tools, as it described them.
    pub(super) tools: Option<Box<RawValue>>,
    pub(super) inspector: Option<String>,
    pub(super) changes: Changes,
}

/// A configuration that is built.
pub(super) struct BuiltProgram {
    /// The URL at which the program is reached, by its configuration.
    pub(super) url: Option<String>,
    pub(super) tools: Option<Box<RawValue>>,
}

/// Why a program does not serve.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) text: String,
    /// The end of what it wrote to standard error.
    pub(super) tail: String,
}

impl Failure {
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), tail: String::new() }
    }

    pub(super) fn with_tail(self, program: &Program) -> Self {
        Self { tail: program.tail(), ..self }
    }
}

/// Waits until the program has built its configuration, and returns what came of it. `kept`: what every
/// later program needs, which this one may replace.
pub(super) async fn built(
    program: &mut Program,
    kept: &mut Option<Box<RawValue>>,
    announce: bool,
) -> Result<BuiltProgram, Failure> {
    let mut greeted = false;
    let steps = async {
        loop {
            match program.next().await {
                Some(Event::Said(FromProgram::Hello)) => {
                    greeted = true;
                    let kept = kept.as_deref();
                    program.say(&ToProgram::Welcome { version: VERSION, announce, kept });
                }
                Some(Event::Said(FromProgram::Keep(newer))) => *kept = Some(newer),
                Some(Event::Said(FromProgram::Built { url, tools })) => {
                    return Ok(BuiltProgram { url, tools });
                }
                Some(Event::Said(_)) => {}
                Some(Event::Exited(status)) => {
                    return Err(Failure::new(format!(
                        "the program ended before it served: {status}"
                    )));
                }
                None => return Err(Failure::new("the program has ended")),
            }
        }
    };
    match timeout(BUILT_TIMEOUT, steps).await {
        Ok(built) => built,
        Err(_) if greeted => Err(Failure::new(format!(
            "the program is not ready after {} s",
            BUILT_TIMEOUT.as_secs()
        ))),
        Err(_) => Err(Failure::new(
            "the program does not answer: it is to serve over HTTP, with a version of toolgate that knows this command, in a debug build or with the feature `dev`",
        )),
    }
}

/// Replaces `old` by the program, whose configuration is built, and asks `old` to drain.
/// After a failure `old` accepts connections again.
pub(super) async fn take_over(
    mut program: Program,
    tools: Option<Box<RawValue>>,
    old: &mut Option<Serving>,
) -> Result<Serving, Failure> {
    let (mut state, mut has_ended) = (None, false);
    if let Some(old) = old {
        old.program.say(&ToProgram::HandOver);
        match timeout(STEP_TIMEOUT, handed_over(&mut old.program)).await {
            Ok(Ok(handed_over)) => state = handed_over,
            Ok(Err(())) => has_ended = true,
            Err(_) => {
                old.program.say(&ToProgram::Resume);
                return Err(Failure::new("the old program does not hand over"));
            }
        }
    }
    if has_ended {
        *old = None;
    }
    let tools_before = old.as_ref().and_then(|old| old.tools.as_deref());
    program.say(&ToProgram::Accept { state: state.as_deref(), tools_before });
    match timeout(STEP_TIMEOUT, ready(&mut program)).await {
        Ok(Ok((inspector, changes))) => {
            if let Some(old) = old {
                old.program.say(&ToProgram::Drain { tools_changed: changes.tools_changed });
            }
            Ok(Serving { program, tools, inspector, changes })
        }
        failed => {
            // The new program must not accept connections once the old one accepts them again.
            let failure = match failed {
                Ok(Err(failure)) => failure,
                _ => Failure::new("the program does not accept connections"),
            };
            let failure = failure.with_tail(&program);
            drop(program);
            if let Some(old) = old {
                old.program.say(&ToProgram::Resume);
            }
            Err(failure)
        }
    }
}

async fn handed_over(program: &mut Program) -> Result<Option<Box<RawValue>>, ()> {
    loop {
        match program.next().await {
            Some(Event::Said(FromProgram::State(state))) => return Ok(state),
            Some(Event::Said(_)) => {}
            Some(Event::Exited(_)) | None => return Err(()),
        }
    }
}

async fn ready(program: &mut Program) -> Result<(Option<String>, Changes), Failure> {
    loop {
        match program.next().await {
            Some(Event::Said(FromProgram::Ready { inspector, changes })) => {
                return Ok((inspector, changes));
            }
            Some(Event::Said(_)) => {}
            Some(Event::Exited(status)) => {
                return Err(Failure::new(format!("the program ended before it served: {status}")));
            }
            None => return Err(Failure::new("the program has ended")),
        }
    }
}
