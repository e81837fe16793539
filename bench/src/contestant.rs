//! Who takes part: the modules, and the peers that they are held against.

use crate::Failure;
use crate::person::{AppOwner, PhoneOwner, Unasked};
use crate::scratch::Scratch;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// One way to log in, or the bare sending of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Contestant {
    /// pam_permit: what a login costs without anything. What others take beyond it is the time that they add.
    Permit,
    /// pam_warn: one line of log. Herald logs every outcome; pam_google_authenticator says nothing of those whom it
    /// does not ask.
    Warn,
    /// pam_google_authenticator with `nullok`, for a user without a file.
    GoogleNullok,
    /// pam_herald, for a user who is exempt.
    HeraldExempt,
    /// pam_herald with `unenrolled = "skip"`, for a user who is not enrolled.
    HeraldUnenrolled,
    /// pam_google_authenticator with the right code.
    GoogleCode,
    /// pam_herald: a code is sent, and verified.
    HeraldCode,
    /// The same through a driver that is data, of the catalogue.
    HeraldCatalogue,
    /// The same as [`Contestant::HeraldCode`], decided by the broker.
    HeraldBroker,
    /// A curl process that sends a message, without any login.
    Curl,
    /// pam_exec with a shell script that sends a message with curl. Nothing is verified.
    ExecCurl,
    /// The same curl, but it reads one certificate instead of all that the system trusts, which Herald reads.
    LightCurl,
    /// pam_exec with that curl.
    LightExecCurl,
}

impl Contestant {
    /// All of them, in the order of the tables.
    pub(crate) const ALL: [Self; 13] = [
        Self::Permit,
        Self::Warn,
        Self::GoogleNullok,
        Self::HeraldExempt,
        Self::HeraldUnenrolled,
        Self::GoogleCode,
        Self::HeraldCode,
        Self::HeraldCatalogue,
        Self::HeraldBroker,
        Self::Curl,
        Self::ExecCurl,
        Self::LightCurl,
        Self::LightExecCurl,
    ];

    /// The name of the PAM service.
    pub(crate) fn service(self) -> &'static str {
        match self {
            Self::Permit => "permit",
            Self::Warn => "warn",
            Self::GoogleNullok => "google-nullok",
            Self::HeraldExempt => "herald-exempt",
            Self::HeraldUnenrolled => "herald-unenrolled",
            Self::GoogleCode => "google-code",
            Self::HeraldCode => "herald-code",
            Self::HeraldCatalogue => "herald-catalogue",
            // Root goes through the broker in this service alone.
            Self::HeraldBroker => "polkit-1",
            Self::Curl => "curl",
            Self::ExecCurl => "exec-curl",
            Self::LightCurl => "light-curl",
            Self::LightExecCurl => "light-exec-curl",
        }
    }

    /// The one of that service.
    pub(crate) fn named(service: &str) -> Result<Self, Failure> {
        Self::ALL
            .into_iter()
            .find(|one| one.service() == service)
            .ok_or_else(|| format!("{service} does not take part"))
    }

    /// For people.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Permit => "pam_permit",
            Self::Warn => "pam_warn, one line of log",
            Self::GoogleNullok => "pam_google_authenticator, nullok, no file",
            Self::HeraldExempt => "pam_herald, user exempt",
            Self::HeraldUnenrolled => "pam_herald, user unenrolled, skip",
            Self::GoogleCode => "pam_google_authenticator, code known",
            Self::HeraldCode => "pam_herald, code sent and verified",
            Self::HeraldCatalogue => "pam_herald, the same by a catalogue driver",
            Self::HeraldBroker => "pam_herald, the same through the broker",
            Self::Curl => "a curl process, no login",
            Self::ExecCurl => "pam_exec, sh and curl, nothing verified",
            Self::LightCurl => "a curl process that reads one certificate",
            Self::LightExecCurl => "pam_exec, sh and such a curl",
        }
    }

    /// How many messages one login sends.
    pub(crate) fn messages(self) -> usize {
        let none = [
            Self::Permit,
            Self::Warn,
            Self::GoogleNullok,
            Self::HeraldExempt,
            Self::HeraldUnenrolled,
            Self::GoogleCode,
        ];
        usize::from(!none.contains(&self))
    }

    /// Whether it is a login at all.
    pub(crate) fn is_login(self) -> bool {
        !matches!(self, Self::Curl | Self::LightCurl)
    }

    /// The certificates that its curl reads.
    pub(crate) fn trust(self) -> &'static str {
        match self {
            Self::LightCurl | Self::LightExecCurl => "ca.pem",
            _ => "bundle.pem",
        }
    }

    /// Logs in once from `rhost`, and makes sure that it was a real login and that the message arrived.
    pub(crate) fn run(self, scratch: &Scratch, rhost: &str) -> Result<Duration, Failure> {
        let before = scratch.gateway.end()?;
        let time = self.attempt(scratch, rhost)?;
        scratch.gateway.expect(before, self.messages())?;
        Ok(time)
    }

    /// The same while others send messages as well: how many have arrived is for the caller to count.
    pub(crate) fn attempt(self, scratch: &Scratch, rhost: &str) -> Result<Duration, Failure> {
        match self {
            Self::Curl | Self::LightCurl => curl(scratch, self.trust()),
            Self::HeraldCode | Self::HeraldCatalogue | Self::HeraldBroker => {
                let before = scratch.gateway.end()?;
                scratch.login(self, rhost)?.run(&mut PhoneOwner { gateway: &scratch.gateway, before, rhost }, 1)
            }
            Self::GoogleCode => {
                scratch.fresh_app()?;
                scratch.login(self, rhost)?.run(&mut AppOwner, 1)
            }
            _ => scratch.login(self, rhost)?.run(&mut Unasked, 0),
        }
    }
}

/// From the start of the process to its end.
fn curl(scratch: &Scratch, trust: &str) -> Result<Duration, Failure> {
    let mut command = Command::new(scratch.curl());
    command.args(scratch.curl_arguments(trust)).env_clear().stdin(Stdio::null()).stdout(Stdio::null());
    let start = Instant::now();
    let status = command.status().map_err(|error| format!("curl: {error}"))?;
    let time = start.elapsed();
    if status.success() { Ok(time) } else { Err(format!("curl: {status}")) }
}
