//! Where the key of the default database is.

use std::{fs, path::Path, process::Stdio};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use tokio::process::Command;

/// Runs a server until the end of its input, and returns what it logged.
async fn run(data: &Path, variables: &[(&str, &Path)]) -> Result<String, String> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_served"));
    command.arg("--stdio").env("FORGE_URL", "http://127.0.0.1:9").env("TOOLGATE_DATA", data);
    for name in ["TOOLGATE_KEY", "TOOLGATE_HTTP", "CREDENTIALS_DIRECTORY", "XDG_CONFIG_HOME"] {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied()).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    if output.status.success() { Ok(said) } else { Err(said) }
}

fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn private(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn the_key_does_not_lie_next_to_the_database() {
    let dir = tempfile::tempdir().unwrap();
    let (data, config) = (dir.path().join("my data"), dir.path().join("config"));
    run(&data, &[("XDG_CONFIG_HOME", &config)]).await.unwrap();
    let keys = names(&config.join("toolgate"));
    assert!(keys.len() == 1 && keys[0].starts_with("mydata-"), "{keys:?}");
    assert!(!names(&data).iter().any(|name| name.contains("key")), "{:?}", names(&data));
    run(&data, &[("XDG_CONFIG_HOME", &config)]).await.unwrap();
    assert_eq!(names(&config.join("toolgate")), keys);

    // Without XDG it is below the home directory, and not in that of another database.
    let other = dir.path().join("other");
    run(&other, &[("HOME", dir.path())]).await.unwrap();
    assert_eq!(names(&dir.path().join(".config/toolgate")).len(), 1);
    let said = run(&data, &[("HOME", dir.path())]).await.unwrap_err();
    assert!(said.contains("is missing") && said.contains("toolgate/mydata-"), "{said}");
}

#[tokio::test]
async fn a_key_next_to_a_database_is_read_with_advice_to_move_it() {
    let dir = tempfile::tempdir().unwrap();
    let (data, config) = (dir.path().join("data"), dir.path().join("config"));
    fs::create_dir(&data).unwrap();
    let key = STANDARD.encode([7; 32]);
    private(&data.join("key"), &key);
    let said = run(&data, &[("XDG_CONFIG_HOME", &config)]).await.unwrap();
    let advice =
        said.split("with the server stopped, run: ").nth(1).unwrap_or_else(|| panic!("{said}"));
    let advice = advice.lines().next().unwrap();
    assert!(names(&config).is_empty(), "no other key was made");
    let moved = std::process::Command::new("sh").args(["-c", advice]).status().unwrap();
    assert!(moved.success(), "{advice}");
    assert!(!data.join("key").exists());
    let said = run(&data, &[("XDG_CONFIG_HOME", &config)]).await.unwrap();
    assert!(!said.contains("next to the database"), "{said}");
}

#[tokio::test]
async fn a_credential_of_systemd_is_the_key() {
    let dir = tempfile::tempdir().unwrap();
    let (data, credentials) = (dir.path().join("data"), dir.path().join("credentials"));
    fs::create_dir(&credentials).unwrap();
    private(&credentials.join("toolgate.key"), &STANDARD.encode([7; 32]));
    let config = dir.path().join("config");
    let given = [("CREDENTIALS_DIRECTORY", &*credentials), ("XDG_CONFIG_HOME", &*config)];
    run(&data, &given).await.unwrap();
    assert!(!config.exists());
    private(&credentials.join("toolgate.key"), &STANDARD.encode([8; 32]));
    let said = run(&data, &given).await.unwrap_err();
    assert!(said.contains("toolgate.key") && said.contains("is not the one"), "{said}");
}

#[tokio::test]
async fn without_a_place_for_a_key_the_server_says_what_to_set() {
    let dir = tempfile::tempdir().unwrap();
    let said = run(
        &dir.path().join("data"),
        &[("HOME", Path::new("")), ("XDG_CONFIG_HOME", Path::new(""))],
    )
    .await;
    // A platform may find the home directory without the variable.
    if let Err(said) = said {
        assert!(said.contains("TOOLGATE_KEY"), "{said}");
    }
}
