//! Equal declarations in several modules.

use ui::prelude::*;

macro_rules! declare {
    ($module:ident) => {
        pub mod $module {
            use ui::prelude::*;

            #[provider(
                api = "https://a.example",
                authorize = "https://a.example/authorize",
                token = "https://a.example/token"
            )]
            pub enum Host {
                #[scope("read", access = read)]
                Read,
            }

            #[catalogue]
            pub enum Rights {
                #[scope("read", access = read)]
                Read,
            }
        }
    };
}

declare!(one);
declare!(other);

mod written {
    use ui::prelude::*;

    #[catalogue]
    pub enum Rights {
        #[scope("read", access = read)]
        Read,
    }

    #[catalogue]
    pub(super) enum Private {
        #[scope("read", access = read)]
        Read,
    }

    /// Does something.
    #[tool(scopes = "read")]
    pub async fn private(_caller: Caller<Private>) {}
}

mod written_again {
    use ui::prelude::*;

    #[catalogue]
    pub(super) enum Private {
        #[scope("read", access = read)]
        Read,
    }

    /// Does something.
    #[tool(scopes = "read")]
    pub async fn private_again(_caller: Caller<Private>) {}
}

/// Does something.
#[tool(scopes(host = "read", other = "read", caller = "read"))]
async fn t(
    host: AuthedClient<one::Host>,
    other: AuthedClient<other::Host>,
    caller: Caller<written::Rights>,
) -> String {
    let _ = (host, other);
    caller.subject().to_owned()
}

pub fn main() {
    let tools = tools![t, written::private, written_again::private_again];
    assert_eq!(tools.entries().len(), 3);
}
