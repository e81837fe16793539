//! What goes out: a definition's request, with one message put in.

use super::template::{Escape, Slot, Template, Values};
use crate::http::{Base, Body, Call, encode_pairs};
use crate::refusal::Refusal;
use herald_core::courier::End;
use herald_core::secret::Secret;
use reqwest::Method;

/// Names and values, in the order of the file.
pub(super) type Pairs = Vec<(String, Template)>;

/// Who we are.
#[derive(Clone, Debug, Default)]
pub(super) struct Auth {
    /// User name and password.
    pub(super) basic: Option<(Template, Template)>,
    /// A bearer token.
    pub(super) bearer: Option<Template>,
    /// Headers of the service's own.
    pub(super) headers: Pairs,
    /// Pairs that come first in the query.
    pub(super) query: Pairs,
    /// Pairs that come first in a form.
    pub(super) form: Pairs,
}

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    /// Below the base URL; empty for the base URL itself.
    pub(super) path: Template,
    /// A query as it is written, which `query` follows.
    pub(super) raw_query: Option<Template>,
    pub(super) headers: Pairs,
    pub(super) query: Pairs,
    pub(super) body: Content,
    /// Replaces or joins pairs of the query, the form or the JSON object where the text needs UCS-2.
    pub(super) unicode: Vec<(String, Json)>,
}

/// The body of a request.
#[derive(Clone, Debug)]
pub(super) enum Content {
    None,
    Form(Pairs),
    Multipart(Pairs),
    Json(Json),
    Raw { kind: String, text: Template, escape: Escape },
}

/// JSON with placeholders in its texts.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Text(Template),
    Integer(i64),
    Flag(bool),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Request {
    /// The request for this message. Pairs and members whose placeholder has no value are left out.
    pub(super) fn call(&self, base: &Base, auth: &Auth, values: &Values<'_>, unicode: bool) -> Result<Call, Refusal> {
        let path = self.path.filled(values, Escape::Path).ok_or_else(|| missing("path"))?;
        let mut url =
            if path.is_empty() { base.url() } else { base.join(&path).map_err(|problem| unbuilt(&problem))? };
        let extra: &[(String, Json)] = if unicode { &self.unicode } else { &[] };
        let body_takes_extra = !matches!(self.body, Content::None | Content::Raw { .. });
        let query = filled(&auth.query, &self.query, if body_takes_extra { &[] } else { extra }, values);
        let raw = match &self.raw_query {
            Some(raw) => Some(raw.filled(values, Escape::Url).ok_or_else(|| missing("query"))?),
            None => None,
        };
        if raw.is_some() || !query.is_empty() {
            let pairs = encode_pairs(&query);
            let both: Vec<&str> =
                raw.iter().map(|raw| raw.as_str()).chain([pairs.as_str()]).filter(|text| !text.is_empty()).collect();
            url.set_query(Some(&both.join("&")));
        }
        let body = match &self.body {
            Content::None => Body::None,
            Content::Form(pairs) => Body::Form(filled(&auth.form, pairs, extra, values)),
            Content::Multipart(pairs) => Body::Multipart(filled(&auth.form, pairs, extra, values)),
            Content::Json(json) => {
                let mut text = String::new();
                write_top(json, extra, values, &mut text);
                Body::Text { kind: "application/json".to_owned(), bytes: text.into_bytes() }
            }
            Content::Raw { kind, text, escape } => {
                let text = text.filled(values, *escape).ok_or_else(|| missing("body"))?;
                Body::Text { kind: kind.clone(), bytes: text.as_bytes().to_vec() }
            }
        };
        let mut call = Call { body, ..Call::new(self.method.clone(), url) };
        if let Some((user, password)) = &auth.basic {
            let user = user.filled(values, Escape::None);
            if let Some((user, password)) = user.zip(password.filled(values, Escape::None)) {
                call = call.basic(&user, &password);
            }
        }
        if let Some(token) = auth.bearer.as_ref().and_then(|token| token.filled(values, Escape::None)) {
            call = call.bearer(&token);
        }
        for (name, value) in auth.headers.iter().chain(&self.headers) {
            if let Some(value) = value.filled(values, Escape::None) {
                call = call.header(name, &value);
            }
        }
        Ok(call)
    }

    /// Every template of it.
    pub(super) fn templates(&self) -> Vec<&Template> {
        let mut all = vec![&self.path];
        all.extend(self.raw_query.iter());
        all.extend(self.headers.iter().chain(&self.query).map(|(_, template)| template));
        match &self.body {
            Content::None => {}
            Content::Form(pairs) | Content::Multipart(pairs) => all.extend(pairs.iter().map(|(_, template)| template)),
            Content::Json(json) => json.templates(&mut all),
            Content::Raw { text, .. } => all.push(text),
        }
        all
    }

    /// Whether every field that it names is given.
    pub(super) fn is_answerable(&self, fields: &[(String, Secret)]) -> bool {
        let given = |slot: &Slot| match slot {
            Slot::Field(name) => fields.iter().any(|(known, _)| known == name),
            _ => true,
        };
        self.templates().iter().all(|template| template.slots().all(given))
    }

    /// Whether it holds this placeholder anywhere.
    pub(super) fn has(&self, slot: &Slot) -> bool {
        self.templates().iter().any(|template| template.has(slot))
    }
}

impl Json {
    fn templates<'a>(&'a self, all: &mut Vec<&'a Template>) {
        match self {
            Self::Text(template) => all.push(template),
            Self::Integer(_) | Self::Flag(_) => {}
            Self::List(members) => members.iter().for_each(|member| member.templates(all)),
            Self::Object(members) => members.iter().for_each(|(_, member)| member.templates(all)),
        }
    }

    /// Writes it; `false`, and nothing that counts written, where a placeholder in it has no value. In an object its
    /// member is left out; in a list the whole of the list's member is.
    fn write(&self, values: &Values<'_>, in_list: bool, out: &mut String) -> bool {
        match self {
            Self::Text(template) => match template.filled(values, Escape::None) {
                Some(text) => write_text(&text, out),
                None => return false,
            },
            Self::Integer(number) => out.push_str(&number.to_string()),
            Self::Flag(flag) => out.push_str(if *flag { "true" } else { "false" }),
            Self::List(members) => {
                out.push('[');
                let start = out.len();
                for member in members {
                    write_member(None, member, values, true, start, out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                let start = out.len();
                for (name, member) in members {
                    if !write_member(Some(name), member, values, in_list, start, out) && in_list {
                        return false;
                    }
                }
                out.push('}');
            }
        }
        true
    }
}

/// The object of the request, with what joins it for UCS-2.
fn write_top(json: &Json, extra: &[(String, Json)], values: &Values<'_>, out: &mut String) {
    let Json::Object(members) = json else {
        json.write(values, false, out);
        return;
    };
    out.push('{');
    let start = out.len();
    let replaced = |name: &str| extra.iter().find(|(other, _)| other == name).map(|(_, json)| json);
    for (name, member) in members {
        write_member(Some(name), replaced(name).unwrap_or(member), values, false, start, out);
    }
    for (name, member) in extra.iter().filter(|(name, _)| members.iter().all(|(known, _)| known != name)) {
        write_member(Some(name), member, values, false, start, out);
    }
    out.push('}');
}

fn write_member(
    name: Option<&str>,
    member: &Json,
    values: &Values<'_>,
    in_list: bool,
    start: usize,
    out: &mut String,
) -> bool {
    let before = out.len();
    if before > start {
        out.push(',');
    }
    if let Some(name) = name {
        write_text(name, out);
        out.push(':');
    }
    let written = member.write(values, in_list, out);
    if !written {
        out.truncate(before);
    }
    written
}

fn write_text(text: &str, out: &mut String) {
    out.push_str(&serde_json::Value::from(text).to_string());
}

/// First the login's pairs, then the request's, with what replaces or joins them for UCS-2.
fn filled(auth: &Pairs, own: &Pairs, extra: &[(String, Json)], values: &Values<'_>) -> Vec<(String, String)> {
    let plain = |json: &Json| match json {
        Json::Text(template) => template.filled(values, Escape::None).map(|text| text.as_str().to_owned()),
        Json::Integer(number) => Some(number.to_string()),
        Json::Flag(flag) => Some(flag.to_string()),
        Json::List(_) | Json::Object(_) => None,
    };
    let replaced = |name: &str| extra.iter().find(|(other, _)| other == name).map(|(_, json)| json);
    let mut pairs: Vec<(String, String)> = auth
        .iter()
        .chain(own)
        .filter_map(|(name, template)| {
            let value = match replaced(name) {
                Some(json) => plain(json)?,
                None => template.filled(values, Escape::None)?.as_str().to_owned(),
            };
            Some((name.clone(), value))
        })
        .collect();
    for (name, json) in extra {
        let known = auth.iter().chain(own).any(|(known, _)| known == name);
        if let (false, Some(value)) = (known, plain(json)) {
            pairs.push((name.clone(), value));
        }
    }
    pairs
}

fn missing(what: &str) -> Refusal {
    Refusal::new(End::Configuration, format!("the {what} of the request needs a field that is not given"))
}

fn unbuilt(problem: &str) -> Refusal {
    Refusal::new(End::Configuration, format!("the URL of the request {problem}"))
}
