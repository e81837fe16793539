//! `herald enroll --from FILE.csv`: a list of people. It is checked as a whole, and then enrolled as a whole.

use super::begun::Begun;
use super::{csv, passwd};
use crate::call::Call;
use crate::command::Enroll;
use crate::error::Error;
use crate::national;
use crate::output::Report;
use crate::phrases::Texts;
use crate::terminal::Terminal;
use crate::voice::Voice;
use herald_core::account::{UserName, Users};
use herald_core::address::masked;
use herald_core::machine::Machine;
use herald_core::registrar::{RegistrarError, Row, Standing};
use herald_core::text::display_line;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;

const COLUMNS: [&str; 4] = ["user", "channel", "address", "label"];
/// The longest list, in bytes: some hundred thousand lines.
const LONGEST: u64 = 16 << 20;
/// From so many names on it is quicker to ask for all accounts at once.
const MANY: usize = 100;

#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    changed: bool,
    dry_run: bool,
    enrolled: usize,
    already: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(rename = "try", skip_serializing_if = "Option::is_none")]
    mend: Option<String>,
    rows: &'a [Line],
}

/// One line of the report. Addresses are masked, as everywhere.
#[derive(Serialize)]
struct Line {
    line: usize,
    user: String,
    channel: String,
    address: String,
    result: &'static str,
    #[serde(skip_serializing_if = "String::is_empty")]
    detail: String,
}

pub(crate) fn run(call: &Call, path: &Path, command: &Enroll) -> Result<Report, Error> {
    let installation = call.installation()?;
    let terminal = call.terminal();
    let records = records(path)?;
    let mut lines = Vec::with_capacity(records.len());
    let mut rows = Vec::with_capacity(records.len());
    let names = Names::of(&records, &call.machine)?;
    for record in &records {
        let checked = row(&call.voice, record, &names, &installation.config.default_country);
        let field = |position: usize| record.fields.get(position).map(String::as_str).unwrap_or_default();
        lines.push(Line {
            line: record.line,
            user: display_line(field(0), 64),
            channel: display_line(field(1), 32),
            address: masked(field(1), field(2)),
            result: if checked.is_ok() { "enrolled" } else { "error" },
            detail: checked.as_ref().err().cloned().unwrap_or_default(),
        });
        rows.push(checked);
    }
    installation.store.prepare()?;
    let registrar = installation.registrar(call);
    // What is wrong is looked for in all lines, also behind the first that is.
    let (places, good): (Vec<usize>, Vec<Row>) =
        rows.into_iter().enumerate().filter_map(|(place, row)| Some((place, row.ok()?))).unzip();
    let plan = match registrar.plan_many(&good) {
        Ok(plan) => plan,
        Err(errors) => {
            for error in errors {
                if let Some(line) = places.get(error.row).and_then(|place| lines.get_mut(*place)) {
                    (line.result, line.detail) = ("error", explained(&call.voice, &line.channel, error.error));
                }
            }
            return Ok(refused(&call.voice, &lines));
        }
    };
    if places.len() < lines.len() {
        return Ok(refused(&call.voice, &lines));
    }
    for (place, standing) in places.iter().zip(&plan.standings) {
        if let (Some(line), Standing::Already) = (lines.get_mut(*place), standing) {
            line.result = "already";
        }
    }
    let changes = plan.changes();
    if !command.dry_run && changes > 0 {
        let bar = Bar { terminal: &terminal, all: changes };
        let begun = Begun::note(&installation, plan.changed())?;
        let written = registrar.enroll_many(&plan, &mut |done| bar.show(done), &|| begun.end());
        bar.end();
        written.map_err(|error| Error::Registrar { user: "everybody".to_owned(), what: String::new(), error })?;
    }
    Ok(done(&call.voice, &lines, command.dry_run, &terminal))
}

fn done(voice: &Voice, lines: &[Line], dry_run: bool, terminal: &Terminal) -> Report {
    let count = |result: &str| lines.iter().filter(|line| line.result == result).count();
    let (enrolled, already) = (count("enrolled"), count("already"));
    let changed = enrolled > 0 && !dry_run;
    let document = Document { ok: true, changed, dry_run, enrolled, already, error: None, mend: None, rows: lines };
    let counts = [("count", &*enrolled.to_string()), ("already", &already.to_string())];
    let text = |texts: &Texts| if dry_run { texts.many_would_be } else { texts.many_enrolled };
    terminal.show(&voice.say(text, &counts));
    Report::new(&document, report(lines))
}

fn refused(voice: &Voice, lines: &[Line]) -> Report {
    let wrong = lines.iter().filter(|line| line.result == "error").count();
    let counts = [("wrong", &*wrong.to_string()), ("all", &lines.len().to_string())];
    let problem = voice.say(|texts| texts.lines_wrong, &counts);
    let mend = voice.word(|texts| texts.mend_lines);
    let rows: Vec<Line> = lines
        .iter()
        .filter(|line| line.result == "error")
        .map(|line| Line {
            line: line.line,
            user: line.user.clone(),
            channel: line.channel.clone(),
            address: line.address.clone(),
            result: line.result,
            detail: line.detail.clone(),
        })
        .collect();
    let document = Document {
        ok: false,
        changed: false,
        dry_run: false,
        enrolled: 0,
        already: 0,
        error: Some(problem.clone()),
        mend: Some(mend.clone()),
        rows: &rows,
    };
    Report::new(&document, report(&rows)).and_error(Some((problem, mend)))
}

/// For people and spreadsheets.
fn report(lines: &[Line]) -> String {
    let mut text = csv::line(&["line", "user", "channel", "address", "result", "detail"]);
    for line in lines {
        let number = line.line.to_string();
        text.push_str(&csv::line(&[&number, &line.user, &line.channel, &line.address, line.result, &line.detail]));
    }
    text
}

fn records(path: &Path) -> Result<Vec<csv::Record>, Error> {
    let wrong = |problem: String| Error::Foreign(path.to_owned(), problem, "user,channel,address,label".to_owned());
    let mut text = String::new();
    let file: Result<Box<dyn Read>, _> = if path == Path::new("-") {
        Ok(Box::new(std::io::stdin()))
    } else {
        File::open(path).map(|file| -> Box<dyn Read> { Box::new(file) })
    };
    let file = file.map_err(|error| Error::unreadable(path, &error))?;
    let length = file.take(LONGEST + 1).read_to_string(&mut text).map_err(|error| Error::unreadable(path, &error))?;
    if length as u64 > LONGEST {
        return Err(wrong("it is longer than 16 MiB".to_owned()));
    }
    let mut records = csv::read(&text).map_err(|line| wrong(format!("line {line}: the quotes do not fit")))?;
    let is_heading =
        |record: &csv::Record| record.fields.iter().zip(COLUMNS).all(|(field, name)| field.eq_ignore_ascii_case(name));
    if records.first().is_some_and(is_heading) {
        records.remove(0);
    }
    if records.is_empty() { Err(wrong("there is nobody in it".to_owned())) } else { Ok(records) }
}

fn row(voice: &Voice, record: &csv::Record, names: &Names, country: &str) -> Result<Row, String> {
    let (user, channel, address, label) = match record.fields.as_slice() {
        [user, channel, address] => (user, channel, address, ""),
        [user, channel, address, label] => (user, channel, address, label.as_str()),
        fields => return Err(voice.say(|texts| texts.line_fields, &[("count", &fields.len().to_string())])),
    };
    let user = names.account(user).ok_or_else(|| voice.word(|texts| texts.nobody_of_that_name))?;
    let label = (!label.is_empty()).then(|| label.to_owned());
    let address = national::international(channel, address, country).map_err(|unclear| {
        let (problem, mend) = voice.unclear_number(unclear, country);
        format!("{problem}: {mend}")
    })?;
    Ok(Row { user, channel: channel.clone(), address, label })
}

fn explained(voice: &Voice, channel: &str, error: RegistrarError) -> String {
    let is_address = matches!(error, RegistrarError::Address(_));
    let (problem, mend) = Error::Registrar { user: String::new(), what: channel.to_owned(), error }.said(voice);
    if is_address { format!("{problem}: {mend}") } else { problem }
}

/// The accounts that a list names, by the names that it uses (rule 1).
struct Names(BTreeMap<String, UserName>);

impl Names {
    fn of(records: &[csv::Record], machine: &dyn Machine) -> Result<Self, Error> {
        let wanted: BTreeSet<&String> = records.iter().filter_map(|record| record.fields.first()).collect();
        let mut names = BTreeMap::new();
        if wanted.len() >= MANY {
            for entry in passwd::everybody()? {
                names.insert(entry.name.clone(), UserName::new(entry.name));
            }
        }
        for name in wanted {
            if !names.contains_key(name) {
                if let Some(account) = Users::find(machine.users(), name).map_err(Error::Users)? {
                    names.insert(name.clone(), account.name);
                }
            }
        }
        Ok(Self(names))
    }

    fn account(&self, name: &str) -> Option<UserName> {
        self.0.get(name).cloned()
    }
}

/// How far it is, where somebody looks on.
struct Bar<'a> {
    terminal: &'a Terminal,
    all: usize,
}

impl Bar<'_> {
    const WIDTH: usize = 40;

    fn show(&self, done: usize) {
        let step = (self.all / 100).max(1);
        if self.is_seen() && (done % step == 0 || done == self.all) {
            let full = done * Self::WIDTH / self.all.max(1);
            let text = format!("[{}{}] {done} of {}", "#".repeat(full), " ".repeat(Self::WIDTH - full), self.all);
            self.terminal.show_here(Some(&text));
        }
    }

    fn end(&self) {
        if self.is_seen() {
            self.terminal.show_here(None);
        }
    }

    fn is_seen(&self) -> bool {
        self.terminal.is_screen()
    }
}
