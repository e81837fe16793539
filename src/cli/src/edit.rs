//! Changing `herald.toml`: what an admin wrote there stays as it was, comments and order included.
//!
//! Every change is text to text. What came out is read again by the same code that a login uses before it replaces
//! the file, so that a file that worked is never exchanged for one that does not.

mod text;

pub(crate) use text::{Change, append, remove, update};

use crate::call::Call;
use crate::error::Error;
use herald_core::config::{Config, Gateway};
use herald_core::machine::{FileError, Machine, Trust};
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use zeroize::Zeroizing;

const LONGEST: usize = 1 << 20;
/// What a file begins with that `herald` makes.
const OPENING: &str = "# Herald's configuration. After a change: herald config check\n";

/// The configuration file as it was when the command began.
pub(crate) struct ConfigFile<'a> {
    call: &'a Call,
    /// `None` if there is none yet.
    before: Option<Zeroizing<String>>,
    /// What stands in it.
    pub(crate) config: Config,
}

impl<'a> ConfigFile<'a> {
    /// Reads it; without a file the defaults hold.
    pub(crate) fn open(call: &'a Call) -> Result<Self, Error> {
        let before = read(call)?;
        let config = match &before {
            Some(text) => Config::parse(text, &call.path).map_err(Error::Config)?,
            None => Config::default(),
        };
        Ok(Self { call, before, config })
    }

    /// Its text, or that with which a new one begins.
    pub(crate) fn text(&self) -> &str {
        self.before.as_ref().map_or(OPENING, |text| text.as_str())
    }

    /// Where a gateway stands among the gateways of the file.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.config.gateways.iter().position(|gateway| gateway.name == name)
    }

    /// The error for a form of the file that is not edited.
    pub(crate) fn not_editable(&self, why: String) -> Error {
        Error::NotEditable(self.call.path.clone(), why)
    }

    /// Reads a changed text back; it must hold.
    pub(crate) fn read_back(&self, text: &str) -> Result<Config, Error> {
        Config::parse(text, &self.call.path).map_err(Error::Config)
    }

    /// The same, for the gateway at that position or the last one.
    pub(crate) fn read_back_gateway(&self, text: &str, position: Option<usize>) -> Result<Gateway, Error> {
        let mut gateways = self.read_back(text)?.gateways;
        let position = position.unwrap_or(gateways.len().saturating_sub(1));
        if position < gateways.len() {
            Ok(gateways.swap_remove(position))
        } else {
            Err(self.not_editable("does not hold the gateway that was written".to_owned()))
        }
    }

    /// Replaces the file whole: after a crash there is the old one or the new one.
    pub(crate) fn write(self, text: &str) -> Result<(), Error> {
        self.read_back(text)?;
        let path = &self.call.path;
        let failed = |error| Error::Write(path.clone(), error);
        let folder = path.parent().ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
        if self.before.is_none() {
            make_folder(folder).map_err(failed)?;
        }
        // Reading again also looks at the folder, which may be new.
        if read(self.call)? != self.before {
            return Err(Error::ChangedMeanwhile(path.clone()));
        }
        replace(folder, path, text).map_err(failed)
    }
}

fn read(call: &Call) -> Result<Option<Zeroizing<String>>, Error> {
    match call.machine.files().read(&call.path, Trust::Secret, LONGEST) {
        Ok(text) => Ok(Some(text)),
        Err(FileError::Missing(_)) => Ok(None),
        Err(error) => Err(Error::File(error)),
    }
}

/// `/etc/herald` may be looked into by everybody: what is secret in it has its own mode.
fn make_folder(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o755).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        // Whatever umask there is.
        Ok(()) => fs::set_permissions(folder, Permissions::from_mode(0o755)),
    }
}

fn replace(folder: &Path, path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push("~tmp");
    let temporary = folder.join(name);
    // Left over by a command that ended in the middle.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = write_new(&temporary, text).and_then(|()| fs::rename(&temporary, path));
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written?;
    File::open(folder)?.sync_all()
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Global;
    use herald_core::courier::Field;
    use std::path::PathBuf;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("herald-edit-{}-{name}", std::process::id()));
            DirBuilder::new().mode(0o700).create(&path).expect("a temporary folder");
            Self(path.canonicalize().expect("it was just made"))
        }

        fn call(&self) -> Call {
            let config = Some(self.0.join("etc/herald.toml"));
            Call::new(
                &Global { json: false, plain: false, config },
                None,
                &std::rc::Rc::new(crate::voice::Voice::english()),
            )
            .expect("a call")
        }

        fn mode(&self, name: &str) -> u32 {
            fs::metadata(self.0.join(name)).expect("it is there").permissions().mode() & 0o7777
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn with_gateway(file: &ConfigFile<'_>) -> Zeroizing<String> {
        append(file.text(), &[("driver".to_owned(), Field::Text("telegram-bot".into()))]).expect("it can be edited")
    }

    #[test]
    fn the_first_change_makes_the_file_and_its_folder() {
        let scratch = Scratch::new("first");
        let call = scratch.call();
        let file = ConfigFile::open(&call).expect("nothing is there, and that is no error");
        let text = with_gateway(&file);
        file.write(&text).expect("written");
        assert_eq!((scratch.mode("etc"), scratch.mode("etc/herald.toml")), (0o755, 0o600));
        let again = ConfigFile::open(&call).expect("it can be read back");
        assert_eq!(again.position("telegram-bot"), Some(0));
        assert!(again.text().starts_with("# Herald's configuration."), "{}", again.text());
    }

    #[test]
    fn a_file_that_changed_meanwhile_is_left_alone() {
        let scratch = Scratch::new("meanwhile");
        let call = scratch.call();
        let ours = ConfigFile::open(&call).expect("nothing is there");
        let theirs = ConfigFile::open(&call).expect("nothing is there");
        let text = with_gateway(&theirs);
        theirs.write(&text).expect("written");
        assert!(matches!(ours.write("language = \"en\"\n"), Err(Error::ChangedMeanwhile(_))));
    }

    #[test]
    fn a_text_that_does_not_hold_never_replaces_the_file() {
        let scratch = Scratch::new("broken");
        let call = scratch.call();
        let file = ConfigFile::open(&call).expect("nothing is there");
        assert!(matches!(file.write("[limits]\nfailures = 1\n"), Err(Error::Config(_))));
        assert!(!scratch.0.join("etc").exists());
    }
}
