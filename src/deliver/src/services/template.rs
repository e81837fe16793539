//! Texts with placeholders: `{number}`, `{text}`, `{token}`.

use crate::http::percent_encoded;
use herald_core::secret::Secret;
use std::time::Duration;
use zeroize::Zeroizing;

/// A text with placeholders. A brace that does not begin a placeholder (`{` and a small letter) stands for itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Literal(String),
    Slot(Slot),
}

/// What a placeholder stands for.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Slot {
    /// `+4915112345678`
    Number,
    /// `4915112345678`
    Digits,
    /// `004915112345678`
    Number00,
    /// `6135550100`: a number of the USA or Canada without its 1; others as digits.
    Nanp,
    /// Any address, as it is enrolled.
    Address,
    /// The message as plain text in one SMS.
    Text,
    /// The same in UCS-2, as hexadecimal digits.
    TextUcs2Hex,
    /// The code alone.
    Code,
    /// How long the code is good.
    LifetimeSeconds,
    /// The same in milliseconds.
    LifetimeMilliseconds,
    /// A field of the gateway.
    Field(String),
}

/// How text that is put in is escaped.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Escape {
    /// Not at all.
    None,
    /// As in a query.
    Url,
    /// As in a segment of a path, where `@` and `:` stay (RFC 3986 §3.3).
    Path,
    /// As inside a JSON string.
    Json,
    /// As in XML.
    Xml,
}

/// What the placeholders of one message stand for.
pub(super) struct Values<'a> {
    pub(super) address: &'a str,
    /// Empty in a question that is no message.
    pub(super) text: &'a str,
    /// `None` in a notice.
    pub(super) code: Option<&'a str>,
    pub(super) lifetime: Duration,
    pub(super) fields: &'a [(String, Secret)],
}

const SLOTS: [(&str, Slot); 10] = [
    ("number", Slot::Number),
    ("digits", Slot::Digits),
    ("number_00", Slot::Number00),
    ("nanp", Slot::Nanp),
    ("address", Slot::Address),
    ("text", Slot::Text),
    ("text_ucs2_hex", Slot::TextUcs2Hex),
    ("code", Slot::Code),
    ("lifetime_seconds", Slot::LifetimeSeconds),
    ("lifetime_milliseconds", Slot::LifetimeMilliseconds),
];

/// Whether a field of that name would hide a placeholder.
pub(super) fn is_reserved(name: &str) -> bool {
    SLOTS.iter().any(|(known, _)| *known == name)
}

impl Template {
    /// Reads a template whose own placeholders are `fields`.
    ///
    /// # Errors
    /// A placeholder that is unknown: what is accepted.
    pub(super) fn parse(text: &str, fields: &[&str]) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('{') {
            literal.push_str(before);
            match behind.split_once('}').filter(|(name, _)| is_name(name)) {
                Some((name, after)) => {
                    if !literal.is_empty() {
                        pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                    }
                    pieces.push(Piece::Slot(slot(name, fields)?));
                    rest = after;
                }
                None => {
                    literal.push('{');
                    rest = behind;
                }
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Self(pieces))
    }

    /// What it stands for; `None` where a placeholder has no value.
    pub(super) fn filled(&self, values: &Values<'_>, escape: Escape) -> Option<Zeroizing<String>> {
        let mut text = Zeroizing::new(String::with_capacity(256));
        for piece in &self.0 {
            match piece {
                Piece::Literal(literal) => text.push_str(literal),
                Piece::Slot(slot) => text.push_str(&escaped(&values.of(slot)?, escape)),
            }
        }
        Some(text)
    }

    /// Whether it holds this placeholder.
    pub(super) fn has(&self, wanted: &Slot) -> bool {
        self.slots().any(|slot| slot == wanted)
    }

    /// Its placeholders.
    pub(super) fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Slot(slot) => Some(slot),
            Piece::Literal(_) => None,
        })
    }
}

impl Values<'_> {
    fn of(&self, slot: &Slot) -> Option<Zeroizing<String>> {
        let digits = self.address.strip_prefix('+').unwrap_or(self.address);
        let text = match slot {
            Slot::Number => format!("+{digits}"),
            Slot::Digits => digits.to_owned(),
            Slot::Number00 => format!("00{digits}"),
            Slot::Nanp => national_american(digits).to_owned(),
            Slot::Address => self.address.to_owned(),
            Slot::Text => self.text.to_owned(),
            Slot::TextUcs2Hex => self.text.encode_utf16().map(|unit| format!("{unit:04X}")).collect(),
            Slot::Code => self.code?.to_owned(),
            Slot::LifetimeSeconds => self.lifetime.as_secs().to_string(),
            Slot::LifetimeMilliseconds => self.lifetime.as_millis().to_string(),
            Slot::Field(name) => {
                let (_, value) = self.fields.iter().find(|(known, _)| known == name)?;
                value.expose().to_owned()
            }
        };
        Some(Zeroizing::new(text))
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

fn slot(name: &str, fields: &[&str]) -> Result<Slot, String> {
    if fields.contains(&name) {
        return Ok(Slot::Field(name.to_owned()));
    }
    let known = SLOTS.iter().find(|(known, _)| *known == name).map(|(_, slot)| slot.clone());
    known.ok_or_else(|| {
        let all: Vec<String> = fields.iter().copied().chain(SLOTS.iter().map(|(name, _)| *name)).map(braced).collect();
        format!("a text without {{{name}}}, which nothing stands for: there are {}", all.join(", "))
    })
}

fn braced(name: &str) -> String {
    format!("{{{name}}}")
}

fn escaped(text: &str, escape: Escape) -> Zeroizing<String> {
    match escape {
        Escape::None => Zeroizing::new(text.to_owned()),
        Escape::Url => percent_encoded(text),
        Escape::Path => Zeroizing::new(percent_encoded(text).replace("%40", "@").replace("%3A", ":")),
        Escape::Json => {
            let quoted = Zeroizing::new(serde_json::Value::from(text).to_string());
            Zeroizing::new(quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or("").to_owned())
        }
        Escape::Xml => {
            let mut xml = Zeroizing::new(String::with_capacity(text.len() + 16));
            for character in text.chars() {
                match character {
                    '&' => xml.push_str("&amp;"),
                    '<' => xml.push_str("&lt;"),
                    '>' => xml.push_str("&gt;"),
                    '"' => xml.push_str("&quot;"),
                    '\'' => xml.push_str("&apos;"),
                    other => xml.push(other),
                }
            }
            xml
        }
    }
}

/// A number of the USA or Canada without its 1, as some services there want and repeat it; others as they are.
pub(crate) fn national_american(digits: &str) -> &str {
    if digits.len() == 11 { digits.strip_prefix('1').unwrap_or(digits) } else { digits }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str, escape: Escape) -> Option<String> {
        let fields = [("token".to_owned(), Secret::from("t&\"k"))];
        let values = Values {
            address: "+4915112345678",
            text: "314159\n<host>",
            code: Some("314159"),
            lifetime: Duration::from_secs(300),
            fields: &fields,
        };
        let template = Template::parse(template, &["token", "sender"]).expect("known placeholders");
        template.filled(&values, escape).map(|text| text.as_str().to_owned())
    }

    #[test]
    fn placeholders_give_the_number_in_three_forms_and_the_rest() {
        let forms = filled("{number} {digits} {number_00} {address}", Escape::None);
        assert_eq!(forms.as_deref(), Some("+4915112345678 4915112345678 004915112345678 +4915112345678"));
        assert_eq!(filled("{nanp}", Escape::None).as_deref(), Some("4915112345678"));
        assert_eq!(national_american("12025550123"), "2025550123");
        let hex = filled("{text_ucs2_hex}", Escape::None).expect("a value");
        assert!(hex.starts_with("003300310034003100350039000A003C"), "{hex}");
        assert_eq!(filled("{code} {lifetime_seconds}", Escape::None).as_deref(), Some("314159 300"));
        assert_eq!(filled("{lifetime_milliseconds}", Escape::None).as_deref(), Some("300000"));
    }

    #[test]
    fn only_what_is_put_in_is_escaped() {
        assert_eq!(filled("<a&{text}", Escape::Xml).as_deref(), Some("<a&314159\n&lt;host&gt;"));
        assert_eq!(
            filled("{\"a\":\"{text}{token}\"}", Escape::Json).as_deref(),
            Some("{\"a\":\"314159\\n<host>t&\\\"k\"}")
        );
        assert_eq!(filled("?a={token}", Escape::Url).as_deref(), Some("?a=t%26%22k"));
        assert_eq!(filled("{address}/{token}", Escape::Path).as_deref(), Some("%2B4915112345678/t%26%22k"));
    }

    #[test]
    fn a_placeholder_without_a_value_leaves_the_whole_text_out() {
        assert_eq!(filled("from {sender}", Escape::None), None);
    }

    #[test]
    fn an_unknown_placeholder_is_refused_and_other_braces_are_text() {
        assert_eq!(filled("{} {A} { {1} {", Escape::None).as_deref(), Some("{} {A} { {1} {"));
        let problem = Template::parse("{nubmer}", &["token"]).expect_err("unknown");
        assert!(problem.contains("{nubmer}") && problem.contains("{number}") && problem.contains("{token}"));
    }
}
