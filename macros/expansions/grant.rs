impl ::toolgate::Requires<GitHub> for close_issue {
    const SCOPES: ::toolgate::Scopes = ::toolgate::Scopes::of(["repo"]);
}
impl ::toolgate::Holds<GitHub, 0usize> for close_issue {}
impl ::toolgate::Holds<GitHub, 1usize> for close_issue {}
impl ::toolgate::CanWrite<GitHub> for close_issue {}
