use ui::prelude::*;

const LIMIT: u8 = 100;

/// Does something.
#[tool]
async fn t(
    #[arg(default = LIMIT / 2)] half: u8,
    #[arg(range(0f64..=1f64), default = 1f64)] share: f64,
) -> String {
    format!("{half} {share}")
}

pub fn main() {
    assert_eq!(tools![t].entries().len(), 1);
}
