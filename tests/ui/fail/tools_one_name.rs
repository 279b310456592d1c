use ui::prelude::*;

mod issues {
    use ui::prelude::*;

    /// Lists issues.
    #[tool]
    pub async fn list() {}
}

mod pulls {
    use ui::prelude::*;

    /// Lists pull requests.
    #[tool]
    pub async fn list() {}
}

fn main() {
    let _ = tools![issues::list, pulls::list];
}
