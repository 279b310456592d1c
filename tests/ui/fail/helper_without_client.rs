use ui::prelude::*;

#[requires("repo")]
async fn close(_name: &str) {}

fn main() {}
