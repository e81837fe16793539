//! What sshd really does (`sshd -T`): whether it asks PAM, and in a way in which a code can be asked for.

use super::check::Check;
use super::{listed, said_by};
use std::collections::BTreeMap;

const DROP_IN: &str = "cp /usr/share/doc/herald/pam.d-example/sshd_config.d/herald.conf \
                       /etc/ssh/sshd_config.d/00-herald.conf && systemctl reload ssh";

const SSHD: &str = "/usr/sbin/sshd";
/// As many people are asked about one by one.
const MOST: usize = 20;
/// Somebody from elsewhere (RFC 5737).
const PEER: &str = "203.0.113.1";

/// What sshd does in general, and what a Match block changes for these people.
pub(super) fn checks(people: &[String]) -> Vec<Check> {
    let Some(settings) = said_by(SSHD, &["-T"]) else {
        return vec![Check::failed("sshd", "sshd does not say its settings", "sudo sshd -t says why")];
    };
    let mut checks = judged(&settings);
    let mut apart: Vec<(String, Vec<&str>)> = Vec::new();
    for name in people.iter().filter(|name| !name.contains(',')).take(MOST) {
        let connection = format!("user={name},host={PEER},addr={PEER}");
        let Some(theirs) = said_by(SSHD, &["-T", "-C", &connection]) else { continue };
        for check in judged(&theirs).into_iter().filter(|check| !check.ok && !checks.contains(check)) {
            match apart.iter_mut().find(|(detail, _)| *detail == check.detail) {
                Some((_, names)) => names.push(name),
                None => apart.push((check.detail, vec![name])),
            }
        }
    }
    checks.extend(apart.iter().map(|(detail, names)| {
        let detail = format!("for {}: {detail}", listed(names, MOST));
        Check::noted("sshd", detail, "look at the Match blocks of sshd_config, unless that is meant")
    }));
    checks
}

fn judged(settings: &str) -> Vec<Check> {
    let settings: BTreeMap<&str, &str> = settings.lines().filter_map(|line| line.split_once(' ')).collect();
    let is = |key: &str, wanted: &str| settings.get(key).is_some_and(|value| value.trim() == wanted);
    // "publickey,keyboard-interactive:pam": the part behind the colon is a device.
    let methods = settings.get("authenticationmethods").map_or("any", |methods| methods.trim());
    let takes = |list: &str, wanted: &str| list.split(',').any(|method| method.split(':').next() == Some(wanted));
    let mut checks = Vec::new();
    let mut failed = |detail: String| checks.push(Check::failed("sshd", detail, DROP_IN));
    if !is("usepam", "yes") {
        failed("UsePAM is off: sshd never asks for a code".to_owned());
    }
    // Its name before OpenSSH 8.7 was another.
    if !is("kbdinteractiveauthentication", "yes") && !is("challengeresponseauthentication", "yes") {
        failed("KbdInteractiveAuthentication is off: sshd cannot ask a second question".to_owned());
    }
    let with_password = methods.split_whitespace().any(|list| list == "any" || takes(list, "password"));
    if is("passwordauthentication", "yes") && with_password {
        let what = "sshd answers the question for the code with the password, and is refused";
        failed(format!("PasswordAuthentication is on: {what}"));
    }
    let asks_pam = |list: &str| takes(list, "keyboard-interactive") || takes(list, "password");
    if methods.split_whitespace().any(|list| list == "any" || !asks_pam(list)) {
        failed(format!("AuthenticationMethods is {methods}: a key alone opens the door, and PAM is never asked"));
    }
    if checks.is_empty() {
        checks.push(Check::passed("sshd", format!("it asks PAM: AuthenticationMethods {methods}")));
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "port 22\nusepam yes\nkbdinteractiveauthentication yes\npasswordauthentication no\n\
                        authenticationmethods publickey,keyboard-interactive keyboard-interactive\n";

    fn names(settings: &str) -> Vec<String> {
        let failed = judged(settings).into_iter().filter(|check| !check.ok);
        failed.filter_map(|check| check.detail.split(' ').next().map(str::to_owned)).collect()
    }

    #[test]
    fn the_shipped_settings_hold() {
        assert_eq!(names(GOOD), Vec::<String>::new());
        assert_eq!(names(&GOOD.replace("passwordauthentication no", "permitrootlogin yes")), Vec::<String>::new());
    }

    #[test]
    fn a_password_alone_is_no_way_in_where_no_list_takes_it() {
        let on = GOOD.replace("passwordauthentication no", "passwordauthentication yes");
        assert_eq!(names(&on), Vec::<String>::new());
        let both = on.replace(" keyboard-interactive\n", " publickey,password\n");
        assert_eq!(names(&both), ["PasswordAuthentication"]);
    }

    #[test]
    fn the_name_of_older_servers_counts() {
        let old = GOOD.replace("kbdinteractiveauthentication", "challengeresponseauthentication");
        assert_eq!(names(&old), Vec::<String>::new());
    }

    #[test]
    fn settings_in_which_no_code_can_be_asked_for_are_found() {
        for (was, is, name) in [
            ("usepam yes", "usepam no", "UsePAM"),
            ("kbdinteractiveauthentication yes", "kbdinteractiveauthentication no", "KbdInteractiveAuthentication"),
            (" keyboard-interactive\n", " publickey\n", "AuthenticationMethods"),
            (
                "authenticationmethods publickey,keyboard-interactive keyboard-interactive",
                "authenticationmethods any",
                "AuthenticationMethods",
            ),
        ] {
            assert_eq!(names(&GOOD.replace(was, is)), [name], "{is}");
        }
    }
}
