//! The log: as the module's in its host, `pam_herald(SERVICE:auth): …`, LOG_AUTHPRIV.

use herald_core::audit::{Audit, Severity};
use herald_core::text::log_value;
use std::cell::RefCell;
use syslog::{Facility, Formatter3164, Logger, LoggerBackend};

/// Lines about one service. Where no syslog listens, nothing is logged.
pub(crate) struct Journal {
    syslog: RefCell<Option<Logger<LoggerBackend, Formatter3164>>>,
    prefix: String,
}

impl Journal {
    pub(crate) fn new(service: &str) -> Self {
        let formatter = Formatter3164 {
            facility: Facility::LOG_AUTHPRIV,
            hostname: None,
            process: "herald-broker".to_owned(),
            pid: std::process::id(),
        };
        let service: String = service.chars().take(64).collect();
        Self {
            syslog: RefCell::new(syslog::unix(formatter).ok()),
            prefix: format!("pam_herald({}:auth): ", log_value(&service)),
        }
    }
}

impl Audit for Journal {
    fn record(&self, severity: Severity, line: &str) {
        let Some(syslog) = &mut *self.syslog.borrow_mut() else { return };
        let line = format!("{}{line}", self.prefix);
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
