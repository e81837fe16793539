//! One thing that was looked at, and how it is shown.

use crate::output::{Cell, next, table_lines};
use serde::Serialize;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Check {
    pub(crate) name: String,
    pub(crate) ok: bool,
    pub(crate) detail: String,
    /// What to do; for what is well it is advice.
    pub(crate) mend: String,
}

impl Check {
    pub(crate) fn passed(name: &str, detail: impl Into<String>) -> Self {
        Self { name: name.to_owned(), ok: true, detail: detail.into(), mend: String::new() }
    }

    /// It may be meant so, and somebody may want to know.
    pub(crate) fn noted(name: &str, detail: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { name: name.to_owned(), ok: true, detail: detail.into(), mend: mend.into() }
    }

    pub(crate) fn failed(name: &str, detail: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { name: name.to_owned(), ok: false, detail: detail.into(), mend: mend.into() }
    }

    fn verdict(&self) -> Cell {
        match (self.ok, self.mend.is_empty()) {
            (false, _) => Cell::verdict(false, "failed"),
            (true, true) => Cell::verdict(true, "ok"),
            (true, false) => Cell::new("note"),
        }
    }
}

/// All of them below each other, each mend below its check.
pub(crate) fn shown(checks: &[Check]) -> String {
    let row = |check: &Check| vec![check.verdict(), Cell::new(&check.name), Cell::new(&check.detail)];
    let rows: Vec<Vec<Cell>> = checks.iter().map(row).collect();
    let mut text = String::new();
    for (check, line) in checks.iter().zip(table_lines(&rows)) {
        text.push_str(&line);
        if !check.mend.is_empty() {
            text.push_str(&format!("        {}", next(&check.mend)));
        }
    }
    text
}
