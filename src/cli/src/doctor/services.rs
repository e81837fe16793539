//! The services that ask for a code, and their stacks (rule 7).

use super::check::Check;
use super::listed;
use super::paths::{Fault, asks_behind_the_password, faults};
use super::stack::{self, Entry, resolve};
use herald_core::config::{Config, Policy, Unenrolled};
use herald_core::login::Arguments;
use herald_core::text::display_line;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Files that other stacks include.
const SHARED: [&str; 9] = [
    "common-auth",
    "common-auth-pc",
    "system-auth",
    "password-auth",
    "fingerprint-auth",
    "smartcard-auth",
    "system-login",
    "base-auth",
    "postlogin",
];
/// What pam-auth-update knows our line by (pam-auth-update(8)).
const PROFILE: &str = "/usr/share/pam-configs/herald";
/// What authselect(8) has selected, one a line, and the feature of `packaging/authselect`.
const SELECTED: &str = "/etc/authselect/authselect.conf";
const FEATURE: &str = "with-herald";
/// Hosts that use PAM, but ask nobody for anything.
const SILENT: [&str; 5] = ["cron", "crond", "atd", "systemd-user", "runuser"];
/// Hosts that have one field, and answer every question with what was typed there.
const ONE_FIELD: [&str; 18] = [
    "sddm",
    "dovecot",
    "imap",
    "pop3",
    "smtp",
    "vsftpd",
    "proftpd",
    "pure-ftpd",
    "samba",
    "cups",
    "openvpn",
    "squid",
    "i3lock",
    "swaylock",
    "gtklock",
    "hyprlock",
    "waylock",
    "kde",
];
/// Hosts that run as the person, who cannot read what is root's: they need the broker.
pub(super) const UNPRIVILEGED: [&str; 8] =
    ["kde", "xscreensaver", "i3lock", "swaylock", "gtklock", "hyprlock", "waylock", "xlock"];

/// A service whose stack reaches our line.
pub(super) struct Service {
    pub(super) name: String,
    stack: Vec<Entry>,
}

/// What /etc/pam.d holds.
pub(super) struct Services {
    /// Whose stack reaches our line, by name.
    pub(super) asking: Vec<Service>,
    /// Who names our line, but has a stack that libpam refuses; and why.
    broken: Vec<(String, String)>,
    root: PathBuf,
}

/// Finds them in the folders below this one.
pub(super) fn find(root: &Path) -> Services {
    let mut found = Services { asking: Vec::new(), broken: Vec::new(), root: root.to_owned() };
    for name in stack::services(root).into_iter().filter(|name| !SHARED.contains(&name.as_str())) {
        match resolve(root, &name) {
            Ok(stack) if stack.iter().any(Entry::is_ours) => found.asking.push(Service { name, stack }),
            Ok(_) => {}
            Err(error) if stack::names_us(root, &name) => found.broken.push((name, error)),
            Err(_) => {}
        }
    }
    found
}

impl Services {
    /// Whether one of that name asks.
    pub(super) fn has(&self, name: &str) -> bool {
        self.asking.iter().any(|service| service.name == name)
    }

    /// What is wrong with the stacks, or where our lines stand. What several services share is said once.
    pub(super) fn checks(&self, path: &Path, config: &Config) -> Vec<Check> {
        if self.asking.is_empty() && self.broken.is_empty() {
            let mend = "auth requisite pam_herald.so, below \"@include common-auth\" in /etc/pam.d/sshd";
            return vec![Check::noted("pam", "no service asks for a code yet", mend)];
        }
        let mut together: Vec<(Vec<&str>, Check)> = Vec::new();
        for service in &self.asking {
            let policy = &config.for_service(&service.name).policy;
            for check in service.checks(&self.root, path, policy) {
                match together.iter_mut().find(|(_, known)| *known == check) {
                    Some((names, _)) => names.push(&service.name),
                    None => together.push((vec![&service.name], check)),
                }
            }
        }
        let named = |(names, check): (Vec<&str>, Check)| Check { name: format!("pam {}", listed(&names, 3)), ..check };
        let broken = self.broken.iter().map(|(name, error)| {
            let detail = format!("{error}: PAM refuses every login");
            Check::failed(&format!("pam {name}"), detail, format!("edit /etc/pam.d/{name}"))
        });
        together.into_iter().map(named).chain(broken).chain(self.shared()).collect()
    }

    /// Our lines in files that many services include.
    fn shared(&self) -> Vec<Check> {
        let mut reached: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for service in &self.asking {
            for ours in service.stack.iter().filter(|entry| entry.is_ours() && is_shared(entry)) {
                reached.entry(ours.place()).or_default().push(&service.name);
            }
        }
        let selected = fs::read_to_string(self.root.join(&SELECTED[1..])).unwrap_or_default();
        let is_profile = |place: &str| match place.rsplit('/').next().and_then(|name| name.split(':').next()) {
            Some("common-auth") => self.root.join(&PROFILE[1..]).exists(),
            Some("system-auth" | "password-auth") => selected.lines().any(|line| line.trim() == FEATURE),
            _ => false,
        };
        let check = |(place, names): (String, Vec<&str>)| {
            let detail = format!("{place} asks for a code in {}", listed(&names, 30));
            if is_profile(&place) {
                return Check::noted("pam", detail, "see that each can ask: sudo herald try --service NAME");
            }
            let mend = "take it out there; into each /etc/pam.d file itself, below its include";
            Check::failed("pam", detail, mend)
        };
        reached.into_iter().map(check).collect()
    }
}

fn is_shared(entry: &Entry) -> bool {
    entry.file.file_name().and_then(|name| name.to_str()).is_some_and(|name| SHARED.contains(&name))
}

impl Service {
    /// What becomes of people who are not enrolled. The argument beats the configuration.
    pub(super) fn unenrolled(&self, policy: &Policy) -> Unenrolled {
        self.arguments().and_then(|arguments| arguments.unenrolled).unwrap_or(policy.unenrolled)
    }

    /// Whether it ever asks anybody.
    pub(super) fn asks(&self) -> bool {
        !SILENT.contains(&self.name.as_str())
    }

    fn ours(&self) -> impl Iterator<Item = &Entry> {
        self.stack.iter().filter(|entry| entry.is_ours())
    }

    fn arguments(&self) -> Option<Arguments> {
        self.ours().next().and_then(|ours| parsed(ours).ok())
    }

    /// What is wrong; the name of the service is put in front later.
    fn checks(&self, root: &Path, config: &Path, policy: &Policy) -> Vec<Check> {
        let mut checks: Vec<Check> = faults(&self.stack).iter().filter_map(|fault| self.explained(fault)).collect();
        checks.extend(self.ours().flat_map(|ours| of_line(ours, root, config)));
        checks.extend(self.order(policy));
        checks.extend(self.twice());
        checks.extend(self.host());
        if checks.is_empty() {
            let places: Vec<String> = self.ours().map(Entry::place).collect();
            checks.push(Check::passed("", places.join(", ")));
        }
        checks
    }

    fn explained(&self, fault: &Fault) -> Option<Check> {
        let entry = |position: &usize| self.stack.get(*position);
        Some(match fault {
            Fault::Passes { by } => {
                let by = entry(by)?;
                let detail = format!("{} can let somebody in past pam_herald.so", quoted(by));
                let mend = match by.module() {
                    "pam_unix.so" | "pam_sss.so" => {
                        "write the password's lines out, as /usr/share/doc/herald/pam.d-example/fedora does"
                    }
                    _ => "take it out, or put it below pam_herald.so as requisite",
                };
                Check::failed("", detail, mend)
            }
            Fault::Reached { ours, by } => {
                let (ours, by) = (entry(ours)?, entry(by)?);
                let detail = format!("{} refuses, and {} is asked all the same", quoted(by), ours.place());
                let mend = if by.level > ours.level {
                    "a substack ends only itself: write its lines out, as /usr/share/doc/herald/pam.d-example/fedora does".to_owned()
                } else {
                    format!("requisite instead of required, at {}", by.place())
                };
                Check::failed("", detail, mend)
            }
            Fault::Unrefused { ours, by } => {
                let (ours, by) = (entry(ours)?, entry(by)?);
                let detail = format!("a password that {} refuses goes on to {}", by.place(), ours.place());
                Check::failed("", detail, "auth requisite pam_deny.so between them, as pam.d-example does")
            }
            Fault::Forgiving { ours, value } => {
                let ours = entry(ours)?;
                let detail = format!("{}: {value} does not end in a refusal", quoted(ours));
                Check::failed("", detail, format!("auth requisite pam_herald.so, at {}", ours.place()))
            }
            Fault::Undone { by } => {
                let by = entry(by)?;
                let detail = format!("{} forgets that pam_herald.so refused", quoted(by));
                Check::failed("", detail, "auth requisite pam_herald.so, which ends there")
            }
            Fault::Alone { ours } => {
                let ours = entry(ours)?;
                let detail =
                    format!("{}: it takes one such line before the password module and one behind it", quoted(ours));
                Check::failed("", detail, "as /usr/share/doc/herald/pam.d-example/one-field does")
            }
            Fault::Optional { ours } => {
                let ours = entry(ours)?;
                let detail = format!("{}: without the module nobody is asked", quoted(ours));
                Check::failed("", detail, format!("auth instead of -auth, at {}", ours.place()))
            }
        })
    }

    /// Before the password there is nothing that speaks for whoever logs in.
    fn order(&self, policy: &Policy) -> Option<Check> {
        if asks_behind_the_password(&self.stack) != Some(false) {
            return None;
        }
        let place = self.ours().next()?.place();
        if policy.remote_services.contains(&self.name) && !policy.code_alone {
            let detail = format!("{place} stands before the password: who has no key is refused unasked");
            return Some(Check::failed("", detail, "move it below the password"));
        }
        let detail = format!("{place} stands before the password: it asks before it sends a code");
        Some(Check::noted("", detail, "move it below the password, unless that is meant"))
    }

    /// A line of ours beside one that comes with a shared file, such as our profile's.
    fn twice(&self) -> Option<Check> {
        let places: Vec<String> = self.ours().filter(|ours| !ours.appends()).map(Entry::place).collect();
        if places.len() < 2 || !self.ours().any(is_shared) {
            return None;
        }
        let detail = format!("{} both ask for a code", places.join(" and "));
        Some(Check::noted(
            "",
            detail,
            format!("take the line out of /etc/pam.d/{}, unless two codes are meant", self.name),
        ))
    }

    fn host(&self) -> Option<Check> {
        let name = self.name.as_str();
        let mend = format!("take pam_herald.so out of /etc/pam.d/{name}");
        if SILENT.contains(&name) && !self.ours().all(is_shared) {
            return Some(Check::noted("", format!("{name} asks nobody: the line does nothing"), mend));
        }
        if ONE_FIELD.contains(&name) && !self.ours().all(Entry::appends) {
            let detail = format!("{name} has one field, for the password: there is nowhere to type a code");
            let mend = "input=append, as /usr/share/doc/herald/pam.d-example/one-field has it";
            return Some(Check::failed("", detail, mend));
        }
        None
    }
}

/// What is wrong with our line itself.
fn of_line(ours: &Entry, root: &Path, config: &Path) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some(path) = ours.path.strip_prefix('/').filter(|path| !root.join(path).exists()) {
        let detail = format!("{}: /{path} is not there, and every login is refused", ours.place());
        checks.push(Check::failed("", detail, "pam_herald.so without a folder, at that line"));
    }
    match parsed(ours) {
        Err(problem) => {
            let detail = format!("{}: {problem}, and every login is refused", ours.place());
            checks.push(Check::failed("", detail, "man 8 pam_herald"));
        }
        Ok(arguments) if arguments.config != config => {
            let other = arguments.config.display();
            let detail = format!("{} reads another configuration: {other}", ours.place());
            checks.push(Check::noted("", detail, format!("sudo herald --config {other} doctor")));
        }
        Ok(_) => {}
    }
    checks
}

fn parsed(ours: &Entry) -> Result<Arguments, String> {
    let words: Vec<Vec<u8>> = ours.arguments.iter().map(|word| word.as_bytes().to_vec()).collect();
    Arguments::parse(&words)
}

fn quoted(entry: &Entry) -> String {
    format!("{} \"{}\"", entry.place(), display_line(&entry.text, 80))
}

#[cfg(test)]
mod tests;
