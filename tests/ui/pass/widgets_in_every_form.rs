//! Widgets: fallible or not, with what a page may reach, and tools for pages alone.

use toolgate::prelude::*;

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Board {
    issues: Vec<String>,
}

/// Shows a board.
#[widget(
    view = "<p></p>",
    csp(connect = ["https://api.example", "wss://live.example:8443"], base_uri = []),
    permissions("camera", "clipboard_write"),
    border,
    invoking = "Looking",
    title = "Board",
)]
async fn board() -> Board {
    Board { issues: Vec::new() }
}

/// Shows a board, or says why not.
#[widget(view = r#"<script toolgate></script>"#, border = false)]
async fn fallible() -> Result<Board> {
    Err(Error::new("none"))
}

/// Shows a board by the standard library's result.
#[widget(view = "<p></p>", app_only)]
async fn standard() -> std::result::Result<Board, Error> {
    Ok(Board { issues: Vec::new() })
}

/// For pages alone.
#[tool(app_only)]
async fn close(number: u64) {
    let _ = number;
}

/// For the model alone.
#[tool(model_only)]
async fn wipe() {}

pub fn main() {
    let _ = tools![board, fallible, standard, close, wipe];
    let _ = (board(), close(1));
}
