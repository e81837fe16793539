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

/// A line in pieces that fit the box: broken at spaces, and beside East Asian characters anywhere.
fn wrapped(line: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for word in words(line) {
        let room = |piece: &String| WIDEST.saturating_sub(columns(piece));
        if pieces.last().is_some_and(|last| !last.is_empty() && room(last) < columns(word.trim_end())) {
            pieces.push(String::new());
        }
        // What is wider than the box is broken wherever it ends.
        for character in word.chars() {
            if character != ' '
                && pieces.last().is_some_and(|last| room(last) < columns(character.encode_utf8(&mut [0; 4])))
            {
                pieces.push(String::new());
            }
            pieces.last_mut().expect("never empty").push(character);
        }
    }
    pieces.iter().map(|piece| piece.trim_end().to_owned()).collect()
}

/// What is not torn: words with the spaces behind them, and East Asian characters with the punctuation behind them.
fn words(line: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut characters = line.char_indices().peekable();
    while let Some((position, character)) = characters.next() {
        let Some((_, next)) = characters.peek() else { break };
        let closing = |next: char| matches!(next, '。' | '、' | '」' | '）' | ':' | ',' | '.' | ')' | '?' | '!' | ' ');
        let ends_a_word = character == ' ' && *next != ' ';
        let east_asian = (is_wide(character) || is_wide(*next)) && character != '「' && character != '（';
        if ends_a_word || (east_asian && !closing(*next)) {
            let end = position + character.len_utf8();
            words.push(&line[start..end]);
            start = end;
        }
    }
    words.push(&line[start..]);
    words
}

/// How many columns of a terminal a text takes; East Asian characters take two.
fn columns(text: &str) -> usize {
    text.chars().map(|character| if is_wide(character) { 2 } else { 1 }).sum()
}

fn is_wide(character: char) -> bool {
    matches!(character, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff00}'..='\u{ff60}' | '\u{1f300}'..='\u{1faff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_at_spaces_and_beside_east_asian_characters() {
        let english = "Not you? Somebody has your password or key: change it. On pi, root can run: herald unlock alice";
        assert_eq!(
            wrapped(english),
            ["Not you? Somebody has your password or key: change it. On pi, root", "can run: herald unlock alice"]
        );
        let japanese = "心当たりがなければパスワードか鍵が漏れています。すぐに変更してください。";
        let pieces = wrapped(japanese);
        assert_eq!(pieces.concat(), japanese);
        assert!(pieces.iter().all(|piece| columns(piece) <= WIDEST && !piece.starts_with('。')), "{pieces:?}");
        assert_eq!(wrapped("pi.exampleのherald unlock aliceを実行"), ["pi.exampleのherald unlock aliceを実行"]);
        assert_eq!(wrapped(&"x".repeat(WIDEST + 1)), [&"x".repeat(WIDEST), "x"]);
        assert_eq!(wrapped(""), [""]);
    }
}
