use ui::prelude::*;

/// The provider has one account of a person.
#[tool(scopes = "repo:read")]
pub async fn of_one(github: AuthedClient<GitHub>, account: String) {
    let _ = (github, account);
}

/// With several clients, the argument has the name of one of them before it.
#[tool(scopes(mail = "mail:read", github = "repo:read"))]
pub async fn of_two(mail: AuthedClient<Mail>, github: AuthedClient<GitHub>, account: String) {
    let _ = (mail, github, account);
}

/// Without a client it is an argument like any other.
#[tool]
pub async fn of_none(account: String) {
    let _ = account;
}

pub fn main() {
    assert_eq!(tools![of_one, of_two, of_none].entries().len(), 3);
}
