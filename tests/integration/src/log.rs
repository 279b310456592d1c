//! What a server writes into its log, while a test listens.

use std::{
    io::Write,
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use tracing::{Dispatch, Level, subscriber::DefaultGuard};

/// What was logged.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Listens on this thread, which is all that a test's runtime has, as long as the guard lives.
    pub fn listen(level: Level) -> (Self, DefaultGuard) {
        // With a single subscriber, the first thread that meets an event decides for all threads whether
        // it is of interest; so there are always two.
        static OTHERS: LazyLock<[Dispatch; 2]> =
            LazyLock::new(|| [(); 2].map(|()| Dispatch::new(tracing_subscriber::registry())));
        LazyLock::force(&OTHERS);
        let log = Self::default();
        let to = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_max_level(level)
            .with_writer(move || to.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// All of it.
    pub fn text(&self) -> String {
        let said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&said).into_owned()
    }

    /// The lines that hold `part`.
    pub fn lines(&self, part: &str) -> Vec<String> {
        self.text().lines().filter(|line| line.contains(part)).map(str::to_owned).collect()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
