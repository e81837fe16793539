//! What the person sees.

use std::fmt;

/// One message, as it lies on the phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The chat it went to.
    pub chat: i64,
    /// What stands in the first `<code>` element: tapping it copies it.
    pub code: Option<String>,
    /// The text as it is shown, without markup.
    pub text: String,
    /// The button below it.
    pub button: Option<Button>,
    /// Whether links are shown without a preview.
    pub preview_off: bool,
}

/// A button that copies a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Button {
    /// What stands on it.
    pub label: String,
    /// What it copies.
    pub copies: String,
}

/// The widest line inside the box, in columns.
const WIDEST: usize = 66;

/// A box titled Telegram, for a terminal.
impl fmt::Display for Message {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines: Vec<String> = self.text.lines().flat_map(wrapped).collect();
        if let Some(button) = &self.button {
            lines.push(format!("[ {} ]", button.label));
        }
        let inside = lines.iter().map(|line| columns(line)).max().unwrap_or_default().max(24);
        writeln!(formatter, "┌─ Telegram {}┐", "─".repeat(inside - 9))?;
        for line in &lines {
            writeln!(formatter, "│ {line}{} │", " ".repeat(inside - columns(line)))?;
        }
        write!(formatter, "└{}┘", "─".repeat(inside + 2))
    }
}

/// A line in pieces that fit the box.
fn wrapped(line: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for character in line.chars() {
        if pieces.last().is_some_and(|last| columns(last) >= WIDEST) {
            pieces.push(String::new());
        }
        if let Some(last) = pieces.last_mut() {
            last.push(character);
        }
    }
    pieces
}

/// How many columns of a terminal a text takes; East Asian characters take two.
fn columns(text: &str) -> usize {
    let wide = |character: char| {
        matches!(character, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}'
            | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{1f300}'..='\u{1faff}')
    };
    text.chars().map(|character| if wide(character) { 2 } else { 1 }).sum()
}
