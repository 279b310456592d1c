//! The supervisor: builds what was saved, and puts the new program in the place of the old.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result};

use super::{
    Args,
    build::{Build, Built},
    changes::Changes,
    instance::{Instance, Origin},
    listeners::Listeners,
    message::{BuildReport, Diagnostic, ToProgram},
    process_group::Signal,
    project::Project,
    public_instance::{PublicEvent, PublicInstance},
    switch::Failure,
    terminal,
    view_builds::ViewBuilds,
    watch::Watch,
};
use crate::signals::Signals;

/// A program that ends sooner after it began to serve is not started again by itself.
const MIN_LIFETIME: Duration = Duration::from_secs(2);

/// The supervisor, with everything that it has started.
pub(super) struct Supervisor {
    arguments: Args,
    project: Project,
    watch: Watch,
    /// Holds the sockets of the channels.
    directory: tempfile::TempDir,
    build: Option<Build>,
    /// What the program is started from, and when that file was written.
    executable: Option<(PathBuf, SystemTime)>,
    instance: Instance,
    public: Option<PublicInstance>,
    views: ViewBuilds,
    report: BuildReport,
    /// What was saved and is not served yet, and since when.
    changed: Vec<String>,
    saved: Instant,
    has_opened: bool,
}

/// An event that the supervisor handles.
enum Step {
    Changed(Changes, Instant),
    Built(Built),
    Ended(String, String),
    Public(PublicEvent),
}

impl Supervisor {
    pub(super) fn new(arguments: Args) -> Result<Self> {
        let project = Project::read(&arguments.selection)?;
        let listeners = Listeners::bind(arguments.port)?;
        let port = listeners.address().port();
        if arguments.port != 0 && port != arguments.port {
            let text = format!("{} is taken, so the port is {port}", arguments.port);
            terminal::status("Listening", &text);
        }
        let public = match &arguments.tunnel {
            Some(command) => Some(PublicInstance::new(command, arguments.public_url.as_ref())?),
            None => None,
        };
        let directory = tempfile::Builder::new().prefix("toolgate-dev-").tempdir();
        Ok(Self {
            watch: Watch::new(&project)?,
            views: ViewBuilds::start(&project.directory),
            arguments,
            project,
            directory: directory.context("there is no room for a socket")?,
            build: None,
            executable: None,
            instance: Instance::new(listeners),
            public,
            report: BuildReport::default(),
            changed: Vec::new(),
            saved: Instant::now(),
            has_opened: false,
        })
    }

    /// Serves until a signal ends the process.
    pub(super) async fn run(mut self) -> Result<ExitCode> {
        let mut signals = Signals::new()?;
        self.start_build(true)?;
        let ended = loop {
            tokio::select! {
                () = signals.next() => break Ok(ExitCode::SUCCESS),
                stepped = self.step() => if let Err(error) = stepped {
                    break Err(error);
                },
            }
        };
        tokio::select! {
            () = self.end(Signal::Terminate) => {}
            () = signals.next() => self.end(Signal::Kill).await,
        }
        ended
    }

    /// Ends everything that was started.
    async fn end(&mut self, signal: Signal) {
        if let Some(build) = self.build.take() {
            build.cancel().await;
        }
        self.views.end().await;
        if let Some(public) = &mut self.public {
            public.end(signal).await;
        }
        self.instance.end(signal).await;
    }

    async fn step(&mut self) -> Result<()> {
        let step = tokio::select! {
            (changes, since) = self.watch.next() => Step::Changed(changes, since),
            built = finished(self.build.as_mut()) => Step::Built(built),
            (status, tail) = self.instance.ended() => Step::Ended(status, tail),
            event = PublicInstance::next(self.public.as_mut()) => Step::Public(event),
            () = self.views.run() => return Ok(()),
        };
        match step {
            Step::Changed(changes, since) => self.follow(changes, since).await,
            Step::Built(built) => self.serve_built(built).await,
            Step::Ended(status, tail) => self.restart_ended(&status, tail).await,
            Step::Public(event) => {
                self.follow_tunnel(event).await;
                Ok(())
            }
        }
    }

    fn start_build(&mut self, is_first: bool) -> Result<()> {
        self.report("building");
        let directory = &self.project.directory;
        self.build = Some(Build::start(&self.arguments.selection, directory, is_first)?);
        Ok(())
    }

    /// Handles a change.
    async fn follow(&mut self, changes: Changes, since: Instant) -> Result<()> {
        for (what, files) in [("views", &changes.views), ("calls", &changes.calls)] {
            let files: Vec<String> = files.iter().map(|file| self.project.shown(file)).collect();
            if !files.is_empty() {
                self.instance.say(&ToProgram::Reload { what, files: &files });
                terminal::status("Reloaded", &files.join(", "));
            }
        }
        if changes.sources.is_empty() && changes.environment.is_empty() {
            return Ok(());
        }
        if self.changed.is_empty() {
            self.saved = since;
        }
        for file in changes.sources.iter().chain(&changes.environment) {
            let shown = self.project.shown(file);
            if !self.changed.contains(&shown) {
                self.changed.push(shown);
            }
        }
        if let Some(build) = self.build.take() {
            build.cancel().await;
        } else if changes.sources.is_empty()
            && let Some((executable, _)) = self.executable.clone()
        {
            terminal::status("Changed", &self.changed.join(", "));
            return self.switch_to(&executable).await;
        }
        self.start_build(false)
    }

    async fn serve_built(&mut self, built: Built) -> Result<()> {
        let took = self.build.take().map(|build| build.began().elapsed()).unwrap_or_default();
        let mut rendered = built.rendered();
        if !built.succeeded && built.diagnostics.is_empty() {
            rendered.push_str(&built.errors);
        }
        self.report.rendered.clone_from(&rendered);
        self.report.diagnostics.clone_from(&built.diagnostics);
        self.report.seconds = Some(took.as_secs_f64());
        if !built.succeeded {
            terminal::rendered(&rendered);
            let goes_on = if self.instance.serving().is_some() {
                "; the program before it goes on"
            } else {
                ""
            };
            terminal::failure("Failed", &format!("the build did not succeed{goes_on}"));
            self.report("failed");
            return Ok(());
        }
        let executable = built.executable()?.to_owned();
        self.watch.built(&executable);
        let written = std::fs::metadata(&executable).and_then(|it| it.modified())?;
        let current = Some((executable.clone(), written));
        let environment = self.changed.iter().any(|file| Path::new(file).ends_with(".env"));
        if self.instance.serving().is_some() && self.executable == current && !environment {
            // The program does not depend on the changed files.
            self.changed.clear();
            self.report("served");
            return Ok(());
        }
        terminal::rendered(&rendered);
        self.executable = current;
        self.switch_to(&executable).await
    }

    /// Starts the program, and puts it in the place of the one that serves.
    async fn switch_to(&mut self, executable: &Path) -> Result<()> {
        let began = Instant::now();
        let origin = origin(&self.arguments, &self.project, &self.directory, executable);
        let prepared = tokio::select! {
            prepared = self.instance.prepare(origin) => prepared,
            // Files that are saved meanwhile are newer than this program.
            (changes, since) = self.watch.next() => {
                return Box::pin(self.follow_unserved(changes, since)).await;
            }
        };
        let mut started = Duration::ZERO;
        let replaced = match prepared {
            Ok(prepared) => {
                started = prepared.took;
                self.instance.replace(prepared).await
            }
            Err(failure) => Err(failure),
        };
        let serving = match replaced {
            Ok(serving) => serving,
            Err(failure) => {
                self.fail(failure);
                return Ok(());
            }
        };
        let switched = began.elapsed().saturating_sub(started);
        if !serving.changes.text.is_empty() {
            terminal::rendered(&format!("{}\n", serving.changes.text.trim_end()));
        }
        if !self.has_opened {
            self.has_opened = true;
            if let (Some(link), false) = (&serving.inspector, self.arguments.no_open) {
                terminal::open(link);
            }
        }
        if !self.changed.is_empty() {
            let build = Duration::from_secs_f64(self.report.seconds.unwrap_or_default());
            let text = format!(
                "{} after {} (build {}, start {}, switch {})",
                self.changed.join(", "),
                terminal::seconds(self.saved.elapsed()),
                terminal::seconds(build),
                terminal::seconds(started),
                terminal::seconds(switched),
            );
            terminal::status("Served", &text);
        }
        self.report("served");
        self.changed.clear();
        self.switch_public().await;
        Ok(())
    }

    async fn follow_tunnel(&mut self, event: PublicEvent) {
        match event {
            PublicEvent::Tunnel(Ok(url)) => {
                if let Some(public) = &mut self.public {
                    public.begin(&url);
                }
                terminal::status("Tunnel", &format!("{url}/mcp"));
                self.switch_public().await;
            }
            PublicEvent::Tunnel(Err(error)) => {
                self.public = None;
                terminal::failure("Ended", &format!("{error:#}"));
            }
            PublicEvent::Ended(status) => {
                terminal::failure("Ended", &format!("the program of the tunnel: {status}"));
            }
        }
    }

    /// Has the tunnel's listener served by the same program.
    async fn switch_public(&mut self) {
        let Some(instance) = self.public.as_mut().and_then(|public| public.instance.as_mut())
        else {
            return;
        };
        let Some((executable, _)) = &self.executable else { return };
        let origin = origin(&self.arguments, &self.project, &self.directory, executable);
        let replaced = async {
            let prepared = instance.prepare(origin).await?;
            instance.replace(prepared).await.map(drop)
        };
        let replaced = tokio::select! {
            replaced = replaced => replaced,
            never = self.instance.pass_on() => match never {},
        };
        if let Err(failure) = replaced {
            terminal::failure("Failed", &format!("the tunnel is not served: {}", failure.text));
        }
    }

    /// Handles a change while an earlier one is not served yet.
    async fn follow_unserved(&mut self, mut changes: Changes, since: Instant) -> Result<()> {
        // The program has to be started in any case.
        let executable = self.executable.take();
        let unbuilt = changes.sources.is_empty();
        if let (Some((executable, _)), true) = (&executable, unbuilt) {
            changes.environment.insert(executable.clone());
        }
        self.executable = executable.filter(|_| unbuilt);
        self.follow(changes, since).await
    }

    fn fail(&mut self, failure: Failure) {
        let goes_on =
            if self.instance.serving().is_some() { "; the program before it goes on" } else { "" };
        terminal::failure("Failed", &format!("{}{goes_on}", failure.text));
        // The next build is another program, even if it is the same file.
        self.executable = self.executable.take().map(|(path, _)| (path, UNIX_EPOCH));
        self.report.diagnostics = vec![Diagnostic {
            level: "error".to_owned(),
            message: failure.text,
            rendered: failure.tail,
            ..Diagnostic::default()
        }];
        self.report("crashed");
    }

    /// Starts the program again, which has ended by itself.
    async fn restart_ended(&mut self, status: &str, tail: String) -> Result<()> {
        terminal::failure("Ended", &format!("the program: {status}"));
        self.report.rendered = tail;
        if self.instance.lifetime() < MIN_LIFETIME || self.build.is_some() {
            terminal::status("Waiting", "for something to be saved");
            return Ok(());
        }
        match self.executable.clone() {
            Some((executable, _)) => self.switch_to(&executable).await,
            None => Ok(()),
        }
    }

    /// Passes on the state of the build.
    fn report(&mut self, state: &'static str) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        self.report.state = state;
        self.report.at = u64::try_from(now.as_millis()).unwrap_or_default();
        self.report.changed.clone_from(&self.changed);
        if state == "building" {
            self.report.seconds = None;
            self.report.rendered.clear();
            self.report.diagnostics.clear();
        }
        self.instance.say(&ToProgram::Build(&self.report));
    }
}

fn origin<'a>(
    arguments: &'a Args,
    project: &'a Project,
    directory: &'a tempfile::TempDir,
    executable: &'a Path,
) -> Origin<'a> {
    Origin {
        executable,
        arguments: &arguments.arguments,
        directory: &project.directory,
        sockets: directory.path(),
    }
}

async fn finished(build: Option<&mut Build>) -> Built {
    match build {
        Some(build) => build.finished().await,
        None => std::future::pending().await,
    }
}
