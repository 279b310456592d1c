#[allow(clippy::unused_async)]
/// Tells a channel of an issue.
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
impl ::toolgate::Tool for tell {
    const NAME: &'static str = "tell";
    const DESCRIPTION: &'static str = "Tells a channel of an issue.";
    const TITLE: ::core::option::Option<&'static str> = ::core::option::Option::Some(
        "Tell",
    );
    const HINTS: ::toolgate::Hints = ::toolgate::Hints {
        destructive: ::core::option::Option::Some(false),
        ..::toolgate::Hints::DERIVED
    };
    const NEEDS: ::toolgate::Needs = ::toolgate::Needs::NONE
        .client::<GitHub, Self>("github")
        .client::<Slack, Self>("slack")
        .state::<Channels>("state")
        .and(::toolgate::Need::Context);
    type Arguments = ();
    const ARGUMENTS: Self::Arguments = ();
    type Output = Result<()>;
    fn call(
        call: &::toolgate::Call,
        (): ::toolgate::Values<Self>,
    ) -> ::toolgate::Running {
        let github = call.client();
        let slack = call.client();
        let state = call.state();
        let context = call.context();
        ::toolgate::Running::of::<
            Self,
        >(async move { tell(&github, slack, state, context).await })
    }
}
GitHub! {
    #![callback = ::toolgate::__private::grant] ::toolgate; tell : GitHub; tool;
    "repo:read"
}
Slack! {
    #![callback = ::toolgate::__private::grant] ::toolgate; tell : Slack; tool;
    "chat:write"
}
