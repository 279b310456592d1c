/// Shows a repository's open issues.
#[allow(clippy::unused_async)]
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
impl ::toolgate::__private::Tool for issue_board {
    const NAME: &'static str = "issue_board";
    const DESCRIPTION: &'static str = "Shows a repository's open issues.";
    const VIEW: ::core::option::Option<::toolgate::__private::View> = ::core::option::Option::Some(
        ::toolgate::__private::View::inline("<h1></h1>")
            .connect(&["https://api.example", "wss://live.example:8443"])
            .border(true),
    );
    type Arguments = (::toolgate::__private::Arg<String>,);
    const ARGUMENTS: Self::Arguments = (
        <String as ::toolgate::__private::Argument>::ARG.named("repo", ""),
    );
    type Output = <Result<Board> as ::toolgate::__private::Fallible>::Outcome;
    fn dependencies() -> ::toolgate::__private::Dependencies {
        ::toolgate::__private::Dependencies::of_client::<_, Self>("github")
    }
    fn call(
        call: &::toolgate::__private::Call,
        (repo,): ::toolgate::__private::Values<Self>,
    ) -> ::toolgate::__private::ToolFuture {
        let github = call.client();
        ::toolgate::__private::ToolFuture::new::<
            Self,
        >(async move {
            ::toolgate::__private::ShownResult(issue_board(github, repo).await)
        })
    }
}
::toolgate::__private::ask! {
    (GitHub) crate = ::toolgate, tool = issue_board, client = GitHub, scopes =
    ["repo:read"]
}
