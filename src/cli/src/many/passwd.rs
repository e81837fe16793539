//! The user database as a list, through getent(1): homes, and thousands of names in one go.

use crate::error::Error;
use herald_core::account::NameServiceError;
use std::process::{Command, Stdio};

/// One account, as passwd(5) has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) home: String,
    pub(crate) shell: String,
}

/// Everybody that the database lists. Large directories list nobody; they answer for single names only.
pub(crate) fn everybody() -> Result<Vec<Entry>, Error> {
    ask(&[])
}

/// The account of that name.
pub(crate) fn of(name: &str) -> Result<Option<Entry>, Error> {
    Ok(ask(&[name])?.into_iter().next())
}

fn ask(names: &[&str]) -> Result<Vec<Entry>, Error> {
    let mut command = Command::new("/usr/bin/getent");
    // What is asked for is a name, also if it begins with a dash.
    command.arg("--").arg("passwd").args(names).env_clear().stdin(Stdio::null()).stderr(Stdio::null());
    let failed = |error: std::io::Error| Error::Users(NameServiceError(format!("getent: {error}")));
    let output = command.output().map_err(failed)?;
    Ok(String::from_utf8_lossy(&output.stdout).lines().filter_map(entry).collect())
}

fn entry(line: &str) -> Option<Entry> {
    let mut fields = line.split(':');
    let name = fields.next().filter(|name| !name.is_empty())?.to_owned();
    let uid = fields.nth(1)?.parse().ok()?;
    let home = fields.nth(2)?.to_owned();
    let shell = fields.next().unwrap_or_default().to_owned();
    Some(Entry { name, uid, home, shell })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_listed_and_found() {
        let root = of("root").expect("getent").expect("there is a root");
        assert_eq!((root.uid, root.home.starts_with('/')), (0, true));
        assert!(everybody().expect("getent").contains(&root));
        assert_eq!(of("no-such-user-here").expect("getent"), None);
        assert_eq!(entry("a:x:b:1::/:"), None);
        assert_eq!(entry("a:x:7:1:,:/a:/bin/sh").map(|found| found.shell).as_deref(), Some("/bin/sh"));
    }
}
