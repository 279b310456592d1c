//! State in a file: a forge that is started again knows the tokens that it has issued.

use std::{
    collections::{BTreeSet, HashMap},
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use serde::{Deserialize, Serialize};

use crate::{
    Forge,
    world::{Access, Comment, Family, Refresh, Repo, World},
};

/// A file with the state of a forge, and what was written last.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    written: Mutex<Vec<u8>>,
}

/// What outlives a forge: not its open pages and codes, which live for minutes.
#[derive(Serialize, Deserialize)]
struct Saved {
    sessions: HashMap<String, String>,
    access: HashMap<String, Access>,
    refresh: HashMap<String, Refresh>,
    families: Vec<Family>,
    approved: HashMap<String, BTreeSet<String>>,
    repos: Vec<Repo>,
    /// The comments of each issue of each repository, which the API does not list with the issue.
    discussions: Vec<Vec<Vec<Comment>>>,
}

impl Saved {
    fn of(world: &World) -> Self {
        let discussions = world.repos.iter().map(|repo| {
            repo.issues.iter().map(|issue| issue.discussion.clone()).collect::<Vec<_>>()
        });
        Self {
            sessions: world.sessions.clone(),
            access: world.access.clone(),
            refresh: world.refresh.clone(),
            families: world.families.clone(),
            approved: world.approved.clone(),
            repos: world.repos.clone(),
            discussions: discussions.collect(),
        }
    }

    fn into_world(self) -> World {
        let mut repos = self.repos;
        for (repo, discussions) in repos.iter_mut().zip(self.discussions) {
            for (issue, discussion) in repo.issues.iter_mut().zip(discussions) {
                issue.discussion = discussion;
            }
        }
        World {
            sessions: self.sessions,
            access: self.access,
            refresh: self.refresh,
            families: self.families,
            approved: self.approved,
            repos,
            ..World::default()
        }
    }
}

impl StateFile {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path, written: Mutex::default() }
    }

    /// The world of the file, or a new one if there is no file, or none that can be read.
    pub(crate) fn load(&self) -> World {
        let Ok(bytes) = fs::read(&self.path) else { return World::seeded() };
        let saved: Result<Saved, _> = serde_json::from_slice(&bytes);
        saved.map_or_else(|_| World::seeded(), Saved::into_world)
    }

    fn save(&self, world: &World) -> io::Result<()> {
        let bytes = serde_json::to_vec(&Saved::of(world)).map_err(io::Error::other)?;
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if *written == bytes {
            return Ok(());
        }
        let new = self.path.with_extension("new");
        create(&self.path, &new)?.write_all(&bytes)?;
        fs::rename(&new, &self.path)?;
        *written = bytes;
        Ok(())
    }
}

/// Creates the file, with the directory of `path`, for its owner only: it holds tokens.
fn create(path: &Path, file: &Path) -> io::Result<fs::File> {
    let (mut directory, mut options) = (fs::DirBuilder::new(), fs::OpenOptions::new());
    directory.recursive(true);
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
        directory.mode(0o700);
        options.mode(0o600);
    }
    if let Some(parent) = path.parent() {
        directory.create(parent)?;
    }
    options.open(file)
}

/// Saves what a request has changed before it is answered.
pub(crate) async fn save_changes(
    State(forge): State<Forge>,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    if let Some(file) = &forge.state
        && let Err(error) = file.save(&forge.world())
    {
        eprintln!("forge cannot save its state: {error}");
    }
    response
}
