//! `herald gateway …`: the services that carry codes to phones.

mod add;
mod drivers;
mod fields;
mod own;
mod probe;
mod remove;
mod set;
mod status;
mod test;

pub(crate) use own::{OwnService, is_used, own_services};
pub(crate) use probe::{condition, faults, resolved_faults};

use crate::call::Call;
use crate::command::Gateway as Command;
use crate::error::Error;
use crate::output::Report;
use herald_core::config::{Config, Gateway};
use herald_core::courier::{Answer, Courier, CourierError, Driver, Job, Request};

pub(crate) fn run(call: &Call, command: Command) -> Result<Report, Error> {
    match command {
        Command::Drivers { driver } => drivers::run(call, driver.as_deref()),
        Command::Add { driver, name, set, no_check, replace } => {
            add::run(call, &add::Wanted { driver, name, set, no_check, replace })
        }
        Command::Set { name, fields, no_check } => set::run(call, &name, &fields, no_check),
        Command::Status { name } => status::run(call, name.as_deref()),
        Command::Test { name, address } => test::run(call, &name, &address),
        Command::Remove { name } => remove::run(call, &name),
    }
}

/// Every driver that the network side has, and those that an admin described and that can be read.
pub(crate) fn describe(courier: &dyn Courier, config: &Config) -> Result<Vec<Driver>, Error> {
    let request = Request {
        job: Job::Describe(None),
        deadline: config.rules.delivery.deadline,
        proxy: String::new(),
        ca: String::new(),
        gateways: own_services(config).into_iter().filter_map(|own| own.gateway.ok()).collect(),
    };
    match courier.carry(&request)? {
        Answer::Drivers(drivers) => Ok(drivers),
        _ => Err(another_answer()),
    }
}

/// The driver of that name.
fn driver_named(drivers: Vec<Driver>, name: &str) -> Result<Driver, Error> {
    let names = drivers.iter().map(|driver| driver.name.clone()).collect();
    let found = drivers.into_iter().find(|driver| driver.name == name);
    found.ok_or_else(|| Error::NoSuchDriver(name.to_owned(), names))
}

/// The configured gateway of that name.
fn gateway_named<'c>(config: &'c Config, name: &str) -> Result<&'c Gateway, Error> {
    let found = config.gateways.iter().find(|gateway| gateway.name == name);
    found.ok_or_else(|| {
        Error::NoSuchGateway(name.to_owned(), config.gateways.iter().map(|gateway| gateway.name.clone()).collect())
    })
}

fn another_answer() -> Error {
    Error::Courier(CourierError::Failed("herald-deliver gave another answer than was asked for".to_owned()))
}
