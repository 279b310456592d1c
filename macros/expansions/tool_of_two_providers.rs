/// Tells a channel of an issue.
#[allow(clippy::unused_async)]
async fn tell(
    github: &AuthedClient<GitHub, tell>,
    slack: AuthedClient<Slack, tell>,
    state: State<Channels>,
    context: Context,
) -> Result<()> {
    body
}
/// The tool [`tell`](fn@tell).
#[allow(non_camel_case_types, dead_code, missing_debug_implementations)]
struct tell {}
#[automatically_derived]
impl ::toolgate::__private::Tool for tell {
    const NAME: &'static str = "tell";
    const DESCRIPTION: &'static str = "Tells a channel of an issue.";
    const TITLE: ::core::option::Option<&'static str> = ::core::option::Option::Some(
        "Tell",
    );
    const HINTS: ::toolgate::__private::Hints = ::toolgate::__private::Hints {
        destructive: ::core::option::Option::Some(false),
        ..::toolgate::__private::Hints::DERIVED
    };
    type Arguments = ();
    const ARGUMENTS: Self::Arguments = ();
    type Output = Result<()>;
    fn dependencies() -> ::toolgate::__private::Dependencies {
        ::toolgate::__private::Dependencies::new()
            .client::<GitHub, Self>("github")
            .client::<Slack, Self>("slack")
            .state::<Channels>("state")
            .context()
    }
    fn call(
        call: &::toolgate::__private::Call,
        (): ::toolgate::__private::Values<Self>,
    ) -> ::toolgate::__private::ToolFuture {
        let github = call.client();
        let slack = call.client();
        let state = <Channels as ::toolgate::__private::StateValue>::of(call);
        let context = call.context();
        ::toolgate::__private::ToolFuture::new::<
            Self,
        >(
            <Channels as ::toolgate::__private::StateValue>::guard(async move {
                tell(&github, slack, state, context).await
            }),
        )
    }
}
::toolgate::__private::ask! {
    (GitHub) crate = ::toolgate, tool = tell, account = "github_account", client =
    GitHub, scopes = ["repo:read"]
}
::toolgate::__private::ask! {
    (Slack) crate = ::toolgate, tool = tell, account = "slack_account", client = Slack,
    scopes = ["chat:write"]
}
