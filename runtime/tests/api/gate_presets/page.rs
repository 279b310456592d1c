//! The matrix of presets and near misses in `docs/identity.md`.

use std::{collections::BTreeSet, env, fmt::Write as _, fs, path::Path};

use super::{
    near_misses::{Applied, NEAR_MISSES},
    refused, shapes,
};
use crate::issuer::verify;

const BEGIN: &str = "<!-- matrix -->\n";
const END: &str = "<!-- end of the matrix -->";

/// The matrix: what each preset says of each near miss.
async fn matrix() -> String {
    let shapes = shapes::all();
    let mut text = String::from("\n| near miss | refused as |");
    for shape in &shapes {
        write!(text, " `{}` |", shape.name).unwrap();
    }
    text.push_str("\n|---|---|");
    text.push_str(&":-:|".repeat(shapes.len()));
    for near_miss in NEAR_MISSES {
        let mut codes = BTreeSet::new();
        let mut cells = String::new();
        for shape in &shapes {
            let cell = match (near_miss.apply)(shape) {
                Applied::No => "–",
                Applied::Token(token) => match refused(&verify(&shape.verifier(), &token).await) {
                    None => "**accepted**",
                    Some(code) => {
                        codes.insert(format!("`{code}`"));
                        "✓"
                    }
                },
            };
            write!(cells, " {cell} |").unwrap();
        }
        let codes: Vec<_> = codes.into_iter().collect();
        write!(text, "\n| {} | {} |{cells}", near_miss.name, codes.join(", ")).unwrap();
    }
    text.push_str("\n\n| preset | accepted besides | refused besides |\n|---|---|---|");
    for shape in &shapes {
        let verifier = shape.verifier();
        let mut others: Vec<_> = shape.good.iter().map(|(name, ..)| (*name).to_owned()).collect();
        if shape.machine.is_some() {
            others.insert(0, "a machine, as one".to_owned());
        }
        let mut misses = Vec::new();
        for near_miss in &shape.near_misses {
            let token = shape.token(&near_miss.header, &near_miss.claims);
            let code = refused(&verify(&verifier, &token).await).unwrap_or("**accepted**");
            misses.push(format!("{} (`{code}`)", near_miss.name));
        }
        let (others, misses) = (others.join("; "), misses.join("; "));
        write!(text, "\n| `{}` | {others} | {misses} |", shape.name).unwrap();
    }
    text.push_str("\n\n");
    text
}

#[tokio::test]
async fn the_matrix_of_presets_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/identity.md");
    let page = fs::read_to_string(&path).unwrap().replace("\r\n", "\n");
    let (before, rest) = page.split_once(BEGIN).expect("the beginning of the matrix");
    let (_, after) = rest.split_once(END).expect("the end of the matrix");
    let matrix = matrix().await;
    let current = format!("{before}{BEGIN}{matrix}{END}{after}");
    assert!(!matrix.contains("accepted**"), "{matrix}");
    println!("{matrix}");
    if env::var_os("BLESS").is_some() {
        fs::write(&path, current).unwrap();
    } else {
        assert!(page == current, "`BLESS=1 cargo matrices` writes {}", path.display());
    }
}
