#![deny(warnings)]
//! Long names, allowed in both ways.

use ui::prelude::*;

/// Does something.
#[tool(long_name)]
pub async fn list_the_open_issues_of_all_my_repositories() {}

/// Does something.
#[tool(name = "exactly-forty-characters-are-not-too-long")]
#[allow(deprecated)]
pub async fn forty_one() {}

/// Does something.
#[tool(name = "exactly-forty-characters-are-no-long-one")]
pub async fn forty() {}

/// Does something.
#[tool(strict)]
pub async fn strict(n: u8) -> String {
    n.to_string()
}

pub fn main() {
    use toolgate::tool::Tool;

    assert_eq!(list_the_open_issues_of_all_my_repositories::NAME.len(), 43);
    assert_eq!((forty_one::NAME.len(), forty::NAME.len()), (41, 40));
    const { assert!(strict::STRICT && !forty::STRICT) };
}
