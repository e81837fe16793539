//! Reading the keys of one `[[gateway]]` table, with every fault and not just the first.

use super::Driver;
use crate::http::Base;
use crate::refusal::Refusal;
use herald_core::courier::{End, Fault, Field, FieldHelp, Gateway};
use herald_core::secret::Secret;
use std::ops::RangeInclusive;

/// A field that has to be there.
pub(crate) fn required(name: &str, help: impl Into<String>) -> FieldHelp {
    FieldHelp { name: name.to_owned(), secret: false, required: true, help: help.into() }
}

/// A field that may be left out.
pub(crate) fn optional(name: &str, help: impl Into<String>) -> FieldHelp {
    FieldHelp { required: false, ..required(name, help) }
}

/// One whose value is asked without echo and never shown.
pub(crate) fn secret(field: FieldHelp) -> FieldHelp {
    FieldHelp { secret: true, ..field }
}

/// The fields of one gateway, taken one after the other.
pub(crate) struct Fields<'a> {
    gateway: &'a Gateway,
    faults: Vec<Fault>,
}

impl<'a> Fields<'a> {
    /// Opens the table: keys that the driver does not know and required ones that are missing are faults already.
    pub(crate) fn open(driver: &dyn Driver, gateway: &'a Gateway) -> Self {
        let mut fields = Self { gateway, faults: Vec::new() };
        let table = driver.fields();
        for (name, _) in &gateway.fields {
            if !table.iter().any(|field| field.name == *name) {
                let known: Vec<String> = table.iter().map(|field| format!("`{}`", field.name)).collect();
                fields.complain(name, format!("no such field: {} takes {}", driver.name(), known.join(", ")));
            }
        }
        for field in table.iter().filter(|field| field.required) {
            if fields.value(&field.name).is_none() {
                fields.complain(&field.name, format!("missing: {}", field.help));
            }
        }
        fields
    }

    /// A text, if it is there; an empty one is a fault.
    pub(crate) fn text(&mut self, name: &str) -> Option<&'a Secret> {
        match self.value(name)? {
            Field::Text(text) if text.expose().trim().is_empty() => {
                self.complain(name, "empty".to_owned());
                None
            }
            Field::Text(text) => Some(text),
            Field::Integer(_) | Field::Flag(_) => {
                self.complain(name, "a text in quotes is accepted".to_owned());
                None
            }
        }
    }

    /// A text, or a number or a truth value as its text, if it is there.
    pub(crate) fn scalar(&mut self, name: &str) -> Option<Secret> {
        match self.value(name)? {
            Field::Text(_) => self.text(name).cloned(),
            Field::Integer(number) => Some(Secret::new(number.to_string())),
            Field::Flag(flag) => Some(Secret::new(flag.to_string())),
        }
    }

    /// A whole number within bounds, if it is there.
    pub(crate) fn integer(&mut self, name: &str, bounds: RangeInclusive<i64>) -> Option<i64> {
        let accepted = format!("a whole number from {} to {} is accepted", bounds.start(), bounds.end());
        let number = match self.value(name)? {
            Field::Integer(number) => Some(*number),
            // As `herald gateway set NAME K=V` may have written it.
            Field::Text(text) => text.expose().trim().parse().ok(),
            Field::Flag(_) => None,
        };
        let number = number.filter(|number| bounds.contains(number));
        if number.is_none() {
            self.complain(name, accepted);
        }
        number
    }

    /// One of several words, the first if it is not there.
    pub(crate) fn word<'w>(&mut self, name: &str, words: &[&'w str]) -> Option<&'w str> {
        if self.value(name).is_none() {
            return words.first().copied();
        }
        let text = self.text(name)?.expose();
        let known = words.iter().find(|word| **word == text).copied();
        if known.is_none() {
            let all: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
            self.complain(name, format!("{} is accepted", all.join(" or ")));
        }
        known
    }

    /// An absolute path, if it is there.
    pub(crate) fn path(&mut self, name: &str) -> Option<&'a str> {
        let path = self.text(name)?.expose();
        if path.starts_with('/') && !path.contains('\0') {
            return Some(path);
        }
        self.complain(name, "an absolute path is accepted".to_owned());
        None
    }

    /// A user name and a password, which belong together.
    pub(crate) fn login(&mut self, user: &str, password: &str) -> Option<(String, Secret)> {
        let read = (self.text(user).map(|user| user.expose().to_owned()), self.text(password).cloned());
        match read {
            (Some(user), Some(password)) => return Some((user, password)),
            (Some(_), None) => self.complain(password, format!("missing: {user} and {password} belong together")),
            (None, Some(_)) => self.complain(user, format!("missing: {user} and {password} belong together")),
            (None, None) => {}
        }
        None
    }

    /// Whether plain connections to other hosts were allowed.
    pub(crate) fn insecure(&self) -> bool {
        self.gateway.insecure
    }

    /// A base URL: the field's, or the one that the service has.
    pub(crate) fn base(&mut self, name: &str, default: &str) -> Option<Base> {
        let url = match self.value(name) {
            Some(_) => self.text(name)?.expose(),
            None => default,
        };
        Base::parse(url, self.gateway.insecure).map_err(|problem| self.complain(name, problem)).ok()
    }

    /// Notes a fault. `problem` never holds the value of a secret.
    pub(crate) fn complain(&mut self, name: &str, problem: String) {
        self.faults.push(Fault { gateway: self.gateway.name.clone(), field: name.to_owned(), problem });
    }

    /// What was read, if there was no fault.
    ///
    /// # Errors
    /// Every fault.
    pub(crate) fn close<T>(self, read: Option<T>) -> Result<T, Vec<Fault>> {
        match read {
            Some(read) if self.faults.is_empty() => Ok(read),
            _ => Err(self.faults),
        }
    }

    fn value(&self, name: &str) -> Option<&'a Field> {
        self.gateway.fields.iter().find(|(known, _)| known == name).map(|(_, field)| field)
    }
}

/// Faults as the end of a try.
pub(crate) fn refusal(faults: &[Fault]) -> Refusal {
    let all: Vec<String> = faults.iter().map(|fault| format!("{}: {}", fault.field, fault.problem)).collect();
    Refusal::new(End::Configuration, all.join("; "))
}
