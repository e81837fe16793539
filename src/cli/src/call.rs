//! One call of `herald`: where its configuration is, who calls, and what it works with.

use crate::command::{Global, Whom};
use crate::error::Error;
use crate::journal::Journal;
use crate::many::begun;
use crate::terminal::Terminal;
use crate::voice::Voice;
use herald_core::account::UserName;
use herald_core::config::{Config, DEFAULT_PATH};
use herald_core::delivery::Sender;
use herald_core::enrollment::Enrollment;
use herald_core::login::Attempt;
use herald_core::machine::{FileError, LoadError, Machine, load_config};
use herald_core::registrar::Registrar;
use herald_core::store::Store;
use herald_sys::{FileStore, Spawner, System};
use std::cell::Cell;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::rc::Rc;

/// One call.
pub(crate) struct Call {
    /// `--json`: nothing is asked.
    pub(crate) json: bool,
    /// The configuration file, an absolute path.
    pub(crate) path: PathBuf,
    /// Whether `--config` named it.
    pub(crate) named: bool,
    /// The machine.
    pub(crate) machine: System,
    /// The log.
    pub(crate) journal: Journal,
    /// Who calls, or called sudo: for the log, and for whoever gets a code.
    pub(crate) by: String,
    /// Whether `by` runs it for themselves, through the broker.
    pub(crate) own: bool,
    /// Whether they gave a code from a factor of theirs. A password is no such proof: a factor may have come since.
    pub(crate) proved: Cell<bool>,
    /// How it speaks.
    pub(crate) voice: Rc<Voice>,
}

impl Call {
    pub(crate) fn new(global: &Global, own: Option<&str>, voice: &Rc<Voice>) -> Result<Self, Error> {
        let path = match &global.config {
            // Trusted files are named by their whole path; it is not resolved here, or links would go unseen.
            Some(path) => std::path::absolute(path).map_err(|error| Error::Write(path.clone(), error))?,
            None => DEFAULT_PATH.into(),
        };
        let sudo_user = std::env::var("SUDO_USER").ok().filter(|name| !name.is_empty());
        Ok(Self {
            json: global.json,
            path,
            named: global.config.is_some(),
            machine: System,
            journal: Journal::open(own.is_some()),
            // Whatever is about another person needs root.
            by: own.map(str::to_owned).or(sudo_user).unwrap_or_else(|| "root".to_owned()),
            own: own.is_some(),
            proved: Cell::new(false),
            voice: Rc::clone(voice),
        })
    }

    /// The configuration. Without a file the defaults hold, unless `--config` named it.
    pub(crate) fn config(&self) -> Result<Config, Error> {
        match load_config(self.machine.files(), &self.path) {
            Err(LoadError::File(FileError::Missing(_))) if !self.named => Ok(Config::default()),
            Err(LoadError::File(FileError::Missing(_))) => Err(Error::NoConfig(self.path.clone())),
            other => Ok(other?),
        }
    }

    /// Herald as it is configured, without what a list left that was broken off.
    pub(crate) fn installation(&self) -> Result<Installation, Error> {
        let config = self.config()?;
        self.voice.prefer(config.language.as_deref());
        let installation = Installation::of(config);
        if begun::put_back(self, &installation)? {
            self.terminal().show(&self.voice.word(|texts| texts.list_put_back));
        }
        Ok(installation)
    }

    /// The person a command is about: who was named, or who called sudo, or who calls. The name is the user
    /// database's own (rule 1).
    pub(crate) fn user(&self, whom: &Whom) -> Result<UserName, Error> {
        let name = whom.user.as_ref().unwrap_or(&self.by);
        match self.machine.users().find(name).map_err(Error::Users)? {
            Some(account) => Ok(account.name),
            None => Err(Error::NoSuchUser(name.clone())),
        }
    }

    /// The same, also for somebody who has no account any more but is still enrolled: that can be looked at and
    /// removed.
    pub(crate) fn user_or_trace(&self, whom: &Whom, installation: &Installation) -> Result<UserName, Error> {
        match self.user(whom) {
            Err(Error::NoSuchUser(name)) => {
                let trace = UserName::new(name.as_str());
                match installation.store.enrollment(&trace) {
                    Ok(Some(_)) => Ok(trace),
                    _ => Err(Error::NoSuchUser(name)),
                }
            }
            other => other,
        }
    }

    /// What the module would be told by a host. Root's word is the evidence of a first factor.
    pub(crate) fn attempt(&self, service: &str, user: &UserName) -> Attempt {
        let mut config = b"config=".to_vec();
        config.extend_from_slice(self.path.as_os_str().as_bytes());
        Attempt {
            service: service.to_owned(),
            user: user.as_str().as_bytes().to_vec(),
            tty: Terminal::name(),
            ruser: self.by.clone(),
            vouched: true,
            arguments: vec![config],
            spoken: Some(self.voice.phrases()),
            ..Attempt::default()
        }
    }

    pub(crate) fn terminal(&self) -> Terminal {
        Terminal::new(self.json, &self.voice)
    }
}

/// Herald as it is configured on this machine.
pub(crate) struct Installation {
    pub(crate) config: Config,
    pub(crate) store: FileStore,
    pub(crate) courier: Spawner,
}

impl Installation {
    pub(crate) fn of(config: Config) -> Self {
        let store = FileStore::new(&config.paths);
        let courier = Spawner::new(&config.paths.deliver);
        Self { config, store, courier }
    }

    pub(crate) fn registrar<'a>(&'a self, call: &'a Call) -> Registrar<'a> {
        Registrar {
            machine: &call.machine,
            config: &self.config,
            store: &self.store,
            courier: &self.courier,
            audit: &call.journal,
            by: call.by.clone(),
            phrases: call.voice.phrases(),
        }
    }

    pub(crate) fn sender<'a>(&'a self, call: &'a Call) -> Sender<'a> {
        Sender {
            machine: &call.machine,
            store: &self.store,
            courier: &self.courier,
            config: &self.config,
            delivery: &self.config.for_service("herald").delivery,
            audit: &call.journal,
        }
    }

    /// Everybody who is enrolled.
    pub(crate) fn enrolled_users(&self) -> Result<Vec<UserName>, Error> {
        Ok(self.store.enrolled_users()?)
    }

    pub(crate) fn enrollment(&self, user: &UserName) -> Result<Enrollment, Error> {
        Ok(self.store.enrollment(user)?.unwrap_or_default())
    }
}
