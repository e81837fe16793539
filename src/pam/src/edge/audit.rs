//! The log of the module: pam_syslog(3), which puts `pam_herald(sshd:auth): ` before every line.

use super::handle::Handle;
use herald_core::audit::{Audit, Severity};
use libc::c_int;

/// Lines for the host's syslog connection. It is never opened or renamed here (rule 22).
pub(crate) struct PamAudit<'call>(Handle<'call>);

impl<'call> PamAudit<'call> {
    /// The log of one hook call.
    pub(crate) fn new(handle: Handle<'call>) -> Self {
        Self(handle)
    }
}

impl Audit for PamAudit<'_> {
    fn record(&self, severity: Severity, line: &str) {
        self.0.log(libc::LOG_AUTHPRIV | priority(severity), line);
    }
}

/// syslog(3)'s word for it.
fn priority(severity: Severity) -> c_int {
    match severity {
        Severity::Debug => libc::LOG_DEBUG,
        Severity::Info => libc::LOG_INFO,
        Severity::Notice => libc::LOG_NOTICE,
        Severity::Warning => libc::LOG_WARNING,
        Severity::Error => libc::LOG_ERR,
    }
}
