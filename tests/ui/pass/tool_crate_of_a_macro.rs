use ui::prelude::*;

mod gate {
    pub use toolgate::*;
}

macro_rules! made {
    ($tool:ident, $widget:ident) => {
        /// Does something.
        #[tool(crate = $crate::tool_crate_of_a_macro::gate)]
        async fn $tool(_context: &Context) {}

        /// Shows something.
        #[widget(crate = $crate::tool_crate_of_a_macro::gate, view = "<p></p>")]
        async fn $widget() -> Props {
            Props {}
        }
    };
}

#[derive(serde::Serialize, schemars::JsonSchema)]
struct Props {}

made!(one, two);

pub fn main() {
    assert_eq!(tools![one, two].entries().len(), 2);
}
