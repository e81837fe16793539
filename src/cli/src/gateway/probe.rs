//! Whether a gateway works: what its driver says of its fields, and what its service says of us.

use super::another_answer;
use crate::call::{Call, Installation};
use crate::error::Error;
use herald_core::config::{Delivery, Gateway, Problem};
use herald_core::courier::{self, Answer, Condition, Courier, Fault, Job, Request};
use herald_core::delivery::resolve;
use herald_core::machine::Machine;

/// What is wrong with a gateway: its table, its files, and its fields by its driver's word. Touches no network.
pub(crate) fn faults(call: &Call, installation: &Installation, gateway: &Gateway) -> Result<Vec<Fault>, Error> {
    match resolve(gateway, call.machine.files()) {
        Err(problems) => Ok(problems.iter().map(|problem| as_fault(&gateway.name, problem)).collect()),
        Ok(resolved) => resolved_faults(call, installation, resolved),
    }
}

/// The same, of a gateway whose files are already read.
pub(crate) fn resolved_faults(
    call: &Call,
    installation: &Installation,
    gateway: courier::Gateway,
) -> Result<Vec<Fault>, Error> {
    match installation.courier.carry(&check(call, installation, gateway))? {
        Answer::Faults(faults) => Ok(faults),
        _ => Err(another_answer()),
    }
}

/// How a gateway is, by its service's word.
pub(crate) fn condition(call: &Call, installation: &Installation, gateway: &Gateway) -> Result<Condition, Error> {
    let resolved = resolve(gateway, call.machine.files()).map_err(|problems| {
        Error::Faults(gateway.name.clone(), problems.iter().map(problem_text).collect(), check_mend())
    })?;
    match carry(call, installation, Job::Status, resolved)? {
        Answer::Status(conditions) => conditions.into_iter().next().ok_or_else(another_answer),
        _ => Err(another_answer()),
    }
}

/// A mend for whatever is wrong in the file.
pub(super) fn check_mend() -> String {
    "sudo herald config check".to_owned()
}

/// Certificates that cannot be read are left out: `config check` tells of them by themselves.
fn check(call: &Call, installation: &Installation, gateway: courier::Gateway) -> Request {
    let sender = installation.sender(call);
    let Delivery { deadline, proxy, .. } = sender.delivery;
    sender.request(Job::Check, vec![gateway.clone()]).unwrap_or_else(|_| Request {
        job: Job::Check,
        deadline: *deadline,
        proxy: proxy.clone(),
        ca: String::new(),
        gateways: vec![gateway],
    })
}

fn carry(call: &Call, installation: &Installation, job: Job, gateway: courier::Gateway) -> Result<Answer, Error> {
    let request = installation.sender(call).request(job, vec![gateway])?;
    Ok(installation.courier.carry(&request)?)
}

fn as_fault(gateway: &str, problem: &Problem) -> Fault {
    let field = problem.key.strip_prefix("gateway.").unwrap_or(&problem.key).to_owned();
    Fault { gateway: gateway.to_owned(), field, problem: problem.text.clone() }
}

/// `token_file: there is no such file`
pub(super) fn problem_text(problem: &Problem) -> String {
    fault_text(&as_fault("", problem))
}

/// `token: missing`
pub(super) fn fault_text(fault: &Fault) -> String {
    if fault.field.is_empty() { fault.problem.clone() } else { format!("{}: {}", fault.field, fault.problem) }
}
