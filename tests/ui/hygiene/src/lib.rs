//! The language in edition 2018, with the facade under another name and strict lints denied.

pub mod bare;
pub mod host;
pub mod shadowed;

#[cfg(test)]
mod tests {
    use gatekeeper::{tools, Provider};

    use crate::{
        bare::{greet, star},
        host::{close_issue, Host},
        shadowed::count,
    };

    #[tokio::test]
    async fn all_of_them_are_served_under_the_name_of_this_crate() {
        let app = gatekeeper::server!()
            .provider(Host::client("id"))
            .tools(tools![greet, star, close_issue, count])
            .build()
            .await
            .expect("a server");
        let described = app.describe();
        let names = described.tools.iter().map(|tool| tool.definition["name"].clone());
        let names: Vec<_> = names.collect();
        assert_eq!(described.name, "hygiene");
        assert_eq!(names, ["greet", "star", "close_issue", "count"]);
    }
}
