//! Rules of the protocol: versions, sessions, origins, errors, transports.

use super::rules;
use crate::check::finding::{ALL, BROWSERS, NONE, Rule};

rules! {
    INITIALIZE = fault(
        "mcp.initialize",
        "an answer to `initialize`, or to `server/discover`",
        "MCP 2025-11-25, Lifecycle; MCP 2026-07-28, Discovery",
        "See what the server says of the message, and whether the path is right.",
        (ALL, "do not connect"),
    );
    VERSION = fault(
        "mcp.version",
        "`initialize` with an unknown version is answered with one that the server speaks",
        "MCP 2025-11-25, Version Negotiation",
        "Answer with your own newest version instead of an error.",
        (ALL, "stop working when they are updated before the server is"),
    );
    LEGACY = warning(
        "mcp.versions",
        "a version of 2025, which has `initialize`",
        "MCP 2026-07-28, Versioning",
        "Answer `initialize` too, until hosts have moved on.",
        (ALL, "do not connect, unless they speak 2026-07-28"),
    );
    CONTENT_TYPE = fault(
        "mcp.content_type",
        "application/json or text/event-stream",
        "MCP, Streamable HTTP, Sending Messages",
        "Set the media type of answers.",
        (ALL, "refuse the answer"),
    );
    ID = fault(
        "mcp.id",
        "the `id` of the request in the response, and `jsonrpc: \"2.0\"`",
        "JSON-RPC 2.0 §5",
        "Copy the id, with its type.",
        (ALL, "wait until their time is over"),
    );
    SERVER_INFO = fault(
        "mcp.server_info",
        "protocolVersion, capabilities, and serverInfo with name and version",
        "MCP 2025-11-25, Lifecycle",
        "Send all of them: SDKs check the shape.",
        (ALL, "refuse the answer"),
    );
    NOTIFICATION = warning(
        "mcp.notification",
        "202 without a body for a notification",
        "MCP 2025-11-25, Streamable HTTP, Sending Messages",
        "Answer 202 Accepted.",
        (ALL, "may take it for a failure"),
    );
    GET = warning(
        "mcp.get",
        "a stream of events or 405 for GET",
        "MCP 2025-11-25, Streamable HTTP, Listening",
        "Answer 405 where there is no stream.",
        (ALL, "report an error, or try again and again"),
    );
    DISCOVER = fault(
        "mcp.discover",
        "`server/discover` names supportedVersions and capabilities",
        "MCP 2026-07-28, Discovery",
        "Send both, with resultType.",
        (ALL, "fall back to the versions of 2025, or do not connect"),
    );
    MODERN_HEADERS = warning(
        "mcp.headers",
        "400 where Mcp-Method is not the method of the body (2026-07-28)",
        "MCP 2026-07-28, Request Metadata",
        "Compare the headers with the body: proxies decide by the headers.",
        (NONE, "a message passes a proxy as another one"),
    );
    CACHE = warning(
        "mcp.cache",
        "ttlMs and cacheScope in the lists of 2026-07-28",
        "MCP 2026-07-28, Caching",
        "Send both; `private` where the list depends on the caller.",
        (ALL, "may refuse the list, or ask for it again and again"),
    );
    SESSION_ID = fault(
        "session.id",
        "session ids that cannot be guessed, of visible ASCII",
        "MCP 2025-11-25, Session Management",
        "Make them of 128 random bits.",
        (NONE, "a stranger takes part in sessions of others"),
    );
    SESSION_UNKNOWN = fault(
        "session.unknown",
        "404 for a session that does not exist",
        "MCP 2025-11-25, Session Management",
        "Answer 404, by which clients know that they have to begin again.",
        (ALL, "are stuck after a restart of the server"),
    );
    SESSION_ENDED = warning(
        "session.ended",
        "404 for a session that DELETE has ended",
        "MCP 2025-11-25, Session Management",
        "End the session on DELETE, or answer 405.",
        (NONE, "sessions pile up"),
    );
    ORIGIN = fault(
        "origin.checked",
        "403 for the Origin of a foreign page",
        "MCP, Streamable HTTP, Security & Endpoint",
        "Allow the origins that you know, and refuse the others.",
        (NONE, "a page in the user's browser may call the tools"),
    );
    HOST = fault(
        "host.checked",
        "a server of this machine refuses a foreign Host",
        "MCP, Streamable HTTP, Security & Endpoint (DNS rebinding)",
        "Compare Host with the names of this machine.",
        (NONE, "a page whose name resolves to this machine calls the tools"),
    );
    CORS_CREDENTIALS = fault(
        "cors.credentials",
        "no Access-Control-Allow-Credentials for every origin",
        "Fetch, CORS protocol and credentials",
        "Name the origins that may send cookies, or allow no credentials.",
        (NONE, "any page acts with the cookies of its visitor"),
    );
    CORS_HEADERS = warning(
        "cors.headers",
        "the headers of MCP are allowed and exposed where a page is allowed at all",
        "Fetch, CORS protocol; MCP, Streamable HTTP",
        "Allow authorization, content-type, mcp-protocol-version and mcp-session-id; expose mcp-session-id and www-authenticate.",
        (BROWSERS, "cannot send the message, or cannot read the session and the challenge"),
    );
    PARSE_ERROR = warning(
        "error.parse",
        "400 with -32700 for a body that is no JSON",
        "JSON-RPC 2.0 §5.1; MCP, Streamable HTTP",
        "Answer with an error of JSON-RPC.",
        (ALL, "report an outage"),
    );
    METHOD_ERROR = warning(
        "error.method",
        "-32601 for a method that does not exist",
        "JSON-RPC 2.0 §5.1",
        "Answer with an error of JSON-RPC: clients probe what a server can do.",
        (ALL, "report an outage when they probe for something newer"),
    );
    TOOL_ERROR = fault(
        "error.tool",
        "an error of JSON-RPC, or a result with isError, for a tool that does not exist",
        "MCP, Tools, Error Handling",
        "Answer -32602; 401 and 403 begin a sign-in, and 500 is an outage.",
        (ALL, "sign in again, or report an outage, when a model invents a name"),
    );
    DETAILS = fault(
        "error.details",
        "errors without stack traces and paths",
        "OWASP API8:2023",
        "Write details to the log, and an id into the answer.",
        (NONE, "a stranger reads how the server is built"),
    );
    SSE = fault(
        "transport.sse",
        "the transport of 2024-11-05, if there is one, asks for the same token",
        "MCP authorization, Token Requirements",
        "Put /sse and /messages behind the same gate.",
        (NONE, "a stranger calls every tool"),
    );
    WEBSOCKET = fault(
        "transport.websocket",
        "the WebSocket, if there is one, asks for the same token",
        "MCP authorization, Token Requirements",
        "Verify the token at the upgrade.",
        (NONE, "a stranger calls every tool"),
    );
}
