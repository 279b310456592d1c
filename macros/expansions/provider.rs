/// GitHub's REST API.
#[allow(dead_code)]
pub enum GitHub {
    /// Reads code, issues and pull requests.
    RepoRead,
    /// Full control of repositories.
    Repo,
}
#[automatically_derived]
impl ::toolgate::__private::Catalogue for GitHub {
    const NAME: &'static str = "GitHub";
    const SCOPES: &'static [::toolgate::__private::Scope] = {
        use ::toolgate::__private::{Access, Scope};
        static SCOPES: [Scope; 2usize] = [
            Scope {
                name: "repo:read",
                description: "Reads code, issues and pull requests.",
                access: Access::Read,
                implies: &[],
            },
            Scope {
                name: "repo",
                description: "Full control of repositories.",
                access: Access::Write,
                implies: &[0usize],
            },
        ];
        &SCOPES
    };
}
#[automatically_derived]
impl ::toolgate::__private::Provider for GitHub {
    const ID: &'static str = "github";
    const API: &'static str = "https://api.github.com";
    const AUTHORIZE: &'static str = "https://github.com/login/oauth/authorize";
    const TOKEN: &'static str = "https://github.com/login/oauth/access_token";
    const DIALECT: ::toolgate::__private::Dialect = ::toolgate::__private::Dialect::STANDARD
        .response_scope_separator(",");
}
#[doc(hidden)]
#[allow(unused_macros, non_local_definitions)]
#[macro_export]
macro_rules! __catalogue_GitHub_bc1b493a0534f3b3 {
    (#![callback = $callback:path] $($request:tt)*) => {
        $callback ! { "repo:read RepoRead read\nrepo Repo write 0" $($request)* }
    };
    ($($other:tt)*) => {
        ::core::compile_error!("`GitHub!` carries the scopes of `GitHub`; it is not a macro to call");
    };
}
#[doc(hidden)]
#[allow(unused_imports)]
pub use __catalogue_GitHub_bc1b493a0534f3b3 as GitHub;
