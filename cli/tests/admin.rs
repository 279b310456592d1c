//! `cargo toolgate admin` as a program: what it passes on to the project's program.
#![cfg(unix)]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// Writes a script that can be run.
fn script(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Runs the command in a project whose program is a script, with a cargo that says that it built it.
fn admin(program: &str, arguments: &[&str]) -> (Output, String) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("Cargo.toml"), "").unwrap();
    let program = script(folder.path(), "program", program);
    let built = serde_json::json!({
        "reason": "compiler-artifact",
        "manifest_path": folder.path().join("Cargo.toml"),
        "target": { "kind": ["bin"], "name": "program" },
        "executable": program,
    });
    let asked = folder.path().join("asked");
    let cargo = format!("echo \"$@\" > {}\necho '{built}'", asked.display());
    let output = Command::new(env!("CARGO_BIN_EXE_cargo-toolgate"))
        .args(["toolgate", "admin"])
        .args(arguments)
        .env("CARGO", script(folder.path(), "cargo", &cargo))
        .current_dir(folder.path())
        .output()
        .unwrap();
    let asked = fs::read_to_string(asked).unwrap_or_default();
    (output, asked)
}

#[test]
fn the_arguments_are_the_programs_and_so_is_the_exit_code() {
    let program = "printf '<%s>' \"$@\"; exit 7";
    let words = ["export-audit", "--since", "2026-07-28", "--subject", "alice and bob"];
    let (output, asked) = admin(program, &words);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said, "<admin><export-audit><--since><2026-07-28><--subject><alice and bob>");
    assert_eq!(output.status.code(), Some(7));
    assert!(asked.starts_with("build "), "{asked}");
}

#[test]
fn the_program_is_one_of_several_where_the_command_says_so() {
    let words = ["--package", "tools", "--bin", "server", "delete", "alice"];
    let (output, asked) = admin("printf '<%s>' \"$@\"", &words);
    assert!(output.status.success());
    assert_eq!(output.stdout, b"<admin><delete><alice>");
    assert!(asked.contains("--package tools --bin server"), "{asked}");
}

#[test]
fn without_arguments_the_program_prints_its_commands() {
    let (output, _) = admin("printf '<%s>' \"$@\"", &[]);
    assert_eq!(output.stdout, b"<admin>");
}

#[test]
fn a_program_that_is_ended_by_a_signal_counts_as_failed() {
    let (output, _) = admin("kill -KILL $$", &["verify"]);
    assert!(!output.status.success() && output.stdout.is_empty());
}
