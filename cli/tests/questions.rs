//! Questions of `cargo toolgate new` and `add`, answered by keys in a terminal.

#![cfg(target_os = "linux")]

use std::{
    fs,
    io::{Read as _, Write as _},
    os::fd::OwnedFd,
    path::Path,
    process::{Command, ExitStatus},
    sync::mpsc,
    time::Duration,
};

use dialoguer::console::{measure_text_width, strip_ansi_codes};
use rustix::{
    fs::{Mode, OFlags},
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
    termios::{Termios, Winsize, tcgetattr, tcsetwinsize},
};

const LIMIT: Duration = Duration::from_secs(60);

const DOWN: &str = "\u{1b}[B";
const UP: &str = "\u{1b}[A";
const ENTER: &str = "\r";
const CTRL_C: &str = "\u{3}";
const END: &str = "\u{4}end\u{4}";

/// What a terminal does when it hides its cursor, and shows it again.
const HIDE: &str = "\u{1b}[?25l";
const SHOW: &str = "\u{1b}[?25h";

/// The command in a terminal.
struct Terminal {
    ended: mpsc::Receiver<ExitStatus>,
    keyboard: fs::File,
    /// The side of the program, which keeps the settings.
    line: OwnedFd,
    /// Its settings before the program began.
    settings: Termios,
    output: mpsc::Receiver<Vec<u8>>,
    screen: Vec<u8>,
    /// Up to where it was looked at.
    read: usize,
}

impl Terminal {
    fn new(folder: &Path, arguments: &[&str]) -> Self {
        Self::of_width(250, folder, arguments)
    }

    fn of_width(ws_col: u16, folder: &Path, arguments: &[&str]) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap();
        let line = rustix::fs::open(&name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let size = Winsize { ws_row: 50, ws_col, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&line, size).unwrap();
        let settings = tcgetattr(&line).unwrap();
        let side = || fs::File::from(line.try_clone().unwrap());
        // Ctrl-C reaches the programs of the session that the terminal controls.
        let mut child = Command::new("setsid")
            .args(["--ctty", env!("CARGO_BIN_EXE_cargo-toolgate"), "toolgate"])
            .args(arguments)
            .current_dir(folder)
            .env("TERM", "xterm-256color")
            .stdin(side())
            .stdout(side())
            .stderr(side())
            .spawn()
            .unwrap();
        let (has_ended, ended) = mpsc::channel();
        std::thread::spawn(move || has_ended.send(child.wait().unwrap()));
        let keyboard = fs::File::from(keyboard);
        let mut shown = keyboard.try_clone().unwrap();
        let (send, output) = mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = shown.read(&mut bytes) {
                if send.send(bytes[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { ended, keyboard, line, settings, output, screen: Vec::new(), read: 0 }
    }

    fn screen(&self) -> String {
        String::from_utf8_lossy(&self.screen).into_owned()
    }

    /// Waits until a text is shown, after those that were waited for.
    fn shows(&mut self, text: &str) {
        loop {
            let rest = &self.screen[self.read..];
            let found = rest.windows(text.len()).position(|part| part == text.as_bytes());
            if let Some(at) = found {
                self.read += at + text.len();
                return;
            }
            match self.output.recv_timeout(LIMIT) {
                Ok(bytes) => self.screen.extend(bytes),
                Err(error) => panic!("{text:?} is not shown ({error}):\n{}", self.screen()),
            }
        }
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits for a question, and presses the keys.
    fn answer(&mut self, question: &str, keys: &[&str]) {
        self.shows(question);
        for key in keys {
            self.press(key);
        }
    }

    fn end(mut self) -> (ExitStatus, String) {
        let status = self.ended.recv_timeout(LIMIT);
        let status = status.unwrap_or_else(|error| panic!("{error}:\n{}", self.screen()));
        // A mark after all that the program has written.
        fs::File::from(self.line.try_clone().unwrap()).write_all(END.as_bytes()).unwrap();
        self.shows(END);
        (status, self.screen())
    }
}

/// The files of a folder with their texts.
fn files(folder: &Path) -> Vec<(String, String)> {
    fn walk(root: &Path, folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(root, &path, found);
            } else {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.sort();
    found
}

/// What flags write without questions.
fn by_flags(folder: &Path, arguments: &[&str]) -> Vec<(String, String)> {
    let output = Command::new(env!("CARGO_BIN_EXE_cargo-toolgate"))
        .args(["toolgate", "new", "by-flags", "--name", "tools", "--yes"])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    files(&folder.join("by-flags"))
}

/// The questions in their order, as they are shown.
const QUESTIONS: [&str; 9] = [
    "Folder of the project",
    "Name of the package",
    "Who signs people in?",
    "Which providers do tools use?",
    "Its scopes at GitHub",
    "A page for the first tool",
    "Where are the grants of people kept?",
    "Dockerfile?",
    "Workflow for GitHub Actions?",
];

#[test]
fn enter_takes_the_default_of_a_question() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::new(folder.path(), &["new"]);
    for question in QUESTIONS {
        let is_name = question == "Name of the package";
        let keys: &[&str] = if is_name { &["tools", ENTER] } else { &[ENTER] };
        terminal.answer(question, keys);
    }
    terminal.shows("cargo toolgate dev");
    let (status, screen) = terminal.end();
    assert!(status.success(), "{screen}");
    assert_eq!(files(&folder.path().join("my-tools")), by_flags(folder.path(), &[]));
}

/// A question is drawn again at each key, over as many lines as it has: of a line that the terminal has
/// broken, a part would stay each time.
#[test]
fn questions_fit_into_the_lines_of_a_terminal() {
    const COLUMNS: u16 = 80;
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::of_width(COLUMNS, folder.path(), &["new", "mine"]);
    for question in &QUESTIONS[1..] {
        let is_text = *question == "Name of the package";
        let keys: &[&str] = if is_text { &[ENTER] } else { &[DOWN, UP, ENTER] };
        terminal.answer(question, keys);
    }
    terminal.shows("Wrote");
    let (status, screen) = terminal.end();
    assert!(status.success(), "{screen}");
    let (questions, _) = screen.split_once("Wrote").unwrap();
    for line in questions.split(['\r', '\n']).map(strip_ansi_codes) {
        // What was answered is not drawn again.
        if line.contains(" · ") {
            continue;
        }
        let width = measure_text_width(&line);
        assert!(width <= COLUMNS.into(), "{width} columns: {line:?}");
    }
}

/// Between two reads of a question the terminal is as the program has set it: what it shows of keys by
/// itself stands in the lines that are drawn again.
#[test]
fn keys_that_come_before_a_question_reads_them_are_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::new(folder.path(), &["new", "mine", "--name", "tools"]);
    terminal.answer(QUESTIONS[2], &[DOWN, UP].repeat(200));
    for question in &QUESTIONS[2..] {
        terminal.answer(question, &[ENTER]);
    }
    terminal.shows("Wrote");
    let (status, screen) = terminal.end();
    assert!(status.success(), "{screen}");
    assert!(!screen.contains("^["), "{screen}");
    assert_eq!(files(&folder.path().join("mine")), by_flags(folder.path(), &[]));
}

#[test]
fn keys_choose_what_flags_do() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::new(folder.path(), &["new", "mine", "--name", "tools"]);
    terminal.answer("Who signs people in?", &[DOWN, ENTER]);
    terminal.answer("A broker in front of which provider?", &[DOWN, UP, ENTER]);
    // The provider behind the broker is chosen.
    terminal.answer("Which providers do tools use?", &[ENTER]);
    terminal.answer("Its scopes at GitHub", &[ENTER]);
    terminal.answer("A page for the first tool", &[DOWN, ENTER]);
    terminal.answer("Where are the grants of people kept?", &[DOWN, ENTER]);
    terminal.answer("Dockerfile?", &["n"]);
    terminal.answer("Workflow for GitHub Actions?", &["n"]);
    terminal.shows("cargo toolgate dev");
    let (status, screen) = terminal.end();
    assert!(status.success(), "{screen}");
    let flags = [
        "--sign-in",
        "github",
        "--widget",
        "html",
        "--store",
        "postgres",
        "--no-container",
        "--no-ci",
    ];
    assert_eq!(files(&folder.path().join("mine")), by_flags(folder.path(), &flags));
}

#[test]
fn a_name_that_cargo_refuses_is_asked_for_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = Terminal::new(folder.path(), &["new", "mine", "--sign-in", "dev"]);
    terminal.answer("Name of the package", &["9", ENTER]);
    terminal.shows("does not begin with a small letter");
    terminal.press(CTRL_C);
    assert_eq!(terminal.end().0.code(), Some(130));
}

#[test]
fn ctrl_c_at_any_question_leaves_nothing_behind() {
    for at in (0..QUESTIONS.len()).cycle().take(3 * QUESTIONS.len()) {
        let folder = tempfile::tempdir().unwrap();
        let mut terminal = Terminal::new(folder.path(), &["new"]);
        let before = format!("{:?}", terminal.settings);
        for question in &QUESTIONS[..at] {
            terminal.answer(question, &[ENTER]);
        }
        terminal.answer(QUESTIONS[at], &[CTRL_C]);
        let after = terminal.line.try_clone().unwrap();
        let (status, screen) = terminal.end();
        assert_eq!(status.code(), Some(130), "{at}: {screen}");
        assert!(screen.rfind(HIDE) < screen.rfind(SHOW), "{at}: {screen:?}");
        assert!(!screen.contains("error"), "{at}: {screen}");
        assert_eq!(format!("{:?}", tcgetattr(&after).unwrap()), before, "{at}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "{at}");
    }
}

#[test]
fn an_addition_is_written_once_a_person_agrees() {
    let folder = tempfile::tempdir().unwrap();
    by_flags(folder.path(), &[]);
    let project = folder.path().join("by-flags");
    let before = files(&project);
    for (key, code) in [("n", 1), (CTRL_C, 130)] {
        let mut terminal = Terminal::new(&project, &["add", "tool", "ping"]);
        terminal.answer("Write this?", &[key]);
        let (status, screen) = terminal.end();
        assert_eq!(status.code(), Some(code), "{screen}");
        assert_eq!(files(&project), before);
    }
    let mut terminal = Terminal::new(&project, &["add", "tool", "ping"]);
    terminal.answer("Write this?", &[ENTER]);
    assert!(terminal.end().0.success());
    let main = fs::read_to_string(project.join("src/main.rs")).unwrap();
    assert!(main.contains("async fn ping()"), "{main}");
}
