//! `herald enroll totp`: an authenticator app, and a code that it shows.

use super::Desk;
use crate::error::Error;
use crate::output::BOLD;
use crate::qr;
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
    let tty = desk.terminal.name();
    let proved = registrar.prove_app(&desk.user, &app, &tty, &mut desk.terminal);
    proved.map_err(|error| desk.failed(error))?;
    Ok((true, desk.installation.enrollment(&desk.user)?.factor(app.factor.id).cloned()))
}

/// `--secret -`: a line of stdin, never an argument (rule 33).
fn secret(desk: &Desk<'_>) -> Result<Option<Secret>, Error> {
    let Some(wanted) = &desk.command.secret else {
        if desk.command.assume_verified || desk.call.json {
            let problem = "without a code nobody knows whether the app has the secret".to_owned();
            return Err(Error::Usage(
                problem,
                "leave the option out, or give the app's own secret: --secret -".to_owned(),
            ));
        }
        return Ok(None);
    };
    if wanted != "-" {
        let problem = "a secret is not given on the command line, where others can see it".to_owned();
        return Err(Error::Usage(problem, "--secret - and the secret on stdin".to_owned()));
    }
    let line = desk.terminal.line("Secret of the app (base32): ", false);
    line.map(Some).ok_or_else(|| desk.failed(RegistrarError::Secret))
}

fn show(desk: &Desk<'_>, app: &App) {
    let Desk { terminal, command, .. } = desk;
    let form = if command.plain { Some(qr::Qr::None) } else { command.qr };
    let drawn = qr::drawn(app.uri.expose(), form, terminal);
    let how = if drawn.is_some() {
        "Scan this with the app, or type the secret into it"
    } else {
        "Give this secret to the app"
    };
    terminal.show(&format!("{how} (time based, 6 digits, 30 seconds):"));
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
