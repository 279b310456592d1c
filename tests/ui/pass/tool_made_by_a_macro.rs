use ui::prelude::*;

macro_rules! reads {
    ($name:ident, $provider:ty, $scope:literal) => {
        /// Does something.
        #[tool(scopes = $scope)]
        async fn $name(_client: AuthedClient<$provider>) {}
    };
}

reads!(one, GitHub, "repo:read");
reads!(two, Slack, "chat:write");

pub fn main() {
    let _ = (one, two);
    assert_eq!(tools![one, two].entries().len(), 2);
}
