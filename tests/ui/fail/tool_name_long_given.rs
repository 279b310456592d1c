#![deny(deprecated)]

use ui::prelude::*;

/// Does something.
#[tool(name = "list-the-open-issues-of-all-repositories-")]
async fn t() {}

fn main() {}
