//! Watch over the files of the project.

use std::{
    collections::BTreeSet,
    mem,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use tokio::sync::mpsc;

use super::{
    changes::{Changes, Files},
    project::Project,
};

/// How long nothing else may be written until a change counts. Editors write a file in several steps.
const QUIET: Duration = Duration::from_millis(20);

/// How long a change waits for others at most.
const MAX_WAIT: Duration = Duration::from_millis(250);

/// Watches the files of a project.
pub(super) struct Watch {
    watcher: RecommendedWatcher,
    events: mpsc::UnboundedReceiver<PathBuf>,
    files: Files,
    /// Paths that were reported, and when the first was.
    pending: BTreeSet<PathBuf>,
    since: Option<Instant>,
}

impl Watch {
    pub(super) fn new(project: &Project) -> Result<Self> {
        let (to_us, events) = mpsc::unbounded_channel();
        let reports = move |event: notify::Result<Event>| {
            let Ok(event) = event else { return };
            if !matches!(event.kind, EventKind::Access(_)) {
                for path in event.paths {
                    let _ = to_us.send(path);
                }
            }
        };
        let watcher = notify::recommended_watcher(reports).context("files cannot be watched")?;
        let files = Files::new(&project.directory, &project.target);
        let (pending, since) = (BTreeSet::new(), None);
        let mut watch = Self { watcher, events, files, pending, since };
        for package in &project.packages {
            let directories = watch.files.scan(package);
            if cfg!(target_os = "linux") {
                // Each directory is watched separately, because those that are left out may have many
                // files.
                for directory in directories {
                    watch.add(&directory)?;
                }
            } else {
                watch.watcher.watch(package, RecursiveMode::Recursive)?;
            }
        }
        if !project.packages.contains(&project.workspace) {
            watch.add(&project.workspace)?;
            for name in [".env", "Cargo.toml", "Cargo.lock", "rust-toolchain.toml"] {
                watch.files.compare([project.workspace.join(name)]);
            }
        }
        Ok(watch)
    }

    fn add(&mut self, directory: &Path) -> Result<()> {
        let watched = self.watcher.watch(directory, RecursiveMode::NonRecursive);
        watched.with_context(|| format!("{} cannot be watched", directory.display()))
    }

    /// Takes note of what the program was built from.
    pub(super) fn built(&mut self, executable: &Path) {
        self.files.built(executable);
    }

    /// Waits until something has changed, and returns when the first of it was reported. Nothing is lost
    /// if the future is dropped.
    pub(super) async fn next(&mut self) -> (Changes, Instant) {
        loop {
            if self.pending.is_empty() {
                self.since = None;
                self.take().await;
            }
            let since = *self.since.get_or_insert_with(Instant::now);
            while since.elapsed() < MAX_WAIT
                && tokio::time::timeout(QUIET, self.take()).await.is_ok()
            {}
            let (changes, new) = self.files.compare(mem::take(&mut self.pending));
            if cfg!(target_os = "linux") {
                for directory in new {
                    // It may be gone already.
                    let _ = self.add(&directory);
                }
            }
            if !changes.is_empty() {
                self.since = None;
                return (changes, since);
            }
        }
    }

    async fn take(&mut self) {
        match self.events.recv().await {
            Some(path) => {
                self.since.get_or_insert_with(Instant::now);
                self.pending.insert(path);
            }
            None => std::future::pending().await,
        }
    }
}
