//! Whose factors they are: a code from one of them, before another is added or the last is taken away.

use crate::call::{Call, Installation};
use crate::error::{Error, first_sentence};
use crate::phrases::Texts;
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
    if vouched || call.proved.get() || installation.enrollment(user)?.active().next().is_none() {
        return Ok(());
    }
    if call.json || !terminal.is_interactive() {
        return Err(Error::ProofNeeded(user.to_string(), None));
    }
    let first = |texts: &Texts| if call.own { texts.own_proof_first } else { texts.proof_first };
    terminal.show(&call.voice.say(first, &[("user", user.as_str())]));
    let attempt = call.attempt("herald", user);
    match authenticate(&call.machine, &attempt, terminal, &call.journal) {
        Verdict::Success => {
            call.proved.set(true);
            Ok(())
        }
        // Policy lets somebody in without a code; it does not prove who sits here.
        _ => {
            let said = terminal.said().unwrap_or_else(|| call.voice.phrases().nothing_typed());
            let said = Some(first_sentence(&said).to_owned());
            let user = user.to_string();
            Err(if call.own { Error::OwnProof(user, said) } else { Error::ProofNeeded(user, said) })
        }
    }
}
