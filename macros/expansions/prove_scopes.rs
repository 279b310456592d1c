impl ::toolgate::__private::Requires<GitHub> for close_issue {
    type Of = GitHub;
    fn scopes() -> &'static [&'static str] {
        &["repo"]
    }
}
impl ::toolgate::__private::Holds<GitHub, 0usize> for close_issue {}
impl ::toolgate::__private::Holds<GitHub, 1usize> for close_issue {}
impl ::toolgate::__private::DeclaresWrite<GitHub> for close_issue {}
