//! What an answer means: taken, or refused in which words and of which class.
//!
//! Most services answer 200 to messages that they refuse, so the status is only the first thing that is looked at.

use crate::http::{Reply, wait};
use crate::refusal::Refusal;
use herald_core::courier::End;
use regex_lite::Regex;
use serde_json::Value;
use std::ops::RangeInclusive;
use std::time::Duration;

/// When a request has succeeded.
#[derive(Clone, Debug)]
pub(super) struct Success {
    /// One of these statuses …
    pub(super) status: Vec<RangeInclusive<u16>>,
    /// … and all of this in the body.
    pub(super) body: Vec<Rule>,
}

/// Something that must hold in a body.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) place: Place,
    pub(super) test: Test,
}

/// Where in a body to look.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// A JSON pointer (RFC 6901) in which `*` stands for every member.
    Json(String),
    /// Every element of that name, whatever its namespace.
    Xml(String),
    /// What the expression finds in the whole body: its first group, or all of it.
    Regex(Regex),
    /// The start of the body.
    Prefix(String),
}

/// What must be there: at least one thing, and all of them so.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Test {
    /// One of these; numbers and truth values by their text.
    OneOf(Vec<String>),
    /// Not empty.
    Filled,
    /// Nothing at all, or null.
    Absent,
}

/// How a service refuses.
#[derive(Clone, Debug, Default)]
pub(super) struct Answers {
    /// Where its words stand; the first that is there.
    pub(super) words: Vec<Place>,
    /// Where its error code stands.
    pub(super) code: Vec<Place>,
    pub(super) permanent: Class,
    pub(super) configuration: Class,
    pub(super) again: Class,
    /// Where the seconds stand after which to ask again.
    pub(super) after: Vec<Place>,
}

/// The refusals of one class: any of these.
#[derive(Clone, Debug, Default)]
pub(super) struct Class {
    pub(super) status: Vec<RangeInclusive<u16>>,
    pub(super) code: Vec<String>,
    /// Parts of the words, in small letters.
    pub(super) words: Vec<String>,
}

/// A body, and what it turns out to be. Read as JSON or XML only where a rule asks for that.
pub(super) struct Seen<'a> {
    text: std::borrow::Cow<'a, str>,
    json: std::cell::OnceCell<Option<Value>>,
}

impl<'a> Seen<'a> {
    /// A body as text.
    pub(super) fn new(body: &'a [u8]) -> Self {
        Self { text: String::from_utf8_lossy(body), json: std::cell::OnceCell::new() }
    }

    /// Everything that stands in that place: texts, numbers and truth values as text; `None` for null and for what
    /// has no text.
    fn all(&self, place: &Place) -> Vec<Option<String>> {
        match place {
            Place::Json(pointer) => match self.json.get_or_init(|| serde_json::from_str(&self.text).ok()) {
                Some(value) => pointed(value, pointer).into_iter().map(scalar).collect(),
                None => Vec::new(),
            },
            Place::Xml(name) => elements(&self.text, name).into_iter().map(Some).collect(),
            Place::Regex(regex) => {
                let found = regex.captures(&self.text).and_then(|found| found.get(1).or_else(|| found.get(0)));
                found.map(|found| Some(found.as_str().to_owned())).into_iter().collect()
            }
            Place::Prefix(prefix) => {
                self.text.starts_with(prefix.as_str()).then(|| Some(prefix.clone())).into_iter().collect()
            }
        }
    }

    /// The first of these places that holds something.
    pub(super) fn first(&self, places: &[Place]) -> Option<String> {
        let texts = places.iter().flat_map(|place| self.all(place)).flatten();
        texts.map(|text| text.trim().to_owned()).find(|text| !text.is_empty())
    }

    fn holds(&self, rule: &Rule) -> bool {
        let all = self.all(&rule.place);
        let passes = |found: &Option<String>| match (&rule.test, found) {
            (Test::OneOf(accepted), Some(text)) => accepted.iter().any(|accepted| accepted == text.trim()),
            (Test::Filled, Some(text)) => !text.trim().is_empty(),
            (Test::Absent, found) => found.is_none(),
            (Test::OneOf(_) | Test::Filled, None) => false,
        };
        (!all.is_empty() || rule.test == Test::Absent) && all.iter().all(passes)
    }
}

/// Whether the reply says that the request has succeeded.
///
/// # Errors
/// What it says instead.
pub(super) fn judge(reply: &Reply, success: &Success, answers: &Answers) -> Result<(), Refusal> {
    let status = reply.status.as_u16();
    let number = |ranges: &[RangeInclusive<u16>]| ranges.iter().any(|range| range.contains(&status));
    let empty = Vec::new();
    let seen = Seen::new(reply.body.as_ref().unwrap_or(&empty));
    let readable = reply.body.is_ok() || success.body.is_empty();
    if number(&success.status) && readable && success.body.iter().all(|rule| seen.holds(rule)) {
        return Ok(());
    }
    let words = seen.first(&answers.words);
    let code = seen.first(&answers.code);
    let said = told(words.as_deref(), code.as_deref());
    let is = |class: &Class| {
        let in_words = |part: &String| words.as_ref().is_some_and(|words| words.to_lowercase().contains(part.as_str()));
        number(&class.status)
            || code.as_ref().is_some_and(|code| class.code.contains(code))
            || class.words.iter().any(in_words)
    };
    let end = if is(&answers.permanent) {
        Some(End::Permanent)
    } else if is(&answers.again) {
        Some(End::TryAgain { after: seconds(&seen, &answers.after).or(reply.retry_after) })
    } else if is(&answers.configuration) {
        Some(End::Configuration)
    } else {
        None
    };
    if let Some(end) = end {
        return Err(Refusal::new(end, said.unwrap_or_else(|| format!("refused ({status})"))));
    }
    if let Some(mut refusal) = reply.refusal_by_status(said.as_deref()) {
        if let End::TryAgain { after } = &mut refusal.end {
            *after = seconds(&seen, &answers.after).or(*after);
        }
        return Err(refusal);
    }
    Err(match (status, said) {
        (_, Some(said)) => Refusal::new(End::Configuration, said),
        (400..=499, None) => {
            Refusal::new(End::Configuration, format!("refused ({status}) without a word: are URL and login right?"))
        }
        _ => {
            let why = reply.body.as_ref().err().copied().unwrap_or("the answer is none of this service's");
            Refusal::new(End::Unclear, format!("{why} ({status})"))
        }
    })
}

/// What is told of an answer: `{/pointer}` is replaced by what stands there, `{body}` by all of it.
pub(super) fn told_of(says: &str, reply: &Reply) -> String {
    let empty = Vec::new();
    let seen = Seen::new(reply.body.as_ref().unwrap_or(&empty));
    let mut text = String::new();
    let mut rest = says;
    while let Some((before, behind)) = rest.split_once('{') {
        text.push_str(before);
        let Some((place, after)) = behind.split_once('}') else { break };
        let found = match place {
            "body" => Some(seen.text.trim().to_owned()),
            pointer => seen.first(&[Place::Json(pointer.to_owned())]),
        };
        text.push_str(found.as_deref().unwrap_or("?"));
        rest = after;
    }
    text.push_str(rest);
    text
}

fn told(words: Option<&str>, code: Option<&str>) -> Option<String> {
    match (words, code) {
        (Some(words), Some(code)) if words != code && !words.contains(code) => Some(format!("{words} ({code})")),
        (Some(words), _) => Some(words.to_owned()),
        (None, Some(code)) => Some(format!("refused with error {code}")),
        (None, None) => None,
    }
}

fn seconds(seen: &Seen<'_>, places: &[Place]) -> Option<Duration> {
    let text = seen.first(places)?;
    // Some services give fractions; a whole second more is never too early.
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let whole: u64 = whole.parse().ok()?;
    Some(wait(whole.saturating_add(u64::from(fraction.bytes().any(|byte| byte != b'0')))))
}

fn pointed<'v>(value: &'v Value, pointer: &str) -> Vec<&'v Value> {
    let mut here = vec![value];
    for token in pointer.split('/').skip(1) {
        let name = token.replace("~1", "/").replace("~0", "~");
        here = here
            .into_iter()
            .flat_map(|value| -> Vec<&'v Value> {
                match value {
                    Value::Array(members) if token == "*" => members.iter().collect(),
                    Value::Object(members) if token == "*" => members.values().collect(),
                    Value::Array(members) => {
                        name.parse::<usize>().ok().and_then(|index| members.get(index)).into_iter().collect()
                    }
                    Value::Object(members) => members.get(&name).into_iter().collect(),
                    _ => Vec::new(),
                }
            })
            .collect();
    }
    here
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        // Whether there is anything in it is all that can be asked.
        Value::Array(members) => Some(if members.is_empty() { "" } else { "[…]" }.to_owned()),
        Value::Object(members) => Some(if members.is_empty() { "" } else { "{…}" }.to_owned()),
    }
}

fn elements(text: &str, name: &str) -> Vec<String> {
    let Ok(document) = roxmltree::Document::parse(text.trim_start()) else { return Vec::new() };
    let named = document.descendants().filter(|node| node.is_element() && node.tag_name().name() == name);
    named.map(|node| node.text().unwrap_or_default().to_owned()).collect()
}
