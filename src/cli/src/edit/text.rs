//! The text of `herald.toml` with one gateway more, changed or gone. Everything else stays byte for byte.

use herald_core::courier::Field;
use std::ops::Range;
use toml_edit::{Document, DocumentMut, Item, Table, TomlError, Value};
use zeroize::Zeroizing;

const GATEWAY: &str = "gateway";

/// A key of a gateway and its new value; `None` takes it out.
pub(crate) type Change = (String, Option<Field>);

/// The text with one more gateway at its end.
///
/// # Errors
/// The form of the text is not one that is edited.
pub(crate) fn append(text: &str, keys: &[(String, Field)]) -> Result<Zeroizing<String>, String> {
    let document = Document::parse(text).map_err(|error| unreadable(&error))?;
    if document.get(GATEWAY).is_some_and(Item::is_value) {
        return Err(in_one_line());
    }
    let mut after = Zeroizing::new(String::with_capacity(text.len() + 4096));
    after.push_str(text);
    if !text.is_empty() {
        after.push_str(if text.ends_with('\n') { "\n" } else { "\n\n" });
    }
    after.push_str("[[gateway]]\n");
    for (key, field) in keys {
        after.push_str(&Zeroizing::new(format!("{} = {}\n", toml_edit::Key::new(key.as_str()), value(field))));
    }
    Ok(after)
}

/// The text with changed keys in the gateway at that position.
///
/// # Errors
/// The form of the text is not one that is edited.
pub(crate) fn update(text: &str, position: usize, changes: &[Change]) -> Result<Zeroizing<String>, String> {
    let mut document: DocumentMut = text.parse().map_err(|error| unreadable(&error))?;
    let gateways = document.get_mut(GATEWAY).and_then(Item::as_array_of_tables_mut);
    let table = gateways.and_then(|gateways| gateways.get_mut(position)).ok_or_else(in_one_line)?;
    for (key, field) in changes {
        match field {
            None => drop(table.remove(key)),
            Some(field) => set(table, key, value(field)),
        }
    }
    Ok(Zeroizing::new(document.to_string()))
}

/// A value in the place of another keeps what stands around it: spaces, and a comment behind it.
fn set(table: &mut Table, key: &str, mut value: Value) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        None => {
            table.insert(key, Item::Value(value));
        }
    }
}

fn value(field: &Field) -> Value {
    match field {
        Field::Text(text) => Value::from(text.expose()),
        Field::Integer(number) => Value::from(*number),
        Field::Flag(flag) => Value::from(*flag),
    }
}

/// The text without the gateway at that position, and without the comments that are about it: those that touch its
/// header from above, and values commented out right below its last one.
///
/// # Errors
/// The form of the text is not one that is edited.
pub(crate) fn remove(text: &str, position: usize) -> Result<Zeroizing<String>, String> {
    let document = Document::parse(text).map_err(|error| unreadable(&error))?;
    let gateways = document.get(GATEWAY).and_then(Item::as_array_of_tables);
    let table = gateways.and_then(|gateways| gateways.get(position)).ok_or_else(in_one_line)?;
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let (first, last) = around(&lines, &lines_of(text, &extent(table)));
    let before = lines.get(..first).unwrap_or_default();
    let after = lines.get(last + 1..).unwrap_or_default();
    let (before, after) = close_gap(before, after);
    Ok(Zeroizing::new([before.concat(), after.concat()].concat()))
}

/// From the table's header to the end of what stands in it.
fn extent(table: &Table) -> Range<usize> {
    let mut whole = table.span().unwrap_or_default();
    for (_, item) in table {
        let inner = match item {
            Item::Table(inner) => Some(extent(inner)),
            Item::ArrayOfTables(inner) => inner.iter().map(extent).reduce(|one, other| one.start..other.end),
            other => other.span(),
        };
        whole.end = whole.end.max(inner.unwrap_or_default().end);
    }
    whole
}

fn lines_of(text: &str, extent: &Range<usize>) -> Range<usize> {
    let line = |offset: usize| text.bytes().take(offset).filter(|byte| *byte == b'\n').count();
    line(extent.start)..line(extent.end.saturating_sub(1))
}

/// The first and the last line that go.
fn around(lines: &[&str], table: &Range<usize>) -> (usize, usize) {
    let comment = |line: &usize| lines.get(*line).is_some_and(|line| line.trim_start().starts_with('#'));
    let above = (0..table.start).rev().take_while(comment).last();
    // A comment that opens the file is about the file.
    let first = above.filter(|first| *first > 0).unwrap_or(table.start);
    let commented_out = |line: &usize| lines.get(*line).is_some_and(|line| is_commented_out(line));
    let last = (table.end + 1..lines.len()).take_while(commented_out).last().unwrap_or(table.end);
    (first, last)
}

/// `# token = "…"`
fn is_commented_out(line: &str) -> bool {
    let Some(inner) = line.trim_start().strip_prefix('#') else { return false };
    let Some((key, _)) = inner.split_once('=') else { return false };
    let key = key.trim();
    !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}

/// What is left comes together without a hole of empty lines.
fn close_gap<'t>(mut before: &'t [&'t str], mut after: &'t [&'t str]) -> (&'t [&'t str], &'t [&'t str]) {
    let empty = |line: &str| line.trim().is_empty();
    while let ([.., last], true) = (before, after.iter().all(|line| empty(line))) {
        if !empty(last) {
            break;
        }
        before = before.split_last().map_or(before, |(_, rest)| rest);
    }
    while let [first, rest @ ..] = after {
        if !empty(first) || before.last().is_some_and(|line| !empty(line)) && !rest.iter().all(|line| empty(line)) {
            break;
        }
        after = rest;
    }
    (before, after)
}

fn unreadable(error: &TomlError) -> String {
    format!("cannot be read: {}", error.message())
}

fn in_one_line() -> String {
    "has its gateways in one list, gateway = [...], which is not changed here".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"# The head of the file.
language = "en"   # for now

# Telegram, the first choice
[[gateway]]
name = "telegram"
driver = "telegram-bot"
token = "110000000:FAKE-TOKEN"   # of 2026
# api_url = "http://127.0.0.1"

# About the policy
[policy]
unenrolled = "skip"

[[gateway]]
driver = "playsms"
user = "admin"

# The end.
"#;

    fn text(text: &str) -> Option<Field> {
        Some(Field::Text(text.into()))
    }

    #[test]
    fn a_gateway_is_added_at_the_end_and_nothing_else_changes() {
        let keys = [
            ("driver".to_owned(), Field::Text("telegram-bot".into())),
            ("token".to_owned(), Field::Text("a \"quoted\" one".into())),
            ("port".to_owned(), Field::Integer(80)),
            ("insecure".to_owned(), Field::Flag(true)),
        ];
        let added =
            "\n[[gateway]]\ndriver = \"telegram-bot\"\ntoken = 'a \"quoted\" one'\nport = 80\ninsecure = true\n";
        assert_eq!(append(FILE, &keys).expect("it can be edited").as_str(), format!("{FILE}{added}"));
        assert_eq!(append("", &keys).expect("it can be edited").as_str(), &added[1..]);
        assert_eq!(append("[code]", &keys).expect("it can be edited").as_str(), format!("[code]\n{added}"));
    }

    #[test]
    fn a_changed_value_keeps_its_place_and_its_comment() {
        let changed = update(FILE, 0, &[("token".into(), text("new"))]).expect("it can be edited");
        assert_eq!(changed.as_str(), FILE.replace("110000000:FAKE-TOKEN", "new"));
        let changes = [("user".into(), None), ("user_file".into(), text("/etc/herald/user"))];
        let changed = update(FILE, 1, &changes).expect("it can be edited");
        assert_eq!(changed.as_str(), FILE.replace("user = \"admin\"", "user_file = \"/etc/herald/user\""));
    }

    #[test]
    fn a_removed_gateway_takes_its_own_comments_and_no_others() {
        let without_first = remove(FILE, 0).expect("it can be edited");
        assert_eq!(
            without_first.as_str(),
            "# The head of the file.\nlanguage = \"en\"   # for now\n\n# About the policy\n[policy]\n\
             unenrolled = \"skip\"\n\n[[gateway]]\ndriver = \"playsms\"\nuser = \"admin\"\n\n# The end.\n"
        );
        let without_both = remove(&without_first, 0).expect("it can be edited");
        assert_eq!(
            without_both.as_str(),
            "# The head of the file.\nlanguage = \"en\"   # for now\n\n# About the policy\n[policy]\n\
             unenrolled = \"skip\"\n\n# The end.\n"
        );
    }

    #[test]
    fn what_was_appended_can_be_removed_without_a_trace() {
        let keys = [("driver".to_owned(), Field::Text("telegram-bot".into()))];
        for before in ["", "# Head\n", "[code]\ndigits = 8\n", FILE] {
            let position = before.matches("[[gateway]]").count();
            assert_eq!(
                remove(&append(before, &keys).expect("it can be edited"), position).expect("it can be edited").as_str(),
                before
            );
        }
    }

    #[test]
    fn a_table_inside_a_gateway_goes_with_it() {
        let file = "[[gateway]]\ndriver = \"x\"\n[gateway.more]\nkey = [\n  1,\n]\n\n[policy]\n";
        assert_eq!(remove(file, 0).expect("it can be edited").as_str(), "[policy]\n");
    }

    #[test]
    fn a_list_in_one_line_is_left_to_its_admin() {
        let file = "gateway = [{ driver = \"x\" }]\n";
        assert!(remove(file, 0).expect_err("not edited").contains("one list"));
        assert!(update(file, 0, &[]).expect_err("not edited").contains("one list"));
        assert!(append("gateway = []\n", &[]).expect_err("not edited").contains("one list"));
    }
}
