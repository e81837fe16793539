//! systemd's journal, through journalctl(1).
//!
//! Anybody may write into the log under any name. The journal knows who did: lines of programs that were neither
//! root's nor started with root's rights are no part of the trail.

use super::entry::Entry;
use super::time::from_unix;
use crate::doctor::said_by;
use serde::Deserialize;
use std::fs;
use std::os::unix::fs::MetadataExt;
use time::{Duration, OffsetDateTime};

const PROGRAM: &str = "/usr/bin/journalctl";
/// LOG_AUTHPRIV (syslog(3)).
const FACILITY: &str = "SYSLOG_FACILITY=10";
const SET_USER_ID: u32 = 0o4000;

/// What of a record matters (systemd.journal-fields(7)). Fields that begin with `_` are journald's own word.
#[derive(Deserialize)]
struct Record {
    #[serde(rename = "__REALTIME_TIMESTAMP")]
    microseconds: String,
    #[serde(rename = "SYSLOG_IDENTIFIER", default)]
    program: Option<String>,
    /// Text; where it is not UTF-8, an array of bytes, which no line of ours is.
    #[serde(rename = "MESSAGE", default)]
    message: Option<serde_json::Value>,
    #[serde(rename = "_UID", default)]
    uid: Option<String>,
    #[serde(rename = "_EXE", default)]
    program_path: Option<String>,
}

/// All entries since then; `None` if there is no journal.
pub(super) fn read(since: OffsetDateTime) -> Option<Vec<Entry>> {
    let since = format!("--since=@{}", since.unix_timestamp());
    let common = ["--quiet", "--no-pager", "--output=json"];
    // An empty journal has nothing at all to show.
    said_by(PROGRAM, &[&common[..], &["--lines=1"]].concat()).filter(|text| !text.trim().is_empty())?;
    let fields = "--output-fields=MESSAGE,SYSLOG_IDENTIFIER,_UID,_EXE";
    let text = said_by(PROGRAM, &[&common[..], &[fields, since.as_str(), FACILITY]].concat())?;
    Some(text.lines().filter_map(entry).collect())
}

fn entry(line: &str) -> Option<Entry> {
    let record: Record = serde_json::from_str(line).ok()?;
    let microseconds: u64 = record.microseconds.parse().ok()?;
    let time =
        from_unix(microseconds / 1_000_000) + Duration::microseconds(i64::try_from(microseconds % 1_000_000).ok()?);
    let entry = Entry::parse(time, record.program.as_deref()?, record.message.as_ref()?.as_str()?)?;
    let is_root = record.uid.as_deref() == Some("0");
    (is_root || record.program_path.as_deref().is_some_and(has_roots_rights)).then_some(entry)
}

/// su is started by anybody, and is root all the same.
fn has_roots_rights(path: &str) -> bool {
    fs::metadata(path).is_ok_and(|found| found.uid() == 0 && found.mode() & SET_USER_ID != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"{"__REALTIME_TIMESTAMP":"1795312800123456","SYSLOG_IDENTIFIER":"sshd","MESSAGE":"pam_herald(sshd:auth): sent user=alice","_UID":"0","_EXE":"/usr/sbin/sshd","__CURSOR":"s=1"}"#;

    #[test]
    fn a_record_becomes_an_entry() {
        let found = entry(LINE).expect("one of ours");
        assert_eq!(found.time.unix_timestamp_nanos(), 1_795_312_800_123_456_000);
        assert_eq!((found.event.as_str(), found.value("user")), ("sent", Some("alice")));
    }

    #[test]
    fn a_line_that_somebody_made_up_is_no_part_of_the_trail() {
        let forged = LINE.replace(r#""_UID":"0","_EXE":"/usr/sbin/sshd""#, r#""_UID":"1000","_EXE":"/usr/bin/logger""#);
        assert_ne!(forged, LINE);
        assert_eq!(entry(&forged), None);
        assert_eq!(entry(&forged.replace("/usr/bin/logger", "/nonexistent")), None);
        let su = std::path::Path::new("/usr/bin/su");
        if su.exists() {
            assert!(entry(&forged.replace("/usr/bin/logger", "/usr/bin/su")).is_some(), "su is root for whoever calls");
        }
    }

    #[test]
    fn what_is_no_text_is_passed_over() {
        for message in ["[1,2,255]", "null", "7"] {
            let line = LINE.replace(r#""pam_herald(sshd:auth): sent user=alice""#, message);
            assert_eq!(entry(&line), None, "{message}");
        }
        assert_eq!(entry("-- No entries --"), None);
    }
}
