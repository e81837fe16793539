//! `herald backup-codes`: codes on paper, shown once.

use crate::call::{Call, Installation};
use crate::command::BackupCodes;
use crate::error::Error;
use crate::output::{Changed, Report};
use crate::proof::existing_factor;
use herald_core::account::UserName;
use herald_core::clock::Timestamp;
use herald_core::config::parse_duration;
use herald_core::machine::Machine;
use herald_core::provider::{BACKUP_CHANNEL, spelled};
use herald_core::registrar::Codes;
use herald_core::secret::Secret;
use herald_core::text::{columns, display_line};
use serde::Serialize;
use std::time::Duration;

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
    let expires = command.expires.as_deref().map(|text| lifetime(text).map(|length| after(now, length))).transpose()?;
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
    let sheet = Sheet { host: call.machine.host_name(), user: &user, codes: &spelled, made: now, expires };
    let text = if command.print { sheet.card() } else { sheet.text() };
    Ok(Report::new(&Changed::new(true, document), text))
}

/// The first set, as it is offered behind an enrollment.
pub(crate) fn offered(call: &Call, installation: &Installation, user: &UserName) -> Result<String, Error> {
    let codes = make(call, installation, user, &Codes { count: SET, expires: None, further: false })?;
    let codes: Vec<Secret> = codes.iter().map(spelled).collect();
    let made = call.machine.clock().wall();
    Ok(Sheet { host: call.machine.host_name(), user, codes: &codes, made, expires: None }.text())
}

fn make(call: &Call, installation: &Installation, user: &UserName, wanted: &Codes) -> Result<Vec<Secret>, Error> {
    let made = installation.registrar(call).backup_codes(user, wanted);
    made.map_err(|error| Error::Registrar {
        user: user.to_string(),
        what: BACKUP_CHANNEL.to_owned(),
        error,
        said: None,
    })
}

fn lifetime(text: &str) -> Result<Duration, Error> {
    let length = parse_duration(text).filter(|length| (MINUTE..=YEAR).contains(length));
    length.ok_or_else(|| {
        Error::Usage("--expires takes 1m to 8784h, like 1h or 1h30m".to_owned(), "--expires 1h".to_owned())
    })
}

fn after(now: Timestamp, length: Duration) -> Timestamp {
    Timestamp::from_unix(now.unix().saturating_add(length.as_secs()))
}

/// What is put on paper.
struct Sheet<'a> {
    host: String,
    user: &'a UserName,
    codes: &'a [Secret],
    made: Timestamp,
    expires: Option<Timestamp>,
}

impl Sheet<'_> {
    fn text(&self) -> String {
        let Self { user, .. } = self;
        let mut text = format!("Backup codes for {user} at {}, each good once:\n\n", display_line(&self.host, 64));
        for pair in self.codes.chunks(2) {
            text.push_str(&format!("  {}\n", line(pair)));
        }
        let until = self.expires.map(|time| format!(" They end at {time}.")).unwrap_or_default();
        text.push_str(&format!("\nThey are shown only now: keep them where the phone is not.{until}\n"));
        text
    }

    /// A card for the purse.
    fn card(&self) -> String {
        let edge = format!("+{}+\n", "-".repeat(CARD));
        let row = |text: &str| {
            let text = display_line(text, CARD - 2);
            format!("| {text}{} |\n", " ".repeat((CARD - 2).saturating_sub(columns(&text))))
        };
        let day = |time: Timestamp| time.to_string().split('T').next().unwrap_or_default().to_owned();
        let mut card = edge.clone();
        card.push_str(&row(&format!("{} at {}", self.user, self.host)));
        card.push_str(&row(&format!("Backup codes, {}", day(self.made))));
        card.push_str(&row(""));
        for pair in self.codes.chunks(2) {
            card.push_str(&row(&line(pair)));
        }
        card.push_str(&row(""));
        card.push_str(&row(&match self.expires {
            Some(time) => format!("Good once, until {}", time.to_string().replace('T', " ")),
            None => "Each is good once.".to_owned(),
        }));
        card + &edge
    }
}

fn line(codes: &[Secret]) -> String {
    codes.iter().map(Secret::expose).collect::<Vec<_>>().join("   ")
}
