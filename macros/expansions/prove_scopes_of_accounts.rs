impl ::toolgate::__private::Requires<GitHub> for list_issues {
    type Of = GitHub;
    fn scopes() -> &'static [&'static str] {
        &["repo:read"]
    }
    fn account() -> ::core::option::Option<&'static str> {
        ::core::option::Option::Some("account")
    }
}
impl ::toolgate::__private::Holds<GitHub, 0usize> for list_issues {}
