//! Cleaning of text that comes from outside, before it reaches a terminal, a log or a phone (rule 31).

use crate::fold::{bare_letters, fold};
use std::net::IpAddr;

/// A value for the log: bytes outside `!`–`~`, and `%`, `"`, `=`, become `%XX`.
pub fn log_value(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for byte in text.bytes() {
        if (b'!'..=b'~').contains(&byte) && !matches!(byte, b'%' | b'"' | b'=') {
            clean.push(char::from(byte));
        } else {
            clean.push_str(&format!("%{byte:02X}"));
        }
    }
    clean
}

/// A line for a terminal or a phone: control, format and bidirectional characters out, line breaks
/// folded to a space, at most `limit` characters.
pub fn display_line(text: &str, limit: usize) -> String {
    let mut clean = String::new();
    for character in text.chars().filter(|character| !is_hidden(*character)).take(limit) {
        clean.push(character);
    }
    clean.trim().to_owned()
}

fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// How many columns of a terminal a line takes: CJK characters take two (UAX #11, "wide" and "fullwidth"). For our own
/// phrases and plain labels; a test holds it against the whole of Unicode.
pub fn columns(line: &str) -> usize {
    const WIDE: [(char, char); 8] = [
        ('\u{1100}', '\u{115f}'),
        ('\u{2e80}', '\u{303e}'),
        ('\u{3041}', '\u{a4cf}'),
        ('\u{ac00}', '\u{d7a3}'),
        ('\u{f900}', '\u{faff}'),
        ('\u{fe30}', '\u{fe6f}'),
        ('\u{ff01}', '\u{ff60}'),
        ('\u{20000}', '\u{3fffd}'),
    ];
    let wide = |character: char| WIDE.iter().any(|(first, last)| (*first..=*last).contains(&character));
    line.chars().map(|character| if wide(character) { 2 } else { 1 }).sum()
}

/// A text in ASCII, for a Linux console whose font may lack everything else (rule 32): letters lose their marks, the
/// German ones become two, and what is left over becomes a question mark.
pub fn ascii(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match bare_letters(character) {
            Some(letters) => plain.push_str(letters),
            None => {
                let folded = fold(character);
                plain.push(if folded.is_ascii() { folded } else { '?' });
            }
        }
    }
    plain
}

/// The address in PAM_RHOST, if it is a literal one: a zone is dropped, v4 mapped into v6 is v4, nothing is resolved.
pub fn literal_address(rhost: &str) -> Option<IpAddr> {
    let literal = rhost.split('%').next().unwrap_or_default();
    literal.parse().ok().map(|peer: IpAddr| peer.to_canonical())
}

/// The same without loopback, where everybody comes from who uses a local forward or proxy.
pub fn literal_peer(rhost: &str) -> Option<IpAddr> {
    literal_address(rhost).filter(|peer| !peer.is_loopback())
}

/// Where a login comes from, fit to be shown: an IP address, or at most 64 of `[A-Za-z0-9.:-]`.
/// `None` if nothing is left.
pub fn remote_host(rhost: &str) -> Option<String> {
    if let Some(address) = literal_address(rhost) {
        return Some(address.to_string());
    }
    let name: String = rhost
        .chars()
        .filter(|character| character.is_ascii_alphanumeric() || matches!(character, '.' | ':' | '-'))
        .take(64)
        .collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_31_log_values_cannot_forge_a_field_or_a_line() {
        assert_eq!(log_value("a=b \"c\"\n%"), "a%3Db%20%22c%22%0A%25");
        assert_eq!(log_value("alice@corp"), "alice@corp");
        assert_eq!(log_value("日"), "%E6%97%A5");
    }

    #[test]
    fn rule_31_remote_hosts_are_an_address_or_a_plain_name() {
        assert_eq!(remote_host("203.0.113.7").as_deref(), Some("203.0.113.7"));
        assert_eq!(remote_host("::ffff:203.0.113.7").as_deref(), Some("203.0.113.7"));
        assert_eq!(remote_host("fe80::1%eth0").as_deref(), Some("fe80::1"));
        assert_eq!(remote_host("evil<b>\u{1b}[2J.example").as_deref(), Some("evilb2J.example"));
        assert_eq!(remote_host(&"a".repeat(300)).map(|name| name.len()), Some(64));
        assert_eq!(remote_host("\n"), None);
    }

    #[test]
    fn rule_32_ascii_is_what_a_console_can_show() {
        assert_eq!(ascii("Code über Télégramme, ¿año? Straße ção"), "Code ueber Telegramme, ano? Strasse cao");
        assert_eq!(ascii("日本"), "??");
        assert_eq!((columns("日本"), columns("ab")), (4, 2));
    }

    #[test]
    fn columns_are_what_unicode_says_for_the_scripts_that_we_write() {
        use unicode_width::UnicodeWidthChar;
        let ours = ('\u{20}'..='\u{7e}').chain('\u{a1}'..='\u{ac}').chain('\u{ae}'..='\u{17f}');
        let ours = ours.chain('\u{3041}'..='\u{3096}').chain('\u{30a0}'..='\u{30ff}').chain('\u{4e00}'..='\u{9fff}');
        for character in ours.chain(['、', '。', '（', '）', '：', '…']) {
            assert_eq!(Some(columns(&character.to_string())), character.width(), "{character:?}");
        }
    }

    #[test]
    fn rule_31_display_lines_hold_no_escapes_and_no_hidden_marks() {
        assert_eq!(display_line("a\u{1b}[31mb\u{202e}c\r\nd", 100), "a[31mbcd");
        assert_eq!(display_line("abcdef", 3), "abc");
    }
}
