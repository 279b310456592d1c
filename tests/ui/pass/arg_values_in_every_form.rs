use ui::prelude::*;

const LIMIT: u8 = 100;

fn first_page() -> u32 {
    1
}

/// Does something.
#[tool]
async fn t(
    #[arg(default = LIMIT / 2)] half: u8,
    #[arg(range(0f64..=1f64), default = 1f64)] share: f64,
    // clippy must not take the closure of the expansion for one that is written here.
    #[arg(default = first_page())] page: u32,
) -> String {
    format!("{half} {share} {page}")
}

pub fn main() {
    assert_eq!(tools![t].entries().len(), 1);
}
