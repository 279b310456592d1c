/// Lists the open issues of a repository.
#[allow(clippy::unused_async)]
async fn list_issues(
    github: AuthedClient<GitHub, list_issues>,
    owner: String,
    repo: String,
    limit: u8,
) -> Result<Json<Vec<Issue>>> {
    body
}
/// The tool [`list_issues`](fn@list_issues).
#[allow(non_camel_case_types, dead_code, missing_debug_implementations)]
struct list_issues {}
#[automatically_derived]
impl ::toolgate::__private::Tool for list_issues {
    const NAME: &'static str = "list_issues";
    const DESCRIPTION: &'static str = "Lists the open issues of a repository.";
    type Arguments = (
        ::toolgate::__private::Arg<String>,
        ::toolgate::__private::Arg<String>,
        ::toolgate::__private::Arg<u8>,
    );
    const ARGUMENTS: Self::Arguments = (
        <String as ::toolgate::__private::Argument>::ARG
            .named("owner", "The account that owns the repository."),
        <String as ::toolgate::__private::Argument>::ARG
            .named("repo", "The repository's name."),
        <u8 as ::toolgate::__private::Argument>::ARG
            .named("limit", "How many issues to return.")
            .default(|| 30)
            .check(&::toolgate::__private::range(1, 100)),
    );
    type Output = Result<Json<Vec<Issue>>>;
    fn dependencies() -> ::toolgate::__private::Dependencies {
        ::toolgate::__private::Dependencies::of_client::<_, Self>("github")
    }
    fn call(
        call: &::toolgate::__private::Call,
        (owner, repo, limit): ::toolgate::__private::Values<Self>,
    ) -> ::toolgate::__private::ToolFuture {
        ::toolgate::__private::ToolFuture::new::<
            Self,
        >(list_issues(call.client(), owner, repo, limit))
    }
}
::toolgate::__private::ask! {
    (GitHub) crate = ::toolgate, tool = list_issues, client = GitHub, scopes =
    ["repo:read"]
}
