//! Drivers: who speaks which service's API.

mod apart;
mod aws_signature;
mod aws_sns;
mod command;
pub(crate) mod fields;
mod gammu_smsd;
mod huawei_e3531;
pub(crate) mod launcher;
mod modemmanager;
mod ovh;
mod signal_cli;
mod signal_cli_rest;
mod signal_web_gateway;
mod smtp;
mod smtp_conversation;
pub(crate) mod socket;
mod telegram_bot;
mod telegram_start;
#[cfg(test)]
mod testing;
mod xml;

use crate::cage::Reach;
use crate::http::Client;
use crate::refusal::Refusal;
use crate::services;
use herald_core::courier::{ChatSearch, End, Fault, FieldHelp, Gateway, Message};
use herald_core::secret::Secret;
use std::time::Instant;

/// One service's API.
pub(crate) trait Driver: Send + Sync {
    /// Its name in `driver = "…"`.
    fn name(&self) -> &str;
    /// The channel that it serves.
    fn channel(&self) -> &str;
    /// The forms of address that it takes, by the names of `herald_core::address::Form`.
    fn addresses(&self) -> Vec<&str>;
    /// The keys of its `[[gateway]]` table.
    fn fields(&self) -> Vec<FieldHelp>;
    /// Whether it can reach this address at all.
    fn takes(&self, address: &str) -> bool;
    /// What is wrong with a gateway's fields. Touches no network.
    fn check(&self, gateway: &Gateway) -> Vec<Fault>;
    /// What it needs of the machine and the network to speak to a gateway's service: the cage closes all else.
    fn reach(&self, gateway: &Gateway) -> Reach {
        Reach::web(gateway)
    }
    /// Hands one message to the service, before `until`.
    ///
    /// # Errors
    /// Why it did not take it.
    fn send(&self, gateway: &Gateway, envelope: &Envelope<'_>, client: &Client, until: Instant) -> Result<(), Refusal>;
    /// Asks the service something harmless that proves URL and credentials; who it says it is.
    ///
    /// # Errors
    /// Why it did not say so, and what to do about that.
    fn status(&self, gateway: &Gateway, client: &Client, until: Instant) -> Result<String, Unwell>;
    /// Looks once for the person who pressed START behind a link with this nonce.
    ///
    /// # Errors
    /// The service has no such links, or could not be asked.
    fn find_chat(
        &self,
        _gateway: &Gateway,
        _nonce: &Secret,
        _drop_pending: bool,
        _client: &Client,
        _until: Instant,
    ) -> Result<ChatSearch, Refusal> {
        Err(Refusal::new(End::Configuration, format!("{} knows no links to press START behind", self.name())))
    }
}

/// A message and where it goes.
pub(crate) struct Envelope<'a> {
    /// An address that the driver takes.
    pub(crate) address: &'a str,
    /// What is sent.
    pub(crate) message: &'a Message,
}

/// A gateway that is not in order.
#[derive(Debug)]
pub(crate) struct Unwell {
    /// What is wrong.
    pub(crate) refusal: Refusal,
    /// What to do about it, where the driver knows better than anybody.
    pub(crate) mend: Option<String>,
}

/// Every driver, in the order in which they are shown.
pub(crate) fn all() -> Vec<Box<dyn Driver>> {
    let services = services::all().into_iter().map(|service| -> Box<dyn Driver> { Box::new(service) });
    code().into_iter().chain(services).collect()
}

/// Those that are code.
fn code() -> Vec<Box<dyn Driver>> {
    vec![
        Box::new(telegram_bot::TelegramBot),
        Box::new(signal_cli::SignalCli),
        Box::new(signal_cli_rest::SignalCliRest),
        Box::new(signal_web_gateway::SignalWebGateway),
        Box::new(aws_sns::AwsSns),
        Box::new(gammu_smsd::GammuSmsd),
        Box::new(modemmanager::ModemManager),
        Box::new(huawei_e3531::HuaweiE3531),
        Box::new(ovh::Ovh),
        Box::new(smtp::Smtp),
        Box::new(command::Command),
        Box::new(services::OwnService),
    ]
}

/// Where the replies arrive that are not HTTP, for the fuzzer.
#[cfg(any(test, fuzzing))]
pub(crate) mod arrivals {
    pub(crate) use super::command::judge as of_a_program;
    pub(crate) use super::launcher::passed_on;
    pub(crate) use super::modemmanager::through as of_a_modem;
    pub(crate) use super::signal_cli::over_socket as of_signal_cli;
    pub(crate) use super::smtp::over as of_a_mail_server;
}

/// The driver of a gateway: code, what an admin described, or a service that is built in.
///
/// # Errors
/// There is none, or its description is wrong: everything that is, in words.
pub(crate) fn of(gateway: &Gateway) -> Result<Box<dyn Driver>, Vec<String>> {
    let name = &gateway.driver;
    let code = code().into_iter().find(|driver| driver.name() == name);
    match (code, &gateway.definition) {
        (Some(_), Some(definition)) => {
            Err(vec![format!("{}: the driver {name} is built in: give the file another name", definition.file)])
        }
        (Some(driver), None) => Ok(driver),
        (None, Some(definition)) => Ok(Box::new(services::of_admin(name, definition)?)),
        (None, None) => match services::built_in(name) {
            Some(service) => Ok(Box::new(service)),
            None => Err(vec![format!("no driver is called \"{name}\": herald gateway drivers lists them")]),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use herald_core::address::Form;
    use herald_core::config::channel_of_driver;

    #[test]
    fn every_driver_describes_itself_in_words_that_core_knows() {
        for driver in all() {
            // A gateway of `command` names its channel itself.
            let channel = Some(driver.channel()).filter(|channel| !channel.is_empty());
            assert_eq!(channel_of_driver(driver.name()), channel, "{}", driver.name());
            assert!(
                !driver.addresses().is_empty() && driver.addresses().iter().all(|form| Form::of_name(form).is_some())
            );
            for field in driver.fields() {
                assert!(!field.help.is_empty(), "{}.{}", driver.name(), field.name);
            }
        }
    }
}
