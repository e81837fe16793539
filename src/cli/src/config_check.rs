//! `herald config check`: everything that is wrong in `herald.toml`, not just the first.

use crate::call::{Call, Installation};
use crate::doctor::check::{Check, shown};
use crate::error::{self, Error, sentences};
use crate::gateway::{OwnService, faults, is_used, own_services, resolved_faults};
use crate::output::Report;
use herald_core::config::{Config, Gateway, Problem};
use herald_core::machine::{FileError, LoadError, Machine, Trust, load_config};
use serde::Serialize;

const LONGEST_CA_FILE: usize = 512 * 1024;

#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    checks: &'a [Check],
}

pub(crate) fn run(call: &Call) -> Result<Report, Error> {
    let checks = checks(call);
    let ok = checks.iter().all(|check| check.ok);
    Ok(Report::new(&Document { ok, checks: &checks }, shown(&checks)).with(ok))
}

/// Everything that is wrong, or that it is well.
pub(crate) fn checks(call: &Call) -> Vec<Check> {
    match load_config(call.machine.files(), &call.path) {
        Ok(config) => of_config(call, config),
        Err(LoadError::File(error)) => vec![of_file(call, &error)],
        Err(LoadError::Config(error)) => error.problems.iter().map(|problem| of_problem(call, "", problem)).collect(),
    }
}

fn of_file(call: &Call, error: &FileError) -> Check {
    let path = call.path.display();
    match error {
        FileError::Missing(_) if call.named => {
            Check::failed("herald.toml", format!("{path} is not there"), "look at the path behind --config")
        }
        FileError::Missing(_) => Check {
            name: "herald.toml".to_owned(),
            ok: true,
            detail: format!("{path} is not there: commands use the defaults, and every login is refused"),
            mend: "sudo herald gateway add telegram-bot".to_owned(),
        },
        other => {
            let (detail, mend) = sentences(&other.to_string(), "look at the file");
            Check::failed("herald.toml", detail, mend)
        }
    }
}

/// `line 3: must be …`; the key is the name of the check.
fn of_problem(call: &Call, gateway: &str, problem: &Problem) -> Check {
    let name = match (problem.key.strip_prefix("gateway."), gateway) {
        (Some(field), name) if !name.is_empty() => format!("{name}.{field}"),
        _ if problem.key.is_empty() => "herald.toml".to_owned(),
        _ => problem.key.clone(),
    };
    if problem.line == 0 {
        let (detail, mend) = sentences(&problem.text, &format!("edit {}", call.path.display()));
        return Check::failed(&name, detail, mend);
    }
    let mend = format!("edit line {} of {}", problem.line, call.path.display());
    Check::failed(&name, format!("line {}: {}", problem.line, problem.text), mend)
}

fn of_config(call: &Call, config: Config) -> Vec<Check> {
    let mut checks = vec![Check::passed("herald.toml", call.path.display().to_string())];
    let rules = std::iter::once(("", &config.rules)).chain(config.services.iter().map(|(name, one)| (&**name, one)));
    let mut seen = Vec::new();
    for (service, rules) in rules {
        if let Some(path) = rules.delivery.ca_file.as_ref().filter(|path| !seen.contains(path)) {
            seen.push(path);
            let prefix = if service.is_empty() { String::new() } else { format!("service.{service}.") };
            let name = format!("{prefix}delivery.ca_file");
            checks.push(match call.machine.files().read(path, Trust::Public, LONGEST_CA_FILE) {
                Ok(_) => Check::passed(&name, path.display().to_string()),
                Err(error) => {
                    let (detail, mend) = sentences(&error.to_string(), &format!("edit {}", call.path.display()));
                    Check::failed(&name, detail, mend)
                }
            });
        }
    }
    let installation = Installation::of(config);
    for gateway in &installation.config.gateways {
        checks.extend(of_gateway(call, &installation, gateway));
    }
    checks.extend(of_own_services(call, &installation));
    if installation.config.gateways.is_empty() {
        checks.push(Check {
            name: "gateway".to_owned(),
            ok: true,
            detail: "there is none: no code can be sent".to_owned(),
            mend: "sudo herald gateway add telegram-bot".to_owned(),
        });
    }
    checks
}

/// The files of `providers.d` that no gateway uses yet: what is wrong with those in use, the gateways tell.
fn of_own_services(call: &Call, installation: &Installation) -> Vec<Check> {
    let config = &installation.config;
    let unused = own_services(config).into_iter().filter(|own| !is_used(&own.file, &config.gateways));
    let check = |own: OwnService| {
        let name = own.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mend = format!("edit {}", own.file.display());
        let gateway = match own.gateway {
            Ok(gateway) => gateway,
            Err(error) => {
                let (detail, mend) = sentences(&error.to_string(), &mend);
                return vec![Check::failed(&name, detail, mend)];
            }
        };
        match resolved_faults(call, installation, gateway) {
            Err(error) => {
                let (detail, mend) = error.pair();
                vec![Check::failed(&name, detail, mend)]
            }
            // Its fields are missing, as it is no gateway yet; only the definition is looked at.
            Ok(faults) => {
                let wrong: Vec<Check> = faults
                    .into_iter()
                    .filter(|fault| fault.field == "driver")
                    .map(|fault| Check::failed(&name, fault.problem, mend.clone()))
                    .collect();
                if wrong.is_empty() { vec![Check::passed(&name, "no gateway uses it yet")] } else { wrong }
            }
        }
    };
    unused.flat_map(check).collect()
}

fn of_gateway(call: &Call, installation: &Installation, gateway: &Gateway) -> Vec<Check> {
    let name = if gateway.name.is_empty() { "gateway" } else { &gateway.name };
    if !gateway.problems.is_empty() {
        return gateway.problems.iter().map(|problem| of_problem(call, name, problem)).collect();
    }
    match faults(call, installation, gateway) {
        Err(Error::Courier(error)) => {
            let (detail, mend) = error::courier(&error);
            vec![Check::failed(name, detail, mend)]
        }
        Err(other) => {
            let (detail, mend) = other.pair();
            vec![Check::failed(name, detail, mend)]
        }
        Ok(faults) if faults.is_empty() => {
            vec![Check::passed(name, format!("{} by {}", gateway.channel, gateway.driver))]
        }
        Ok(faults) => faults
            .into_iter()
            .map(|fault| {
                let (detail, mend) = sentences(&fault.problem, &mend(gateway, &fault.field));
                let general = fault.field.starts_with("delivery.");
                let name = if general { fault.field } else { format!("{name}.{}", fault.field) };
                Check::failed(&name, detail, mend)
            })
            .collect(),
    }
}

fn mend(gateway: &Gateway, field: &str) -> String {
    match field {
        "driver" if gateway.definition.exists() => format!("edit {}", gateway.definition.display()),
        "driver" => "herald gateway drivers".to_owned(),
        _ if field.ends_with("_file") => {
            format!("put it there, or: sudo herald gateway set {} {field}=PATH", gateway.name)
        }
        _ => format!("sudo herald gateway set {} {field}=-", gateway.name),
    }
}
