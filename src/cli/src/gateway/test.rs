//! `herald gateway test`: a message without a code.

use super::probe::{check_mend, problem_text};
use super::{another_answer, describe, driver_named, gateway_named};
use crate::call::Call;
use crate::error::Error;
use crate::national;
use crate::output::Report;
use crate::voice::Voice;
use herald_core::address::{Form, masked};
use herald_core::courier::{Answer, Courier, Driver, End, Job, Tried, Try};
use herald_core::delivery::resolve;
use herald_core::machine::Machine;
use herald_core::message::notice;
use herald_core::phrases;
use serde::Serialize;

#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    name: &'a str,
    address: &'a str,
    milliseconds: u64,
    #[serde(skip_serializing_if = "str::is_empty")]
    detail: &'a str,
}

pub(super) fn run(call: &Call, name: &str, address: &str) -> Result<Report, Error> {
    let installation = call.installation()?;
    let gateway = gateway_named(&installation.config, name)?;
    let driver = driver_named(describe(&installation.courier, &installation.config)?, &gateway.driver)?;
    let country = &installation.config.default_country;
    let address = national::international(&gateway.channel, address, country).map_err(|unclear| {
        let (problem, mend) = Voice::english().unclear_number(unclear, country);
        Error::Usage(problem, mend)
    })?;
    let address = normalised(&driver, &address)?;
    let resolved = resolve(gateway, call.machine.files()).map_err(|problems| {
        Error::Faults(name.to_owned(), problems.iter().map(problem_text).collect(), check_mend())
    })?;
    let phrases = phrases::of(installation.config.language.as_deref().unwrap_or_default());
    let message = notice(phrases, phrases.notice_test(&call.machine.host_name()));
    let tries = vec![Try { gateway: name.to_owned(), address: address.clone() }];
    let request = installation.sender(call).request(Job::Send { tries, message }, vec![resolved])?;
    let Answer::Tries(tried) = installation.courier.carry(&request)? else { return Err(another_answer()) };
    let tried = tried.into_iter().next().ok_or_else(another_answer)?;
    if tried.end != End::Delivered {
        let mend = mend(name, &tried);
        return Err(Error::Undelivered(name.to_owned(), tried.detail, mend));
    }
    let to = masked(&gateway.channel, &address);
    let milliseconds = u64::try_from(tried.took.as_millis()).unwrap_or(u64::MAX);
    let document = Document { ok: true, name, address: &to, milliseconds, detail: &tried.detail };
    // How much of an SMS it took, where it is one.
    let length = if tried.detail.is_empty() { String::new() } else { format!(": {}", tried.detail) };
    Ok(Report::new(&document, format!("{name} took a test message to {to} in {milliseconds} ms{length}.")))
}

fn normalised(driver: &Driver, address: &str) -> Result<String, Error> {
    let forms: Vec<Form> = driver.addresses.iter().filter_map(|name| Form::of_name(name)).collect();
    forms.iter().find_map(|form| form.normalise(address)).ok_or_else(|| {
        let taken = Voice::english().forms(&forms);
        Error::Usage(format!("{} cannot reach that address", driver.name), format!("give {taken}"))
    })
}

fn mend(name: &str, tried: &Tried) -> String {
    match tried.end {
        End::Delivered => String::new(),
        End::Unreachable | End::Unclear | End::Configuration => format!("sudo herald gateway status {name}"),
        End::TryAgain { after: Some(wait) } => format!("wait {} s, then try again", wait.as_secs()),
        End::TryAgain { after: None } => format!("sudo herald gateway status {name}"),
        End::Permanent => {
            "look at the address; the person must have written to the bot or account first, and not blocked it".into()
        }
        End::PassedOver => "look at the address".into(),
    }
}
