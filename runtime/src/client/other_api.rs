//! Requests to further APIs of a provider.

use url::Url;

use super::{AuthedClient, connection::Connection};
use crate::provider::{Api, Provider};

impl<P: Provider, T> AuthedClient<P, T> {
    /// Returns the client for another API of the provider, which accepts the same tokens. Its scopes
    /// are those of this client.
    ///
    /// Where the environment names another installation (`ID_API_URL`), the API that is returned is
    /// the declared one all the same.
    ///
    /// ```
    /// # use toolgate::{prelude::*, provider::Api};
    /// # #[provider(api = "https://api.a.example", authorize = "https://a.example/a", token = "https://a.example/t")]
    /// # pub enum Office {
    /// #     /// See your spreadsheets.
    /// #     #[scope("sheets:read", access = read)]
    /// #     SheetsRead,
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<()> {
    /// const SHEETS: Api<Office> = Api::new("https://sheets.a.example/v4");
    ///
    /// let office = AuthedClient::<Office>::testing_with(|request| {
    ///     assert_eq!(request.uri(), "https://sheets.a.example/v4/list");
    ///     toolgate::client::http::Response::new("[]".into())
    /// });
    /// office.at(SHEETS).get("/list").send().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// The URL has a host that is no name, such as `999.1.1.1`.
    #[must_use]
    pub fn at(&self, api: Api<P>) -> Self {
        let url = moved(&self.connection.api, P::API, api.url());
        let api = Url::parse(&url).expect("a declared API is a URL");
        Self::new(Connection { api, ..(*self.connection).clone() }.into())
    }
}

/// Where a URL of the provider is, if its API `declared` is at `api`: a stand-in has all hosts of a
/// provider below its own.
fn moved(api: &Url, declared: &str, url: &str) -> String {
    fn without_scheme(url: &str) -> &str {
        url.split_once("://").map_or(url, |(_, rest)| rest).trim_end_matches('/')
    }
    match api.as_str().trim_end_matches('/').strip_suffix(without_scheme(declared)) {
        Some(before) if before.ends_with('/') => format!("{before}{}", without_scheme(url)),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_api_is_where_the_api_is() {
        let at = |api: &str, declared: &str| {
            moved(&Url::parse(api).unwrap(), declared, "https://sheets.a.example/v4")
        };
        let sheets = "https://sheets.a.example/v4";
        assert_eq!(at("https://api.a.example", "https://api.a.example"), sheets);
        assert_eq!(at("https://api.a.example/v1/", "https://api.a.example/v1"), sheets);
        // A stand-in.
        let stand_in = "http://127.0.0.1:9000/sheets.a.example/v4";
        assert_eq!(
            at("http://127.0.0.1:9000/api.a.example/v1", "https://api.a.example/v1"),
            stand_in
        );
        // Another installation, also one whose name ends as the declared one.
        assert_eq!(at("https://github.corp.example/api", "https://api.a.example"), sheets);
        assert_eq!(at("https://my-api.a.example", "https://api.a.example"), sheets);
        assert_eq!(at("https://acme.my.example", "{instance_url}"), sheets);
    }
}
