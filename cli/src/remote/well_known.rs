//! Well-known places of metadata (RFC 9728 §3.1, RFC 8414 §3.1, `OpenID` Connect Discovery §4).

use url::Url;

const RESOURCE: &str = "/.well-known/oauth-protected-resource";
const AUTHORIZATION_SERVER: &str = "/.well-known/oauth-authorization-server";
const OPENID: &str = "/.well-known/openid-configuration";

/// Where the metadata of a protected resource is looked for: with its path, then at the root.
pub(crate) fn resource_places(endpoint: &Url) -> Vec<Url> {
    let path = endpoint.path().trim_end_matches('/');
    let mut places = vec![at(endpoint, &format!("{RESOURCE}{path}"))];
    if !path.is_empty() {
        places.push(at(endpoint, RESOURCE));
    }
    places
}

/// Where the metadata of an authorization server is looked for, in the order of the MCP
/// specification.
pub(crate) fn issuer_places(issuer: &Url) -> Vec<Url> {
    let path = issuer.path().trim_end_matches('/');
    if path.is_empty() {
        return vec![at(issuer, AUTHORIZATION_SERVER), at(issuer, OPENID)];
    }
    vec![
        at(issuer, &format!("{AUTHORIZATION_SERVER}{path}")),
        at(issuer, &format!("{OPENID}{path}")),
        at(issuer, &format!("{path}{OPENID}")),
    ]
}

fn at(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(path);
    url.set_query(None);
    url.set_fragment(None);
    url
}

/// Whether a URL names this machine.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(urls: Vec<Url>) -> Vec<String> {
        urls.into_iter().map(String::from).collect()
    }

    #[test]
    fn paths_are_inserted() {
        let url = |text| Url::parse(text).unwrap();
        assert_eq!(
            texts(resource_places(&url("https://a.example/tools/mcp?x=1"))),
            [
                "https://a.example/.well-known/oauth-protected-resource/tools/mcp",
                "https://a.example/.well-known/oauth-protected-resource",
            ]
        );
        assert_eq!(resource_places(&url("https://a.example/")).len(), 1);
        assert_eq!(
            texts(issuer_places(&url("https://a.example/realms/b/"))),
            [
                "https://a.example/.well-known/oauth-authorization-server/realms/b",
                "https://a.example/.well-known/openid-configuration/realms/b",
                "https://a.example/realms/b/.well-known/openid-configuration",
            ]
        );
        assert_eq!(issuer_places(&url("https://a.example")).len(), 2);
    }
}
