//! Whose factors they are: a code from one of them, before another is added or the last is taken away.

use crate::call::{Call, Installation};
use crate::error::{Error, to_admin};
use crate::terminal::Terminal;
use herald_core::account::UserName;
use herald_core::login::{Verdict, authenticate};

/// Asks for a code from a factor that the user has: the dialogue of a login under the service `herald`, with all its
/// limits. Who has none, or for whom somebody vouches, is not asked.
pub(crate) fn existing_factor(
    call: &Call,
    installation: &Installation,
    user: &UserName,
    terminal: &mut Terminal,
    vouched: bool,
) -> Result<(), Error> {
    if vouched || installation.enrollment(user)?.active().next().is_none() {
        return Ok(());
    }
    if call.json || !terminal.is_interactive() {
        return Err(Error::ProofNeeded(user.to_string(), None));
    }
    terminal.show(&format!("{user} has a second factor already: first a code from it, or --force."));
    let attempt = call.attempt("herald", user, terminal);
    match authenticate(&call.machine, &attempt, terminal, &call.journal) {
        Verdict::Success => Ok(()),
        // Policy lets somebody in without a code; it does not prove who sits here.
        verdict => {
            let said = terminal.said().unwrap_or_else(|| "No code was typed.".to_owned());
            Err(Error::ProofNeeded(user.to_string(), Some(to_admin(&said, verdict).to_owned())))
        }
    }
}
