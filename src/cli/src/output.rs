//! What a command has to say, for people and as JSON, and the one place where it is printed.

use crate::error::Error;
use crate::voice::Voice;
use anstyle::{AnsiColor, Style};
use herald_core::text::display_line;
use serde::Serialize;
use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use unicode_width::UnicodeWidthStr;

const FAILED: u8 = 1;
const USAGE: u8 = 2;

/// The end of a command that did what it was asked for; what it found may still be bad news.
pub(crate) struct Report {
    document: String,
    text: String,
    bad_news: bool,
    error: Option<(String, String)>,
}

impl Report {
    /// The JSON document, and the same for people; their text may hold styles, which are shown on a terminal only.
    pub(crate) fn new(document: &impl Serialize, text: impl Into<String>) -> Self {
        let document = serde_json::to_string(document)
            .unwrap_or_else(|_| r#"{"ok":false,"error":"this cannot be put as JSON","try":"leave out --json"}"#.into());
        Self { document, text: text.into(), bad_news: false, error: None }
    }

    /// The same, with exit status 1 unless `ok`.
    pub(crate) fn with(mut self, ok: bool) -> Self {
        self.bad_news = !ok;
        self
    }

    /// The same, with an error that is in the document already, and goes to stderr for people.
    pub(crate) fn and_error(mut self, error: Option<(String, String)>) -> Self {
        self.bad_news |= error.is_some();
        self.error = error;
        self
    }
}

/// What a change came to. Every such document has `ok` and `changed`.
#[derive(Serialize)]
pub(crate) struct Changed<T: Serialize> {
    ok: bool,
    changed: bool,
    #[serde(flatten)]
    what: T,
}

impl<T: Serialize> Changed<T> {
    /// What was asked for is so, and whether it was so before.
    pub(crate) fn new(changed: bool, what: T) -> Self {
        Self { ok: true, changed, what }
    }
}

#[derive(Serialize)]
struct Failure {
    ok: bool,
    error: String,
    #[serde(rename = "try")]
    mend: String,
}

/// Prints the end of a command, and gives its exit status. Nobody is told if nobody listens.
pub(crate) fn finish(json: bool, voice: &Voice, end: Result<Report, Error>) -> ExitCode {
    match end {
        Ok(report) => {
            let _ = if json {
                writeln!(std::io::stdout(), "{}", report.document)
            } else {
                write!(anstream::stdout(), "{}", ended(&report.text))
            };
            if let Some((problem, mend)) = report.error.as_ref().filter(|_| !json) {
                show_error(problem, mend);
            }
            ExitCode::from(if report.bad_news { FAILED } else { 0 })
        }
        Err(error) => {
            let (problem, mend) = error.said(voice);
            if json {
                let document = Failure { ok: false, error: problem, mend };
                let _ = writeln!(std::io::stdout(), "{}", Report::new(&document, "").document);
            } else {
                show_error(&problem, &mend);
            }
            ExitCode::from(error.status())
        }
    }
}

fn show_error(problem: &str, mend: &str) {
    let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
    let mut stderr = anstream::stderr();
    let _ = writeln!(stderr, "{red}herald{red:#}: {}", shown(problem));
    if !mend.is_empty() {
        let _ = write!(stderr, "{}", next(mend));
    }
}

/// Prints help that was not asked for.
pub(crate) fn show_help(text: &str) -> ExitCode {
    let _ = write!(anstream::stderr(), "{}", ended(text));
    ExitCode::from(USAGE)
}

fn ended(text: &str) -> String {
    if text.is_empty() || text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}

/// Cleaned line by line: errors hold text from files and services (rule 31).
fn shown(text: &str) -> String {
    text.lines().map(|line| display_line(line, 2000)).collect::<Vec<_>>().join("\n")
}

pub(crate) const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// One field of a table.
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// Plain, and cleaned.
    pub(crate) fn new(text: impl AsRef<str>) -> Self {
        Self { text: display_line(text.as_ref(), 200), style: Style::new() }
    }

    /// The name of a column.
    pub(crate) fn heading(text: impl Into<String>) -> Self {
        Self { text: text.into(), style: BOLD }
    }

    /// Something that may be absent.
    pub(crate) fn maybe(text: Option<impl AsRef<str>>) -> Self {
        text.map_or_else(|| Self { text: "-".to_owned(), style: DIM }, Self::new)
    }

    /// How something is: green if well, red if not.
    pub(crate) fn verdict(ok: bool, text: &str) -> Self {
        let color = if ok { AnsiColor::Green } else { AnsiColor::Red };
        Self { text: text.to_owned(), style: Style::new().fg_color(Some(color.into())) }
    }
}

static PLAIN: AtomicBool = AtomicBool::new(false);

/// From here on everything is said in plain lines, as a screen reader reads them (`--plain`).
pub(crate) fn speak_plainly() {
    PLAIN.store(true, Ordering::Relaxed);
    anstream::ColorChoice::Never.write_global();
}

/// Whether it is.
pub(crate) fn is_plain() -> bool {
    PLAIN.load(Ordering::Relaxed)
}

/// Rows as sentences: each cell behind the name of its column, what is empty left out.
fn plain_lines(rows: &[Vec<Cell>]) -> Vec<String> {
    let names = rows.first().filter(|row| row.iter().all(|cell| cell.style == BOLD));
    let said = |row: &Vec<Cell>| {
        let named = row.iter().enumerate().filter(|(_, cell)| !["", "-"].contains(&cell.text.as_str()));
        let named = named.map(|(column, cell)| {
            let name = names.and_then(|names| names.get(column)).map(|name| name.text.to_lowercase());
            format!("{} {}", name.unwrap_or_default(), cell.text).trim().to_owned()
        });
        format!("{}\n", named.collect::<Vec<_>>().join(", "))
    };
    let heading = names.map(|_| String::new());
    heading.into_iter().chain(rows.iter().skip(usize::from(names.is_some())).map(said)).collect()
}

/// Rows below each other, their columns aligned with two spaces between.
pub(crate) fn table(rows: &[Vec<Cell>]) -> String {
    table_lines(rows).concat()
}

/// The same, each row by itself, so that something can stand below one.
pub(crate) fn table_lines(rows: &[Vec<Cell>]) -> Vec<String> {
    if is_plain() {
        return plain_lines(rows);
    }
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.text.width()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<Cell>| {
        let mut line = String::new();
        for (position, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let Cell { text, style } = cell;
            line.push_str(&format!("{style}{text}{style:#}"));
            if position + 1 < row.len() {
                line.push_str(&" ".repeat(width.saturating_sub(text.width()) + 2));
            }
        }
        line.push('\n');
        line
    };
    rows.iter().map(line).collect()
}

/// A text in lines of at most 80 columns, indented.
pub(crate) fn wrapped(text: &str, indent: usize) -> String {
    let mut lines = String::new();
    let mut line = String::new();
    for word in display_line(text, 2000).split_whitespace() {
        if !line.is_empty() && indent + line.width() + 1 + word.width() > 80 {
            lines.push_str(&format!("{:indent$}{line}\n", ""));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if line.is_empty() { lines } else { format!("{lines}{:indent$}{line}\n", "") }
}

/// A line that says what to do next.
pub(crate) fn next(mend: &str) -> String {
    format!("{BOLD}try{BOLD:#}: {}\n", shown(mend))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_no_line_ends_in_spaces() {
        let rows = vec![
            vec![Cell::new("alice"), Cell::new("telegram"), Cell::new("x")],
            vec![Cell::new("bo"), Cell::new("sms"), Cell::new("long")],
        ];
        assert_eq!(table(&rows), "alice  telegram  x\nbo     sms       long\n");
        let rows = vec![vec![Cell::new("携帯"), Cell::new("x")], vec![Cell::new("phone"), Cell::new("x")]];
        assert_eq!(table(&rows), "携帯   x\nphone  x\n");
    }

    #[test]
    fn rule_31_what_comes_from_outside_cannot_steer_the_terminal() {
        assert_eq!(table(&[vec![Cell::new("a\u{1b}[2Jb\r\nc")]]), "a[2Jbc\n");
        assert_eq!(shown("a\u{1b}[31mb\nc\u{202e}"), "a[31mb\nc");
    }
}
