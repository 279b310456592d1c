//! Kinds of events.

use serde::Serialize;

use super::{
    argument::{ArgumentPath, Expected},
    coverage::Coverage,
    elapsed::Elapsed,
    id::SpanId,
    operation::{Operation, OperationOutcome, StoreOperation, StoreOutcome},
    reason::{
        AnonymousReason, CallError, CallOutcome, CallbackOutcome, ClientTrust, ConsentFailure,
        ConsentReason, Decision, DocumentOutcome, Flow, GrantType, LinkOpener, MetadataDocument,
        PromptForm, RefreshFailure, RefreshOutcome, RefreshReason, RequestRefusal, ReuseOutcome,
        ScopeOutcome, SessionTransport, StepUpOutcome, TokenOutcome, Transport, UpstreamAttempt,
        UpstreamFailure, UpstreamMethod,
    },
    refusal::TokenRefusal,
    request::{AcceptedToken, Caller, RequestHeaders},
    text::{Found, FoundList, Origin, PathTemplate, ScopeNames},
};
use crate::error::Rule;

/// Defines the enumeration, whose variants are all `#[non_exhaustive]`.
macro_rules! kinds {
    ($($(#[$meta:meta])* $name:ident {
        $($(#[$field_meta:meta])* $field:ident: $type:ty,)*
    })*) => {
        /// What was decided or done.
        ///
        /// Times are in milliseconds where a field is called `ms`, and in seconds where it ends in
        /// `_s`.
        #[derive(Clone, Copy, Debug, Serialize)]
        #[serde(tag = "event", rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum EventKind<'a> {
            $($(#[$meta])* #[non_exhaustive] $name { $($(#[$field_meta])* $field: $type,)* },)*
        }
    };
}

kinds! {
    /// A request of the protocol came. The span is the request's.
    RequestReceived {
        /// By which transport.
        transport: Transport,
        /// The HTTP method; `None` over standard input.
        http_method: Option<Found<'a>>,
        /// The headers; `None` over standard input.
        headers: Option<RequestHeaders<'a>>,
    }
    /// The message of a request was read.
    MessageRead {
        /// The JSON-RPC method.
        method: Found<'a>,
        /// The tool that it calls, if the server has it.
        tool: Option<&'static str>,
        /// The revision of the protocol that the client speaks, if the request says so.
        era: Option<Found<'a>>,
    }
    /// A token was accepted.
    Authenticated {
        /// Its claims.
        #[serde(flatten)]
        token: AcceptedToken<'a>,
    }
    /// A request without a token was let in.
    Anonymous {
        /// Why it needs none.
        reason: AnonymousReason,
    }
    /// A token is missing, or was refused.
    TokenRefused {
        /// Why.
        #[serde(flatten)]
        refusal: TokenRefusal<'a>,
    }
    /// A request was refused, whatever its token.
    RequestRefused {
        /// Why.
        reason: RequestRefusal,
        /// The status of the response.
        status: u16,
        /// When to try again.
        retry_after_s: Option<u64>,
    }
    /// A client got a challenge: it needs a token, or a wider one (RFC 6750 §3).
    Challenged {
        /// The status of the response.
        status: u16,
        /// The `error` of the challenge.
        error: Option<&'static str>,
        /// The scopes to ask for.
        scopes: FoundList<'a>,
        /// Whether the challenge is in the result of the call.
        in_result: bool,
    }
    /// A document of metadata or keys was read.
    MetadataRead {
        /// Which one.
        document: MetadataDocument,
    }
    /// The scopes of a token were compared with those that a tool requires.
    ScopesChecked {
        /// The tool.
        tool: &'static str,
        /// The result.
        outcome: ScopeOutcome,
        /// Each required scope, and which one of the token covers it.
        required: Coverage<'a>,
        /// The scopes of the token.
        held: Option<FoundList<'a>>,
    }
    /// It was decided what to do about a call that lacks scopes.
    StepUp {
        /// The tool.
        tool: &'static str,
        /// What is done.
        outcome: StepUpOutcome,
        /// The scopes that it lacks.
        missing: &'a [&'static str],
        /// The span of the link.
        step_up: Option<SpanId>,
    }
    /// The arguments of a call were refused.
    ArgumentsRefused {
        /// The tool.
        tool: &'static str,
        /// Which argument.
        path: ArgumentPath<'a>,
        /// Which rule.
        rule: Rule,
        /// What the schema says about the argument.
        expected: Option<Expected<'a>>,
    }
    /// A tool was called, with decoded arguments and a token for each provider.
    ToolCalled {
        /// The tool.
        tool: &'static str,
    }
    /// A call ended.
    CallEnded {
        /// The tool.
        tool: &'static str,
        /// The scopes that it declares.
        declared: &'a ScopeNames,
        /// The caller; `None` for the local person and anonymous callers.
        caller: Option<Caller<'a>>,
        /// How it ended.
        outcome: CallOutcome,
        /// The code of the refusal; empty without one.
        why: &'static str,
        /// The kind of the tool's error.
        error: Option<CallError>,
        /// The code of an error of the protocol (JSON-RPC 2.0 §5.1).
        code: Option<i32>,
        /// How long it took.
        ms: Elapsed,
    }
    /// A request was answered that is no call of one of the server's own tools.
    OperationEnded {
        /// Its method.
        operation: Operation,
        /// How it ended.
        outcome: OperationOutcome,
        /// The code of an error (JSON-RPC 2.0 §5.1).
        code: Option<i32>,
        /// How long it took.
        ms: Elapsed,
    }
    /// A session ended: its client said so, or its connection ended.
    SessionEnded {
        /// By which transport its client was connected.
        transport: SessionTransport,
        /// How long it lasted.
        ms: Elapsed,
    }
    /// The store of grants was used. The span is the operation's own, its parent that of the call, the
    /// refresh or the consent that it was used for, where an observer
    /// [wants traces](super::Observer::wants_trace_context).
    StoreUsed {
        /// For what.
        operation: StoreOperation,
        /// How it answered.
        outcome: StoreOutcome,
        /// How long it took.
        ms: Elapsed,
    }
    /// The page of a widget was read.
    WidgetPageRead {
        /// The URI of the page.
        uri: Found<'a>,
        /// Whether it was read from disk.
        live: bool,
    }
    /// A call needs an account that is not connected, or a wider grant.
    ConsentNeeded {
        /// The tool.
        tool: &'static str,
        /// The ID of the provider.
        provider: &'static str,
        /// Why.
        reason: ConsentReason,
        /// The scopes that are missing.
        missing: &'a [&'static str],
        /// The scopes of the grant.
        held: FoundList<'a>,
        /// How the person is asked.
        form: PromptForm,
        /// The span of the consent.
        consent: SpanId,
    }
    /// A link for a consent was made. The span is the consent's, its parent the call's.
    LinkMade {
        /// The ID of the provider.
        provider: &'static str,
        /// The scopes to ask for.
        scopes: FoundList<'a>,
    }
    /// The link of a consent was opened.
    LinkOpened {
        /// The ID of the provider.
        provider: &'static str,
        /// By whom.
        by: LinkOpener,
    }
    /// A person was asked whether another client may use an account, or has decided that.
    AccountUse {
        /// The ID of the provider.
        provider: &'static str,
        /// The name of the client.
        client: Found<'a>,
        /// What the person says.
        decision: Decision,
    }
    /// A browser was sent to an authorization server (RFC 6749 §4.1.1).
    AuthorizationRequested {
        /// What for.
        flow: Flow,
        /// The ID of the provider.
        provider: &'static str,
        /// The origin of the authorization endpoint.
        origin: Origin<'a>,
        /// The scopes that are asked for.
        scopes: FoundList<'a>,
    }
    /// A browser came back from an authorization server (RFC 6749 §4.1.2).
    CallbackReceived {
        /// What for.
        flow: Flow,
        /// With what.
        outcome: CallbackOutcome,
    }
    /// A code was exchanged for tokens, or was not (RFC 6749 §4.1.3).
    CodeExchanged {
        /// What for.
        flow: Flow,
        /// The ID of the provider.
        provider: &'static str,
        /// What the provider answered.
        outcome: TokenOutcome,
        /// The status of an error.
        status: Option<u16>,
        /// How long the access token is valid.
        expires_in_s: Option<u64>,
        /// Whether there is a refresh token.
        refresh_token: bool,
        /// How long the provider took.
        ms: Elapsed,
    }
    /// A grant was stored.
    GrantMade {
        /// The ID of the provider.
        provider: &'static str,
        /// The scopes that were granted.
        granted: FoundList<'a>,
        /// The needed scopes that were withheld.
        withheld: FoundList<'a>,
        /// How long it took since the link was made.
        ms: Elapsed,
    }
    /// A consent gave no grant.
    ConsentFailed {
        /// The ID of the provider.
        provider: &'static str,
        /// Why.
        reason: ConsentFailure,
        /// How long it took since the link was made.
        ms: Elapsed,
    }
    /// A refresh began. The span is the refresh's, its parent the call's that began it.
    RefreshBegun {
        /// The ID of the provider.
        provider: Found<'a>,
        /// Why.
        reason: RefreshReason,
    }
    /// A call waits for a refresh that is under way.
    RefreshJoined {
        /// The ID of the provider.
        provider: Found<'a>,
        /// The span of the refresh.
        refresh: SpanId,
    }
    /// A refresh ended with a token, or an exchange of a caller's token (RFC 8693) did.
    RefreshDone {
        /// The ID of the provider.
        provider: Found<'a>,
        /// Who got the token.
        outcome: RefreshOutcome,
        /// How many calls joined it, besides the one that began it.
        joined: u32,
        /// Whether the refresh token changed.
        rotated: bool,
        /// How long the access token is valid.
        expires_in_s: Option<u64>,
        /// How long it took.
        ms: Elapsed,
    }
    /// A refresh, or an exchange of a caller's token, ended without a token.
    RefreshFailed {
        /// The ID of the provider.
        provider: Found<'a>,
        /// Why.
        reason: RefreshFailure,
        /// The status with which the provider refused.
        status: Option<u16>,
        /// How many calls joined it, besides the one that began it.
        joined: u32,
        /// How long it took.
        ms: Elapsed,
    }
    /// A request was sent to the API of a provider.
    UpstreamRequest {
        /// The ID of the provider.
        provider: &'static str,
        /// The method.
        method: UpstreamMethod,
        /// The path, without values.
        path: &'a PathTemplate,
        /// The status of the response.
        status: Option<u16>,
        /// Why there is no response.
        failure: Option<UpstreamFailure>,
        /// The number of the attempt, from 1.
        attempt: u32,
        /// Why it was sent.
        retried: UpstreamAttempt,
        /// The origin to which the token is pinned.
        origin: Origin<'a>,
        /// The span of the request itself, which its `traceparent` names.
        request: Option<SpanId>,
        /// How long the head of the response took.
        ms: Elapsed,
    }
    /// A client registered itself with the broker (RFC 7591).
    ClientRegistered {
        /// Its identifier.
        client: Found<'a>,
        /// The name that it says it has.
        name: Option<Found<'a>>,
        /// Whether it has a secret.
        confidential: bool,
        /// Whether it refreshes tokens.
        refreshes: bool,
    }
    /// A registration was refused.
    RegistrationRefused {
        /// The code of the error.
        code: &'static str,
        /// The description of the error, if it says nothing of the request.
        detail: Option<&'static str>,
    }
    /// The metadata document of a client was fetched.
    DocumentFetched {
        /// The host of the document.
        host: Found<'a>,
        /// The result.
        outcome: DocumentOutcome,
        /// How long it took.
        ms: Elapsed,
    }
    /// A client asks the broker for authorization. The span is the authorization's.
    AuthorizationBegun {
        /// Its identifier.
        client: Found<'a>,
        /// Who vouches for it.
        trust: ClientTrust,
        /// The scopes.
        scopes: FoundList<'a>,
    }
    /// The broker refused a request for authorization.
    AuthorizationRefused {
        /// The identifier of the client.
        client: Found<'a>,
        /// The code of the error.
        code: &'static str,
    }
    /// The consent page of the broker was shown, or a person has decided.
    BrokerConsent {
        /// The identifier of the client.
        client: Found<'a>,
        /// What the person says.
        decision: Decision,
    }
    /// The broker issued a code.
    CodeIssued {
        /// The identifier of the client.
        client: Found<'a>,
        /// Who signed in.
        subject: Found<'a>,
        /// The scopes that were granted.
        granted: FoundList<'a>,
        /// The scopes that the provider withheld more than once.
        withheld: FoundList<'a>,
    }
    /// The broker issued tokens.
    TokensIssued {
        /// The identifier of the client.
        client: Found<'a>,
        /// For what.
        grant_type: GrantType,
        /// The scopes.
        scopes: FoundList<'a>,
        /// How long the access token is valid.
        expires_in_s: u64,
        /// Whether there is a refresh token.
        refresh_token: bool,
        /// The span of the sign-in.
        sign_in: Option<SpanId>,
    }
    /// The broker refused a token request.
    TokenRequestRefused {
        /// For what it was.
        grant_type: Option<GrantType>,
        /// The code of the error.
        code: &'static str,
        /// The description of the error, if it says nothing of the request.
        detail: Option<&'static str>,
    }
    /// A refresh token or a code of the broker was used again. The span is the sign-in's.
    TokenReused {
        /// The identifier of the client.
        client: Found<'a>,
        /// Which of the two.
        grant_type: GrantType,
        /// What is done about it.
        outcome: ReuseOutcome,
    }
    /// A person was asked to add scopes to a sign-in, or has decided. The span is the link's.
    StepUpDecided {
        /// The identifier of the client.
        client: Found<'a>,
        /// What the person says.
        decision: Decision,
        /// The scopes.
        scopes: FoundList<'a>,
    }
}

#[cfg(test)]
mod tests {
    /// The types of fields keep secrets out: a text is a constant, or one of the types of `text`.
    #[test]
    fn no_field_is_any_text() {
        let sources =
            [include_str!("kind.rs"), include_str!("request.rs"), include_str!("refusal.rs")];
        for source in sources {
            let declarations = source.split("#[cfg(test)]").next().unwrap_or_default();
            let fields = declarations.lines().filter(|line| {
                let line = line.trim_start();
                !line.starts_with("//") && line.ends_with(',') && line.contains(": ")
            });
            for field in fields.filter(|line| line.trim_start().starts_with(char::is_alphabetic)) {
                let rest = field.replace("&'static str", "");
                let mut words = rest.split(|c: char| !c.is_alphanumeric());
                let is_text = |word| ["str", "String", "json", "u8"].contains(&word);
                assert!(!words.any(is_text), "{field}");
            }
        }
    }
}
