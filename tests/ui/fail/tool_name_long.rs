#![deny(deprecated)]

use ui::prelude::*;

/// Does something.
#[tool]
async fn list_the_open_issues_of_all_my_repositories() {}

fn main() {}
