//! `herald status`: who is enrolled how, and who is locked.

use crate::backup_codes::minute;
use crate::call::{Call, Installation};
use crate::command;
use crate::error::Error;
use crate::output::{Cell, Report, next, table};
use crate::own::again;
use crate::phrases::Texts;
use crate::voice::Voice;
use herald_core::account::UserName;
use herald_core::address::masked;
use herald_core::enrollment::{Enrollment, Factor, State};
use herald_core::machine::Machine;
use herald_core::store::Store;
use serde::Serialize;
use std::time::Duration;

#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    users: Vec<UserEntry<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(rename = "try", skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
}

#[derive(Serialize)]
struct UserEntry<'a> {
    user: &'a str,
    locked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    locked_seconds: Option<u64>,
    factors: Vec<FactorEntry<'a>>,
}

/// A factor as every document shows it.
#[derive(Serialize)]
pub(crate) struct FactorEntry<'a> {
    id: u32,
    channel: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    left: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    enrolled: Option<String>,
}

/// One person as found.
struct Standing {
    user: UserName,
    enrollment: Enrollment,
    locked: Option<Duration>,
}

pub(crate) fn run(call: &Call, command: &command::Status) -> Result<Report, Error> {
    let installation = call.installation()?;
    if !command.all {
        let standing = standing(call, &installation, call.user_or_trace(&command.whom, &installation)?)?;
        return Ok(report(call, &[standing], None, false));
    }
    let mut found = Vec::new();
    let mut trouble: Option<Error> = None;
    let mut users = installation.store.enrolled_users()?;
    users.sort();
    for user in users {
        match standing(call, &installation, user) {
            Ok(standing) => found.push(standing),
            Err(error) => trouble = trouble.or(Some(error)),
        }
    }
    Ok(report(call, &found, trouble.as_ref(), true))
}

fn standing(call: &Call, installation: &Installation, user: UserName) -> Result<Standing, Error> {
    let enrollment = installation.enrollment(&user)?;
    let ledger = installation.store.peek_ledger(&user)?;
    let locked = ledger.locked_for(call.machine.clock().now());
    Ok(Standing { user, enrollment, locked })
}

fn report(call: &Call, found: &[Standing], trouble: Option<&Error>, all: bool) -> Report {
    let trouble = trouble.map(|error| error.said(&call.voice));
    let (error, mend) = trouble.clone().unzip();
    let users = found.iter().map(Standing::entry).collect();
    let document = Document { ok: trouble.is_none(), users, error, mend };
    Report::new(&document, shown(call, found, all && trouble.is_none())).and_error(trouble)
}

impl Standing {
    fn entry(&self) -> UserEntry<'_> {
        UserEntry {
            user: self.user.as_str(),
            locked: self.locked.is_some(),
            locked_seconds: self.locked.map(|left| left.as_secs()),
            factors: self.enrollment.factors.iter().map(entry).collect(),
        }
    }
}

/// A factor for a document. Addresses are masked there, too: documents end up in logs.
pub(crate) fn entry(factor: &Factor) -> FactorEntry<'_> {
    FactorEntry {
        id: factor.id,
        channel: &factor.channel,
        address: factor.address.as_deref().map(|address| masked(&factor.channel, address)),
        label: factor.label.as_deref(),
        left: factor.codes.as_ref().map(Vec::len),
        expires: factor.expires.map(|time| time.to_string()),
        state: factor.state.as_str(),
        enrolled: factor.enrolled.map(|time| time.to_string()),
    }
}

fn shown(call: &Call, found: &[Standing], all: bool) -> String {
    let voice = &call.voice;
    let heads: [fn(&Texts) -> &'static str; 6] = [
        |texts| texts.head_user,
        |texts| texts.head_channel,
        |texts| texts.head_address,
        |texts| texts.head_label,
        |texts| texts.head_state,
        |texts| texts.head_enrolled,
    ];
    let mut rows = vec![heads.into_iter().map(|head| Cell::heading(voice.word(head))).collect()];
    for standing in found {
        rows.extend(standing.enrollment.factors.iter().map(|factor| row(voice, &standing.user, factor)));
    }
    let mut text = String::new();
    if rows.len() > 1 {
        text.push_str(&table(&rows));
    }
    if all && rows.len() == 1 {
        text.push_str(&format!("{}\n", voice.word(|texts| texts.nobody_enrolled)));
    }
    for Standing { user, enrollment, locked } in found {
        let user = user.as_str();
        if enrollment.factors.is_empty() && !all {
            text.push_str(&format!("{}\n", voice.say(|texts| texts.nothing_enrolled_for, &[("user", user)])));
            text.push_str(&next(&again(call, "enroll telegram", &UserName::new(user))));
        }
        if let Some(left) = locked {
            let time = voice.phrases().time(rounded(*left));
            text.push_str(&format!("{}\n", voice.say(|texts| texts.locked_for, &[("user", user), ("time", &time)])));
            text.push_str(&next(&format!("sudo herald unlock {user}")));
        }
    }
    text
}

fn row(voice: &Voice, user: &UserName, factor: &Factor) -> Vec<Cell> {
    let FactorEntry { channel, address, label, left, enrolled, .. } = entry(factor);
    let date = enrolled.as_deref().and_then(|time| time.split('T').next());
    let until =
        factor.expires.map(|time| voice.say(|texts| texts.until, &[("time", &minute(time))])).unwrap_or_default();
    let codes_left = |left: usize| {
        let text = |texts: &Texts| if left == 1 { texts.codes_left_one } else { texts.codes_left_many };
        voice.say(text, &[("left", &left.to_string())]) + &until
    };
    let state = voice.word(|texts| match factor.state {
        State::Active => texts.active,
        State::Pending => texts.pending,
        State::Disabled => texts.disabled,
    });
    vec![
        Cell::new(user.as_str()),
        Cell::new(channel),
        Cell::maybe(address.or_else(|| left.map(codes_left))),
        Cell::maybe(label),
        if factor.state == State::Active { Cell::verdict(true, &state) } else { Cell::new(state) },
        Cell::maybe(date),
    ]
}

/// Up to the full second: "0s" would be a lie.
fn rounded(left: Duration) -> Duration {
    Duration::from_millis(u64::try_from(left.as_millis()).unwrap_or(u64::MAX).div_ceil(1000) * 1000)
}
