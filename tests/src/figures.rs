//! Figures of a run, for docs/reliability.md.

use std::fmt::Display;
use std::fs::OpenOptions;
use std::io::Write;

/// Prints a figure, and adds it as a row of a table to the file that `HERALD_FIGURES` names, if any.
pub fn figure(what: &str, value: impl Display) {
    println!("{what}: {value}");
    if let Some(path) = std::env::var_os("HERALD_FIGURES") {
        let mut file = OpenOptions::new().create(true).append(true).open(path).expect("a file for figures");
        // In one piece: other tests write here at the same time.
        file.write_all(format!("| {what} | {value} |\n").as_bytes()).expect("room for figures");
    }
}
