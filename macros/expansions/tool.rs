#[allow(clippy::unused_async)]
/// Lists the open issues of a repository.
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
impl ::toolgate::Tool for list_issues {
    const NAME: &'static str = "list_issues";
    const DESCRIPTION: &'static str = "Lists the open issues of a repository.";
    const NEEDS: ::toolgate::Needs = ::toolgate::Needs::NONE
        .client::<GitHub, Self>("github");
    type Arguments = (
        ::toolgate::Arg<String>,
        ::toolgate::Arg<String>,
        ::toolgate::Arg<u8>,
    );
    const ARGUMENTS: Self::Arguments = (
        ::toolgate::Arg::<String>::new("owner", "The account that owns the repository."),
        ::toolgate::Arg::<String>::new("repo", "The repository's name."),
        ::toolgate::Arg::<u8>::new("limit", "How many issues to return.")
            .default(|| 30)
            .check(
                &::toolgate::argument::Range::<
                    u8,
                >(::core::option::Option::Some(1), ::core::option::Option::Some(100)),
            ),
    );
    type Output = Result<Json<Vec<Issue>>>;
    fn call(
        call: &::toolgate::Call,
        (owner, repo, limit): ::toolgate::Values<Self>,
    ) -> ::toolgate::Running {
        ::toolgate::Running::of::<Self>(list_issues(call.client(), owner, repo, limit))
    }
}
GitHub! {
    #![callback = ::toolgate::__private::grant] ::toolgate; list_issues : GitHub; tool;
    "repo:read"
}
