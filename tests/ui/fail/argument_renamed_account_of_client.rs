use ui::prelude::*;

/// Does something.
#[tool(scopes(mail = "mail:read", github = "repo:read"))]
async fn t(
    mail: AuthedClient<Mail>,
    github: AuthedClient<GitHub>,
    account: String,
    #[arg(rename = "mail_account")] which: String,
) {
    let _ = (mail, github, account, which);
}

fn main() {}
