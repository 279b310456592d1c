//! Calls that were saved with the inspector, run as tests.

use std::{fs, io, path::Path};

use serde_json::{Value, json};

use super::Client;
use crate::mcp::saved_call::{CallFile, SUFFIX, outcome};

/// A call that was saved as a file, with the outcome that is expected of it.
///
/// ```no_run
/// # use toolgate::{prelude::*, testing::{Client, Issuer, RESOURCE, SavedCall}};
/// # use toolgate::gate::Gate;
/// # /// Adds two numbers.
/// # #[tool]
/// # async fn add(a: i64, b: i64) -> Json<i64> {
/// #     Json(a + b)
/// # }
/// # async fn test() -> Result<()> {
/// let issuer = Issuer::new();
/// let gate = Gate::new(issuer.verifier()).resource(RESOURCE);
/// let client = Client::of(toolgate::server!().gate(gate).tools(tools![add])).await?;
/// for call in SavedCall::read_all("calls")? {
///     let client = match call.person() {
///         Some(person) => client.with(issuer.token(person)),
///         None => client.clone(),
///     };
///     call.run(&client).await.unwrap_or_else(|error| panic!("{error}"));
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SavedCall {
    name: String,
    file: CallFile,
}

impl SavedCall {
    /// Reads the calls in a directory, such as `calls` next to the `Cargo.toml`, by their names.
    ///
    /// # Errors
    ///
    /// The directory or a file cannot be read, or a file is no saved call.
    pub fn read_all(directory: impl AsRef<Path>) -> io::Result<Vec<Self>> {
        read_all(directory.as_ref())
    }

    /// Returns the name: that of the file without its ending.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the tool.
    pub fn tool(&self) -> &str {
        &self.file.tool
    }

    /// Returns the person as whom the call is made; `None` is a call without a token.
    pub fn person(&self) -> Option<&str> {
        self.file.person.as_deref()
    }

    /// Makes the call with a client, whose token is the person's.
    ///
    /// # Errors
    ///
    /// Another outcome than the expected one: a sentence that names both.
    pub async fn run(&self, client: &Client) -> Result<(), String> {
        let arguments: Value = serde_json::from_str(self.file.arguments.get())
            .map_err(|error| format!("{}: {error}", self.name))?;
        let client = client.capable_of(json!({ "elicitation": { "url": {} } }));
        let answer = client.call(&self.file.tool, arguments).await;
        let outcome = outcome(answer.status(), answer.body());
        self.file.expect.check(&outcome).map_err(|error| format!("{}: {error}", self.name))
    }
}

fn read_all(directory: &Path) -> io::Result<Vec<SavedCall>> {
    let mut calls = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some(name) = name.strip_suffix(SUFFIX) else { continue };
        let text = fs::read_to_string(entry.path())?;
        let file = serde_json::from_str(&text).map_err(|error| {
            let message = format!("{}: {error}", entry.path().display());
            io::Error::new(io::ErrorKind::InvalidData, message)
        })?;
        calls.push(SavedCall { name: name.to_owned(), file });
    }
    calls.sort_unstable_by(|one, other| one.name.cmp(&other.name));
    Ok(calls)
}
