//! A folder that stands in for /etc/pam.d.

use super::built;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Service files in a scratch folder, removed with it.
#[derive(Debug)]
pub struct Stack(PathBuf);

impl Default for Stack {
    fn default() -> Self {
        Self::new()
    }
}

impl Stack {
    /// An empty one. Services that are not there are refused.
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("herald-stack-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).expect("a folder for service files");
        Self(folder).service("other", "auth requisite pam_deny.so\naccount requisite pam_deny.so\n")
    }

    /// Adds a service file. `pam_herald.so`, `pam_rehearsal.so` and `pam_set_items.so` become the built module, the
    /// module's edge with a made-up decision, and pam_wrapper's. Included files are those of this folder; libpam 1.5
    /// would take them from /etc/pam.d.
    #[must_use]
    pub fn service(self, name: &str, text: &str) -> Self {
        let mut text = text.to_owned();
        for (module, path) in [
            ("pam_herald.so", built::module as fn() -> PathBuf),
            ("pam_rehearsal.so", built::rehearsal),
            ("pam_set_items.so", built::set_items),
        ] {
            if text.contains(module) {
                text = text.replace(module, path().to_str().expect("a path in UTF-8"));
            }
        }
        let text = text.lines().map(|line| self.include_from_here(line) + "\n").collect::<String>();
        fs::write(self.0.join(name), text).expect("a service file");
        self
    }

    fn include_from_here(&self, line: &str) -> String {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (directive, name) = match words.as_slice() {
            ["@include", name] => ("@include".to_owned(), name),
            [phase, kind @ ("include" | "substack"), name] => (format!("{phase} {kind}"), name),
            _ => return line.to_owned(),
        };
        format!("{directive} {}", self.0.join(name).to_str().expect("a path in UTF-8"))
    }

    /// Where the service files are.
    pub fn folder(&self) -> &Path {
        &self.0
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // What is left behind by a failure here is a few lines in the scratch folder.
        let _ = fs::remove_dir_all(&self.0);
    }
}
