//! Talking to the person: through PAM, a terminal, or any stream.

use crate::secret::SecretBytes;

/// What came back for one prompt.
#[derive(Debug)]
pub enum Reply {
    /// The person pressed Enter and nothing else.
    Empty,
    /// What was typed, as the host handed it over: any bytes but none of them NUL.
    Text(SecretBytes),
    /// The host gave what it knows as PAM_AUTHTOK, and said so instead of handing it over: hosts behind the broker.
    FirstFactor,
}

/// The host could not or would not show the prompt, or gave a NULL reply, or the person broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConversationError;

/// One conversation with the person at the door. One message per call (interface §4).
pub trait Conversation {
    /// Shows `prompt` and waits for one line. `echo` says whether it may be seen while typed.
    ///
    /// # Errors
    /// See [`ConversationError`]; the login is refused and nothing is counted.
    fn ask(&mut self, prompt: &str, echo: bool) -> Result<Reply, ConversationError>;
    /// Shows a list from which one is picked, counted from 0; `None` where the host has no such thing, or nothing is
    /// picked.
    fn choose(&mut self, _title: &str, _options: &[String]) -> Option<usize> {
        None
    }
    /// Shows why a login was refused. Always sent, also under PAM_SILENT (rule 30).
    fn error(&mut self, text: &str);
    /// Shows something that may be lost: PAM_SILENT mutes it (rule 30).
    fn info(&mut self, text: &str);
}
