//! `herald enroll totp`: an authenticator app, and a code that it shows.

use super::Desk;
use crate::error::Error;
use crate::output::BOLD;
use crate::phrases::Texts;
use crate::qr;
use crate::terminal::Terminal;
use herald_core::enrollment::Factor;
use herald_core::provider::TOTP_CHANNEL;
use herald_core::registrar::{App, RegistrarError};
use herald_core::secret::Secret;

/// Enrolls an app. Gives back whether anything changed, and what is enrolled.
pub(super) fn enroll(desk: &mut Desk<'_>) -> Result<(bool, Option<Factor>), Error> {
    let label = desk.command.label.as_deref();
    let given = secret(desk)?;
    let registrar = desk.installation.registrar(desk.call);
    if let (Some(secret), true) = (&given, desk.command.assume_verified) {
        let changed = registrar.vouch_app(&desk.user, label, secret).map_err(|error| desk.failed(error))?;
        let enrolled = desk.installation.enrollment(&desk.user)?;
        let named = enrolled.active().find(|factor| factor.channel == TOTP_CHANNEL && factor.label.as_deref() == label);
        return Ok((changed, named.cloned()));
    }
    let app = registrar.begin_app(&desk.user, label, given.as_ref()).map_err(|error| desk.failed(error))?;
    if app.is_enrolled() {
        return Ok((false, Some(app.factor)));
    }
    if given.is_none() {
        show(desk, &app);
    }
    let tty = Terminal::name();
    let proved = registrar.prove_app(&desk.user, &app, &tty, &mut desk.terminal);
    proved.map_err(|error| desk.failed(error))?;
    Ok((true, desk.installation.enrollment(&desk.user)?.factor(app.factor.id).cloned()))
}

/// `--secret -`: a line of stdin, never an argument (rule 33).
fn secret(desk: &Desk<'_>) -> Result<Option<Secret>, Error> {
    let Some(wanted) = &desk.command.secret else {
        if desk.command.assume_verified || desk.call.json {
            return Err(desk.usage(|texts| texts.app_unproved, |texts| texts.give_own_secret));
        }
        return Ok(None);
    };
    if wanted != "-" {
        return Err(desk.usage(|texts| texts.secret_in_the_open, |texts| texts.secret_on_stdin));
    }
    let line = desk.terminal.line(&desk.call.voice.word(|texts| texts.secret_of_app), false);
    line.map(Some).ok_or_else(|| desk.failed(RegistrarError::Secret))
}

fn show(desk: &Desk<'_>, app: &App) {
    let Desk { call, terminal, command, .. } = desk;
    let drawn = qr::drawn(app.uri.expose(), command.qr, terminal);
    let how = |texts: &Texts| if drawn.is_some() { texts.scan_with_app } else { texts.give_to_app };
    terminal.show(&call.voice.word(how));
    terminal.show(&format!("\n  {BOLD}{}{BOLD:#}\n", grouped(&app.secret).expose()));
    match drawn {
        Some(drawn) => terminal.show(&format!("{drawn}\n")),
        None => terminal.show(&format!("  {}\n", app.uri.expose())),
    }
}

/// In groups of four, as people read it aloud.
fn grouped(secret: &Secret) -> Secret {
    let mut text = String::with_capacity(secret.expose().len() * 2);
    for (position, character) in secret.expose().chars().enumerate() {
        if position > 0 && position % 4 == 0 {
            text.push(' ');
        }
        text.push(character);
    }
    Secret::new(text)
}
