//! `herald enroll`: from an address to a factor.

use crate::call::{Call, Installation};
use crate::command::Enroll;
use crate::error::Error;
use crate::gateway::describe;
use crate::output::{Changed, Report, next};
use crate::status::{FactorEntry, entry};
use herald_core::account::UserName;
use herald_core::address::{Form, shown};
use herald_core::enrollment::{Enrollment, Factor};
use herald_core::phrases;
use herald_core::registrar::{Newcomer, RegistrarError};
use serde::Serialize;

#[derive(Serialize)]
struct Document<'a> {
    user: &'a str,
    factor: Option<FactorEntry<'a>>,
}

pub(crate) fn run(call: &Call, command: &Enroll) -> Result<Report, Error> {
    let user = call.user(&command.whom)?;
    let installation = call.installation()?;
    let Some(address) = &command.address else { return Err(address_missing(command, &user, &installation)?) };
    let mut terminal = call.terminal();
    if call.json && terminal.is_interactive() && !command.assume_verified {
        return Err(Error::Usage(
            "with --json nothing is asked, and the code would have to be".to_owned(),
            "leave out --json, feed the code to stdin, or vouch: --assume-verified".to_owned(),
        ));
    }
    installation.store.prepare()?;
    let before = installation.enrollment(&user)?;
    let label = command.label.as_deref();
    let newcomer = Newcomer { user: &user, channel: &command.channel, address, label };
    let registrar = installation.registrar(call);
    let changed = if command.assume_verified {
        registrar.vouch(&newcomer)
    } else {
        registrar.enroll(&newcomer, &terminal.name(), &mut terminal)
    };
    let changed = changed.map_err(|error| failed(&user, &command.channel, error, terminal.said()))?;
    let after = installation.enrollment(&user)?;
    let factor = enrolled(&before, &after, &command.channel, address);
    let document = Changed::new(changed, Document { user: user.as_str(), factor: factor.map(entry) });
    Ok(Report::new(&document, text(&user, &command.channel, factor, changed, &installation)))
}

fn failed(user: &UserName, channel: &str, error: RegistrarError, said: Option<String>) -> Error {
    Error::Registrar { user: user.to_string(), what: channel.to_owned(), error, said }
}

/// The factor that the command was about: the one that changed, or that has this very address.
fn enrolled<'e>(before: &Enrollment, after: &'e Enrollment, channel: &str, address: &str) -> Option<&'e Factor> {
    let mut active = after.active().filter(|factor| factor.channel == channel);
    let mut same = after.active().filter(|factor| factor.channel == channel);
    let digits = |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
    let is_it = |factor: &&Factor| factor.address.as_deref().is_some_and(|known| digits(known) == digits(address));
    active.find(|factor| before.factor(factor.id) != Some(*factor)).or_else(|| same.find(is_it))
}

fn text(user: &UserName, channel: &str, factor: Option<&Factor>, changed: bool, installation: &Installation) -> String {
    let phrases = phrases::of(installation.config.language.as_deref().unwrap_or_default());
    let to = factor.map(|factor| format!(" to {}", shown(factor))).unwrap_or_default();
    let channel = phrases.channel(channel);
    if changed {
        format!("{user} can log in with a code by {channel}{to}.\n{}", next(&format!("sudo herald try --user {user}")))
    } else {
        format!("{user} is enrolled like this already: {channel}{to}.")
    }
}

/// What is taken, and where it is found.
fn address_missing(command: &Enroll, user: &UserName, installation: &Installation) -> Result<Error, Error> {
    let Enroll { channel, .. } = command;
    let drivers = describe(&installation.courier, &installation.config)?;
    let configured: Vec<&str> =
        installation.config.gateways_of(channel).map(|gateway| gateway.driver.as_str()).collect();
    if configured.is_empty() {
        return Ok(failed(user, channel, RegistrarError::NoGateway(channel.clone()), None));
    }
    let mut examples: Vec<&str> = Vec::new();
    let drivers = drivers.iter().filter(|driver| configured.contains(&driver.name.as_str()));
    for form in drivers.flat_map(|driver| &driver.addresses).filter_map(|name| Form::of_name(name)) {
        if !examples.contains(&form.example()) {
            examples.push(form.example());
        }
    }
    let mend = match channel.as_str() {
        "telegram" => format!(
            "in Telegram press START at our bot (herald gateway status names it) and write to @userinfobot, which \
             answers with the id; then: sudo herald enroll telegram ID --user {user}"
        ),
        _ => format!("sudo herald enroll {channel} ADDRESS --user {user}"),
    };
    Ok(Error::Usage(format!("{channel} needs an address: {}", examples.join(", or ")), mend))
}
