//! Golden expansions: people read them with `cargo expand`, so every change is reviewed.
//!
//! `BLESS=1 cargo test -p toolgate-macros` writes them.

use std::{env, fs, path::Path};

use proc_macro2::TokenStream;
use quote::quote;

use crate::expand::{prove_scopes, provider, requires, tool, widget};

/// Compares `tokens` with `expansions/{name}.rs`, and returns them as text.
fn golden(name: &str, tokens: TokenStream) -> String {
    let file = syn::parse2(tokens).expect("an expansion is Rust");
    let text = prettyplease::unparse(&file);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("expansions/{name}.rs"));
    if env::var_os("BLESS").is_some() {
        fs::write(&path, &text).expect("the folder is there");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(text == expected, "{} differs; it is now:\n{text}", path.display());
    text
}

fn list_issues() -> TokenStream {
    tool::expand(
        quote!(scopes = "repo:read"),
        quote! {
            /// Lists the open issues of a repository.
            async fn list_issues(
                github: AuthedClient<GitHub>,
                /// The account that owns the repository.
                owner: String,
                /// The repository's name.
                repo: String,
                /// How many issues to return.
                #[arg(default = 30, range(1..=100))]
                limit: u8,
            ) -> Result<Json<Vec<Issue>>> {
                body
            }
        },
    )
}

#[test]
fn a_tool_of_three_arguments_is_short() {
    let text = golden("tool", list_issues());
    // The function itself is the user's: two attributes, eight lines of signature, body and brace.
    let own = text.lines().position(|line| line == "}").expect("the function ends") + 1;
    let added = text.lines().count() - own;
    assert!(added <= 45, "{added} lines added the function");
}

#[test]
fn a_tool_without_anything() {
    let item = quote! {
        /// Says nothing.
        pub async fn nothing() {}
    };
    golden("tool_empty", tool::expand(TokenStream::new(), item));
}

#[test]
fn a_tool_of_two_providers() {
    let item = quote! {
        /// Tells a channel of an issue.
        async fn tell(
            github: &AuthedClient<GitHub>,
            slack: AuthedClient<Slack>,
            state: State<Channels>,
            context: Context,
        ) -> Result<()> {
            body
        }
    };
    let attr = quote!(
        title = "Tell",
        destructive = false,
        scopes(github = "repo:read", slack = "chat:write")
    );
    golden("tool_of_two_providers", tool::expand(attr, item));
}

#[test]
fn a_widget() {
    let item = quote! {
        /// Shows a repository's open issues.
        async fn issue_board(github: AuthedClient<GitHub>, repo: String) -> Result<Board> {
            body
        }
    };
    let attr = quote!(
        scopes = "repo:read",
        view = "<h1></h1>",
        csp(connect = ["https://api.example", "wss://live.example:8443"]),
        border
    );
    golden("widget", widget::expand(attr, item));
}

#[test]
fn what_a_catalogue_proves() {
    let request = quote! {
        "repo:read RepoRead read\nrepo Repo write 0"
        crate = ::toolgate, tool = close_issue, provider = GitHub, scopes = ["repo"]
    };
    golden("prove_scopes", prove_scopes::expand(request));
}

#[test]
fn what_a_catalogue_with_several_accounts_proves() {
    let request = |more: TokenStream| {
        quote! {
            "accounts\nrepo:read RepoRead read"
            crate = ::toolgate, tool = list_issues, #more client = GitHub, scopes = ["repo:read"]
        }
    };
    golden("prove_scopes_of_accounts", prove_scopes::expand(request(TokenStream::new())));
    let named = prove_scopes::expand(request(quote!(account = "github_account",)));
    assert!(named.to_string().contains("\"github_account\""), "{named}");
    let taken = prove_scopes::expand(request(quote!(taken = account,)));
    assert!(taken.to_string().contains("compile_error"), "{taken}");
    let helper = quote! {
        "accounts\nrepo:read RepoRead read"
        crate = ::toolgate, helper = close, may_call = may_close, client = GitHub, scopes = []
    };
    assert!(!prove_scopes::expand(helper).to_string().contains("account"));
}

#[test]
fn a_helper() {
    let item = quote! {
        /// Closes an issue.
        pub async fn close(github: &AuthedClient<GitHub>, issue: &Issue) -> Result<()> {
            body
        }
    };
    golden("requires", requires::expand(quote!("repo"), item));
}

#[test]
fn a_provider() {
    let attr = quote!(
        api = "https://api.github.com",
        authorize = "https://github.com/login/oauth/authorize",
        token = "https://github.com/login/oauth/access_token",
        response_scope_separator = ","
    );
    let item = quote! {
        /// GitHub's REST API.
        pub enum GitHub {
            /// Reads code, issues and pull requests.
            #[scope("repo:read", access = read)]
            RepoRead,
            /// Full control of repositories.
            #[scope("repo", access = write, implies(RepoRead))]
            Repo,
        }
    };
    golden("provider", provider::expand(attr, item));
}
