//! `herald gateway add`: asks for what is missing, tries it, and only then writes it down.

use super::fields::{self, other_kind};
use super::probe::{condition, fault_text, faults};
use super::{describe, driver_named};
use crate::call::{Call, Installation};
use crate::edit::{self, Change, ConfigFile};
use crate::enroll::LINKED_DRIVER;
use crate::error::Error;
use crate::output::{Changed, Report, next};
use herald_core::config::{Gateway, GatewayField};
use herald_core::courier::{Driver, Fault, Field};
use serde::Serialize;
use zeroize::Zeroizing;

/// What the command line asks for.
pub(super) struct Wanted {
    pub(super) driver: String,
    pub(super) name: Option<String>,
    pub(super) set: Vec<String>,
    pub(super) no_check: bool,
    pub(super) replace: bool,
}

#[derive(Serialize)]
pub(super) struct Document<'a> {
    name: &'a str,
    channel: &'a str,
    driver: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
}

pub(super) fn run(call: &Call, wanted: &Wanted) -> Result<Report, Error> {
    let file = ConfigFile::open(call)?;
    let installation = Installation::of(file.config.clone());
    let driver = driver_named(describe(&installation.courier, &installation.config)?, &wanted.driver)?;
    let name = wanted.name.as_deref().unwrap_or(&driver.name);
    let keys = keys(call, &driver, name, wanted)?;
    let position = file.position(name);
    let known = installation.config.gateways.iter().find(|gateway| gateway.name == name);
    let trial = Trial { call, file: &file, installation: &installation, name, position, driver: &driver };
    let (text, gateway) = trial.fitting(keys, |keys| match known.zip(position) {
        None => edit::append(file.text(), keys),
        Some((known, position)) => edit::update(file.text(), position, &exchange(known, keys)),
    })?;
    if let Some(known) = known {
        if same(known, &gateway) {
            return Ok(report(&gateway, None, false));
        }
        if !wanted.replace {
            return Err(Error::NameTaken(name.to_owned()));
        }
    }
    let detail = trial.ask_service(&gateway, wanted.no_check)?;
    installation.store.prepare()?;
    file.write(&text)?;
    Ok(report(&gateway, detail.as_deref(), true))
}

/// The keys of the new table: what is given, and what must be there and is asked for.
fn keys(call: &Call, driver: &Driver, name: &str, wanted: &Wanted) -> Result<Vec<(String, Field)>, Error> {
    let command = format!("sudo herald gateway add {} --set", driver.name);
    let terminal = call.terminal();
    let given = fields::parse(&wanted.set, driver, &command)?;
    let mut keys = Vec::new();
    if name != driver.name {
        keys.push(("name".to_owned(), Field::Text(name.into())));
    }
    keys.push(("driver".to_owned(), Field::Text(driver.name.as_str().into())));
    let given: Vec<_> = given.into_iter().filter(|given| !given.is_empty()).collect();
    keys.extend(fields::values(given, driver, &terminal)?);
    let channel = driver.channel.is_empty().then(fields::channel);
    for field in channel.iter().chain(&driver.fields).filter(|field| field.required) {
        let file = format!("{}_file", field.name);
        if keys.iter().any(|(key, _)| *key == field.name || *key == file) {
            continue;
        }
        let asked = if call.json { None } else { fields::ask(field, &terminal) };
        let missing = || Error::FieldMissing {
            field: field.name.clone(),
            help: field.help.clone(),
            option: format!("{command} {}={}", field.name, if field.secret { "-" } else { "VALUE" }),
        };
        keys.push((field.name.clone(), asked.ok_or_else(missing)?));
    }
    Ok(keys)
}

/// Everything that the table of a gateway holds now goes, but what stays or changes in its place.
fn exchange(known: &Gateway, keys: &[(String, Field)]) -> Vec<Change> {
    let fields = known.fields.iter().map(|(key, field)| match field {
        GatewayField::Value(_) => key.clone(),
        GatewayField::File(_) => format!("{key}_file"),
    });
    let old = fields.chain(["name", "channel", "insecure"].map(str::to_owned));
    let gone = old.filter(|old| keys.iter().all(|(key, _)| key != old)).map(|old| (old, None));
    gone.chain(keys.iter().map(|(key, field)| (key.clone(), Some(field.clone())))).collect()
}

/// Whether two tables say the same.
pub(super) fn same(one: &Gateway, other: &Gateway) -> bool {
    let holds = |all: &Gateway, some: &Gateway| some.fields.iter().all(|field| all.fields.contains(field));
    let head = |gateway: &Gateway| (gateway.name.clone(), gateway.channel.clone(), gateway.driver.clone());
    head(one) == head(other)
        && one.insecure == other.insecure
        && one.problems.is_empty()
        && holds(one, other)
        && holds(other, one)
}

/// A gateway that is not yet written.
pub(super) struct Trial<'a> {
    pub(super) call: &'a Call,
    pub(super) file: &'a ConfigFile<'a>,
    pub(super) installation: &'a Installation,
    pub(super) name: &'a str,
    /// Where it stands in the file; `None` if it is new.
    pub(super) position: Option<usize>,
    pub(super) driver: &'a Driver,
}

impl Trial<'_> {
    /// The text of the file with these keys, read back, and its gateway, in which the driver finds no fault. Texts
    /// that the driver wants as numbers or as yes and no become that.
    pub(super) fn fitting(
        &self,
        mut keys: Vec<(String, Field)>,
        write: impl Fn(&[(String, Field)]) -> Result<Zeroizing<String>, String>,
    ) -> Result<(Zeroizing<String>, Gateway), Error> {
        let mut found = self.faults_of(&keys, &write)?;
        let mut changed = false;
        for (key, field) in &mut keys {
            let at_fault = found.0.iter().any(|fault| fault.field == *key);
            if let Some(other) = other_kind(field).filter(|_| at_fault) {
                *field = other;
                changed = true;
            }
        }
        if changed {
            found = self.faults_of(&keys, &write)?;
        }
        let (faults, text, gateway) = found;
        if faults.is_empty() {
            return Ok((text, gateway));
        }
        let mend = format!("herald gateway drivers {}", self.driver.name);
        Err(Error::Faults(self.name.to_owned(), faults.iter().map(fault_text).collect(), mend))
    }

    fn faults_of(
        &self,
        keys: &[(String, Field)],
        write: impl Fn(&[(String, Field)]) -> Result<Zeroizing<String>, String>,
    ) -> Result<(Vec<Fault>, Zeroizing<String>, Gateway), Error> {
        let text = write(keys).map_err(|why| self.file.not_editable(why))?;
        let gateway = self.file.read_back_gateway(&text, self.position)?;
        Ok((faults(self.call, self.installation, &gateway)?, text, gateway))
    }

    /// Who the service says it is. Nothing is written if it does not answer as it should.
    pub(super) fn ask_service(&self, gateway: &Gateway, no_check: bool) -> Result<Option<String>, Error> {
        if no_check {
            return Ok(None);
        }
        let condition = condition(self.call, self.installation, gateway)?;
        if condition.ok {
            return Ok(Some(condition.detail));
        }
        let mend = match condition.mend.as_str() {
            // Nothing is there yet that could be set.
            mend if mend.is_empty() || self.position.is_none() && mend.contains("gateway set") => {
                "look at what was given; --no-check writes it unseen".to_owned()
            }
            mend => format!("{mend}; --no-check writes it unseen"),
        };
        Err(Error::Unwell(self.name.to_owned(), condition.detail, mend))
    }
}

fn report(gateway: &Gateway, detail: Option<&str>, changed: bool) -> Report {
    let Gateway { name, channel, driver, .. } = gateway;
    let document = Changed::new(changed, Document { name, channel, driver, detail });
    let who = match detail {
        // A driver that has nobody to ask says so instead of a name.
        Some(detail) if detail.contains("cannot be checked") => format!(" ({detail})"),
        Some(detail) => format!(" as {detail}"),
        None => String::new(),
    };
    let text = if changed {
        // Whoever presses START behind the bot's link needs no number.
        let address = if driver == LINKED_DRIVER { "" } else { " ADDRESS" };
        let enroll = next(&format!("sudo herald enroll {channel}{address}"));
        format!("{name} is set up: it sends codes by {channel}{who}.\n{enroll}")
    } else {
        format!("{name} is set up like this already.")
    };
    Report::new(&document, text)
}

impl<'a> Document<'a> {
    pub(super) fn of(gateway: &'a Gateway, detail: Option<&'a str>) -> Self {
        Self { name: &gateway.name, channel: &gateway.channel, driver: &gateway.driver, detail }
    }
}
