//! Who could be locked out: without a factor where policy wants one, or without one that needs no network.

use super::check::Check;
use super::services::{Service, Services};
use super::{listed, said_by};
use crate::call::{Call, Installation};
use crate::many::passwd;
use herald_core::config::{Policy, Unenrolled};
use herald_core::enrollment::Enrollment;
use herald_core::machine::Machine;
use herald_core::provider::{BACKUP_CHANNEL, TOTP_CHANNEL, remaining};
use std::collections::{BTreeMap, BTreeSet};

/// Groups whose members may become root, on one distribution or another.
const ADMINS: [&str; 3] = ["sudo", "wheel", "admin"];
/// The first account of a person (login.defs(5), UID_MIN), and the one behind the last.
const PEOPLE: std::ops::Range<u32> = 1000..60_000;
/// Shells with which nobody logs in.
const NO_SHELLS: [&str; 3] = ["nologin", "false", "sync"];
/// Services that ask for the factor of whom one becomes: root, mostly (rule 2).
const OF_ROOT: [&str; 3] = ["su", "su-l", "login"];
/// As many names are shown.
const MOST: usize = 10;

/// Everybody who matters here.
struct People<'a> {
    call: &'a Call,
    installation: &'a Installation,
    enrolled: BTreeMap<String, Enrollment>,
}

pub(super) fn checks(call: &Call, installation: &Installation, services: &Services, asks_root: bool) -> Vec<Check> {
    let (enrolled, mut checks) = enrolled(installation);
    let people = People { call, installation, enrolled };
    checks.extend(people.stranded());
    checks.extend(people.left_out(services));
    checks.extend(people.root(services, asks_root));
    if let (Some(sudo), false) = (services.asking.iter().find(|service| service.name == "sudo"), asks_root) {
        checks.extend(people.admins(sudo));
    }
    if checks.is_empty() {
        checks.push(Check::passed("people", format!("{} enrolled", people.enrolled.len())));
    }
    checks
}

/// Everybody who is enrolled, and enrollments that cannot be read.
fn enrolled(installation: &Installation) -> (BTreeMap<String, Enrollment>, Vec<Check>) {
    let unreadable = |error: &crate::error::Error| {
        let (detail, mend) = error.pair();
        Check::failed("enrollment", detail, mend)
    };
    let users = match installation.enrolled_users() {
        Ok(users) => users,
        // That the folder is missing was said already.
        Err(_) if !installation.config.paths.state.join("users").exists() => return Default::default(),
        Err(error) => return (BTreeMap::new(), vec![unreadable(&error)]),
    };
    let (mut enrolled, mut checks) = (BTreeMap::new(), Vec::new());
    for user in users {
        match installation.enrollment(&user) {
            Ok(enrollment) => drop(enrolled.insert(user.as_str().to_owned(), enrollment)),
            Err(error) => checks.push(unreadable(&error)),
        }
    }
    (enrolled, checks)
}

impl People<'_> {
    /// Whether there is something to ask them for.
    fn has_factor(&self, name: &str) -> bool {
        self.enrolled.get(name).is_some_and(|enrollment| enrollment.active().next().is_some())
    }

    fn works_offline(&self, name: &str) -> bool {
        let now = self.call.machine.clock().wall();
        self.enrolled.get(name).is_some_and(|enrollment| {
            enrollment.active().any(|factor| factor.channel == TOTP_CHANNEL) || remaining(enrollment, now) > 0
        })
    }

    fn policy(&self, service: &Service) -> &Policy {
        &self.installation.config.for_service(&service.name).policy
    }

    fn is_refused(&self, service: &Service, name: &str) -> bool {
        let policy = self.policy(service);
        service.asks()
            && service.unenrolled(policy) == Unenrolled::Refuse
            && !self.has_factor(name)
            && !self.is_exempt(&policy.exempt, name)
    }

    fn is_exempt(&self, exempt: &[String], name: &str) -> bool {
        let users = self.call.machine.users();
        let groups =
            || users.find(name).ok().flatten().and_then(|account| users.groups_of(&account).ok()).unwrap_or_default();
        exempt.iter().any(|rule| match rule.strip_prefix('@') {
            None => rule == name,
            Some(group) => users.group_id(group).ok().flatten().is_some_and(|id| groups().contains(&id)),
        })
    }

    /// People all of whose factors go by channels that no gateway serves any more.
    fn stranded(&self) -> Option<Check> {
        let reachable = |channel: &str| {
            [TOTP_CHANNEL, BACKUP_CHANNEL].contains(&channel)
                || self.installation.config.gateways_of(channel).next().is_some()
        };
        let is_stranded = |enrollment: &Enrollment| {
            let mut active = enrollment.active().peekable();
            active.peek().is_some() && !active.any(|factor| reachable(&factor.channel))
        };
        let stranded = self.enrolled.iter().filter(|(_, enrollment)| is_stranded(enrollment));
        let names: Vec<&str> = stranded.map(|(name, _)| name.as_str()).collect();
        let first = names.first()?;
        let detail = format!("no gateway serves the factors of {}", listed(&names, MOST));
        let mend = format!("sudo herald gateway add, or: sudo herald enroll totp --user {first} --force");
        Some(Check::failed("people", detail, mend))
    }

    /// People whom a service refuses for want of a factor; services that refuse the same ones are named together.
    fn left_out(&self, services: &Services) -> Vec<Check> {
        let logs_in = |entry: &passwd::Entry| {
            let shell = entry.shell.rsplit('/').next().unwrap_or_default();
            PEOPLE.contains(&entry.uid) && !NO_SHELLS.contains(&shell)
        };
        let everybody: BTreeSet<String> =
            passwd::everybody().unwrap_or_default().into_iter().filter(logs_in).map(|entry| entry.name).collect();
        let mut together: Vec<(Vec<&str>, Vec<&String>)> = Vec::new();
        for service in &services.asking {
            let refused: Vec<&String> = everybody.iter().filter(|name| self.is_refused(service, name)).collect();
            match together.iter_mut().find(|(_, known)| *known == refused) {
                _ if refused.is_empty() => {}
                Some((names, _)) => names.push(&service.name),
                None => together.push((vec![&service.name], refused)),
            }
        }
        let check = |(names, refused): &(Vec<&str>, Vec<&String>)| {
            let first = refused.first()?;
            let refuse = if names.len() == 1 { "refuses" } else { "refuse" };
            let detail = format!("{} {refuse} who is not enrolled: {}", listed(names, MOST), listed(refused, MOST));
            let mend = format!("sudo herald enroll telegram --user {first}, or policy.exempt, or unenrolled=skip");
            Some(Check::noted("people", detail, mend))
        };
        together.iter().filter_map(check).collect()
    }

    /// Root, where root's own factor is asked for.
    fn root(&self, services: &Services, asks_root: bool) -> Option<Check> {
        let of_root =
            |service: &&Service| OF_ROOT.contains(&service.name.as_str()) || (asks_root && service.name == "sudo");
        let of_root: Vec<&Service> = services.asking.iter().filter(of_root).collect();
        let names = |services: &[&Service]| {
            listed(&services.iter().map(|service| service.name.as_str()).collect::<Vec<_>>(), MOST)
        };
        let refusing: Vec<&Service> =
            of_root.iter().copied().filter(|service| self.is_refused(service, "root")).collect();
        if !refusing.is_empty() {
            let detail =
                format!("nobody becomes root by {}: root's code is asked for, and root has none", names(&refusing));
            return Some(Check::failed("root", detail, "sudo herald enroll telegram --user root"));
        }
        if !of_root.is_empty() && self.has_factor("root") && !self.works_offline("root") {
            let detail = format!("without the network nobody becomes root by {}", names(&of_root));
            return Some(Check::failed("root", detail, "sudo herald backup-codes --user root --force"));
        }
        None
    }

    /// The people who may become root by sudo: one of them must always be able to.
    fn admins(&self, sudo: &Service) -> Option<Check> {
        let admins: Vec<String> = admins().into_iter().collect();
        let first = admins.first()?;
        let exempt = &self.policy(sudo).exempt;
        let able = |name: &String| !self.is_refused(sudo, name);
        if !admins.iter().any(able) {
            let detail = format!("sudo refuses everybody who may use it: {}", listed(&admins, MOST));
            return Some(Check::failed("sudo", detail, format!("sudo herald enroll telegram --user {first}")));
        }
        let always = |name: &String| {
            able(name) && (!self.has_factor(name) || self.works_offline(name) || self.is_exempt(exempt, name))
        };
        if !admins.iter().any(always) {
            let detail = format!("without the network nobody becomes root by sudo: {}", listed(&admins, MOST));
            return Some(Check::failed("sudo", detail, format!("sudo herald backup-codes --user {first} --force")));
        }
        None
    }
}

fn admins() -> BTreeSet<String> {
    let groups = said_by("/usr/bin/getent", &["group"]).unwrap_or_default();
    let members = groups.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| ADMINS.contains(name));
        name.and(fields.nth(2))
    });
    members.flat_map(|names| names.split(',')).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}
