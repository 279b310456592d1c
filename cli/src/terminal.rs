//! Interruption of questions: Ctrl-C leaves the terminal as it was.

use std::{io, process, thread, time::Duration};

use anyhow::Result;
use dialoguer::console::Term;

use crate::signals::Signals;

/// What shells report of a program that SIGINT has ended.
const EXIT_CODE: i32 = 130;

/// How long a question may take to notice the signal. A question that is being drawn when the signal
/// arrives misses it and goes on reading keys.
const GRACE: Duration = Duration::from_millis(50);

/// Ends the program at a signal, with the cursor shown, which a question hides.
pub(crate) fn handle() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = {
        let _context = runtime.enter();
        Signals::new()?
    };
    let settings = Settings::read();
    thread::spawn(move || {
        runtime.block_on(signals.next());
        thread::sleep(GRACE);
        settings.restore();
        end()
    });
    Ok(())
}

/// Returns the answer of a question, or ends the program if the question was interrupted.
pub(crate) fn or_end<T>(answer: Result<T>) -> Result<T> {
    answer.inspect_err(|error| {
        let is_interrupted = error.downcast_ref::<dialoguer::Error>().is_some_and(|error| {
            let dialoguer::Error::IO(error) = error;
            error.kind() == io::ErrorKind::Interrupted
        });
        if is_interrupted {
            end()
        }
    })
}

/// The terminal's settings for keys, which a question changes while it reads them.
struct Settings(#[cfg(unix)] Option<rustix::termios::Termios>);

#[cfg(unix)]
impl Settings {
    fn read() -> Self {
        Self(rustix::termios::tcgetattr(io::stdin()).ok())
    }

    fn restore(&self) {
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

    fn restore(&self) {}
}

fn end() -> ! {
    let terminal = Term::stderr();
    // A terminal that has gone away needs no cursor.
    let _ = terminal.show_cursor();
    let _ = terminal.write_line("");
    process::exit(EXIT_CODE)
}
