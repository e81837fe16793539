//! The log of `herald`: LOG_AUTHPRIV, ident `herald` (interface §8). Where no syslog listens, nothing is logged.

use herald_core::audit::{Audit, Severity};
use std::cell::RefCell;
use syslog::{Facility, Formatter3164, Logger, LoggerBackend};

/// Writes lines to syslog and remembers what went wrong, for whoever sits at the terminal.
pub(crate) struct Journal {
    syslog: RefCell<Option<Logger<LoggerBackend, Formatter3164>>>,
    /// Whether it came through the broker, as each line then says.
    through_broker: bool,
    troubles: RefCell<Vec<String>>,
    last: RefCell<String>,
}

impl Journal {
    pub(crate) fn open(through_broker: bool) -> Self {
        let formatter = Formatter3164 {
            facility: Facility::LOG_AUTHPRIV,
            hostname: None,
            process: "herald".to_owned(),
            pid: std::process::id(),
        };
        Self {
            syslog: RefCell::new(syslog::unix(formatter).ok()),
            through_broker,
            troubles: RefCell::default(),
            last: RefCell::default(),
        }
    }

    /// Every warning and error so far.
    pub(crate) fn troubles(&self) -> Vec<String> {
        self.troubles.borrow().clone()
    }

    /// What the last trouble was: what a person at the door is not told.
    pub(crate) fn cause(&self) -> Option<String> {
        self.troubles.borrow().last().and_then(|line| value(line, "reason")).map(|reason| in_words(&reason))
    }

    /// Whether the last trouble was that somebody cannot be reached in a way, whatever the gateway does.
    pub(crate) fn is_permanent(&self) -> bool {
        self.troubles.borrow().last().and_then(|line| value(line, "end")).is_some_and(|end| end == "permanent")
    }

    /// The value of a key in the last line.
    pub(crate) fn last_value(&self, key: &str) -> Option<String> {
        value(&self.last.borrow(), key)
    }
}

fn value(line: &str, key: &str) -> Option<String> {
    line.split(' ').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('=').map(str::to_owned))
}

/// A value of the log, as far as it can be read: spaces are kept as `_` there, and other bytes as `%XX`.
pub(crate) fn in_words(reason: &str) -> String {
    reason.replace('_', " ").replace("%3D", "=").replace("%22", "\"").replace("%25", "%")
}

impl Audit for Journal {
    fn record(&self, severity: Severity, line: &str) {
        line.clone_into(&mut self.last.borrow_mut());
        if severity >= Severity::Warning {
            self.troubles.borrow_mut().push(line.to_owned());
        }
        if let Some(syslog) = self.syslog.borrow_mut().as_mut() {
            let line = if self.through_broker { &format!("{line} via=broker") } else { line };
            // A log that cannot be written stops nobody.
            let _ = match severity {
                Severity::Debug => syslog.debug(line),
                Severity::Info => syslog.info(line),
                Severity::Notice => syslog.notice(line),
                Severity::Warning => syslog.warning(line),
                Severity::Error => syslog.err(line),
            };
        }
    }
}
