//! `herald gateway set`: a new token, another URL.

use super::add::{Document, Trial, same};
use super::fields;
use super::{describe, driver_named, gateway_named};
use crate::call::{Call, Installation};
use crate::edit::{self, Change, ConfigFile};
use crate::error::Error;
use crate::output::{Changed, Report};
use herald_core::courier::Field;

pub(super) fn run(call: &Call, name: &str, words: &[String], no_check: bool) -> Result<Report, Error> {
    let file = ConfigFile::open(call)?;
    let installation = Installation::of(file.config.clone());
    let known = gateway_named(&installation.config, name)?;
    let position = file.position(name);
    let driver = driver_named(describe(&installation.courier, &installation.config)?, &known.driver)?;
    let given = fields::parse(words, &driver, &format!("sudo herald gateway set {name}"))?;
    let (gone, given): (Vec<_>, Vec<_>) = given.into_iter().partition(fields::Given::is_empty);
    let mut removals: Vec<Change> = gone.into_iter().map(|given| (given.key, None)).collect();
    removals.extend(given.iter().map(|given| (partner(&given.key), None)));
    let keys = fields::values(given, &driver, &call.terminal())?;
    let trial = Trial { call, file: &file, installation: &installation, name, position, driver: &driver };
    let (text, gateway) = trial.fitting(keys, |keys| {
        let set = keys.iter().map(|(key, field): &(String, Field)| (key.clone(), Some(field.clone())));
        let changes: Vec<Change> = removals.iter().cloned().chain(set).collect();
        edit::update(file.text(), position.unwrap_or_default(), &changes)
    })?;
    if same(known, &gateway) {
        let text = format!("{name} is set up like this already.");
        return Ok(Report::new(&Changed::new(false, Document::of(&gateway, None)), text));
    }
    let detail = trial.ask_service(&gateway, no_check)?;
    file.write(&text)?;
    let who = detail.as_ref().map(|detail| format!(" It answers as {detail}.")).unwrap_or_default();
    let document = Changed::new(true, Document::of(&gateway, detail.as_deref()));
    Ok(Report::new(&document, format!("{name} is changed.{who}")))
}

/// A field and its file exclude each other: setting one takes the other out.
fn partner(key: &str) -> String {
    key.strip_suffix("_file").map_or_else(|| format!("{key}_file"), str::to_owned)
}
