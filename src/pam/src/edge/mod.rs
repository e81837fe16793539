//! Between libpam and a decision: everything that every hook of the module does around it.

mod append;
mod attempt;
mod audit;
mod choice_list;
mod conversation;
mod guard;
mod handle;
mod verdict;

use herald_core::audit::{Audit, Severity};
use herald_core::conversation::Conversation;
use herald_core::login::{Attempt, Shapes, Verdict};
use pam::constants::{PamFlag, PamResultCode};
use pam::module::PamHandle;
use std::ffi::CStr;
use std::time::Duration;

use audit::PamAudit;
use conversation::PamConversation;
use handle::Handle;

/// How long libpam shall wait before it tells the host of a refusal (rule 22). libpam varies it by half.
const FAIL_DELAY: Duration = Duration::from_secs(2);

/// pam_sm_setcred(3). A code that was taken off and never judged means that our second line is missing, and that somebody
/// was let in without it. libpam gives what is returned here no weight behind PAM_IGNORE, so the log says it loudly.
pub(crate) fn set_credentials(pamh: &mut PamHandle) -> PamResultCode {
    let handle = Handle::new(pamh);
    guard::guarded(&PamAudit::new(handle), || match handle.kept() {
        Some(kept) if !kept.judged => {
            let text = "input=append stands once: it has to stand behind the password module, too";
            PamAudit::new(handle)
                .record(Severity::Error, herald_core::audit::Line::new("error").because(text).as_str());
            PamResultCode::PAM_CRED_ERR
        }
        // Success, not PAM_IGNORE: cron and systemd call this on stacks that never authenticated (rule 28).
        _ => PamResultCode::PAM_SUCCESS,
    })
}

/// pam_sm_authenticate(3): copies the attempt out of the handle, has it decided, translates the verdict.
pub(crate) fn authenticate(
    pamh: &mut PamHandle,
    arguments: &[&CStr],
    flags: PamFlag,
    shapes: impl FnOnce(&Attempt, &dyn Audit) -> Result<Shapes, Verdict>,
    decide: impl FnOnce(&Attempt, &mut dyn Conversation, &dyn Audit) -> Verdict,
) -> PamResultCode {
    let handle = Handle::new(pamh);
    let audit = PamAudit::new(handle);
    let code = guard::guarded(&audit, || {
        let attempt = attempt::attempt(handle, arguments);
        let verdict = match attempt.and_then(|attempt| append::line(handle, attempt, &audit, shapes)) {
            Ok(attempt) => {
                let mut conversation = PamConversation::new(handle, flags, attempt.service.starts_with("gdm"));
                decide(&attempt, &mut conversation, &audit)
            }
            Err(verdict) => verdict,
        };
        verdict::code(verdict)
    });
    if !matches!(code, PamResultCode::PAM_SUCCESS | PamResultCode::PAM_IGNORE) {
        handle.delay_refusal(FAIL_DELAY);
    }
    code
}

/// Any other hook: only kept from unwinding into the host.
pub(crate) fn guarded(pamh: &mut PamHandle, hook: impl FnOnce() -> PamResultCode) -> PamResultCode {
    guard::guarded(&PamAudit::new(Handle::new(pamh)), hook)
}
