//! `herald log`: what happened, from the machine's log.

mod entry;
mod files;
mod systemd;
mod time;

use crate::call::Call;
use crate::command;
use crate::error::Error;
use crate::output::{Cell, Report, table};
use crate::phrases::Texts;
use crate::voice::Voice;
use ::time::OffsetDateTime;
use entry::Entry;
use herald_core::machine::Machine;
use serde::Serialize;
use std::path::Path;

#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    entries: &'a [Entry],
}

pub(crate) fn run(call: &Call, command: &command::Log) -> Result<Report, Error> {
    let now = time::from_unix(call.machine.clock().wall().unix());
    let since = match &command.since {
        None => OffsetDateTime::UNIX_EPOCH,
        Some(text) => time::since(text, now).ok_or_else(|| {
            Error::Usage(
                format!("--since takes a time or how long ago it is, not {text}"),
                "--since 2h, 7d, today, 2026-11-22 or \"2026-11-22 02:00\"".to_owned(),
            )
        })?,
    };
    let mut entries = trail(since)?;
    if let Some(user) = &command.user {
        entries.retain(|entry| entry.value("user") == Some(user));
    }
    Ok(Report::new(&Document { ok: true, entries: &entries }, shown(&call.voice, &entries)))
}

/// The journal holds everything since it began; the files may hold what was before.
fn trail(since: OffsetDateTime) -> Result<Vec<Entry>, Error> {
    let journal = systemd::read(since);
    let files = files::read(Path::new("/"), since);
    if journal.is_none() && files.is_none() {
        return Err(Error::NoLog);
    }
    let journal = journal.unwrap_or_default();
    let mut entries = files.unwrap_or_default();
    if let Some(first) = journal.iter().map(|entry| entry.time.unix_timestamp()).min() {
        entries.retain(|entry| entry.time.unix_timestamp() < first);
    }
    entries.extend(journal);
    entries.retain(|entry| entry.time >= since);
    entries.sort_by_key(|entry| entry.time);
    Ok(entries)
}

/// Events and what belongs to them stand as in the log: one can look for them there.
fn shown(voice: &Voice, entries: &[Entry]) -> String {
    if entries.is_empty() {
        return voice.word(|texts| texts.nothing_logged) + "\n";
    }
    let heads: [fn(&Texts) -> &'static str; 5] = [
        |texts| texts.head_time,
        |texts| texts.head_user,
        |texts| texts.head_service,
        |texts| texts.head_event,
        |_| "",
    ];
    let mut rows: Vec<Vec<Cell>> = vec![heads.into_iter().map(|head| Cell::heading(voice.word(head))).collect()];
    rows.extend(entries.iter().map(row));
    let lines = table(&rows);
    lines.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

fn row(entry: &Entry) -> Vec<Cell> {
    let event = match entry.event.as_str() {
        event @ "verified" => Cell::verdict(true, event),
        event @ ("wrong" | "locked" | "refused" | "undelivered" | "error") => Cell::verdict(false, event),
        event => Cell::new(event),
    };
    let time = time::shown(entry.time);
    vec![Cell::new(time), Cell::maybe(entry.value("user")), Cell::new(&entry.service), event, Cell::new(entry.told())]
}
