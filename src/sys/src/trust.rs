//! Who may have a hand in a file or folder (rule 25): root, and the user we act as.
//!
//! That user is the effective uid. The real uid of su and sudo is the person at the door.
#![forbid(unsafe_code)]

use herald_core::machine::{FileError, Trust};
use rustix::fs::{FileType, Mode, Stat};
use rustix::process::geteuid;
use std::path::Path;

const OTHERS_READ: u32 = Mode::RGRP.bits() | Mode::ROTH.bits();
const OTHERS_WRITE: u32 = Mode::WGRP.bits() | Mode::WOTH.bits();

/// A folder on the way to something trusted. Others may write into it only if it is sticky: then they can replace
/// nothing that is not theirs, and what is theirs is refused by its owner.
pub(crate) fn folder_on_the_way(at: &Path, stat: &Stat) -> Result<(), FileError> {
    if stat.st_mode & Mode::SVTX.bits() != 0 { owner("the folder ", at, stat) } else { own_folder(at, stat) }
}

/// A folder whose entries are all ours: nobody else makes any, so that what is absent was never there (rule 3).
pub(crate) fn own_folder(at: &Path, stat: &Stat) -> Result<(), FileError> {
    owner("the folder ", at, stat)?;
    if stat.st_mode & OTHERS_WRITE != 0 {
        return Err(mode("the folder ", at, stat, "others can write into it", "go-w"));
    }
    Ok(())
}

/// A symbolic link on the way. Its mode means nothing; who made it chose where it leads.
pub(crate) fn link_on_the_way(at: &Path, stat: &Stat) -> Result<(), FileError> {
    owner("the symbolic link ", at, stat)
}

/// A file that is read or executed.
pub(crate) fn file(at: &Path, stat: &Stat, trust: Trust) -> Result<(), FileError> {
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {}
        FileType::Symlink => return Err(symlink(at)),
        FileType::Directory => return Err(untrusted(at, "is a folder, not a file. Name a file")),
        _ => return Err(untrusted(at, "is not a regular file. Put one in its place")),
    }
    owner("", at, stat)?;
    let secret = trust == Trust::Secret;
    if stat.st_mode & OTHERS_WRITE != 0 {
        return Err(mode("", at, stat, "others can write to it", if secret { "600" } else { "go-w" }));
    }
    if secret && stat.st_mode & OTHERS_READ != 0 {
        return Err(mode("", at, stat, "others can read the secrets in it", "600"));
    }
    Ok(())
}

/// The error for a last component that is a link: what it points to could be swapped without a trace.
pub(crate) fn symlink(at: &Path) -> FileError {
    untrusted(at, "is a symbolic link. Name the file that it points to")
}

fn owner(kind: &str, at: &Path, stat: &Stat) -> Result<(), FileError> {
    if stat.st_uid == 0 {
        return Ok(());
    }
    let us = geteuid().as_raw();
    if stat.st_uid == us {
        return Ok(());
    }
    let wanted = if us == 0 { "not to root".to_owned() } else { format!("neither to root nor to user id {us}") };
    let at = at.display();
    let text = format!("{kind}{at} belongs to user id {}, {wanted}. Mend it: chown -h root {at}", stat.st_uid);
    Err(FileError::Untrusted(text))
}

fn mode(kind: &str, at: &Path, stat: &Stat, fault: &str, mend: &str) -> FileError {
    let at = at.display();
    let mode = stat.st_mode & 0o7777;
    FileError::Untrusted(format!("{kind}{at} has the mode {mode:04o}: {fault}. Mend it: chmod {mend} {at}"))
}

fn untrusted(at: &Path, fault: &str) -> FileError {
    FileError::Untrusted(format!("{} {fault}", at.display()))
}
