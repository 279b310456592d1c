//! Terminal while questions are asked: Ctrl-C leaves it as it was.

use std::{io, process, thread, time::Duration};

use anyhow::Result;
use dialoguer::console::Term;

use crate::signals::Signals;

/// What shells report of a program that SIGINT has ended.
const EXIT_CODE: i32 = 130;

/// How long a question may take to notice the signal. A question that is being drawn when the signal
/// arrives misses it and goes on reading keys.
const GRACE: Duration = Duration::from_millis(50);

/// The terminal while questions are asked. When this is dropped, the terminal is as it was before.
///
/// Keys that are typed before a question reads them are kept for it, and are not shown among its lines.
/// Ctrl-C is one of these keys, so that it meets no question that is being drawn.
#[must_use]
pub(crate) struct Questions {
    settings: Settings,
}

impl Questions {
    /// Begins, and ends the program at a signal with the terminal as it was.
    pub(crate) fn begin() -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut signals = {
            let _context = runtime.enter();
            Signals::new()?
        };
        let settings = Settings::read();
        settings.quiet().apply();
        let before = settings.clone();
        thread::spawn(move || {
            runtime.block_on(signals.next());
            thread::sleep(GRACE);
            end(&before)
        });
        Ok(Self { settings })
    }

    /// Returns the answer of a question, or ends the program if the question was interrupted.
    pub(crate) fn or_end<T>(&self, answer: Result<T>) -> Result<T> {
        answer.inspect_err(|error| {
            let is_interrupted = error.downcast_ref::<dialoguer::Error>().is_some_and(|error| {
                let dialoguer::Error::IO(error) = error;
                error.kind() == io::ErrorKind::Interrupted
            });
            if is_interrupted {
                end(&self.settings)
            }
        })
    }
}

impl Drop for Questions {
    fn drop(&mut self) {
        self.settings.apply();
    }
}

/// Settings of a terminal. Without a terminal there are none.
#[derive(Clone)]
struct Settings(#[cfg(unix)] Option<rustix::termios::Termios>);

#[cfg(unix)]
impl Settings {
    fn read() -> Self {
        Self(rustix::termios::tcgetattr(io::stdin()).ok())
    }

    /// The same settings, with which keys are kept until they are read, and are not shown.
    fn quiet(&self) -> Self {
        use rustix::termios::LocalModes;

        let mut quiet = self.clone();
        if let Some(settings) = &mut quiet.0 {
            settings.local_modes -= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
        }
        quiet
    }

    fn apply(&self) {
        if let Some(settings) = &self.0 {
            let now = rustix::termios::OptionalActions::Now;
            // A terminal that has gone away keeps no settings.
            let _ = rustix::termios::tcsetattr(io::stdin(), now, settings);
        }
    }
}

#[cfg(not(unix))]
impl Settings {
    fn read() -> Self {
        Self()
    }

    fn quiet(&self) -> Self {
        Self()
    }

    fn apply(&self) {}
}

fn end(before: &Settings) -> ! {
    let terminal = Term::stderr();
    // A terminal that has gone away needs no cursor.
    let _ = terminal.show_cursor();
    let _ = terminal.write_line("");
    before.apply();
    process::exit(EXIT_CODE)
}
