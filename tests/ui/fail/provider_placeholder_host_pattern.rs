use ui::prelude::*;

#[provider(
    api = "{instance_url}/data",
    authorize = "https://a.example/authorize",
    token = "https://a.example/token",
    placeholders(instance_url(from = token_response, pointer = "/instance_url", hosts("*.com")))
)]
pub enum Example {
    #[scope("read", access = read)]
    Read,
}

fn main() {}
