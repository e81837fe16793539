//! The one table from verdicts to PAM codes (interface §3).

use herald_core::login::Verdict;
use pam::constants::PamResultCode;

/// The code of a verdict.
pub(crate) fn code(verdict: Verdict) -> PamResultCode {
    match verdict {
        Verdict::Success => PamResultCode::PAM_SUCCESS,
        Verdict::Ignore => PamResultCode::PAM_IGNORE,
        Verdict::AuthError => PamResultCode::PAM_AUTH_ERR,
        Verdict::MaxTries => PamResultCode::PAM_MAXTRIES,
        Verdict::PermissionDenied => PamResultCode::PAM_PERM_DENIED,
        Verdict::AuthInfoUnavailable => PamResultCode::PAM_AUTHINFO_UNAVAIL,
        Verdict::UserUnknown => PamResultCode::PAM_USER_UNKNOWN,
        Verdict::ConversationError => PamResultCode::PAM_CONV_ERR,
        Verdict::ServiceError => PamResultCode::PAM_SERVICE_ERR,
        Verdict::SystemError => PamResultCode::PAM_SYSTEM_ERR,
    }
}
