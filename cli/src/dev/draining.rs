//! Programs that were replaced, until they end.

use std::{convert::Infallible, time::Duration};

use serde_json::value::RawValue;
use tokio::{
    sync::{
        mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
        oneshot,
    },
    task::{AbortHandle, JoinSet},
};

use super::{
    message::{FromProgram, ToProgram},
    process_group::Signal,
    program::{Event, Program},
};

/// The most programs. Above the limit, the oldest ends without waiting for its clients.
const MAX_DRAINING: usize = 8;

/// The longest time that a program may take to end, from the signal.
const END_TIMEOUT: Duration = Duration::from_secs(20);

/// What a program has changed since it handed over.
pub(super) struct Late {
    pub(super) state: Box<RawValue>,
    /// Is dropped when the program that serves has the state, or when there is none.
    pub(super) merging: oneshot::Sender<Infallible>,
}

/// The programs, each in a task that waits for its end.
pub(super) struct Draining {
    tasks: JoinSet<()>,
    ends: Vec<(UnboundedSender<Signal>, AbortHandle)>,
    to_us: UnboundedSender<Late>,
    late: UnboundedReceiver<Late>,
}

impl Draining {
    pub(super) fn new() -> Self {
        let (to_us, late) = unbounded_channel();
        Self { tasks: JoinSet::new(), ends: Vec::new(), to_us, late }
    }

    pub(super) fn add(&mut self, mut program: Program) {
        self.ends.retain(|(_, task)| !task.is_finished());
        if self.ends.len() >= MAX_DRAINING {
            let _ = self.ends.remove(0).0.send(Signal::Terminate);
        }
        let (to_end, mut end) = unbounded_channel();
        let to_us = self.to_us.clone();
        let task = self.tasks.spawn(async move {
            let mut is_told = false;
            let mut merged = None;
            loop {
                tokio::select! {
                    event = program.next() => match event {
                        Some(Event::Said(FromProgram::Late(state))) => {
                            let (merging, is_merged) = oneshot::channel();
                            merged = Some(is_merged);
                            let _ = to_us.send(Late { state, merging });
                        }
                        Some(Event::Said(_)) => {}
                        Some(Event::Exited(_)) | None => break,
                    },
                    () = dropped(merged.as_mut()) => {
                        merged = None;
                        program.say(&ToProgram::Merged);
                    }
                    Some(signal) = end.recv() => {
                        program.signal(signal);
                        is_told = true;
                    }
                    () = tokio::time::sleep(END_TIMEOUT), if is_told => {
                        program.signal(Signal::Kill);
                        is_told = false;
                    }
                }
            }
        });
        self.ends.push((to_end, task));
    }

    /// Waits until one of them has changed something since it handed over, and returns it.
    pub(super) async fn next(&mut self) -> Late {
        loop {
            tokio::select! {
                Some(late) = self.late.recv() => return late,
                Some(_) = self.tasks.join_next() => {}
            }
        }
    }

    /// Ends all of them, and waits until they have ended. A second call kills them.
    pub(super) async fn end(&mut self, signal: Signal) {
        for (end, _) in &self.ends {
            let _ = end.send(signal);
        }
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Waits until the sender is dropped.
async fn dropped(receiver: Option<&mut oneshot::Receiver<Infallible>>) {
    match receiver {
        Some(receiver) => drop(receiver.await),
        None => std::future::pending().await,
    }
}
