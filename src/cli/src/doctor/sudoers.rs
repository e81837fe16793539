//! What sudoers(5) says about being asked at all.

use super::check::Check;
use herald_core::text::display_line;
use std::fs;
use std::path::{Path, PathBuf};

/// As many rules are shown one by one.
const MOST: usize = 5;

/// What matters of it.
#[derive(Debug, Default)]
pub(super) struct Sudoers {
    /// Rules for which sudo does not ask PAM: where, and the line.
    unasked: Vec<(String, String)>,
    /// sudo asks for the password of another account than the caller's, and so for its code.
    pub(super) asks_root: bool,
}

/// Reads /etc/sudoers and the files of /etc/sudoers.d that sudo reads (sudoers(5), "Including other files").
pub(super) fn read(root: &Path) -> Sudoers {
    let mut paths = vec![PathBuf::from("etc/sudoers")];
    for entry in fs::read_dir(root.join("etc/sudoers.d")).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.contains('.') && !name.ends_with('~') {
            paths.push(Path::new("etc/sudoers.d").join(name));
        }
    }
    paths.sort();
    let mut found = Sudoers::default();
    for path in paths {
        let text = fs::read_to_string(root.join(&path)).unwrap_or_default();
        for (number, line) in text.lines().enumerate() {
            found.take(&format!("/{}:{}", path.display(), number + 1), line);
        }
    }
    found
}

impl Sudoers {
    fn take(&mut self, place: &str, line: &str) {
        let line = line.split('#').next().unwrap_or_default();
        let mut words = line.split(|letter: char| letter.is_whitespace() || ",:=".contains(letter));
        let is_default = line.trim_start().starts_with("Defaults");
        if words.clone().any(|word| word == "NOPASSWD" || (is_default && word == "!authenticate")) {
            let text = line.split_whitespace().collect::<Vec<_>>().join(" ");
            self.unasked.push((place.to_owned(), display_line(&text, 80)));
        }
        self.asks_root |= is_default && words.any(|word| ["rootpw", "targetpw", "runaspw"].contains(&word));
    }

    /// Rules for which nobody is asked.
    pub(super) fn checks(&self) -> Vec<Check> {
        let shown = self.unasked.iter().take(MOST).map(|(place, text)| {
            let detail = format!("{place} \"{text}\": never asks PAM, so never for a code");
            Check::noted("sudo", detail, "take NOPASSWD out, unless that is meant: visudo")
        });
        let more = self.unasked.len().saturating_sub(MOST);
        let rest = (more > 0).then(|| Check::noted("sudo", format!("{more} more rules like these"), "visudo"));
        shown.chain(rest).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_that_ask_nobody_are_found_where_they_stand() {
        let mut found = Sudoers::default();
        for (number, line) in [
            "alice ALL=(ALL:ALL) ALL",
            "pi ALL=(ALL) NOPASSWD: ALL",
            "# bob ALL=(ALL) NOPASSWD: ALL",
            "Defaults:backup !authenticate",
            "carol ALL=(root) SETENV:NOPASSWD:/bin/true",
        ]
        .iter()
        .enumerate()
        {
            found.take(&format!("f:{number}"), line);
        }
        let places: Vec<&str> = found.unasked.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(places, ["f:1", "f:3", "f:4"]);
        assert!(!found.asks_root);
        found.take("f:9", "Defaults insults, targetpw");
        assert!(found.asks_root);
    }
}
