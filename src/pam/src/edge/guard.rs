//! No panic leaves a hook, and none is heard outside the log (rule 27).

use herald_core::audit::{Audit, Line, Severity};
use pam::constants::PamResultCode;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::{Mutex, Once, PoisonError};

/// Where the last panic of this process came from. One line of log only: that two threads of a host might mix up
/// theirs does no harm.
static PLACE: Mutex<Option<String>> = Mutex::new(None);

/// Runs a hook; a panic in it is PAM_SYSTEM_ERR and a line in the log.
pub(crate) fn guarded(audit: &dyn Audit, hook: impl FnOnce() -> PamResultCode) -> PamResultCode {
    silence();
    match catch_unwind(AssertUnwindSafe(hook)) {
        Ok(code) => code,
        Err(payload) => {
            // Its own Drop may panic, out here where nothing catches it: better lose a few bytes.
            std::mem::forget(payload);
            let place = PLACE.lock().unwrap_or_else(PoisonError::into_inner).take();
            let line = Line::new("error").because("a fault in the module").with_some("at", place);
            audit.record(Severity::Error, line.as_str());
            PamResultCode::PAM_SYSTEM_ERR
        }
    }
}

/// Replaces std's panic hook, which reads RUST_BACKTRACE and writes to the host's stderr. The module has its own
/// copy of std, so no other Rust code in the host notices, and once per load is enough.
fn silence() {
    static SILENCED: Once = Once::new();
    SILENCED.call_once(|| std::panic::set_hook(Box::new(remember)));
}

/// Keeps the source line, never the message: it may hold what a person typed.
fn remember(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(|location| {
        let file = location.file().rsplit('/').next().unwrap_or_default();
        format!("{file}:{}", location.line())
    });
    *PLACE.lock().unwrap_or_else(PoisonError::into_inner) = place;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[derive(Default)]
    struct Lines(RefCell<Vec<String>>);

    impl Audit for Lines {
        fn record(&self, _: Severity, line: &str) {
            self.0.borrow_mut().push(line.to_owned());
        }
    }

    /// A payload that panics again when it is dropped.
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            std::panic::panic_any(Bomb);
        }
    }

    #[test]
    fn rule_27_a_panic_is_a_system_error_whatever_its_payload() {
        let lines = Lines::default();
        assert_eq!(guarded(&lines, || panic!("the code is 123456")), PamResultCode::PAM_SYSTEM_ERR);
        assert_eq!(guarded(&lines, || std::panic::panic_any(Bomb)), PamResultCode::PAM_SYSTEM_ERR);
        assert_eq!(guarded(&lines, || PamResultCode::PAM_IGNORE), PamResultCode::PAM_IGNORE);
        let lines = lines.0.borrow();
        assert_eq!(lines.len(), 2, "{lines:?}");
        for line in lines.iter() {
            assert!(line.starts_with("error reason=a_fault_in_the_module at=guard.rs:"), "{line}");
            assert!(!line.contains("123456"), "{line}");
        }
    }
}
