//! Builds of views that are written in TypeScript: the project's own Vite writes them, again at each
//! change.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use serde_json::Value;
use tokio::process::{Child, Command};

use super::{
    process_group::{self, Signal},
    terminal,
};

/// The wait before a build that has ended is restarted.
const RESTART_DELAY: Duration = Duration::from_secs(2);

/// The builds that run. They are ended when this is dropped.
pub(super) struct ViewBuilds(Vec<ViewBuild>);

struct ViewBuild {
    directory: PathBuf,
    child: Option<Child>,
}

impl ViewBuilds {
    pub(super) fn start(project: &Path) -> Self {
        let mut builds = Vec::new();
        for directory in directories(project) {
            let shown = directory.strip_prefix(project).unwrap_or(&directory).display().to_string();
            if directory.join("node_modules").is_dir() {
                terminal::status("Watching", &format!("the views of {shown}"));
                let child = spawn(&directory);
                builds.push(ViewBuild { directory, child });
            } else {
                terminal::failure(
                    "Missing",
                    &format!("{shown}/node_modules: run `npm install` there, and start again"),
                );
            }
        }
        Self(builds)
    }

    /// Restarts builds that end. It does not complete while all of them run.
    pub(super) async fn run(&mut self) {
        for build in &mut self.0 {
            if build.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(Some(_)))) {
                build.child = None;
                terminal::failure(
                    "Ended",
                    &format!("the build of the views of {}", build.directory.display()),
                );
            }
        }
        let ended = self.0.iter_mut().find(|build| build.child.is_none());
        if let Some(build) = ended {
            tokio::time::sleep(RESTART_DELAY).await;
            build.child = spawn(&build.directory);
            return;
        }
        let children = self.0.iter_mut().filter_map(|build| build.child.as_mut());
        let mut waits: Vec<_> = children.map(|child| Box::pin(child.wait())).collect();
        std::future::poll_fn(|cx| {
            let ended = waits.iter_mut().any(|wait| wait.as_mut().poll(cx).is_ready());
            if ended { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    }

    pub(super) async fn end(&mut self) {
        for child in self.0.iter_mut().filter_map(|build| build.child.as_mut()) {
            if let Some(id) = child.id() {
                process_group::signal(id, Signal::Terminate);
                if tokio::time::timeout(RESTART_DELAY, child.wait()).await.is_err() {
                    process_group::signal(id, Signal::Kill);
                }
            }
        }
    }
}

impl Drop for ViewBuilds {
    fn drop(&mut self) {
        for id in self.0.iter().filter_map(|build| build.child.as_ref()?.id()) {
            process_group::signal(id, Signal::Kill);
        }
    }
}

fn spawn(directory: &Path) -> Option<Child> {
    let mut npm = Command::new("npm");
    npm.args(["run", "--silent", "build", "--", "--watch"]).current_dir(directory);
    npm.stdin(Stdio::null()).stdout(Stdio::null()).kill_on_drop(true);
    let child = process_group::begin(&mut npm).spawn();
    if let Err(error) = &child {
        terminal::failure("Failed", &format!("npm could not be started: {error}"));
    }
    child.ok()
}

/// The directories with a package that is built: `widget`, and those below `widgets` and `views`.
fn directories(project: &Path) -> Vec<PathBuf> {
    let below = |name: &str| {
        let entries = fs::read_dir(project.join(name)).into_iter().flatten().flatten();
        let mut found: Vec<_> = entries.map(|entry| entry.path()).collect();
        found.sort();
        found
    };
    let mut found = vec![project.join("widget")];
    found.extend(below("widgets"));
    found.extend(below("views"));
    found.retain(|directory| {
        let manifest = fs::read(directory.join("package.json")).unwrap_or_default();
        let manifest: Value = serde_json::from_slice(&manifest).unwrap_or_default();
        manifest["scripts"]["build"].is_string()
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_with_a_build_are_found() {
        let project = tempfile::tempdir().unwrap();
        for (directory, manifest) in [
            ("widget", r#"{"scripts":{"build":"vite build"}}"#),
            ("views/board", r#"{"scripts":{"build":"vite build"}}"#),
            ("views/plain", r#"{"scripts":{}}"#),
        ] {
            let directory = project.path().join(directory);
            fs::create_dir_all(&directory).unwrap();
            fs::write(directory.join("package.json"), manifest).unwrap();
        }
        let expected = ["widget", "views/board"].map(|name| project.path().join(name));
        assert_eq!(directories(project.path()), expected);
    }
}
