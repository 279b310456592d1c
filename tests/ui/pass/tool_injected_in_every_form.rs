use ui::prelude::*;

struct Pool;
struct Cache;

/// Does something with more than `Needs` has place for.
#[tool(scopes(github = "repo", slack = "chat:write"))]
async fn many(
    github: AuthedClient<GitHub>,
    slack: &AuthedClient<Slack>,
    pool: State<Pool>,
    many: &State<Cache>,
    caller: Caller,
    call: &Context,
    id: u64,
) -> Result<()> {
    let _ = (github, slack, pool, many, caller, call, id);
    Ok(())
}

/// Does something with a part of it.
#[tool]
async fn some(pool: State<Pool>, caller: Option<Caller>, context: Context) -> String {
    let _ = (pool, caller, context);
    String::new()
}

/// Does something for a caller.
#[tool]
async fn caller(_call: &Caller) -> String {
    String::new()
}

pub fn main() {
    assert_eq!(tools![many, some, caller].entries().len(), 3);
}
