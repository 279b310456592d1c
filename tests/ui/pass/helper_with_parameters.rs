use ui::prelude::*;

#[requires("repo:read")]
async fn first<'a>(_github: &'a AuthedClient<GitHub>, names: &'a [String]) -> &'a str {
    names.first().map_or("", |name| name)
}

/// Its parameters have the names that the expansion would take.
#[requires("repo:read")]
async fn joined<'f, const N: usize, Holder: ToString + Send>(
    _github: &AuthedClient<GitHub>,
    texts: [Holder; N],
    between: &'f str,
    end: impl ToString + Send,
) -> (String, &'f str) {
    let texts: Vec<_> = texts.iter().map(ToString::to_string).collect();
    (texts.join(between) + &end.to_string(), between)
}

/// Does something.
#[tool(scopes = "repo:read")]
async fn t(github: AuthedClient<GitHub>) -> String {
    let names = ["a".to_owned()];
    let first = first(&github, &names).await;
    let (joined, _) = joined(&github, [1, 2], ", ", '!').await;
    format!("{first} {joined}")
}

pub fn main() {
    let _ = t;
}
