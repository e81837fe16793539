//! Between libpam and a decision: everything that every hook of the module does around it.

mod attempt;
mod audit;
mod conversation;
mod guard;
mod handle;
mod verdict;

use herald_core::audit::Audit;
use herald_core::conversation::Conversation;
use herald_core::login::{Attempt, Verdict};
use pam::constants::{PamFlag, PamResultCode};
use pam::module::PamHandle;
use std::ffi::CStr;
use std::time::Duration;

use audit::PamAudit;
use conversation::PamConversation;
use handle::Handle;

/// How long libpam shall wait before it tells the host of a refusal (rule 22). libpam varies it by half.
const FAIL_DELAY: Duration = Duration::from_secs(2);

/// pam_sm_authenticate(3): copies the attempt out of the handle, has it decided, translates the verdict.
pub(crate) fn authenticate(
    pamh: &mut PamHandle,
    arguments: &[&CStr],
    flags: PamFlag,
    decide: impl FnOnce(&Attempt, &mut dyn Conversation, &dyn Audit) -> Verdict,
) -> PamResultCode {
    let handle = Handle::new(pamh);
    let code = guard::guarded(&PamAudit::new(handle), || {
        let verdict = match attempt::attempt(handle, arguments) {
            Ok(attempt) => decide(&attempt, &mut PamConversation::new(handle, flags), &PamAudit::new(handle)),
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
