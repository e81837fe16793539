//! The log: one line per event, `key=value`, no code and no full address (interface §8, rule 31).

use crate::text::log_value;

/// How loud a line is (syslog(3)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// LOG_DEBUG: only with the module argument `debug`.
    Debug,
    /// LOG_INFO: what happens every day.
    Info,
    /// LOG_NOTICE: refusals, and what an admin wants to find.
    Notice,
    /// LOG_WARNING: something needs a look.
    Warning,
    /// LOG_ERR: something is broken.
    Error,
}

/// Where lines go: pam_syslog(3), syslog, or a test.
pub trait Audit {
    /// Writes one line. It cannot fail as far as the login is concerned.
    fn record(&self, severity: Severity, line: &str);
}

/// One line being put together: the event's word first, then `key=value` pairs.
#[derive(Clone, Debug)]
pub struct Line(String);

impl Line {
    /// Starts with the event: `sent`, `verified`, `wrong`, `locked`, `refused`, `skipped`, `undelivered`, `error` …
    pub fn new(event: &str) -> Self {
        Self(event.to_owned())
    }

    /// Adds ` key=value`; the value is cleaned.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl AsRef<str>) -> Self {
        self.0.push(' ');
        self.0.push_str(key);
        self.0.push('=');
        self.0.push_str(&log_value(value.as_ref()));
        self
    }

    /// Adds the pair if there is a value.
    #[must_use]
    pub fn with_some(self, key: &str, value: Option<impl AsRef<str>>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// Adds ` reason="…"`-like free text as one cleaned value, spaces kept readable as `_`.
    #[must_use]
    pub fn because(self, reason: impl AsRef<str>) -> Self {
        let reason: String = reason.as_ref().chars().take(400).collect();
        self.with("reason", reason.replace(' ', "_"))
    }

    /// The finished line.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
