use ui::prelude::*;

mod gate {
    pub use toolgate::*;
}

macro_rules! made {
    ($tool:ident, $widget:ident) => {
        /// Does something.
        #[tool(crate = $crate::gate)]
        async fn $tool(_context: &Context) {}

        /// Shows something.
        #[widget(crate = $crate::gate, view = "<p></p>")]
        async fn $widget() -> Props {
            Props {}
        }
    };
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Props {}

made!(one, two);

fn main() {
    assert_eq!(tools![one, two].entries().len(), 2);
}
