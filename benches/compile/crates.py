"""The crates that are generated: the same tools, as the users of each SDK write them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SCOPES = 300
# As many tools as stand in one `tools!`: those of a module, say.
TABLE = 50
BODY = 'format!("{owner}/{repo}: {limit}")'


@dataclass
class Crate:
    name: str
    scopes: int
    # The package that holds its macros.
    macros: str
    lock: str
    dependencies: Callable[[Path], str]
    source: Callable[[int], str]
    # The same functions, as they would stand without macros.
    functions: Callable[[int], str]


def toolgate(tools: int) -> str:
    variants = "".join(
        f'    /// Scope {n}.\n    #[scope("area{n}:read", access = read)]\n    Area{n},\n'
        for n in range(SCOPES)
    )
    functions = "".join(
        f"""
/// Lists the items {n}.
#[tool(scopes = "area{n % SCOPES}:read")]
pub async fn list_{n}(
    _api: AuthedClient<Api>,
    /// The account that owns the repository.
    owner: String,
    /// The repository's name.
    repo: String,
    /// How many to return.
    #[arg(range(1..=100))]
    limit: u8,
) -> String {{
    {BODY}
}}
"""
        for n in range(tools)
    )
    tables = ",\n        ".join(
        f"tools![{', '.join(f'list_{n}' for n in range(tools)[at : at + TABLE])}]"
        for at in range(0, tools, TABLE)
    )
    return f"""//! Generated.
use toolgate::prelude::*;

/// An API.
#[provider(
    api = "https://api.example",
    authorize = "https://api.example/authorize",
    token = "https://api.example/token"
)]
pub enum Api {{
{variants}}}
{functions}
/// All of them.
pub fn tools() -> Vec<toolgate::Tools> {{
    vec![
        {tables},
    ]
}}
"""


def toolgate_functions(tools: int) -> str:
    functions = "".join(
        f"""
/// Lists the items {n}.
pub async fn list_{n}(
    _api: AuthedClient<Api>,
    owner: String,
    repo: String,
    limit: u8,
) -> String {{
    {BODY}
}}
"""
        for n in range(tools)
    )
    return f"//! Generated.\npub struct Api;\npub struct AuthedClient<T>(T);\n{functions}"


def rmcp(tools: int) -> str:
    structs = "".join(
        f"""
#[derive(serde::Deserialize, rmcp::schemars::JsonSchema)]
pub struct List{n} {{
    /// The account that owns the repository.
    owner: String,
    /// The repository's name.
    repo: String,
    /// How many to return.
    #[schemars(range(min = 1, max = 100))]
    limit: u8,
}}
"""
        for n in range(tools)
    )
    methods = "".join(
        f"""
    /// Lists the items {n}.
    #[tool]
    async fn list_{n}(&self, Parameters(List{n} {{ owner, repo, limit }}): Parameters<List{n}>) -> String {{
        {BODY}
    }}
"""
        for n in range(tools)
    )
    return f"""//! Generated.
use rmcp::{{handler::server::wrapper::Parameters, tool, tool_router}};
{structs}
pub struct Server;

#[tool_router(vis = "pub")]
impl Server {{{methods}}}
"""


def rmcp_functions(tools: int) -> str:
    structs = "".join(
        f"pub struct List{n} {{ owner: String, repo: String, limit: u8 }}\n" for n in range(tools)
    )
    methods = "".join(
        f"""
    /// Lists the items {n}.
    async fn list_{n}(&self, Parameters(List{n} {{ owner, repo, limit }}): Parameters<List{n}>) -> String {{
        {BODY}
    }}
"""
        for n in range(tools)
    )
    return f"""//! Generated.
{structs}
pub struct Parameters<T>(T);
pub struct Server;

impl Server {{{methods}}}
"""


def fly(tools: int) -> str:
    functions = "".join(
        f"""
/// Lists the items {n}.
#[tool]
pub async fn list_{n}(
    /// The account that owns the repository.
    owner: String,
    /// The repository's name.
    repo: String,
    /// How many to return.
    #[schemars(range(min = 1, max = 100))]
    limit: u8,
) -> String {{
    {BODY}
}}
"""
        for n in range(tools)
    )
    names = ", ".join(f"list_{n}::definition()" for n in range(tools))
    return f"""//! Generated.
use flymcprust::{{Tool, ToolDef, prelude::*}};
{functions}
/// All of them.
pub fn tools() -> Vec<ToolDef> {{
    vec![{names}]
}}
"""


def fly_functions(tools: int) -> str:
    functions = "".join(
        f"""
/// Lists the items {n}.
pub async fn list_{n}(owner: String, repo: String, limit: u8) -> String {{
    {BODY}
}}
"""
        for n in range(tools)
    )
    return f"//! Generated.\n{functions}"


PEERS = "benches/peers/Cargo.lock"

CRATES = [
    Crate(
        "toolgate",
        SCOPES,
        "toolgate-macros",
        "Cargo.lock",
        lambda root: f'toolgate = {{ path = "{root}/runtime" }}\n',
        toolgate,
        toolgate_functions,
    ),
    Crate(
        "rmcp",
        0,
        "rmcp-macros",
        PEERS,
        lambda _: """rmcp = { version = "=3.11.0", default-features = false, features = ["macros", "server"] }
serde = { version = "1", features = ["derive"] }
schemars = "1"
""",
        rmcp,
        rmcp_functions,
    ),
    Crate(
        "flymcprust",
        0,
        "flymcprust-macros",
        PEERS,
        lambda _: """flymcprust = { version = "=0.1.1", features = ["http"] }
serde = { version = "1", features = ["derive"] }
schemars = "1"
""",
        fly,
        fly_functions,
    ),
]
