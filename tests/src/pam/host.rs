//! The host before it starts.

use super::session::Session;
use super::stack::Stack;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// What a host tells libpam before it asks for a login.
#[derive(Clone, Debug)]
pub struct Host {
    pub(super) folder: PathBuf,
    pub(super) service: Vec<u8>,
    pub(super) user: Option<Vec<u8>>,
    pub(super) items: Vec<(i32, Vec<u8>)>,
    pub(super) variables: Vec<Vec<u8>>,
    pub(super) environment: Vec<(OsString, OsString)>,
    pub(super) mute: bool,
    pub(super) launcher: Vec<OsString>,
}

/// Items of pam_set_item(3).
pub(super) mod item {
    pub(in super::super) const USER: i32 = 2;
    pub(super) const TTY: i32 = 3;
    pub(super) const RHOST: i32 = 4;
    pub(super) const RUSER: i32 = 8;
}

impl Host {
    /// A host that uses this service of the stack.
    pub fn new(stack: &Stack, service: &str) -> Self {
        Self::launched(Vec::new(), stack.folder(), service)
    }

    /// A host that is started by this command line instead of directly, say in other namespaces, and finds its
    /// service files in this folder there.
    pub fn launched(launcher: Vec<OsString>, folder: &Path, service: &str) -> Self {
        Self {
            folder: folder.to_owned(),
            service: service.into(),
            user: None,
            items: Vec::new(),
            variables: Vec::new(),
            environment: Vec::new(),
            mute: false,
            launcher,
        }
    }

    /// PAM_USER. Without it libpam asks.
    #[must_use]
    pub fn user(mut self, user: impl AsRef<[u8]>) -> Self {
        self.user = Some(user.as_ref().to_vec());
        self
    }

    /// PAM_RHOST.
    #[must_use]
    pub fn rhost(self, rhost: impl AsRef<[u8]>) -> Self {
        self.with_item(item::RHOST, rhost.as_ref())
    }

    /// PAM_TTY.
    #[must_use]
    pub fn tty(self, tty: impl AsRef<[u8]>) -> Self {
        self.with_item(item::TTY, tty.as_ref())
    }

    /// PAM_RUSER.
    #[must_use]
    pub fn ruser(self, ruser: impl AsRef<[u8]>) -> Self {
        self.with_item(item::RUSER, ruser.as_ref())
    }

    /// PAM_AUTHTOK, as a first factor would leave it; `pam_set_items.so` has to stand in the stack before whoever
    /// is to see it.
    #[must_use]
    pub fn authtok(self, token: impl AsRef<[u8]>) -> Self {
        self.process_environment("PAM_AUTHTOK", token)
    }

    /// A variable of the PAM environment, such as SSH_AUTH_INFO_0.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push(format!("{name}={value}").into());
        self
    }

    /// A variable of the host's own environment, which is empty otherwise.
    #[must_use]
    pub fn process_environment(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.environment.push((name.into(), OsString::from_vec(value.as_ref().to_vec())));
        self
    }

    /// A host without a conversation function.
    #[must_use]
    pub fn mute(mut self) -> Self {
        self.mute = true;
        self
    }

    /// Starts the process and the transaction.
    pub fn start(&self) -> Session {
        let mut session = Session::launch(self);
        if session.open(self).is_none() {
            session.fail("it does not start");
        }
        session
    }

    /// The same for a process that may not live so long: `None` if it did not.
    pub fn try_start(&self) -> Option<Session> {
        let mut session = Session::launch(self);
        session.open(self)?;
        Some(session)
    }

    fn with_item(mut self, item: i32, value: &[u8]) -> Self {
        self.items.push((item, value.to_vec()));
        self
    }
}
