#[automatically_derived]
impl ::toolgate::Requires<GitHub> for close_issue {
    const SCOPES: &'static [&'static str] = &["repo"];
}
#[automatically_derived]
impl ::toolgate::Holds<GitHub, 0usize> for close_issue {}
#[automatically_derived]
impl ::toolgate::Holds<GitHub, 1usize> for close_issue {}
