//! One login, from the arguments of the module to the verdict.

use crate::audit::Audit;
use crate::conversation::Conversation;
use crate::machine::Machine;
use crate::secret::SecretBytes;

/// What the host asks for: one call of pam_sm_authenticate, or `herald try`.
#[derive(Debug, Default)]
pub struct Attempt {
    /// PAM_SERVICE.
    pub service: String,
    /// PAM_USER, bytes as the host gave them.
    pub user: Vec<u8>,
    /// PAM_RHOST; absent is empty.
    pub rhost: String,
    /// PAM_TTY; absent is empty.
    pub tty: String,
    /// PAM_RUSER: for log and message only (rule 2).
    pub ruser: String,
    /// PAM_AUTHTOK, if there is one.
    pub authtok: Option<SecretBytes>,
    /// Whether SSH_AUTH_INFO_0 in the PAM environment is there and not empty.
    pub ssh_key: bool,
    /// Root's own word, in `herald try`.
    pub vouched: bool,
    /// The arguments of the module line, as bytes.
    pub arguments: Vec<Vec<u8>>,
}

/// How a login ended: one for each PAM code that the module returns. `src/pam` translates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// PAM_SUCCESS
    Success,
    /// PAM_IGNORE
    Ignore,
    /// PAM_AUTH_ERR
    AuthError,
    /// PAM_MAXTRIES
    MaxTries,
    /// PAM_PERM_DENIED
    PermissionDenied,
    /// PAM_AUTHINFO_UNAVAIL
    AuthInfoUnavailable,
    /// PAM_USER_UNKNOWN
    UserUnknown,
    /// PAM_CONV_ERR
    ConversationError,
    /// PAM_SERVICE_ERR
    ServiceError,
    /// PAM_SYSTEM_ERR
    SystemError,
}

/// Runs one login.
pub fn authenticate(
    _machine: &dyn Machine,
    _attempt: &Attempt,
    _conversation: &mut dyn Conversation,
    _audit: &dyn Audit,
) -> Verdict {
    Verdict::SystemError
}
