//! Log files of syslog, those that were rotated too.

use super::entry::Entry;
use super::time::leading;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use time::OffsetDateTime;

/// Where LOG_AUTHPRIV goes: Debian's place, Fedora's, and where one file takes everything.
const FILES: [&str; 3] = ["auth.log", "secure", "messages"];
/// What unpacks what logrotate(8) packed.
const PACKED: [(&str, &str); 4] = [("gz", "gzip"), ("xz", "xz"), ("zst", "zstd"), ("bz2", "bzip2")];

/// All entries since then; `None` if there is no such file that can be read.
pub(super) fn read(root: &Path, since: OffsetDateTime) -> Option<Vec<Entry>> {
    let folder = root.join("var/log");
    let mut entries: Option<Vec<Entry>> = None;
    for name in FILES {
        for path in rotated(&folder, name) {
            let Some((text, written)) = text(&path) else { continue };
            let entries = entries.get_or_insert_default();
            if written >= since {
                entries.extend(text.lines().filter_map(|line| entry(line, written)));
            }
        }
        if entries.is_some() {
            break;
        }
    }
    entries.map(|entries| entries.into_iter().filter(|entry| entry.time >= since).collect())
}

/// `auth.log`, `auth.log.1`, `auth.log.2.gz`, `secure-20261122`
fn rotated(folder: &Path, name: &str) -> Vec<PathBuf> {
    let names = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_one = |path: &PathBuf| {
        let rest = path.file_name().and_then(|file| file.to_str()?.strip_prefix(name));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '-']))
    };
    let mut paths: Vec<PathBuf> = names.filter(is_one).collect();
    paths.sort();
    paths
}

/// The text of a file, and when it was last written to.
fn text(path: &Path) -> Option<(String, OffsetDateTime)> {
    let mut file = File::open(path).ok()?;
    let written = file.metadata().ok().filter(fs::Metadata::is_file)?.modified().ok()?.into();
    let packed = PACKED.iter().find(|(ending, _)| path.extension().is_some_and(|extension| extension == *ending));
    let mut bytes = Vec::new();
    match packed {
        None => drop(file.read_to_end(&mut bytes).ok()?),
        Some((_, program)) => {
            let mut command = Command::new(program);
            command.args(["--decompress", "--stdout"]).env_clear().env("PATH", "/usr/bin:/bin").stdin(file);
            bytes = command.stderr(Stdio::null()).output().ok()?.stdout;
        }
    }
    Some((String::from_utf8_lossy(&bytes).into_owned(), written))
}

/// `TIME HOST PROGRAM[PID]: MESSAGE`
fn entry(line: &str, written: OffsetDateTime) -> Option<Entry> {
    let (time, rest) = leading(line, written)?;
    let (_, rest) = rest.split_once(' ')?;
    let (program, message) = rest.split_once(": ")?;
    Entry::parse(time, program.split('[').next()?, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rotated_files_are_read_and_their_neighbours_are_not() {
        let root = std::env::temp_dir().join(format!("herald-log-{}", std::process::id()));
        let folder = root.join("var/log");
        assert!(read(&root, OffsetDateTime::UNIX_EPOCH).is_none());
        fs::create_dir_all(&folder).expect("a scratch folder");
        for name in ["auth.log", "auth.log.1", "secure-20261122", "auth.logger", "authority"] {
            let line = format!("2026-11-22T02:00:00Z pi sshd[7]: pam_herald(sshd:auth): sent user={name}\nother\n");
            fs::write(folder.join(name), line).expect("a file");
        }
        let found = read(&root, OffsetDateTime::UNIX_EPOCH).expect("a log");
        let mut users: Vec<&str> = found.iter().filter_map(|entry| entry.value("user")).collect();
        users.sort_unstable();
        let later = read(&root, OffsetDateTime::UNIX_EPOCH + time::Duration::days(40_000));
        fs::remove_dir_all(&root).expect("it is ours");
        assert_eq!(users, ["auth.log", "auth.log.1"]);
        assert_eq!(later, Some(Vec::new()), "there is a log, and nothing in it");
    }
}
