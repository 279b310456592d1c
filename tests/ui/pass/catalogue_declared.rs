use ui::prelude::*;

/// Ours.
#[catalogue(name = "Our house")]
pub enum Ours {
    /// Reads.
    #[scope("read", access = read)]
    Read,
    /// Writes.
    #[scope("write", implies(Read))]
    Write,
}

/// Looks.
#[tool(scopes = "write", default_scope)]
async fn looks(caller: Caller<Ours>) -> Result<String> {
    Ok(caller.subject().to_owned())
}

/// Anyone.
#[tool]
async fn anyone(caller: Option<Caller>) -> String {
    caller.map_or_else(String::new, |caller| caller.subject().to_owned())
}

/// Someone.
#[tool]
async fn someone(caller: Caller) -> String {
    caller.subject().to_owned()
}

pub fn main() {
    assert_eq!(tools![looks, anyone, someone].entries().len(), 3);
}
