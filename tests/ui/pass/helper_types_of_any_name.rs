//! The caller of a helper passes every parameter, so a type may have a name that `#[tool]` or the
//! expansion gives another meaning.

use ui::prelude::*;

struct Holder(String);

mod own {
    pub(super) struct Context<'a>(pub(super) &'a str);
    pub(super) struct State(pub(super) usize);
}

#[requires("repo:read")]
async fn optional(
    _github: &AuthedClient<GitHub>,
    context: Option<Context>,
    cache: Option<State<u8>>,
) -> bool {
    context.is_some() || cache.is_some()
}

#[requires("repo:read")]
async fn own_types(
    _github: &AuthedClient<GitHub>,
    context: own::Context<'_>,
    state: &mut own::State,
    holder: Holder,
) {
    state.0 += context.0.len() + holder.0.len();
}

#[requires("repo:read")]
async fn in_its_body(_github: &AuthedClient<GitHub>) -> usize {
    let holder: Holder = Holder(String::from("a"));
    holder.0.len()
}

/// Does something.
#[tool(scopes = "repo:read")]
async fn t(github: AuthedClient<GitHub>, context: Context) -> String {
    let mut state = own::State(0);
    own_types(&github, own::Context("a"), &mut state, Holder(String::from("b"))).await;
    let is_some = optional(&github, Some(context), None).await;
    let length = in_its_body(&github).await;
    format!("{} {is_some} {length}", state.0)
}

pub fn main() {
    let _ = t;
}
