//! Files that an admin wrote: read whole, and only if nobody else had a hand in them (rule 25).
#![forbid(unsafe_code)]

use crate::trust;
use crate::way::{above, failed, text};
use herald_core::machine::{FileError, Files, Trust};
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags, fstat, openat};
use rustix::io::Errno;
use std::path::Path;
use zeroize::Zeroizing;

/// O_NONBLOCK so that a fifo in the place of a file cannot hold a login up; O_NOCTTY so that a terminal there does
/// not become ours.
pub(crate) const READ: OFlags =
    OFlags::RDONLY.union(OFlags::CLOEXEC).union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

/// Reads files that rule 25 allows. The path must begin with `/`; its last component may not be a symbolic link.
#[derive(Clone, Copy, Debug, Default)]
pub struct TrustedFiles;

impl Files for TrustedFiles {
    fn read(&self, path: &Path, trust: Trust, limit: usize) -> Result<Zeroizing<String>, FileError> {
        let (folder, name) = above(path)?;
        let file = openat(&folder, name, READ, Mode::empty()).map_err(|error| match error {
            Errno::LOOP => trust::symlink(path),
            // A socket: open(2).
            Errno::NXIO => {
                FileError::Untrusted(format!("{} is not a regular file. Put one in its place", path.display()))
            }
            other => failed(path, other),
        })?;
        let stat = fstat(&file).map_err(|error| failed(path, error))?;
        trust::file(path, &stat, trust)?;
        read_text(&file, path, usize::try_from(stat.st_size).unwrap_or(0), limit)
    }
}

/// Whether a file may be trusted as it stands, without reading it.
///
/// # Errors
/// As [`Files::read`].
pub fn check_trusted(path: &Path, trust: Trust) -> Result<(), FileError> {
    look(path, trust).map(drop)
}

/// Whether a program may be trusted as it stands, and can be executed. Nobody but root and the effective user can
/// change that between the look and the execution: every folder on the way is theirs.
///
/// # Errors
/// As [`Files::read`].
pub fn check_executable(path: &Path) -> Result<(), FileError> {
    let mode = look(path, Trust::Public)?;
    if mode & (Mode::XUSR | Mode::XGRP | Mode::XOTH).bits() == 0 {
        let path = path.display();
        return Err(FileError::Untrusted(format!("{path} cannot be executed. Mend it: chmod 755 {path}")));
    }
    Ok(())
}

/// Checks a file through a handle that needs no read permission; gives its mode.
fn look(path: &Path, trust: Trust) -> Result<u32, FileError> {
    let (folder, name) = above(path)?;
    let handle = openat(&folder, name, OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| failed(path, error))?;
    let stat = fstat(&handle).map_err(|error| failed(path, error))?;
    trust::file(path, &stat, trust)?;
    Ok(stat.st_mode)
}

/// Reads a file to its end as text. No copy of it is left behind, whatever happens.
pub(crate) fn read_text(file: &OwnedFd, at: &Path, size: usize, limit: usize) -> Result<Zeroizing<String>, FileError> {
    let mut bytes = read_bytes(file, at, size, limit)?;
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(FileError::Failed(format!("{} is not text in UTF-8. Write it anew", at.display())))
        }
    }
}

/// Reads a file to its end. `size` is what fstat(2) said; a file that grows meanwhile is followed up to the limit.
pub(crate) fn read_bytes(
    file: &OwnedFd,
    at: &Path,
    size: usize,
    limit: usize,
) -> Result<Zeroizing<Vec<u8>>, FileError> {
    // One byte more than there should be: a read that leaves it free has seen the end.
    let mut bytes = Zeroizing::new(vec![0; size.min(limit) + 1]);
    let mut length = 0;
    loop {
        if length > limit {
            return Err(FileError::Failed(format!("{} is longer than {limit} bytes. Shorten it", at.display())));
        }
        if length == bytes.len() {
            // Into new memory: a Vec that grows in place would leave the old bytes behind.
            let mut larger = Zeroizing::new(vec![0; (length * 2).min(limit + 1)]);
            larger[..length].copy_from_slice(&bytes);
            bytes = larger;
        }
        match rustix::io::read(file, &mut bytes[length..]) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(Errno::INTR) => {}
            Err(error) => return Err(FileError::Failed(format!("{}: {}", at.display(), text(error)))),
        }
    }
    bytes.truncate(length);
    Ok(bytes)
}

#[cfg(test)]
mod tests;
