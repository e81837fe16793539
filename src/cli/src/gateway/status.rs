//! `herald gateway status`: whether the services are there and know us.

use super::gateway_named;
use super::probe::{check_mend, condition};
use crate::call::Call;
use crate::error::{self, Error};
use crate::output::{Cell, Report, next, table_lines};
use herald_core::config::Gateway;
use serde::Serialize;

#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    gateways: &'a [Entry<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    #[serde(rename = "try", skip_serializing_if = "Option::is_none")]
    mend: Option<&'a str>,
}

#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    channel: &'a str,
    driver: &'a str,
    ok: bool,
    detail: String,
    milliseconds: u64,
    #[serde(skip_serializing_if = "String::is_empty")]
    mend: String,
}

pub(super) fn run(call: &Call, name: Option<&str>) -> Result<Report, Error> {
    let installation = call.installation()?;
    let gateways: Vec<&Gateway> = match name {
        Some(name) => vec![gateway_named(&installation.config, name)?],
        None => installation.config.gateways.iter().collect(),
    };
    if gateways.is_empty() {
        let (problem, mend) = ("no gateway is configured", "sudo herald gateway add telegram-bot");
        let document = Document { ok: false, gateways: &[], error: Some(problem), mend: Some(mend) };
        return Ok(Report::new(&document, "").and_error(Some((problem.to_owned(), mend.to_owned()))));
    }
    // One request each: a service that hangs takes nobody else's time.
    let entries: Vec<Entry<'_>> =
        gateways.iter().map(|gateway| entry(gateway, condition(call, &installation, gateway))).collect();
    let ok = entries.iter().all(|entry| entry.ok);
    Ok(Report::new(&Document { ok, gateways: &entries, error: None, mend: None }, shown(&entries)).with(ok))
}

fn entry<'a>(gateway: &'a Gateway, found: Result<herald_core::courier::Condition, Error>) -> Entry<'a> {
    let (ok, detail, mend, milliseconds) = match found {
        Ok(condition) => {
            let took = u64::try_from(condition.took.as_millis()).unwrap_or(u64::MAX);
            (condition.ok, condition.detail, condition.mend, took)
        }
        Err(Error::Faults(_, faults, _)) => (false, faults.join("; "), check_mend(), 0),
        Err(Error::Courier(error)) => {
            let (problem, mend) = error::courier(&error);
            (false, problem, mend, 0)
        }
        Err(other) => {
            let (problem, mend) = other.pair();
            (false, problem, mend, 0)
        }
    };
    let Gateway { name, channel, driver, .. } = gateway;
    Entry { name, channel, driver, ok, detail, milliseconds, mend }
}

fn shown(entries: &[Entry<'_>]) -> String {
    let row = |entry: &Entry<'_>| {
        vec![
            Cell::new(entry.name),
            Cell::new(entry.channel),
            Cell::verdict(entry.ok, if entry.ok { "ok" } else { "failed" }),
            Cell::new(format!("{} ms", entry.milliseconds)),
            Cell::new(&entry.detail),
        ]
    };
    let rows: Vec<Vec<Cell>> = entries.iter().map(row).collect();
    let mut text = String::new();
    for (entry, line) in entries.iter().zip(table_lines(&rows)) {
        text.push_str(&line);
        if !entry.mend.is_empty() {
            text.push_str(&format!("  {}", next(&entry.mend)));
        }
    }
    text
}
