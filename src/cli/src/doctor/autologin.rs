//! Logins for which nobody is asked at all: a console or a desktop that opens by itself.

use super::check::Check;
use std::fs;
use std::path::{Path, PathBuf};

/// Where each program is told so, the words before the account, and the words that turn it off.
const PLACES: [(&str, &str); 11] = [
    ("etc/gdm3/daemon.conf", "AutomaticLogin="),
    ("etc/gdm3/custom.conf", "AutomaticLogin="),
    ("etc/gdm/custom.conf", "AutomaticLogin="),
    ("etc/lightdm/lightdm.conf", "autologin-user="),
    ("etc/lightdm/lightdm.conf.d/*.conf", "autologin-user="),
    ("etc/sddm.conf", "User="),
    ("etc/sddm.conf.d/*.conf", "User="),
    ("etc/greetd/config.toml", INITIAL_SESSION),
    ("etc/lxdm/lxdm.conf", "autologin="),
    ("etc/systemd/system/getty@*.service.d/*.conf", "--autologin "),
    ("etc/systemd/system/serial-getty@*.service.d/*.conf", "--autologin "),
];

/// greetd's section for the session that nobody is asked for; its account stands in `user = "pi"` (greetd(5)).
const INITIAL_SESSION: &str = "[initial_session]";

/// One note for each account that is logged in so.
pub(super) fn checks(root: &Path) -> Vec<Check> {
    let mut checks = Vec::new();
    for (pattern, words) in PLACES {
        for path in matching(root, pattern) {
            let text = fs::read_to_string(root.join(&path)).unwrap_or_default();
            if let Some(account) = account(&text, words) {
                let detail = format!("/{}: {account} is logged in there unasked", path.display());
                checks.push(Check::noted("autologin", detail, "take it out, unless that is meant"));
            }
        }
    }
    checks
}

fn account(text: &str, words: &str) -> Option<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])).collect();
    // GDM has a switch of its own besides the account.
    if words == "AutomaticLogin=" {
        let is_on = |line: &&str| {
            ["automaticloginenable=true", "automaticloginenable=1"].contains(&line.to_lowercase().as_str())
        };
        lines.iter().find(|line| is_on(line))?;
    }
    if words == INITIAL_SESSION {
        let section = lines.iter().skip_while(|line| **line != INITIAL_SESSION).skip(1);
        let mut keys = section.take_while(|line| !line.starts_with('[')).filter_map(|line| line.split_once('='));
        let (_, user) = keys.find(|(key, _)| key.trim() == "user")?;
        return Some(user.trim().trim_matches(['"', '\'']).to_owned());
    }
    let account = lines.iter().find_map(|line| {
        let (before, after) = line.split_once(words)?;
        (before.is_empty() || words.starts_with("--")).then(|| after.split_whitespace().next())?
    });
    account.map(str::to_owned)
}

/// The files of this pattern, each `*` within one name.
fn matching(root: &Path, pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for part in pattern.split('/') {
        let Some((start, end)) = part.split_once('*') else {
            found.iter_mut().for_each(|path| path.push(part));
            continue;
        };
        found = found
            .iter()
            .flat_map(|folder| {
                let names = fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
                let names = names.filter_map(|entry| entry.file_name().into_string().ok());
                let fitting = names.filter(|name| name.starts_with(start) && name.ends_with(end));
                fitting.map(|name| folder.join(name)).collect::<Vec<_>>()
            })
            .collect();
        found.sort();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_is_logged_in_by_itself_is_found() {
        for (words, text, found) in [
            ("AutomaticLogin=", "[daemon]\nAutomaticLoginEnable=true\nAutomaticLogin=kiosk\n", Some("kiosk")),
            ("AutomaticLogin=", "[daemon]\n#AutomaticLoginEnable=true\nAutomaticLogin=kiosk\n", None),
            ("autologin-user=", "[Seat:*]\nautologin-user=pi\n", Some("pi")),
            ("autologin-user=", "#autologin-user=pi\nautologin-user=\n", None),
            ("User=", "[Autologin]\nUser=\n", None),
            ("autologin=", "[base]\n# autologin=dgod\n", None),
            ("[initial_session]", "[initial_session]\ncommand = \"sway\"\nuser = \"pi\"\n", Some("pi")),
            ("[initial_session]", "[default_session]\nuser = \"greeter\"\n", None),
            ("[initial_session]", "[initial_session]\n[default_session]\nuser = \"greeter\"\n", None),
            ("--autologin ", "[Service]\nExecStart=-/sbin/agetty --autologin pi --noclear %I\n", Some("pi")),
        ] {
            assert_eq!(account(text, words).as_deref(), found, "{text}");
        }
    }
}
