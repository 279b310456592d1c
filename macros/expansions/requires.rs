/// Closes an issue.
pub fn close<'f, Holder>(
    github: &'f AuthedClient<GitHub, Holder>,
    issue: &'f Issue,
) -> ::core::pin::Pin<
    ::std::boxed::Box<
        dyn ::core::future::Future<Output = Result<()>> + ::core::marker::Send + 'f,
    >,
>
where
    Holder: may_close<GitHub>,
{
    async fn close_body(
        github: AuthedClient<GitHub, close>,
        issue: &Issue,
    ) -> Result<()> {
        let github = &github;
        { body }
    }
    ::std::boxed::Box::pin(close_body(github.narrow(), issue))
}
/// The helper [`close`](fn@close).
#[allow(non_camel_case_types, dead_code, missing_debug_implementations)]
pub struct close {}
/// The holders of a client that may call [`close`](fn@close).
#[doc(hidden)]
#[allow(non_camel_case_types)]
#[diagnostic::on_unimplemented(
    message = "`{Self}` may not call `close`, which needs the scope `repo` of `{P}`",
    label = "needs the scope `repo`",
    note = "declare it where `{Self}` is declared: `#[tool(scopes = ..)]`, `#[requires(..)]`"
)]
pub trait may_close<P> {}
::toolgate::__private::ask! {
    (GitHub) crate = ::toolgate, helper = close, may_call = may_close, client = GitHub,
    scopes = ["repo"]
}
