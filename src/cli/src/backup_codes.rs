//! `herald backup-codes`: codes on paper, shown once.

use crate::call::{Call, Installation};
use crate::command::BackupCodes;
use crate::error::Error;
use crate::output::{Changed, Report};
use crate::proof::existing_factor;
use crate::voice::Voice;
use herald_core::account::UserName;
use herald_core::clock::Timestamp;
use herald_core::config::parse_duration;
use herald_core::machine::Machine;
use herald_core::provider::{BACKUP_CHANNEL, spelled};
use herald_core::registrar::Codes;
use herald_core::secret::Secret;
use herald_core::text::display_line;
use serde::Serialize;
use std::time::Duration;
use unicode_width::UnicodeWidthStr;

/// As many as one set has.
const SET: usize = 10;
const MINUTE: Duration = Duration::from_secs(60);
const YEAR: Duration = Duration::from_secs(366 * 24 * 60 * 60);
/// The inside of a card of 85 by 54 mm, at ten characters to the inch.
const CARD: usize = 30;

#[derive(Serialize)]
struct Document<'a> {
    user: &'a str,
    codes: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

pub(crate) fn run(call: &Call, command: &BackupCodes) -> Result<Report, Error> {
    let user = call.user(&command.whom)?;
    let now = call.machine.clock().wall();
    let expires = command
        .expires
        .as_deref()
        .map(|text| lifetime(&call.voice, text).map(|length| after(now, length)))
        .transpose()?;
    let installation = call.installation()?;
    installation.store.prepare()?;
    let mut terminal = call.terminal();
    existing_factor(call, &installation, &user, &mut terminal, command.force)?;
    let further = command.count.is_some() || expires.is_some();
    let count = command.count.map_or(SET, usize::from);
    let codes = make(call, &installation, &user, &Codes { count, expires, further })?;
    let spelled: Vec<Secret> = codes.iter().map(spelled).collect();
    let document = Document {
        user: user.as_str(),
        codes: spelled.iter().map(Secret::expose).collect(),
        expires: expires.map(|time| time.to_string()),
    };
    let host = call.machine.host_name();
    let sheet = Sheet { voice: &call.voice, host, user: &user, codes: &spelled, made: now, expires };
    let text = if command.print { sheet.card() } else { sheet.text() };
    Ok(Report::new(&Changed::new(true, document), text))
}

/// The first set, as it is offered behind an enrollment.
pub(crate) fn offered(call: &Call, installation: &Installation, user: &UserName) -> Result<String, Error> {
    let codes = make(call, installation, user, &Codes { count: SET, expires: None, further: false })?;
    let codes: Vec<Secret> = codes.iter().map(spelled).collect();
    let made = call.machine.clock().wall();
    let host = call.machine.host_name();
    Ok(Sheet { voice: &call.voice, host, user, codes: &codes, made, expires: None }.text())
}

fn make(call: &Call, installation: &Installation, user: &UserName, wanted: &Codes) -> Result<Vec<Secret>, Error> {
    let made = installation.registrar(call).backup_codes(user, wanted);
    made.map_err(|error| Error::Registrar { user: user.to_string(), what: BACKUP_CHANNEL.to_owned(), error })
}

fn lifetime(voice: &Voice, text: &str) -> Result<Duration, Error> {
    let length = parse_duration(text).filter(|length| (MINUTE..=YEAR).contains(length));
    length.ok_or_else(|| Error::Usage(voice.word(|texts| texts.lifetime_of_codes), "--expires 1h".to_owned()))
}

fn after(now: Timestamp, length: Duration) -> Timestamp {
    Timestamp::from_unix(now.unix().saturating_add(length.as_secs()))
}

/// What is put on paper.
struct Sheet<'a> {
    voice: &'a Voice,
    host: String,
    user: &'a UserName,
    codes: &'a [Secret],
    made: Timestamp,
    expires: Option<Timestamp>,
}

impl Sheet<'_> {
    fn text(&self) -> String {
        let Self { voice, user, .. } = self;
        let host = display_line(&self.host, 64);
        let mut text = voice.say(|texts| texts.codes_of, &[("user", user.as_str()), ("host", &host)]) + "\n\n";
        for pair in self.codes.chunks(2) {
            text.push_str(&format!("  {}\n", line(pair)));
        }
        let end = |time: Timestamp| voice.say(|texts| texts.codes_end, &[("time", &minute(time))]);
        let end = self.expires.map(end).unwrap_or_default();
        text.push_str(&format!("\n{}{end}\n", voice.word(|texts| texts.shown_only_now)));
        text
    }

    /// A card for the purse.
    fn card(&self) -> String {
        let Self { voice, user, host, .. } = self;
        let edge = format!("+{}+\n", "-".repeat(CARD));
        let row = |text: &str| {
            let mut text = display_line(text, CARD - 2);
            while text.width() > CARD - 2 {
                text.pop();
            }
            format!("| {text}{} |\n", " ".repeat(CARD - 2 - text.width()))
        };
        let mut card = edge.clone();
        let made = self.made.to_string();
        let day = made.split('T').next().unwrap_or_default();
        card.push_str(&row(&voice.say(|texts| texts.card_of, &[("user", user.as_str()), ("host", host)])));
        card.push_str(&row(&voice.say(|texts| texts.card_title, &[("day", day)])));
        card.push_str(&row(""));
        for pair in self.codes.chunks(2) {
            card.push_str(&row(&line(pair)));
        }
        card.push_str(&row(""));
        match self.expires {
            None => card.push_str(&row(&voice.word(|texts| texts.card_once))),
            Some(time) => {
                card.push_str(&row(&voice.word(|texts| texts.card_until)));
                card.push_str(&row(&minute(time)));
            }
        }
        card + &edge
    }
}

/// `2026-11-22 03:00 UTC`
pub(crate) fn minute(time: Timestamp) -> String {
    let text = time.to_string();
    format!("{} UTC", text.replace('T', " ").trim_end_matches('Z').rsplit_once(':').map_or("", |(minute, _)| minute))
}

fn line(codes: &[Secret]) -> String {
    codes.iter().map(Secret::expose).collect::<Vec<_>>().join("   ")
}
