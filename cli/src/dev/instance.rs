//! Instance of the program: one listener, the program that serves it, and the programs that it
//! replaced.

use std::{
    collections::VecDeque,
    convert::Infallible,
    ffi::OsString,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Result;
use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::{
    draining::{Draining, Late},
    listeners::Listeners,
    message::{FromProgram, ToProgram},
    process_group::Signal,
    program::{Event, Launch, Program},
    switch::{self, Failure, Serving},
};

/// What programs are started from.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) executable: &'a Path,
    pub(super) arguments: &'a [OsString],
    /// The directory of the package.
    pub(super) directory: &'a Path,
    /// Holds the sockets of the channels.
    pub(super) sockets: &'a Path,
}

/// The programs of one listener.
pub(super) struct Instance {
    listeners: Listeners,
    variables: Vec<(&'static str, String)>,
    /// The URL that the program has to have, whatever it is configured to.
    url: Option<String>,
    programs: Programs,
    served_since: Instant,
    /// The identity that every program gets from the first one.
    kept: Option<Box<RawValue>>,
    has_announced: bool,
}

impl Instance {
    pub(super) fn new(listeners: Listeners) -> Self {
        Self {
            listeners,
            variables: Vec::new(),
            url: None,
            programs: Programs::new(),
            served_since: Instant::now(),
            kept: None,
            has_announced: false,
        }
    }

    /// Programs that are reached through a tunnel, at `url`.
    pub(super) fn reached_at(mut self, url: &str) -> Self {
        self.variables = vec![("TOOLGATE_DEV_TUNNEL", url.to_owned())];
        self.url = Some(url.to_owned());
        // This command prints the URL, so the program does not.
        self.has_announced = true;
        self
    }

    pub(super) fn serving(&self) -> Option<&Serving> {
        self.programs.serving.as_ref()
    }

    /// For how long the program has served.
    pub(super) fn lifetime(&self) -> Duration {
        self.served_since.elapsed()
    }

    /// Starts the next program, and waits until it has built its configuration. Dropping the future
    /// kills it.
    pub(super) async fn prepare(&mut self, origin: Origin<'_>) -> Result<Prepared, Failure> {
        let Origin { executable, arguments, directory, sockets } = origin;
        let variables = &self.variables;
        let launch = Launch { executable, arguments, directory, variables, sockets };
        let began = Instant::now();
        let mut program = Program::start(&launch, &self.listeners)
            .map_err(|error| Failure::new(format!("{error:#}")))?;
        let built = tokio::select! {
            built = switch::built(&mut program, &mut self.kept, !self.has_announced) => built,
            never = self.programs.pass_on() => match never {},
        };
        let built = built.map_err(|failure| failure.with_tail(&program))?;
        if let Some(url) = &self.url
            && !built.url.as_deref().is_some_and(|built| is_below(built, url))
        {
            return Err(Failure::new(format!(
                "the program does not take over the URL of the tunnel, {url}"
            )));
        }
        Ok(Prepared { program, tools: built.tools, took: began.elapsed() })
    }

    /// Puts the program in the place of the one that serves.
    pub(super) async fn replace(&mut self, prepared: Prepared) -> Result<&Serving, Failure> {
        let Prepared { program, tools, .. } = prepared;
        let serving = self.programs.replace(program, tools).await?;
        self.served_since = Instant::now();
        self.has_announced = true;
        Ok(serving)
    }

    pub(super) fn say(&self, message: &ToProgram<'_>) {
        if let Some(serving) = &self.programs.serving {
            serving.program.say(message);
        }
    }

    /// Waits until the program that serves has ended by itself. Returns its status, and the end of its
    /// standard error.
    pub(super) async fn ended(&mut self) -> (String, String) {
        self.programs.ended().await
    }

    /// Passes on what replaced programs change, while the supervisor does something else.
    pub(super) async fn pass_on(&mut self) -> Infallible {
        self.programs.pass_on().await
    }

    /// Ends all programs.
    pub(super) async fn end(&mut self, signal: Signal) {
        if let Some(serving) = self.programs.serving.take() {
            self.programs.draining.add(serving.program);
        }
        self.programs.draining.end(signal).await;
    }
}

/// The program that serves, and those that it replaced.
struct Programs {
    serving: Option<Serving>,
    draining: Draining,
    /// What the program that serves has yet to take over of the others, in order.
    merging: VecDeque<oneshot::Sender<Infallible>>,
    /// How the program that served has ended, until that is asked for.
    ended: Option<(String, String)>,
}

impl Programs {
    fn new() -> Self {
        Self { serving: None, draining: Draining::new(), merging: VecDeque::new(), ended: None }
    }

    /// Puts the program in the place of the one that serves.
    async fn replace(
        &mut self,
        program: Program,
        tools: Option<Box<RawValue>>,
    ) -> Result<&Serving, Failure> {
        let replaced = switch::take_over(program, tools, &mut self.serving).await;
        // What was passed on before is part of the state that was handed over.
        self.merging.clear();
        let serving = replaced?;
        if let Some(old) = self.serving.take() {
            self.draining.add(old.program);
        }
        self.ended = None;
        Ok(self.serving.insert(serving))
    }

    async fn pass_on(&mut self) -> Infallible {
        loop {
            self.ended = Some(self.next_end().await);
        }
    }

    async fn ended(&mut self) -> (String, String) {
        match self.ended.take() {
            Some(ended) => ended,
            None => self.next_end().await,
        }
    }

    /// Passes on what replaced programs change, until the program that serves ends by itself.
    async fn next_end(&mut self) -> (String, String) {
        loop {
            let event = tokio::select! {
                event = next_event(self.serving.as_mut()) => event,
                Late { state, merging } = self.draining.next() => {
                    if let Some(serving) = &self.serving {
                        serving.program.say(&ToProgram::Late { state: &state });
                        self.merging.push_back(merging);
                    }
                    continue;
                }
            };
            match event {
                Some(Event::Said(FromProgram::Merged)) => drop(self.merging.pop_front()),
                Some(Event::Exited(status)) => {
                    self.merging.clear();
                    let tail = self.serving.take().map(|serving| serving.program.tail());
                    return (status.to_string(), tail.unwrap_or_default());
                }
                Some(Event::Said(_)) | None => {}
            }
        }
    }
}

/// A program that has built its configuration.
pub(super) struct Prepared {
    program: Program,
    tools: Option<Box<RawValue>>,
    /// How long that took.
    pub(super) took: Duration,
}

async fn next_event(serving: Option<&mut Serving>) -> Option<Event> {
    match serving {
        Some(serving) => serving.program.next().await,
        None => std::future::pending().await,
    }
}

/// Whether `built` is `url`, or below it.
fn is_below(built: &str, url: &str) -> bool {
    let rest = built.strip_prefix(url.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_url_of_a_tunnel_is_not_the_beginning_of_another() {
        let tunnel = "https://a.example/";
        assert!(is_below("https://a.example/mcp", tunnel));
        assert!(!is_below("https://a.example.evil.example/mcp", tunnel));
        assert!(!is_below("http://127.0.0.1:8765/mcp", tunnel));
    }
}
