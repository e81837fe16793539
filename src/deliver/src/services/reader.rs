//! Reading a definition strictly: everything that is wrong, each with its line and key.

use super::definition::{BaseField, Definition, FieldRule, Question};
use super::request::{Auth, Content, Json, Pairs, Request};
use super::template::{Escape, Slot, Template, is_reserved};
use super::verdict::{Answers, Class, Place, Rule, Success, Test};
use herald_core::address::Form;
use herald_core::config::{Problem, Section, Tree, read_document};
use regex_lite::Regex;
use reqwest::Method;
use std::ops::RangeInclusive;

/// The statuses that count where a definition names none.
const ANY_SUCCESS: RangeInclusive<u16> = 200..=299;
const LONGEST_NAME: usize = 40;
/// Keys of a gateway that are core's.
const TAKEN: [&str; 4] = ["name", "channel", "driver", "insecure"];

/// Reads the definition of the driver `name`.
///
/// # Errors
/// Everything that is wrong with it.
pub(super) fn read(name: &str, text: &str) -> Result<Definition, Vec<Problem>> {
    let mut read = None;
    // What does not fit together is told only where each part is right: it would follow from the rest.
    let mut misfits = Vec::new();
    let problems = read_document(text, |root| read = Some(definition(name, root, &mut misfits)));
    match read {
        Some(definition) if problems.is_empty() && misfits.is_empty() => Ok(definition),
        _ if problems.is_empty() => Err(misfits),
        _ => Err(problems),
    }
}

fn definition(name: &str, root: &mut Section<'_>, misfits: &mut Vec<Problem>) -> Definition {
    let mut source = String::new();
    root.text("source", &mut |text| filled_text(text, &mut source));
    if source.is_empty() {
        root.complain("source", "missing: the address of the service's own page, or \"unverified\" and why");
    }
    let mut channel = "sms".to_owned();
    root.text("channel", &mut |text| filled_text(text, &mut channel));
    let mut addresses = vec!["e164".to_owned()];
    root.list("addresses", &mut addresses, |form| {
        Form::of_name(form).map(|_| form.to_owned()).ok_or_else(|| {
            "forms of address: \"e164\", \"chat-id\", \"uuid\", \"username\", \"jid\", \"email\"".to_owned()
        })
    });
    let mut longest_code = 0;
    root.integer("longest_code", 6..=10, &mut longest_code);
    let mut base = BaseField { name: "api_url".to_owned(), default: None, help: "the service's base URL".to_owned() };
    root.table("base", &mut |section| read_base(section, &mut base));
    let mut fields = Vec::new();
    root.list_of_tables("field", &mut |section| {
        let field = read_field(section);
        if field.name == base.name || fields.iter().any(|known: &FieldRule| known.name == field.name) {
            section.complain("name", "there is already a field of that name");
        }
        fields.push(field);
    });
    let mut needs = Vec::new();
    root.tree("needs", &mut |tree| {
        needs = groups(tree)?;
        let known = needs.iter().flatten().all(|name| fields.iter().any(|field| field.name == *name));
        if known { Ok(()) } else { Err("groups of fields that there are".to_owned()) }
    });
    let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    let mut auth = Auth::default();
    root.table("auth", &mut |section| read_auth(section, &names, &mut auth));
    let mut send = empty_request(Method::POST);
    if !root.has("send") {
        root.complain("send", "missing: the request that sends a message");
    }
    root.table("send", &mut |section| {
        send = read_request(section, Method::POST, &names);
        check_send(section.line(), &send, &auth, &addresses, misfits);
    });
    let mut success = any_success();
    root.table("success", &mut |section| success = read_success(section));
    let mut answers = Answers::default();
    root.table("error", &mut |section| {
        section.tree("words", &mut |tree| places(tree).map(|places| answers.words = places));
        section.tree("code", &mut |tree| places(tree).map(|places| answers.code = places));
    });
    root.table("permanent", &mut |section| read_class(section, &mut answers.permanent));
    root.table("configuration", &mut |section| read_class(section, &mut answers.configuration));
    root.table("again", &mut |section| {
        section.tree("after", &mut |tree| places(tree).map(|places| answers.after = places));
        read_class(section, &mut answers.again);
    });
    let mut status = None;
    root.table("status", &mut |section| {
        let mut says = String::new();
        section.text("says", &mut |text| filled_text(text, &mut says));
        let mut success = any_success();
        section.table("success", &mut |section| success = read_success(section));
        status = Some(Question { request: read_request(section, Method::GET, &names), success, says });
    });
    for field in &fields {
        let slot = Slot::Field(field.name.clone());
        let asked = status.as_ref().is_some_and(|question| question.request.has(&slot));
        if !(send.has(&slot) || asked || auth_templates(&auth).iter().any(|template| template.has(&slot))) {
            misfits.push(misfit(0, "field", &format!("{{{}}} stands nowhere in the requests", field.name)));
        }
    }
    Definition {
        name: name.to_owned(),
        source,
        channel,
        addresses,
        longest_code: usize::try_from(longest_code).ok().filter(|longest| *longest > 0),
        base,
        fields,
        needs,
        auth,
        send,
        success,
        answers,
        status,
    }
}

fn read_base(section: &mut Section<'_>, base: &mut BaseField) {
    section.text("field", &mut |text| field_name(text, &mut base.name));
    section.text("default", &mut |text| {
        base.default = Some(text.to_owned());
        crate::http::Base::parse(text, true).map(|_| ())
    });
    section.text("help", &mut |text| filled_text(text, &mut base.help));
}

fn read_field(section: &mut Section<'_>) -> FieldRule {
    let mut field = FieldRule { required: true, ..FieldRule::default() };
    section.text("name", &mut |text| field_name(text, &mut field.name));
    if field.name.is_empty() {
        section.complain("name", "missing: small letters, digits and _");
    }
    section.flag("secret", &mut field.secret);
    section.flag("required", &mut field.required);
    section.text("default", &mut |text| {
        field.default = Some(text.to_owned());
        Ok(())
    });
    field.required &= field.default.is_none();
    section.text("pattern", &mut |text| {
        field.pattern = Some(regex(text)?);
        Ok(())
    });
    section.text("help", &mut |text| filled_text(text, &mut field.help));
    if field.help.is_empty() {
        section.complain("help", "missing: what it is, and where it is found, in the service's words");
    }
    field
}

fn read_auth(section: &mut Section<'_>, fields: &[&str], auth: &mut Auth) {
    section.tree("basic", &mut |tree| match tree {
        Tree::List(members) => match members.as_slice() {
            [Tree::Text(user), Tree::Text(password)] => {
                auth.basic = Some((Template::parse(user, fields)?, Template::parse(password, fields)?));
                Ok(())
            }
            _ => Err("user name and password, like [\"{user}\", \"{password}\"]".to_owned()),
        },
        _ => Err("user name and password, like [\"{user}\", \"{password}\"]".to_owned()),
    });
    section.text("bearer", &mut |text| {
        auth.bearer = Some(Template::parse(text, fields)?);
        Ok(())
    });
    section.tree("headers", &mut |tree| headers(tree, fields).map(|read| auth.headers = read));
    section.tree("query", &mut |tree| pairs(tree, fields).map(|read| auth.query = read));
    section.tree("form", &mut |tree| pairs(tree, fields).map(|read| auth.form = read));
}

pub(super) fn empty_request(method: Method) -> Request {
    Request {
        method,
        path: Template::default(),
        raw_query: None,
        headers: Vec::new(),
        query: Vec::new(),
        body: Content::None,
        unicode: Vec::new(),
    }
}

fn read_request(section: &mut Section<'_>, method: Method, fields: &[&str]) -> Request {
    let mut request = empty_request(method);
    let methods = [("GET", 0), ("POST", 1), ("PUT", 2)];
    let mut number = usize::from(request.method == Method::POST);
    section.word("method", &methods, &mut number);
    request.method = [Method::GET, Method::POST, Method::PUT].get(number).cloned().unwrap_or_default();
    section.text("path", &mut |text| {
        request.path = Template::parse(text, fields)?;
        let plain = !text.contains(['?', '#', ' ']) && !text.starts_with('/');
        if plain { Ok(()) } else { Err("a path below the base URL, without ? and # and a / in front".to_owned()) }
    });
    section.tree("headers", &mut |tree| headers(tree, fields).map(|read| request.headers = read));
    section.tree("query", &mut |tree| pairs(tree, fields).map(|read| request.query = read));
    let kinds = ["form", "multipart", "json", "xml", "text"].into_iter().filter(|kind| section.has(kind)).count();
    if kinds > 1 {
        section.complain("form", "only one of form, multipart, json, xml and text may be the body");
    }
    if kinds > 0 && request.method == Method::GET {
        section.complain("method", "GET has no body: put its members into query");
    }
    section.tree("form", &mut |tree| pairs(tree, fields).map(|read| request.body = Content::Form(read)));
    section.tree("multipart", &mut |tree| pairs(tree, fields).map(|read| request.body = Content::Multipart(read)));
    section.tree("json", &mut |tree| json(tree, fields).map(|read| request.body = Content::Json(read)));
    for (key, kind, escape) in [("xml", "text/xml; charset=utf-8", Escape::Xml), ("text", "text/plain", Escape::None)] {
        section.text(key, &mut |text| {
            request.body = Content::Raw { kind: kind.to_owned(), text: Template::parse(text, fields)?, escape };
            Ok(())
        });
    }
    section.tree("unicode", &mut |tree| match json(tree, fields)? {
        Json::Object(members) => {
            request.unicode = members;
            Ok(())
        }
        _ => Err("a table of names and values".to_owned()),
    });
    request
}

fn misfit(line: usize, key: &str, text: &str) -> Problem {
    Problem { line, key: key.to_owned(), text: text.to_owned() }
}

fn check_send(line: usize, send: &Request, auth: &Auth, addresses: &[String], misfits: &mut Vec<Problem>) {
    let has = |slots: &[Slot]| {
        slots.iter().any(|slot| send.has(slot) || auth_templates(auth).iter().any(|template| template.has(slot)))
    };
    if !has(&[Slot::Text, Slot::Code]) {
        misfits.push(misfit(line, "send", "nothing of the message stands in it: put {text} or {code} somewhere"));
    }
    let numbers = [Slot::Number, Slot::Digits, Slot::Number00, Slot::Nanp];
    if !has(&numbers) && !has(&[Slot::Address]) {
        misfits.push(misfit(
            line,
            "send",
            "nothing says where to: put {number}, {digits}, {number_00} or {address} somewhere",
        ));
    }
    if has(&numbers) && addresses != ["e164"] {
        misfits.push(misfit(line, "send", "{number} is for phone numbers only: put {address}"));
    }
}

fn auth_templates(auth: &Auth) -> Vec<&Template> {
    let basic = auth.basic.iter().flat_map(|(user, password)| [user, password]);
    let pairs = auth.headers.iter().chain(&auth.query).chain(&auth.form).map(|(_, template)| template);
    basic.chain(auth.bearer.iter()).chain(pairs).collect()
}

pub(super) fn any_success() -> Success {
    Success { status: vec![ANY_SUCCESS], body: Vec::new() }
}

fn read_success(section: &mut Section<'_>) -> Success {
    let mut success = any_success();
    section.tree("status", &mut |tree| statuses(tree).map(|read| success.status = read));
    section.tree("body", &mut |tree| {
        let Tree::List(members) = tree else {
            return Err("a list of rules, like [{ json = \"/ok\", equals = true }]".into());
        };
        success.body = members.into_iter().map(rule).collect::<Result<_, _>>()?;
        Ok(())
    });
    success
}

fn read_class(section: &mut Section<'_>, class: &mut Class) {
    section.tree("status", &mut |tree| statuses(tree).map(|read| class.status = read));
    section.tree("code", &mut |tree| values(tree).map(|read| class.code = read));
    section.list("words", &mut class.words, |text| {
        (!text.is_empty()).then(|| text.to_lowercase()).ok_or_else(|| "parts of what the service says".to_owned())
    });
}

fn groups(tree: Tree) -> Result<Vec<Vec<String>>, String> {
    let Tree::List(groups) = tree else {
        return Err("groups of fields of which one is needed, like [[\"token\"], [\"user\", \"password\"]]".to_owned());
    };
    groups.into_iter().map(values).collect()
}

fn statuses(tree: Tree) -> Result<Vec<RangeInclusive<u16>>, String> {
    let accepted = || "a list of HTTP statuses, like [200, 202]".to_owned();
    let Tree::List(members) = tree else { return Err(accepted()) };
    let one = |member| match member {
        Tree::Integer(number) => {
            let number = u16::try_from(number).ok().filter(|number| (100..=599).contains(number));
            number.map(|number| number..=number).ok_or_else(accepted)
        }
        _ => Err(accepted()),
    };
    members.into_iter().map(one).collect()
}

/// A value, or a list of values, as text.
fn values(tree: Tree) -> Result<Vec<String>, String> {
    match tree {
        Tree::Text(text) => Ok(vec![text]),
        Tree::Integer(number) => Ok(vec![number.to_string()]),
        Tree::Flag(flag) => Ok(vec![flag.to_string()]),
        Tree::List(members) => {
            let all: Vec<Vec<String>> = members.into_iter().map(values).collect::<Result<_, _>>()?;
            Ok(all.into_iter().flatten().collect())
        }
        Tree::Table(_) => Err("values: texts, whole numbers, true or false".to_owned()),
    }
}

fn rule(tree: Tree) -> Result<Rule, String> {
    let accepted = || {
        "rules of json, xml, prefix or regex, with equals, in, filled = true or absent = true, like \
         { json = \"/status\", equals = \"OK\" }"
            .to_owned()
    };
    let Tree::Table(mut members) = tree else { return Err(accepted()) };
    let test = members.iter().position(|(key, _)| matches!(key.as_str(), "equals" | "in" | "filled" | "absent"));
    let test = match test.map(|position| members.remove(position)) {
        Some((key, tree)) if key == "equals" || key == "in" => Some(Test::OneOf(values(tree)?)),
        Some((key, Tree::Flag(true))) => Some(if key == "filled" { Test::Filled } else { Test::Absent }),
        Some(_) => return Err(accepted()),
        None => None,
    };
    let place = place(members)?;
    match (test, &place) {
        (Some(test), _) => Ok(Rule { place, test }),
        // That it is found is all.
        (None, Place::Prefix(_) | Place::Regex(_)) => Ok(Rule { place, test: Test::Filled }),
        (None, Place::Json(_) | Place::Xml(_)) => Err(accepted()),
    }
}

/// One place, or several of which the first counts that holds something.
fn places(tree: Tree) -> Result<Vec<Place>, String> {
    match tree {
        Tree::Table(members) => Ok(vec![place(members)?]),
        Tree::List(members) => {
            let all: Vec<Vec<Place>> = members.into_iter().map(places).collect::<Result<_, _>>()?;
            Ok(all.into_iter().flatten().collect())
        }
        _ => Err(place_accepted()),
    }
}

fn place_accepted() -> String {
    "a place in the answer: { json = \"/a/0/b\" }, { xml = \"name\" }, { regex = \"^ERR: (.*)\" } or \
     { prefix = \"OK\" }"
        .to_owned()
}

fn place(members: Vec<(String, Tree)>) -> Result<Place, String> {
    let mut members = members.into_iter();
    let (Some((key, Tree::Text(text))), None) = (members.next(), members.next()) else { return Err(place_accepted()) };
    match key.as_str() {
        "json" if text.is_empty() || text.starts_with('/') => Ok(Place::Json(text)),
        "xml" if !text.is_empty() => Ok(Place::Xml(text)),
        "regex" => regex(&text).map(Place::Regex),
        "prefix" if !text.is_empty() => Ok(Place::Prefix(text)),
        _ => Err(place_accepted()),
    }
}

fn regex(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|_| "a regular expression".to_owned())
}

fn pairs(tree: Tree, fields: &[&str]) -> Result<Pairs, String> {
    let accepted = || "a table of names and texts, like { to = \"{number}\" }".to_owned();
    let Tree::Table(members) = tree else { return Err(accepted()) };
    let one = |(name, tree)| match tree {
        Tree::Text(text) => Ok((name, Template::parse(&text, fields)?)),
        Tree::Integer(number) => Ok((name, Template::parse(&number.to_string(), fields)?)),
        Tree::Flag(flag) => Ok((name, Template::parse(&flag.to_string(), fields)?)),
        Tree::List(_) | Tree::Table(_) => Err(accepted()),
    };
    members.into_iter().map(one).collect()
}

fn headers(tree: Tree, fields: &[&str]) -> Result<Pairs, String> {
    let pairs = pairs(tree, fields)?;
    let plain = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let sound = pairs.iter().all(|(name, _)| plain(name));
    if sound { Ok(pairs) } else { Err("names of headers: letters, digits, - and _".to_owned()) }
}

fn json(tree: Tree, fields: &[&str]) -> Result<Json, String> {
    Ok(match tree {
        Tree::Text(text) => Json::Text(Template::parse(&text, fields)?),
        Tree::Integer(number) => Json::Integer(number),
        Tree::Flag(flag) => Json::Flag(flag),
        Tree::List(members) => {
            Json::List(members.into_iter().map(|member| json(member, fields)).collect::<Result<_, _>>()?)
        }
        Tree::Table(members) => Json::Object(
            members
                .into_iter()
                .map(|(name, member)| Ok((name, json(member, fields)?)))
                .collect::<Result<_, String>>()?,
        ),
    })
}

fn filled_text(text: &str, target: &mut String) -> Result<(), String> {
    text.clone_into(target);
    if text.trim().is_empty() { Err("a text that is not empty".to_owned()) } else { Ok(()) }
}

fn field_name(text: &str, target: &mut String) -> Result<(), String> {
    text.clone_into(target);
    let plain = text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.len() <= LONGEST_NAME
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
    if !plain || text.ends_with("_file") {
        return Err("small letters, digits and _, without _file at the end".to_owned());
    }
    if is_reserved(text) || TAKEN.contains(&text) {
        return Err(format!("another name: {text} has a meaning already"));
    }
    Ok(())
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
