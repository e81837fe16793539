//! `input=append`: the line before the password module takes the code off what was typed, and keeps it for the line
//! behind it (pam_set_data(3)).

use super::handle::Handle;
use herald_core::audit::Audit;
use herald_core::login::{Attempt, Shapes, Verdict, appends};
use herald_core::secret::SecretBytes;

/// What is kept between the two lines of one transaction.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// What stood behind the password, until it is judged.
    pub(crate) end: Option<SecretBytes>,
    /// Whether the line behind the password module had its turn.
    pub(crate) judged: bool,
}

/// Does the work of the line before the password module, if this is that one: nobody typed a password yet. `shapes` says what a code can look like. Gives the attempt to decide for the line behind it,
/// and for one without `input=append`.
///
/// # Errors
/// The verdict of the line before the password module, which is done with it: `Ignore` if all went well.
pub(crate) fn line(
    handle: Handle<'_>,
    mut attempt: Attempt,
    audit: &dyn Audit,
    shapes: impl FnOnce(&Attempt, &dyn Audit) -> Result<Shapes, Verdict>,
) -> Result<Attempt, Verdict> {
    if !appends(&attempt.arguments) {
        return Ok(attempt);
    }
    // libpam forgets the password at the end of each pam_authenticate(3), and hosts call it again on the same handle.
    // So the password alone says where we stand; what an earlier call kept does not. One that was typed without us
    // leaves nothing kept: then this is the only line, and must not be passed.
    if attempt.authtok.is_some() || attempt.ssh_key {
        if let Some(kept) = handle.kept() {
            kept.judged = true;
            attempt.appended = kept.end.take();
        }
        return Ok(attempt);
    }
    take_off(handle, &attempt, audit, shapes)?;
    Err(Verdict::Ignore)
}

fn take_off(
    handle: Handle<'_>,
    attempt: &Attempt,
    audit: &dyn Audit,
    shapes: impl FnOnce(&Attempt, &dyn Audit) -> Result<Shapes, Verdict>,
) -> Result<(), Verdict> {
    let typed = handle.ask_for_authtok()?;
    let length = shapes(attempt, audit)?.end_of(typed.expose());
    let (password, end) = typed.expose().split_at(typed.expose().len().saturating_sub(length));
    let end = (length > 0).then(|| SecretBytes::from(end));
    if end.is_some() {
        handle.set_authtok(password)?;
    }
    handle.keep(Kept { end, judged: false })
}
