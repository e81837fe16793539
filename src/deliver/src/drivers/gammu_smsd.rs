//! `gammu-smsd`: a file in the outbox folder of Gammu's SMS daemon, which sends it through a phone or a modem.
//!
//! The daemon's service `files`: `OUT<priority><date>_<time>_<serial>_<number>_<anything>.txt`, plain text or UTF-16
//! with a byte order mark (Gammu's manual, "SMSD files backend"; its source, smsd/services/files.c). It is written under
//! another name and then renamed, so that the daemon never sees half of it.

use super::fields::{Fields, refusal, required};
use super::{Driver, Envelope, Unwell};
use crate::cage::Reach;
use crate::http::Client;
use crate::layout;
use crate::refusal::Refusal;
use herald_core::address::Form;
use herald_core::clock::Timestamp;
use herald_core::courier::{End, Fault, FieldHelp, Gateway};
use rustix::fs::{Access, CWD, Gid, Mode, OFlags, access, fchmod, fchown, openat, renameat, stat, unlinkat};
use rustix::io::Errno;
use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use zeroize::Zeroizing;

/// The driver.
pub(crate) struct GammuSmsd;

/// The daemon takes files in the order of their names, and A is the first priority.
const PRIORITY: char = 'A';

impl Driver for GammuSmsd {
    fn name(&self) -> &str {
        "gammu-smsd"
    }

    fn channel(&self) -> &str {
        "sms"
    }

    fn addresses(&self) -> Vec<&str> {
        vec!["e164"]
    }

    fn fields(&self) -> Vec<FieldHelp> {
        vec![required(
            "outbox",
            "the folder that is outboxpath in /etc/gammu-smsdrc (with service = files), like \
             /var/spool/gammu/outbox. The user _herald must be in the group of that folder, and the group must be \
             allowed to write (chmod g+w). With transmitformat = auto texts in every alphabet arrive whole. The daemon \
             moves what it sent to sentsmspath: nobody else should be able to read that folder. Taken by the daemon is all \
             that is known here: see its log for what became of it",
        )]
    }

    fn takes(&self, address: &str) -> bool {
        Form::E164.normalise(address).as_deref() == Some(address)
    }

    fn check(&self, gateway: &Gateway) -> Vec<Fault> {
        outbox(gateway).err().unwrap_or_default()
    }

    fn reach(&self, gateway: &Gateway) -> Reach {
        outbox(gateway).map(Reach::outbox).unwrap_or_default()
    }

    fn send(&self, gateway: &Gateway, envelope: &Envelope<'_>, _: &Client, _: Instant) -> Result<(), Refusal> {
        let outbox = outbox(gateway).map_err(|faults| refusal(&faults))?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let name = file_name(now, std::process::id(), envelope.address);
        let temporary = format!("{outbox}/.herald-{}-{}", std::process::id(), now.as_nanos());
        let sms = layout::sms(envelope.message);
        let written = write(outbox, &temporary, &content(&sms.text))
            .and_then(|()| renameat(CWD, &temporary, CWD, format!("{outbox}/{name}")));
        written.map_err(|error| {
            let _ = unlinkat(CWD, &temporary, rustix::fs::AtFlags::empty());
            folder_refusal(outbox, error)
        })
    }

    fn status(&self, gateway: &Gateway, _: &Client, _: Instant) -> Result<String, Unwell> {
        let plain = |refusal| Unwell { refusal, mend: None };
        let outbox = outbox(gateway).map_err(|faults| plain(refusal(&faults)))?;
        match access(outbox, Access::WRITE_OK | Access::EXEC_OK) {
            Ok(()) => Ok(format!("{outbox} can be written to; the daemon cannot be checked without sending")),
            Err(error) => Err(plain(folder_refusal(outbox, error))),
        }
    }
}

fn outbox(gateway: &Gateway) -> Result<&str, Vec<Fault>> {
    let mut fields = Fields::open(&GammuSmsd, gateway);
    let outbox = fields.path("outbox").map(|path| path.trim_end_matches('/'));
    fields.close(outbox)
}

fn file_name(now: Duration, process: u32, number: &str) -> String {
    let stamp: String = Timestamp::from_unix(now.as_secs())
        .to_string()
        .chars()
        .filter(|character| character.is_ascii_digit() || *character == 'T')
        .map(|character| if character == 'T' { '_' } else { character })
        .collect();
    // Two logins of one second have another process or another moment.
    format!("OUT{PRIORITY}{stamp}_{:06}_{number}_herald{process}.txt", now.subsec_micros())
}

/// ASCII is the same in every locale that the daemon may have; anything else is UTF-16 with a byte order mark.
fn content(text: &str) -> Zeroizing<Vec<u8>> {
    if text.is_ascii() {
        return Zeroizing::new(text.as_bytes().to_vec());
    }
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    Zeroizing::new(units.flat_map(u16::to_be_bytes).collect())
}

/// A file that the daemon may read and remove, whoever it runs as: it belongs to the folder's group.
fn write(outbox: &str, path: &str, content: &[u8]) -> Result<(), Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(CWD, path, flags, Mode::RUSR | Mode::WUSR)?;
    fchown(&file, None, Some(Gid::from_raw(stat(outbox)?.st_gid)))?;
    fchmod(&file, Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::WGRP)?;
    File::from(file).write_all(content).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
}

fn folder_refusal(outbox: &str, error: Errno) -> Refusal {
    match error {
        Errno::NOENT | Errno::NOTDIR => Refusal::new(
            End::Configuration,
            format!("there is no folder {outbox}: what is outboxpath in gammu-smsdrc?"),
        ),
        Errno::ACCESS | Errno::PERM | Errno::ROFS => Refusal::new(
            End::Configuration,
            format!("the user _herald may not write to {outbox}: add it to the group of that folder, and chmod g+w it"),
        ),
        other => Refusal::new(End::TryAgain { after: None }, format!("{outbox} could not be written to: {other}")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Folder, TEXT, faulty, gateway, send, status};
    use super::*;
    use std::fs;
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    #[test]
    fn the_message_lands_in_the_outbox_under_a_name_that_the_daemon_knows() {
        let folder = Folder::new("gammu");
        let outbox = folder.0.to_str().expect("a path");
        let gateway = gateway("gammu-smsd", &[("outbox", outbox)]);
        assert_eq!(send(&GammuSmsd, &gateway, "+81312345678"), Ok(()));
        let files: Vec<_> =
            fs::read_dir(&folder.0).expect("readable").map(|entry| entry.expect("one").path()).collect();
        assert_eq!(files.len(), 1, "nothing temporary is left: {files:?}");
        let name = files[0].file_name().and_then(|name| name.to_str()).expect("a name");
        let parts: Vec<&str> = name.split('_').collect();
        assert_eq!((parts.len(), &parts[0][..4], parts[3]), (5, "OUTA", "+81312345678"), "{name}");
        assert!(name.ends_with(".txt"), "{name}");
        assert_eq!(fs::read_to_string(&files[0]).expect("readable"), TEXT);
        let (file, home) = (fs::metadata(&files[0]).expect("there"), fs::metadata(&folder.0).expect("there"));
        assert_eq!((file.permissions().mode() & 0o777, file.gid()), (0o660, home.gid()));
        assert!(status(&GammuSmsd, &gateway).expect("writable").contains("cannot be checked without sending"));
    }

    #[test]
    fn names_are_as_the_manual_has_them() {
        let now = Duration::new(1_790_000_000, 42_000);
        assert_eq!(file_name(now, 7, "+81312345678"), "OUTA20260921_141320_000042_+81312345678_herald7.txt");
    }

    #[test]
    fn other_alphabets_are_utf_16_with_a_mark() {
        assert_eq!(*content("314159"), b"314159");
        assert_eq!(*content("é日"), [0xfe, 0xff, 0x00, 0xe9, 0x65, 0xe5]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_the_admins_to_mend() {
        let gateway = gateway("gammu-smsd", &[("outbox", "/nonexistent/outbox/")]);
        for refused in [
            send(&GammuSmsd, &gateway, "+81312345678").expect_err("none"),
            status(&GammuSmsd, &gateway).expect_err("none"),
        ] {
            assert_eq!(refused.end, End::Configuration);
            assert!(refused.detail.contains("no folder /nonexistent/outbox:"), "{}", refused.detail);
        }
        assert_eq!(folder_refusal("/x", Errno::ACCESS).end, End::Configuration);
        assert_eq!(folder_refusal("/x", Errno::NOSPC).end, End::TryAgain { after: None });
    }

    #[test]
    fn it_takes_numbers_and_an_absolute_path() {
        assert!(GammuSmsd.takes("+81312345678") && !GammuSmsd.takes("0312345678") && !GammuSmsd.takes("../x"));
        assert_eq!(faulty(&GammuSmsd, &gateway("gammu-smsd", &[("outbox", "outbox")])), ["outbox"]);
    }
}
