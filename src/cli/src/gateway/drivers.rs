//! `herald gateway drivers`: what can be configured, in the drivers' own words.

use super::{describe, driver_named};
use crate::call::{Call, Installation};
use crate::error::Error;
use crate::output::{BOLD, Report, wrapped};
use herald_core::config::Config;
use herald_core::courier::{Driver, FieldHelp};
use herald_core::machine::FileError;
use herald_sys::process;
use serde::Serialize;
use std::fmt::Write;

#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    drivers: Vec<DriverEntry<'a>>,
}

#[derive(Serialize)]
struct DriverEntry<'a> {
    driver: &'a str,
    channel: &'a str,
    addresses: &'a [String],
    fields: Vec<FieldEntry<'a>>,
}

#[derive(Serialize)]
struct FieldEntry<'a> {
    name: &'a str,
    secret: bool,
    required: bool,
    help: &'a str,
}

pub(super) fn run(call: &Call, name: Option<&str>) -> Result<Report, Error> {
    let Installation { config, courier, .. } = Installation::of(readable_config(call)?);
    let mut drivers = describe(&courier, &config)?;
    if let Some(name) = name {
        drivers = vec![driver_named(drivers, name)?];
    }
    let document = Document { ok: true, drivers: drivers.iter().map(entry).collect() };
    let text: Vec<String> = drivers.iter().map(shown).collect();
    Ok(Report::new(&document, text.join("\n")))
}

/// The list is no secret, the configuration is: whoever may not read it gets the list of the usual place.
fn readable_config(call: &Call) -> Result<Config, Error> {
    match call.config() {
        Err(Error::File(FileError::Failed(_))) if process::effective_uid() != 0 && !call.named => Ok(Config::default()),
        other => other,
    }
}

fn entry(driver: &Driver) -> DriverEntry<'_> {
    let fields = driver.fields.iter().map(|FieldHelp { name, secret, required, help }| FieldEntry {
        name,
        secret: *secret,
        required: *required,
        help,
    });
    DriverEntry {
        driver: &driver.name,
        channel: channel(driver),
        addresses: &driver.addresses,
        fields: fields.collect(),
    }
}

/// A driver without a channel of its own serves the one that the gateway names.
fn channel(driver: &Driver) -> &str {
    if driver.channel.is_empty() { "any" } else { &driver.channel }
}

fn shown(driver: &Driver) -> String {
    let mut text = format!("{BOLD}{}{BOLD:#}\n", driver.name);
    let _ = writeln!(text, "  channel    {}", channel(driver));
    let _ = writeln!(text, "  addresses  {}", driver.addresses.join(", "));
    for field in &driver.fields {
        let kind = match (field.required, field.secret) {
            (true, true) => "required, secret",
            (true, false) => "required",
            (false, true) => "secret",
            (false, false) => "may be left out",
        };
        let _ = writeln!(text, "  {}: {kind}", field.name);
        text.push_str(&wrapped(&field.help, 4));
    }
    text
}
