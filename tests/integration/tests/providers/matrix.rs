//! The matrix of providers and cases, as Markdown.

use std::{
    env,
    fmt::{self, Write as _},
    fs,
    path::Path,
};

use super::cases::{Case, Outcome};

const BEGIN: &str = "<!-- matrix of the stand-ins -->\n";
const END: &str = "<!-- end of the matrix -->\n";

/// The outcome of a case with a provider.
pub(super) struct Cell {
    pub(super) provider: &'static str,
    pub(super) case: Case,
    pub(super) result: Outcome,
}

/// All cells, row after row.
pub(super) struct Matrix(Vec<Cell>);

/// Cells that are known to fail: the provider, its cases, and the reason.
pub(super) type Known = [(&'static str, &'static [Case], &'static str)];

impl Matrix {
    pub(super) fn new(cells: Vec<Cell>) -> Self {
        Self(cells)
    }

    /// What is not as it is known to be.
    pub(super) fn surprises(&self, known: &Known) -> Vec<String> {
        let mut surprises = Vec::new();
        for Cell { provider, case, result } in &self.0 {
            let is_known =
                known.iter().any(|(name, cases, _)| name == provider && cases.contains(case));
            match result {
                Err(why) if !is_known => surprises.push(format!("{provider}, {case:?}: {why}")),
                Ok(says) if is_known => surprises.push(format!(
                    "{provider}, {case:?}: {says}. It is no failure any more: take it off the list"
                )),
                _ => {}
            }
        }
        surprises
    }

    /// Fails if `docs/providers.md` has another matrix, or writes it there with `BLESS=1`.
    pub(super) fn compare_with_docs(&self, known: &Known) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/providers.md");
        let page = fs::read_to_string(&path).expect("docs/providers.md");
        let (before, rest) = page.split_once(BEGIN).expect("the page has the mark of the matrix");
        let (found, after) = rest.split_once(END).expect("the page has the end of the matrix");
        let mut expected = format!("\n{self}\n");
        for (provider, cases, reason) in known {
            let cases: Vec<_> = cases.iter().map(|case| case.title()).collect();
            let _ = writeln!(expected, "- {provider}, {}: {reason}", cases.join(", "));
        }
        if found == expected {
            return;
        }
        assert!(
            env::var_os("BLESS").is_some(),
            "docs/providers.md has another matrix; `BLESS=1 cargo matrices` writes this one:\n{expected}"
        );
        fs::write(path, format!("{before}{BEGIN}{expected}{END}{after}")).expect("it is writable");
    }
}

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let titles: Vec<_> = Case::ALL.iter().map(|case| case.title()).collect();
        writeln!(f, "| provider | {} |", titles.join(" | "))?;
        writeln!(f, "|---{}|", "|---".repeat(titles.len()))?;
        for row in self.0.chunks(Case::ALL.len()) {
            write!(f, "| {} |", row[0].provider)?;
            for cell in row {
                write!(f, " {} |", cell.result.as_ref().map_or("no", |says| says))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
