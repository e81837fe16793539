//! `herald enable`, `disable`, `remove`, `prefer`, `unlock` and `forget`: the registry of who may use what.

use crate::call::{Call, Installation};
use crate::command::{Named, Remove, Unlock, Whom};
use crate::error::Error;
use crate::output::{Changed, Report};
use crate::phrases::Texts;
use crate::proof::existing_factor;
use herald_core::account::UserName;
use herald_core::enrollment::State;
use herald_core::registrar::RegistrarError;
use serde::Serialize;
use serde_json::json;

pub(crate) fn switch(call: &Call, named: &Named, on: bool) -> Result<Report, Error> {
    let place = Place::of(call, named)?;
    let changed = place.installation.registrar(call).switch(&place.user, &named.factor, on);
    place.report(changed, if on { |texts| texts.is_enabled } else { |texts| texts.is_disabled })
}

/// What is not there is removed already. The last factor goes only with a code from it.
pub(crate) fn remove(call: &Call, command: &Remove) -> Result<Report, Error> {
    let place = Place::of(call, &command.named)?;
    let registrar = place.installation.registrar(call);
    let factor = match registrar.select(&place.user, &command.named.factor) {
        Err(RegistrarError::NotEnrolled(_)) => return place.report(Ok(false), |texts| texts.is_not_enrolled),
        Err(error) => return place.report(Err(error), |texts| texts.is_not_enrolled),
        Ok(factor) => factor,
    };
    let enrollment = place.installation.enrollment(&place.user)?;
    let last = factor.state == State::Active && enrollment.active().all(|other| other.id == factor.id);
    // Who has no account any more cannot be asked; a user database that fails says nothing of the kind (rule 1).
    let gone = match call.user(&command.named.whom) {
        Ok(_) => false,
        Err(Error::NoSuchUser(_)) => true,
        Err(error) => return Err(error),
    };
    let vouched = command.force || (!call.own && (gone || !last));
    existing_factor(call, &place.installation, &place.user, &mut call.terminal(), vouched)?;
    place.report(registrar.remove(&place.user, &command.named.factor), |texts| texts.is_removed)
}

pub(crate) fn prefer(call: &Call, named: &Named) -> Result<Report, Error> {
    let place = Place::of(call, named)?;
    let changed = place.installation.registrar(call).prefer(&place.user, &named.factor);
    place.report(changed, |texts| texts.comes_first)
}

pub(crate) fn unlock(call: &Call, command: &Unlock) -> Result<Report, Error> {
    let installation = call.installation()?;
    let whom = Whom { user: Some(command.user.clone()) };
    let user = call.user_or_trace(&whom, &installation)?;
    let changed = installation.registrar(call).unlock(&user).map_err(|error| failed(&user, "", error))?;
    let text = |texts: &Texts| if changed { texts.unlocked } else { texts.not_locked };
    let text = call.voice.say(text, &[("user", user.as_str())]);
    Ok(Report::new(&Changed::new(changed, json!({"user": user.as_str()})), text))
}

/// Forgets where somebody is not asked again (`policy.remember`).
pub(crate) fn forget(call: &Call, whom: &Whom) -> Result<Report, Error> {
    let installation = call.installation()?;
    let user = call.user_or_trace(whom, &installation)?;
    let changed = installation.registrar(call).forget(&user).map_err(|error| failed(&user, "", error))?;
    let text = |texts: &Texts| if changed { texts.places_forgotten } else { texts.no_place_remembered };
    let text = call.voice.say(text, &[("user", user.as_str())]);
    Ok(Report::new(&Changed::new(changed, json!({"user": user.as_str()})), text))
}

#[derive(Serialize)]
struct Document<'a> {
    user: &'a str,
    factor: &'a str,
}

/// Whose factor, and where it is kept.
struct Place<'a> {
    call: &'a Call,
    installation: Installation,
    user: UserName,
    factor: &'a str,
}

impl<'a> Place<'a> {
    fn of(call: &'a Call, named: &'a Named) -> Result<Self, Error> {
        let installation = call.installation()?;
        let user = call.user_or_trace(&named.whom, &installation)?;
        Ok(Self { call, installation, user, factor: &named.factor })
    }

    fn report(&self, changed: Result<bool, RegistrarError>, done: fn(&Texts) -> &'static str) -> Result<Report, Error> {
        let Self { call, user, factor, .. } = self;
        let changed = changed.map_err(|error| failed(user, factor, error))?;
        let mut text = call.voice.say(done, &[("user", user.as_str()), ("factor", factor)]);
        if !changed {
            text.push_str(&call.voice.word(|texts| texts.nothing_changed));
        }
        let document = Changed::new(changed, Document { user: user.as_str(), factor });
        Ok(Report::new(&document, text))
    }
}

fn failed(user: &UserName, factor: &str, error: RegistrarError) -> Error {
    Error::Registrar { user: user.to_string(), what: factor.to_owned(), error }
}
