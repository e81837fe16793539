//! A list that was begun: as long as it is being written, a file says how everybody in it was before and is to be
//! afterwards. If the writing is killed, the next command puts everybody back, so that nobody is enrolled by half a
//! list.

use crate::call::{Call, Installation};
use crate::error::Error;
use herald_core::account::UserName;
use herald_core::enrollment::Enrollment;
use herald_core::machine::{FileError, Machine, Trust};
use herald_core::registrar::RegistrarError;
use rustix::fs::{FlockOperation, flock, fstat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// In the state folder.
const NAME: &str = "list-under-way.json";
/// What stands behind it once it is whole: nothing is changed before.
const END: &[u8] = b"\n";
/// The longest such file, in bytes.
const LONGEST: usize = 256 << 20;

/// One person of a list: the texts of their enrollment.
#[derive(Serialize, Deserialize)]
struct Step {
    user: String,
    before: String,
    after: String,
}

/// A list that is being written. It is over once this is dropped, whatever came of it.
pub(crate) struct Begun {
    path: PathBuf,
    /// Open and locked: it is under way, not broken off.
    _file: File,
}

impl Begun {
    /// Says what is to be written, before anything is.
    ///
    /// # Errors
    /// The file cannot be written, or another list is under way.
    pub(crate) fn note<'a>(
        installation: &Installation,
        people: impl Iterator<Item = (&'a UserName, &'a Enrollment, &'a Enrollment)>,
    ) -> Result<Self, Error> {
        let path = installation.config.paths.state.join(NAME);
        let text = |enrollment: &Enrollment| {
            enrollment
                .to_toml()
                .map(|text| text.to_string())
                .map_err(|error| failed(&path, io::Error::other(error.to_string())))
        };
        let steps: Result<Vec<Step>, Error> = people
            .map(|(user, before, after)| {
                Ok(Step { user: user.to_string(), before: text(before)?, after: text(after)? })
            })
            .collect();
        let mut text = serde_json::to_vec(&steps?).map(Zeroizing::new).map_err(|error| failed(&path, error.into()))?;
        text.extend_from_slice(END);
        let begun = written(&path, &text);
        match begun {
            Ok(file) => Ok(Self { path, _file: file }),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(Error::Foreign(
                path,
                "another list is being enrolled or restored".to_owned(),
                "wait for its end, then the same command again".to_owned(),
            )),
            Err(error) => Err(failed(&path, error)),
        }
    }

    /// Everything is written, and stays.
    ///
    /// # Errors
    /// It cannot be said; then the next command would put everybody back.
    pub(crate) fn end(&self) -> Result<(), RegistrarError> {
        let ended = fs::remove_file(&self.path).and_then(|()| sync_folder(&self.path));
        ended.map_err(|error| RegistrarError::Machine(format!("{}: {error}", self.path.display())))
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Puts everybody back whom a list that was broken off has changed; what they or others changed since then stays. Says
/// whether there was such a list.
pub(crate) fn put_back(call: &Call, installation: &Installation) -> Result<bool, Error> {
    let path = installation.config.paths.state.join(NAME);
    // It stays locked till the end.
    let Some(_file) = broken_off(&path)? else { return Ok(false) };
    let text = match call.machine.files().read(&path, Trust::Secret, LONGEST) {
        Ok(text) => text,
        Err(FileError::Missing(_)) => return Ok(false),
        Err(error) => return Err(Error::File(error)),
    };
    let wrong = || {
        let mend = format!("herald status --all shows who is enrolled; then: rm {}", path.display());
        Error::Foreign(path.clone(), "a list was broken off, and what was before cannot be read".to_owned(), mend)
    };
    let steps: Vec<Step> = match text.strip_suffix('\n') {
        Some(text) => serde_json::from_str(text).map_err(|_| wrong())?,
        None => Vec::new(),
    };
    let registrar = installation.registrar(call);
    for step in &steps {
        let user = UserName::new(step.user.as_str());
        let before = Enrollment::parse(&step.before).map_err(|_| wrong())?;
        let after = Enrollment::parse(&step.after).map_err(|_| wrong())?;
        match registrar.swap(&user, &after, &before) {
            Ok(()) | Err(RegistrarError::ChangedMeanwhile(_)) => {}
            Err(error) => {
                return Err(Error::Registrar { user: step.user.clone(), what: String::new(), error });
            }
        }
    }
    fs::remove_file(&path).and_then(|()| sync_folder(&path)).map_err(|error| failed(&path, error))?;
    Ok(true)
}

/// Whether a list was broken off and nobody was put back yet.
pub(crate) fn waits(installation: &Installation) -> bool {
    broken_off(&installation.config.paths.state.join(NAME)).is_ok_and(|file| file.is_some())
}

/// The file of a list that nobody works on any more, locked.
fn broken_off(path: &Path) -> Result<Option<File>, Error> {
    let file = match File::open(path) {
        Ok(file) => file,
        // Others may not look, and then cannot mend it.
        Err(error) if [io::ErrorKind::NotFound, io::ErrorKind::PermissionDenied].contains(&error.kind()) => {
            return Ok(None);
        }
        Err(error) => return Err(Error::unreadable(path, &error)),
    };
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(Errno::WOULDBLOCK) => return Ok(None),
        Err(error) => return Err(Error::unreadable(path, &error.into())),
    }
    // It may have ended meanwhile.
    let is_there = fstat(&file).map_or(true, |stat| stat.st_nlink > 0);
    Ok(is_there.then_some(file))
}

/// There as a whole, and locked.
fn written(path: &Path, text: &[u8]) -> io::Result<File> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    file.write_all(text)?;
    file.sync_all()?;
    sync_folder(path)?;
    // Before it was locked it may have been taken for one that was broken off.
    if fstat(&file)?.st_nlink == 0 { Err(io::ErrorKind::AlreadyExists.into()) } else { Ok(file) }
}

fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

fn failed(path: &Path, error: io::Error) -> Error {
    Error::Write(path.to_owned(), error)
}
