//! A folder of our own, and the records in it.
//!
//! It is opened once for each piece of work; everything in it is reached through that descriptor and without
//! following links. A record is a small file that is ours alone (0600) and is replaced whole: written beside as
//! `NAME~tmp`, then renamed. Names come from `UserName::file_name`, in which `~` cannot occur.
#![forbid(unsafe_code)]

use crate::files::{READ, read_bytes};
use crate::way::{above, failed, text};
use crate::{lock, trust};
use herald_core::machine::{FileError, Trust};
use herald_core::store::StoreError;
use rustix::fd::OwnedFd;
use rustix::fs::{
    AtFlags, Dir, Mode, OFlags, chmodat, fchmod, fstat, fsync, linkat, mkdirat, openat, renameat, unlinkat,
};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

const LOOK: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const LIST: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
const MAKE: OFlags =
    OFlags::WRONLY.union(OFlags::CREATE).union(OFlags::EXCL).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);
const SHARE: OFlags =
    OFlags::RDWR.union(OFlags::CREATE).union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);
const OURS: Mode = Mode::RUSR.union(Mode::WUSR);

/// An open folder that belongs to root or to us, and into which nobody else can write.
#[derive(Debug)]
pub(crate) struct Folder {
    handle: OwnedFd,
    path: PathBuf,
}

/// Whether a record must outlive a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lasting {
    /// It is worth nothing after this boot.
    ThisBoot,
    /// fsync(2), of the file and of the folder.
    Durable,
}

impl Folder {
    /// Opens a folder that must be there.
    pub(crate) fn open(path: &Path) -> Result<Self, FileError> {
        let (parent, name) = above(path)?;
        Self::enter(&parent, name, path.to_owned())
    }

    /// Opens a folder, which is made if it is missing; the one above it must be there.
    pub(crate) fn open_or_make(path: &Path) -> Result<Self, FileError> {
        let (parent, name) = above(path)?;
        Self::enter_or_make(&parent, name, path.to_owned())
    }

    /// Opens a folder inside this one.
    pub(crate) fn child(&self, name: &str) -> Result<Self, FileError> {
        Self::enter(&self.handle, name.as_ref(), self.at(name))
    }

    /// The same, and makes it if it is missing.
    pub(crate) fn child_or_make(&self, name: &str) -> Result<Self, FileError> {
        Self::enter_or_make(&self.handle, name.as_ref(), self.at(name))
    }

    fn enter(parent: &OwnedFd, name: &OsStr, path: PathBuf) -> Result<Self, FileError> {
        let handle = openat(parent, name, LOOK, Mode::empty()).map_err(|error| match error {
            Errno::NOTDIR | Errno::LOOP => {
                let path = path.display();
                FileError::Untrusted(format!("{path} is not a folder. Put one in its place: install -d -m 700 {path}"))
            }
            other => failed(&path, other),
        })?;
        trust::own_folder(&path, &fstat(&handle).map_err(|error| failed(&path, error))?)?;
        Ok(Self { handle, path })
    }

    fn enter_or_make(parent: &OwnedFd, name: &OsStr, path: PathBuf) -> Result<Self, FileError> {
        match Self::enter(parent, name, path) {
            Err(FileError::Missing(path)) => {
                match mkdirat(parent, name, Mode::RWXU) {
                    // The umask is the host's: it stays as it is, and what it took is given back.
                    Ok(()) => {
                        chmodat(parent, name, Mode::RWXU, AtFlags::empty()).map_err(|error| failed(&path, error))?
                    }
                    Err(Errno::EXIST) => {}
                    Err(error) => return Err(failed(&path, error)),
                }
                Self::enter(parent, name, path)
            }
            other => other,
        }
    }

    /// The path of something in this folder, for messages.
    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Reads a record; `None` if this folder holds none of that name.
    pub(crate) fn read(&self, name: &str, limit: usize) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let at = self.at(name);
        let file = match openat(&self.handle, name, READ, Mode::empty()) {
            Ok(file) => file,
            Err(Errno::NOENT) => return self.absent(),
            Err(Errno::LOOP) => return Err(store_error(trust::symlink(&at))),
            Err(error) => return Err(self.failed(name, error)),
        };
        let stat = fstat(&file).map_err(|error| self.failed(name, error))?;
        trust::file(&at, &stat, Trust::Secret).map_err(store_error)?;
        let size = usize::try_from(stat.st_size).unwrap_or(usize::MAX);
        if size > limit {
            return Err(StoreError::State(format!(
                "{} is longer than {limit} bytes: Herald did not write it",
                at.display()
            )));
        }
        read_bytes(&file, &at, size, limit).map(Some).map_err(store_error)
    }

    /// Absence is ENOENT in a folder that exists (rule 3): one that was removed after we opened it says ENOENT to
    /// everything.
    fn absent<T>(&self) -> Result<Option<T>, StoreError> {
        let stat = fstat(&self.handle).map_err(|error| self.failed("", error))?;
        if stat.st_nlink == 0 { Err(store_error(FileError::Missing(self.path.clone()))) } else { Ok(None) }
    }

    /// Replaces a record whole. The caller holds a lock, so that `NAME~tmp` is nobody else's.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8], lasting: Lasting) -> Result<(), StoreError> {
        let temporary = format!("{name}~tmp");
        let file = match self.make(&temporary) {
            Err(Errno::EXIST) => {
                // Left over by a process that ended in the middle.
                let _ = unlinkat(&self.handle, &temporary, AtFlags::empty());
                self.make(&temporary)
            }
            other => other,
        };
        let file = file.map_err(|error| self.failed(name, error))?;
        let written = write_all(&file, bytes)
            .and_then(|()| if lasting == Lasting::Durable { fsync(&file) } else { Ok(()) })
            .and_then(|()| renameat(&self.handle, &temporary, &self.handle, name));
        if let Err(error) = written {
            let _ = unlinkat(&self.handle, &temporary, AtFlags::empty());
            return Err(self.failed(name, error));
        }
        if lasting == Lasting::Durable { self.sync() } else { Ok(()) }
    }

    /// Writes a record unless there is one already: of several that try, the first wins, and nobody ever sees half.
    /// `mark` tells the tries apart.
    pub(crate) fn publish(&self, name: &str, mark: &str, bytes: &[u8]) -> Result<(), StoreError> {
        let temporary = format!("{name}~{mark}");
        let file = self.make(&temporary).map_err(|error| self.failed(name, error))?;
        let linked = write_all(&file, bytes)
            .and_then(|()| linkat(&self.handle, &temporary, &self.handle, name, AtFlags::empty()));
        let _ = unlinkat(&self.handle, &temporary, AtFlags::empty());
        match linked {
            Ok(()) | Err(Errno::EXIST) => Ok(()),
            Err(error) => Err(self.failed(name, error)),
        }
    }

    fn make(&self, name: &str) -> Result<OwnedFd, Errno> {
        let file = openat(&self.handle, name, MAKE, OURS)?;
        // As for folders: whatever umask the host has.
        fchmod(&file, OURS)?;
        Ok(file)
    }

    /// Removes a record, whatever is in it; there need not be one.
    pub(crate) fn remove(&self, name: &str, lasting: Lasting) -> Result<(), StoreError> {
        match unlinkat(&self.handle, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(self.failed(name, error)),
        }
        if lasting == Lasting::Durable { self.sync() } else { Ok(()) }
    }

    /// Opens a file that stays, for a lock.
    pub(crate) fn open_shared(&self, name: &str) -> Result<OwnedFd, StoreError> {
        openat(&self.handle, name, SHARE, OURS).map_err(|error| match error {
            Errno::LOOP => store_error(trust::symlink(&self.at(name))),
            other => self.failed(name, other),
        })
    }

    /// Keeps other writers of this folder out until the result is dropped.
    pub(crate) fn lock_whole(&self, patience: Duration) -> Result<OwnedFd, StoreError> {
        let folder = self.list().map_err(|error| self.failed("", error))?;
        if lock::wait(&folder, Instant::now() + patience).map_err(|error| self.failed("", error))? {
            return Ok(folder);
        }
        let text = "another process has been writing here for too long. Look for one that hangs";
        Err(StoreError::Failed(format!("{}: {text}", self.path.display())))
    }

    /// The names of everything in this folder that is text.
    pub(crate) fn names(&self) -> Result<Vec<String>, StoreError> {
        let failed = |error| self.failed("", error);
        let entries = Dir::new(self.list().map_err(failed)?).map_err(failed)?;
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            names.extend(OsStr::from_bytes(entry.file_name().to_bytes()).to_str().map(str::to_owned));
        }
        Ok(names)
    }

    /// Makes what was renamed, removed or made in this folder outlive a power cut.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        match self.list().and_then(fsync) {
            // The filesystem has no such thing for folders: fsync(2).
            Ok(()) | Err(Errno::INVAL) => Ok(()),
            Err(error) => Err(self.failed("", error)),
        }
    }

    /// A descriptor that can be listed, locked and synced, which a handle cannot.
    fn list(&self) -> Result<OwnedFd, Errno> {
        openat(&self.handle, ".", LIST, Mode::empty())
    }

    /// What went wrong with something in this folder.
    pub(crate) fn failed(&self, name: &str, error: Errno) -> StoreError {
        let at = if name.is_empty() { self.path.clone() } else { self.at(name) };
        let mend = match error {
            Errno::NOSPC | Errno::DQUOT => ". Free some space",
            Errno::ROFS => ". Mount it for writing",
            Errno::ACCESS | Errno::PERM => ". Run it as root",
            _ => "",
        };
        StoreError::Failed(format!("{}: {}{mend}", at.display(), text(error)))
    }
}

/// What a folder or file that cannot be used means for the store.
pub(crate) fn store_error(error: FileError) -> StoreError {
    match error {
        FileError::Missing(path) => {
            let path = path.display();
            StoreError::State(format!("the folder {path} is missing. Make it: install -d -m 700 {path}"))
        }
        FileError::Untrusted(text) => StoreError::State(text),
        FileError::Failed(text) => StoreError::Failed(text),
    }
}

fn write_all(file: &OwnedFd, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::write(file, bytes) {
            Ok(0) => return Err(Errno::IO),
            Ok(count) => bytes = &bytes[count..],
            Err(Errno::INTR) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
