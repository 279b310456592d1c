//! The compared tool on toolgate: each call carries a token, which is verified, and whose scopes are
//! compared with the tool's.

mod brokered;

use std::{
    env, fs,
    net::SocketAddr,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use toolgate::{
    Error, Tools,
    gate::{self, Gate},
    prelude::*,
    testing::Issuer,
};

/// Longer than any comparison takes.
const LIFE: Duration = Duration::from_secs(24 * 60 * 60);

const TEXT: &str = "This is a simple text response for testing.";

/// What a caller may do here.
#[catalogue]
pub enum Desk {
    /// Read texts.
    #[scope("text:read", access = read)]
    ReadTexts,
}

macro_rules! tools {
    ($($name:ident)*) => {
        $(
            /// Returns a simple text.
            #[tool(scopes = "text:read")]
            async fn $name(_caller: Caller<Desk>) -> &'static str {
                TEXT
            }
        )*

        fn all() -> Tools {
            toolgate::tools![$($name),*]
        }
    };
}

tools! {
    test_simple_text other_01 other_02 other_03 other_04 other_05 other_06 other_07 other_08
    other_09 other_10 other_11 other_12 other_13 other_14 other_15 other_16 other_17 other_18
    other_19 other_20 other_21 other_22 other_23 other_24 other_25 other_26 other_27 other_28
    other_29 other_30 other_31 other_32 other_33 other_34 other_35 other_36 other_37 other_38
    other_39 other_40 other_41 other_42 other_43 other_44 other_45 other_46 other_47 other_48
    other_49 other_50 other_51 other_52 other_53 other_54 other_55 other_56 other_57 other_58
    other_59 other_60 other_61 other_62 other_63 other_64 other_65 other_66 other_67 other_68
    other_69 other_70 other_71 other_72 other_73 other_74 other_75 other_76 other_77 other_78
    other_79 other_80 other_81 other_82 other_83 other_84 other_85 other_86 other_87 other_88
    other_89 other_90 other_91 other_92 other_93 other_94 other_95 other_96 other_97 other_98
    other_99
}

/// `PORT [TOOLS]` serves, by the keys in the file `KEYS_FILE`; `issue PORT` writes that file, and a
/// token for the server on that port to `TOKEN_FILE`: the server itself does not issue tokens.
/// `PORT broker` serves behind a broker, which does, and writes one to `TOKEN_FILE`.
fn main() -> Result<()> {
    let usage = || Error::new("usage: peer-toolgate [issue] PORT [TOOLS | broker]");
    let mut arguments = env::args().skip(1).peekable();
    let mints = arguments.next_if(|argument| argument == "issue").is_some();
    let port: u16 = arguments.next().ok_or_else(usage)?.parse()?;
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let resource = format!("http://{address}/mcp");
    let keys = env::var("KEYS_FILE")?;
    if mints {
        let issuer = Issuer::new();
        fs::write(keys, serde_json::to_vec(issuer.jwks())?)?;
        return Ok(fs::write(env::var("TOKEN_FILE")?, token(&issuer, &resource)?)?);
    }

    let workers = env::var("WORKERS").map_or(Ok(1), |workers| workers.parse())?;
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(workers).enable_all().build()?;
    let tools = match arguments.next().as_deref() {
        None | Some("1") => toolgate::tools![test_simple_text],
        Some("100") => all(),
        Some("broker") => return runtime.block_on(brokered::serve(address)),
        Some(_) => return Err(usage()),
    };
    let verifier = gate::keys(Issuer::NAME, &serde_json::from_slice(&fs::read(keys)?)?)?;
    let server = toolgate::server!().gate(Gate::new(verifier).resource(resource)).tools(tools);
    runtime.block_on(server.serve_http(address))
}

/// A token of the size that large identity providers make.
fn token(issuer: &Issuer, resource: &str) -> Result<String> {
    let end = SystemTime::now().duration_since(UNIX_EPOCH)? + LIFE;
    let groups: Vec<String> =
        (0..8).map(|group| format!("{group}f6e8c1a-4b7d-4c59-9a30-51d27be0c{group:03}")).collect();
    let token = issuer
        .token("00u1a2b3c4d5e6f7g8h9")
        .audience(resource)
        .scopes("openid profile text:read")
        .claim("exp", end.as_secs())
        .claim("groups", groups);
    Ok(token.to_string())
}
