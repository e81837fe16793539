//! TOML documents, read strictly and written plainly.
//!
//! Reading: every unknown key, wrong type and bad value is a [`Problem`] with its line, its key and
//! what would be accepted, and all of them are found in one pass.

use crate::clock::Timestamp;
use crate::config::{format_duration, parse_duration};
use crate::courier::Field;
use crate::secret::Secret;
use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::time::Duration;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};
use zeroize::Zeroizing;

/// One thing that is wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Counted from 1; 0 where no line can be named.
    pub line: usize,
    /// The full key, `limits.failures`; empty where it is the syntax.
    pub key: String,
    /// What is wrong, and what is accepted.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(formatter, ":{}", self.line)?;
        }
        formatter.write_str(": ")?;
        if !self.key.is_empty() {
            write!(formatter, "{}: ", self.key)?;
        }
        formatter.write_str(&self.text)
    }
}

/// Parses a document and lets `read` take what it knows; gives back everything that is wrong, in order of line.
pub fn read_document(text: &str, read: impl FnOnce(&mut Section<'_>)) -> Vec<Problem> {
    let (document, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        // A file whose syntax is broken is not read further: what follows would be guesses.
        return errors
            .iter()
            .map(|error| Problem {
                line: error.span().map_or(0, |span| line_of(text, span.start)),
                key: String::new(),
                text: error.message().lines().collect::<Vec<_>>().join(", "),
            })
            .collect();
    }
    let mut root =
        Section { text, path: String::new(), start: 0, entries: entries(document.into_inner()), problems: Vec::new() };
    read(&mut root);
    in_order(root.finish())
}

/// By line. (A handful at most: no need for the weight of a general sort in the module.)
fn in_order(mut problems: Vec<Problem>) -> Vec<Problem> {
    let mut sorted = Vec::with_capacity(problems.len());
    while let Some(first) = problems.iter().map(|problem| problem.line).min() {
        let (of_line, rest): (Vec<_>, Vec<_>) = problems.into_iter().partition(|problem| problem.line == first);
        sorted.extend(of_line);
        problems = rest;
    }
    sorted
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

struct Entry<'t> {
    key: DeString<'t>,
    start: usize,
    value: DeValue<'t>,
}

fn entries<'t>(table: DeTable<'t>) -> Vec<Entry<'t>> {
    let spanned = |(key, value): (Spanned<DeString<'t>>, Spanned<DeValue<'t>>)| {
        let Range { start, .. } = key.span();
        Entry { key: key.into_inner(), start, value: value.into_inner() }
    };
    let mut all: Vec<Entry<'t>> = table.into_iter().map(spanned).collect();
    // As they stand in the file: requests are built in the order of a definition.
    all.sort_by_key(|entry| entry.start);
    all
}

/// A value of whatever kind, tables in the order of the file.
#[derive(Clone, Debug, PartialEq)]
pub enum Tree {
    /// A text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// `true` or `false`.
    Flag(bool),
    /// A list.
    List(Vec<Tree>),
    /// A table.
    Table(Vec<(String, Tree)>),
}

impl Tree {
    fn of(value: DeValue<'_>) -> Result<Self, String> {
        Ok(match value {
            DeValue::String(text) => Self::Text(text.into_owned()),
            DeValue::Boolean(flag) => Self::Flag(flag),
            DeValue::Integer(digits) => Self::Integer(
                i64::from_str_radix(digits.as_str(), digits.radix())
                    .map_err(|_| "a whole number of at most 63 bits".to_owned())?,
            ),
            DeValue::Array(members) => {
                Self::List(members.into_iter().map(|member| Self::of(member.into_inner())).collect::<Result<_, _>>()?)
            }
            DeValue::Table(table) => Self::Table(
                entries(table)
                    .into_iter()
                    .map(|entry| Ok((entry.key.into_owned(), Self::of(entry.value)?)))
                    .collect::<Result<_, String>>()?,
            ),
            other @ (DeValue::Float(_) | DeValue::Datetime(_)) => {
                return Err(format!("a text, a whole number, true, false, a list or a table, not {}", kind(&other)));
            }
        })
    }
}

/// One table while it is read: what is taken is known, what is left over at the end is not.
pub struct Section<'t> {
    text: &'t str,
    path: String,
    start: usize,
    entries: Vec<Entry<'t>>,
    problems: Vec<Problem>,
}

impl<'t> Section<'t> {
    /// The line where the table begins.
    pub fn line(&self) -> usize {
        line_of(self.text, self.start)
    }

    /// What was found wrong so far, for a table whose faults are not the file's.
    pub fn take_problems(&mut self) -> Vec<Problem> {
        std::mem::take(&mut self.problems)
    }

    /// Notes a problem with a key of this table, on the table's own line.
    pub fn complain(&mut self, key: &str, text: &str) {
        self.complain_at(self.line(), &self.full(key), text);
    }

    /// Notes a problem on a given line.
    pub fn complain_at(&mut self, line: usize, key: &str, text: &str) {
        self.problems.push(Problem { line, key: key.to_owned(), text: text.to_owned() });
    }

    fn full(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// A value, and where its key begins. Lines are counted when there is something to complain of: every login reads
    /// these files, and most of them are in order.
    fn take(&mut self, key: &str) -> Option<(usize, DeValue<'t>)> {
        let position = self.entries.iter().position(|entry| entry.key == key)?;
        let entry = self.entries.remove(position);
        Some((entry.start, entry.value))
    }

    fn value(&mut self, key: &str, read: &mut dyn FnMut(DeValue<'t>) -> Result<(), String>) {
        if let Some((start, value)) = self.take(key) {
            if let Err(accepted) = read(value) {
                let key = self.full(key);
                self.complain_at(line_of(self.text, start), &key, &format!("must be {accepted}"));
            }
        }
    }

    /// A text; `read` says what is accepted if it is not.
    pub fn text(&mut self, key: &str, read: &mut dyn FnMut(&str) -> Result<(), String>) {
        self.value(key, &mut |value| match value {
            DeValue::String(text) => read(&text),
            other => Err(format!("a text in quotes, not {}", kind(&other))),
        });
    }

    /// A value of whatever kind; `read` says what is accepted if it is not.
    pub fn tree(&mut self, key: &str, read: &mut dyn FnMut(Tree) -> Result<(), String>) {
        self.value(key, &mut |value| read(Tree::of(value)?));
    }

    /// Whether there is such a key, still to be taken.
    pub fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// A whole number within bounds.
    pub fn integer(&mut self, key: &str, bounds: RangeInclusive<u32>, target: &mut u32) {
        let accepted = || format!("a whole number from {} to {}", bounds.start(), bounds.end());
        self.value(key, &mut |value| {
            let DeValue::Integer(digits) = value else { return Err(accepted()) };
            let number = u32::from_str_radix(digits.as_str(), digits.radix()).ok();
            *target = number.filter(|number| bounds.contains(number)).ok_or_else(accepted)?;
            Ok(())
        });
    }

    /// A duration within bounds.
    pub fn duration(&mut self, key: &str, bounds: RangeInclusive<Duration>, target: &mut Duration) {
        let accepted = || {
            let (least, most) = (format_duration(*bounds.start()), format_duration(*bounds.end()));
            format!("a duration from \"{least}\" to \"{most}\", like \"1h30m\"")
        };
        self.value(key, &mut |value| {
            let DeValue::String(text) = value else { return Err(accepted()) };
            *target = parse_duration(&text).filter(|length| bounds.contains(length)).ok_or_else(accepted)?;
            Ok(())
        });
    }

    /// A whole number of any size.
    pub(crate) fn number(&mut self, key: &str, target: &mut u64) {
        self.value(key, &mut |value| {
            let DeValue::Integer(digits) = value else { return Err("a whole number".to_owned()) };
            let number = u64::from_str_radix(digits.as_str(), digits.radix());
            *target = number.map_err(|_| "a whole number".to_owned())?;
            Ok(())
        });
    }

    /// A whole number that must be there.
    pub(crate) fn required_number(&mut self, key: &str) -> u64 {
        let mut number = 0;
        if self.has(key) {
            self.number(key, &mut number)
        } else {
            self.complain(key, "is missing")
        }
        number
    }

    /// The same, of 32 bits.
    pub(crate) fn required_u32(&mut self, key: &str) -> u32 {
        u32::try_from(self.required_number(key)).unwrap_or_else(|_| {
            self.complain(key, "is too large");
            0
        })
    }

    /// A text, if it is there.
    pub(crate) fn optional_text(&mut self, key: &str) -> Option<String> {
        let mut found = None;
        self.text(key, &mut |text| {
            found = Some(text.to_owned());
            Ok(())
        });
        found
    }

    /// A text that must be there.
    pub(crate) fn required_text(&mut self, key: &str) -> String {
        if !self.has(key) {
            self.complain(key, "is missing");
        }
        self.optional_text(key).unwrap_or_default()
    }

    /// A time, if it is there.
    pub(crate) fn time(&mut self, key: &str) -> Option<Timestamp> {
        let mut found = None;
        self.value(key, &mut |value| {
            let accepted = || "a time, like 2026-11-22T02:00:00Z".to_owned();
            let DeValue::Datetime(time) = value else { return Err(accepted()) };
            found = Timestamp::parse(&time.to_string());
            found.map(|_| ()).ok_or_else(accepted)
        });
        found
    }

    /// A list of whole numbers, if it is there.
    pub(crate) fn numbers(&mut self, key: &str, target: &mut Vec<u64>) {
        self.value(key, &mut |value| {
            let accepted = || "a list of whole numbers".to_owned();
            let DeValue::Array(members) = value else { return Err(accepted()) };
            let number = |member: &Spanned<DeValue<'_>>| match member.get_ref() {
                DeValue::Integer(digits) => u64::from_str_radix(digits.as_str(), digits.radix()).ok(),
                _ => None,
            };
            *target = members.iter().map(number).collect::<Option<_>>().ok_or_else(accepted)?;
            Ok(())
        });
    }

    /// Forgets what is left and what was wrong: the document is none of ours.
    pub(crate) fn give_up(&mut self) {
        self.entries.clear();
        self.problems.clear();
    }

    /// `true` or `false`.
    pub fn flag(&mut self, key: &str, target: &mut bool) {
        self.value(key, &mut |value| match value {
            DeValue::Boolean(flag) => {
                *target = flag;
                Ok(())
            }
            _ => Err("true or false".to_owned()),
        });
    }

    /// A day, `2027-01-31`: the moment at which it begins in UTC.
    pub fn date(&mut self, key: &str, target: &mut Option<Timestamp>) {
        self.value(key, &mut |value| {
            let day = match &value {
                DeValue::Datetime(day) => day.to_string(),
                DeValue::String(day) => day.to_string(),
                _ => String::new(),
            };
            let begins = Timestamp::parse(&format!("{day}T00:00:00Z"));
            *target = Some(begins.ok_or("a day, like 2027-01-31")?);
            Ok(())
        });
    }

    /// One of several words.
    pub fn word<T: Copy>(&mut self, key: &str, words: &[(&str, T)], target: &mut T) {
        let accepted = || quoted(&words.iter().map(|(word, _)| *word).collect::<Vec<_>>());
        self.value(key, &mut |value| {
            let DeValue::String(text) = value else { return Err(accepted()) };
            let found = words.iter().find(|(word, _)| *word == text);
            *target = found.map(|(_, meaning)| *meaning).ok_or_else(accepted)?;
            Ok(())
        });
    }

    /// A list of texts, which replaces the one before.
    pub fn list<T>(&mut self, key: &str, target: &mut Vec<T>, read: impl Fn(&str) -> Result<T, String>) {
        self.value(key, &mut |value| {
            let DeValue::Array(members) = value else { return Err("a list, like [\"one\", \"two\"]".to_owned()) };
            let member = |value: &Spanned<DeValue<'_>>| match value.get_ref() {
                DeValue::String(text) => read(text),
                other => Err(format!("a list of texts in quotes, without {}", kind(other))),
            };
            *target = members.iter().map(member).collect::<Result<_, _>>()?;
            Ok(())
        });
    }

    /// A table, if it is there.
    pub fn table(&mut self, key: &str, read: &mut dyn FnMut(&mut Section<'t>)) {
        if let Some((start, value)) = self.take(key) {
            let path = self.full(key);
            self.nested(path, start, value, read);
        }
    }

    /// A table of tables, `[service.NAME]`.
    pub fn tables(&mut self, key: &str, read: &mut dyn FnMut(&str, &mut Section<'t>)) {
        self.table(key, &mut |outer| {
            for entry in std::mem::take(&mut outer.entries) {
                let path = outer.full(&entry.key);
                outer.nested(path, entry.start, entry.value, &mut |section| read(&entry.key, section));
            }
        });
    }

    /// A list of tables, `[[gateway]]`.
    pub fn list_of_tables(&mut self, key: &str, read: &mut dyn FnMut(&mut Section<'t>)) {
        let Some((start, value)) = self.take(key) else { return };
        let DeValue::Array(members) = value else {
            self.complain_at(line_of(self.text, start), key, &format!("must be a list of tables: write [[{key}]]"));
            return;
        };
        for member in members {
            let start = member.span().start;
            let path = self.full(key);
            self.nested(path, start, member.into_inner(), read);
        }
    }

    fn nested(&mut self, path: String, start: usize, value: DeValue<'t>, read: &mut dyn FnMut(&mut Section<'t>)) {
        let DeValue::Table(table) = value else {
            self.complain_at(line_of(self.text, start), &path, &format!("must be a table: write [{path}]"));
            return;
        };
        let mut section = Section { text: self.text, path, start, entries: entries(table), problems: Vec::new() };
        read(&mut section);
        self.problems.extend(section.finish());
    }

    /// Everything that is left, as values for a driver.
    pub fn scalars(&mut self) -> Vec<(String, Field)> {
        let mut fields = Vec::new();
        for entry in std::mem::take(&mut self.entries) {
            let field = match entry.value {
                DeValue::String(text) => Some(Field::Text(Secret::new(text.into_owned()))),
                DeValue::Boolean(flag) => Some(Field::Flag(flag)),
                DeValue::Integer(digits) => {
                    i64::from_str_radix(digits.as_str(), digits.radix()).ok().map(Field::Integer)
                }
                _ => None,
            };
            match field {
                Some(field) => fields.push((entry.key.into_owned(), field)),
                None => {
                    let key = self.full(&entry.key);
                    let line = line_of(self.text, entry.start);
                    self.complain_at(line, &key, "must be a text, a whole number, true or false");
                }
            }
        }
        fields
    }

    fn finish(mut self) -> Vec<Problem> {
        for entry in std::mem::take(&mut self.entries) {
            let key = self.full(&entry.key);
            self.complain_at(line_of(self.text, entry.start), &key, "is not known here");
        }
        self.problems
    }
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// Words in quotes, for what is accepted.
pub(crate) fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}

/// A document being written: `key = value` lines and headers of tables.
#[derive(Debug, Default)]
pub(crate) struct Writer(Zeroizing<String>);

impl Writer {
    /// `[[name]]`
    pub(crate) fn table(&mut self, name: &str) {
        self.line(&["[[", name, "]]"]);
    }

    /// A text, quoted.
    pub(crate) fn text(&mut self, key: &str, text: &str) {
        self.line(&[key, " = ", &quote(text)]);
    }

    /// A text, if there is one.
    pub(crate) fn optional(&mut self, key: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    /// What needs no quotes: a number, a time, true or false.
    pub(crate) fn plain(&mut self, key: &str, value: &dyn fmt::Display) {
        self.line(&[key, " = ", &value.to_string()]);
    }

    /// A list of texts.
    pub(crate) fn texts(&mut self, key: &str, texts: &[String]) {
        let texts: Vec<String> = texts.iter().map(|text| quote(text).to_string()).collect();
        self.line(&[key, " = [", &texts.join(", "), "]"]);
    }

    /// A list of numbers.
    pub(crate) fn numbers(&mut self, key: &str, numbers: &[u64]) {
        let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
        self.line(&[key, " = [", &numbers.join(", "), "]"]);
    }

    /// The whole text.
    pub(crate) fn finish(self) -> Zeroizing<String> {
        self.0
    }

    fn line(&mut self, parts: &[&str]) {
        let length = parts.iter().fold(self.0.len() + 1, |length, part| length + part.len());
        if length > self.0.capacity() {
            // A text that grows by itself leaves its secrets where it was (rule 33); this one is wiped.
            let mut longer = Zeroizing::new(String::with_capacity(2 * length));
            longer.push_str(&self.0);
            self.0 = longer;
        }
        parts.iter().for_each(|part| self.0.push_str(part));
        self.0.push('\n');
    }
}

/// A basic string (TOML 1.0, "String"): what must be escaped is.
fn quote(text: &str) -> Zeroizing<String> {
    let mut quoted = Zeroizing::new(String::with_capacity(text.len() + 2));
    quoted.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            other if other.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(other))),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_read_as_it_was_written() {
        for text in ["", "plain", "a\"b\\c", "line\nfeed\ttab\u{7f}\u{1b}\0", "日本", "'''\"\"\"", "# [x] = 1"] {
            let mut writer = Writer::default();
            writer.text("key", text);
            let mut read = String::new();
            let problems = read_document(&writer.finish(), |root| read = root.required_text("key"));
            assert_eq!((read.as_str(), problems), (text, Vec::new()));
        }
    }
}
