//! The way to a folder: from `/` down, trusting every step (rule 25).
//!
//! Each component is opened from the one before, which is already open and trusted, and is itself looked at through
//! its descriptor: nothing is looked up twice, so nothing can be swapped between the look and the use.
//!
//! Symbolic links are followed, because systems have them on good paths (`/lib`, `/var/run`), but by us and not by
//! the kernel: the link must belong to root or to us, and the way that it names is walked in the same manner, from
//! the folder that holds it or from `/`. The last step of a path is not ours to follow: see `files` and `folder`.
#![forbid(unsafe_code)]

use crate::trust;
use herald_core::machine::FileError;
use rustix::fd::OwnedFd;
use rustix::fs::{FileType, Mode, OFlags, fstat, open, openat, readlinkat};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

/// As many links as the kernel follows (path_resolution(7)).
const MOST_LINKS: u32 = 40;
/// A handle to look through, not to read from: works without read permission, and opens no device.
const LOOK: OFlags = OFlags::PATH.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// Opens the folder that holds the last component of `path`, and gives that component.
pub(crate) fn above(path: &Path) -> Result<(OwnedFd, &OsStr), FileError> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(FileError::Untrusted(format!(
            "{} does not name a file. Give the whole path of one",
            path.display()
        )));
    };
    let Ok(below_root) = parent.strip_prefix("/") else {
        let text = format!("{} does not begin with /. Give the whole path", path.display());
        return Err(FileError::Untrusted(text));
    };
    let mut way = Way::from_root()?;
    let mut link = way.follow(below_root)?;
    while let Some(target) = link {
        link = way.follow(&target)?;
    }
    Ok((way.here, name))
}

/// How far we have come.
struct Way {
    here: OwnedFd,
    /// The path of `here`, for messages.
    at: PathBuf,
    links: u32,
}

impl Way {
    fn from_root() -> Result<Self, FileError> {
        let at = PathBuf::from("/");
        let here = open("/", LOOK | OFlags::DIRECTORY, Mode::empty()).map_err(|error| failed(&at, error))?;
        trust::folder_on_the_way(&at, &fstat(&here).map_err(|error| failed(&at, error))?)?;
        Ok(Self { here, at, links: 0 })
    }

    /// Walks on, to the end or to the first link; gives back where the rest of the way leads then.
    fn follow(&mut self, path: &Path) -> Result<Option<PathBuf>, FileError> {
        let mut components = path.components();
        while let Some(component) = components.next() {
            match component {
                Component::RootDir => {
                    let Self { here, at, .. } = Self::from_root()?;
                    (self.here, self.at) = (here, at);
                }
                Component::CurDir | Component::Prefix(_) => {}
                Component::ParentDir => {
                    let above = openat(&self.here, "..", LOOK | OFlags::DIRECTORY, Mode::empty());
                    self.here = above.map_err(|error| failed(&self.at, error))?;
                    self.at.pop();
                }
                Component::Normal(name) => {
                    if let Some(target) = self.step(name)? {
                        return Ok(Some(target.join(components.as_path())));
                    }
                }
            }
        }
        Ok(None)
    }

    /// One step down, or the target of the link that is there.
    fn step(&mut self, name: &OsStr) -> Result<Option<PathBuf>, FileError> {
        self.at.push(name);
        let next = match openat(&self.here, name, LOOK | OFlags::DIRECTORY, Mode::empty()) {
            Err(Errno::NOTDIR | Errno::LOOP) => openat(&self.here, name, LOOK, Mode::empty()),
            other => other,
        };
        let next = next.map_err(|error| failed(&self.at, error))?;
        let stat = fstat(&next).map_err(|error| failed(&self.at, error))?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::Directory => {
                trust::folder_on_the_way(&self.at, &stat)?;
                self.here = next;
                Ok(None)
            }
            FileType::Symlink => {
                trust::link_on_the_way(&self.at, &stat)?;
                self.links += 1;
                if self.links > MOST_LINKS {
                    return Err(failed(&self.at, Errno::LOOP));
                }
                let target = readlinkat(&next, "", Vec::new()).map_err(|error| failed(&self.at, error))?;
                self.at.pop();
                Ok(Some(PathBuf::from(OsString::from_vec(target.into_bytes()))))
            }
            _ => Err(failed(&self.at, Errno::NOTDIR)),
        }
    }
}

/// What an error of open(2) says about a path.
pub(crate) fn failed(at: &Path, error: Errno) -> FileError {
    let path = at.display();
    match error {
        Errno::NOENT => FileError::Missing(at.to_owned()),
        Errno::ACCESS | Errno::PERM => FileError::Failed(format!("{path}: {}. Run it as root", text(error))),
        other => FileError::Failed(format!("{path}: {}", text(other))),
    }
}

/// The words of strerror(3), without the number.
pub(crate) fn text(error: Errno) -> String {
    let text = std::io::Error::from(error).to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}
