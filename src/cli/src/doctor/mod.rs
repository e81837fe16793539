//! `herald doctor`: walks the whole set-up, and says what would go wrong and the mend.

mod autologin;
mod broker;
pub(crate) mod check;
mod clock;
mod machine;
mod paths;
mod people;
mod services;
mod sshd;
mod stack;
mod sudoers;

use crate::call::{Call, Installation};
use crate::config_check;
use crate::error::Error;
use crate::output::Report;
use check::{Check, shown};
use herald_core::config::Config;
use herald_core::text::display_line;
use serde::Serialize;
use std::path::Path;
use std::process::{Command, Stdio};

#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    checks: &'a [Check],
}

pub(crate) fn run(call: &Call) -> Result<Report, Error> {
    let root = Path::new("/");
    let services = services::find(root);
    let mut checks = machine::module();
    checks.extend(config_check::checks(call));
    match call.config() {
        // The configuration itself was found wanting above; what depends on it is left out.
        Err(_) => checks.extend(services.checks(&call.path, &Config::default())),
        Ok(config) => {
            if !call.path.exists() && !services.asking.is_empty() {
                let detail = format!("{} is not there: every login that asks for a code fails", call.path.display());
                checks.push(Check::failed("herald.toml", detail, "sudo herald gateway add telegram-bot"));
            }
            let installation = Installation::of(config);
            checks.extend(machine::state(call, &installation));
            checks.extend(clock::checks(call, &installation));
            checks.extend(machine::gateways(call, &installation));
            checks.extend(services.checks(&call.path, &installation.config));
            checks.extend(broker::checks(root, &services));
            let sudoers = sudoers::read(root);
            if services.has("sshd") {
                let enrolled = installation.enrolled_users().unwrap_or_default();
                let mut people: Vec<String> = enrolled.iter().map(|user| user.as_str().to_owned()).collect();
                people.sort();
                checks.extend(sshd::checks(&people));
            }
            if services.has("sudo") {
                checks.extend(sudoers.checks());
            }
            checks.extend(people::checks(call, &installation, &services, sudoers.asks_root));
        }
    }
    if !services.asking.is_empty() {
        checks.extend(autologin::checks(root));
    }
    checks.extend(machine::kernel());
    let ok = checks.iter().all(|check| check.ok);
    Ok(Report::new(&Document { ok, checks: &checks }, shown(&checks)).with(ok))
}

/// What a program of the system prints, if it is there and succeeds.
pub(crate) fn said_by(program: &str, words: &[&str]) -> Option<String> {
    let mut command = Command::new(program);
    command.args(words).env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").stdin(Stdio::null());
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Names in one line, but not more than so many.
fn listed(names: &[impl AsRef<str>], most: usize) -> String {
    let shown: Vec<String> = names.iter().take(most).map(|name| display_line(name.as_ref(), 64)).collect();
    let shown = shown.join(", ");
    match names.len().saturating_sub(most) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
