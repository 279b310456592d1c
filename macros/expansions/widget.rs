#[allow(clippy::unused_async)]
/// Shows a repository's open issues.
async fn issue_board(
    github: AuthedClient<GitHub, issue_board>,
    repo: String,
) -> Result<Board> {
    body
}
/// The tool [`issue_board`](fn@issue_board).
#[allow(non_camel_case_types, dead_code, missing_debug_implementations)]
struct issue_board {}
#[automatically_derived]
impl ::toolgate::Tool for issue_board {
    const NAME: &'static str = "issue_board";
    const DESCRIPTION: &'static str = "Shows a repository's open issues.";
    const VIEW: ::core::option::Option<::toolgate::View> = ::core::option::Option::Some(
        ::toolgate::View::inline("<h1></h1>")
            .connect(&["https://api.example", "wss://live.example:8443"])
            .border(true),
    );
    const NEEDS: ::toolgate::Needs = ::toolgate::Needs::NONE
        .client::<GitHub, Self>("github");
    type Arguments = (::toolgate::Arg<String>,);
    const ARGUMENTS: Self::Arguments = (::toolgate::Arg::<String>::new("repo", ""),);
    type Output = <Result<Board> as ::toolgate::__private::Fallible>::Outcome;
    fn call(
        call: &::toolgate::Call,
        (repo,): ::toolgate::Values<Self>,
    ) -> ::toolgate::Running {
        let github = call.client();
        ::toolgate::Running::of::<
            Self,
        >(async move { issue_board(github, repo).await.map(::toolgate::Json) })
    }
}
GitHub! {
    #![callback = ::toolgate::__private::grant] ::toolgate; issue_board : GitHub; tool;
    "repo:read"
}
