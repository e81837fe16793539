//! Factors that no gateway delivers: authenticator apps and backup codes.

use super::{Registrar, RegistrarError, fits, set_state};
use crate::account::UserName;
use crate::address::shown;
use crate::clock::Timestamp;
use crate::conversation::Conversation;
use crate::enrollment::{Enrollment, Factor, State};
use crate::login::{Attempt, Verdict, prove_pending};
use crate::phrases::Change;
use crate::provider::{BACKUP_CHANNEL, TOTP_CHANNEL, is_totp_secret, new_codes, new_totp_secret};
use crate::secret::Secret;

/// An authenticator app under enrollment.
#[derive(Debug)]
pub struct App {
    /// What is kept of it.
    pub factor: Factor,
    /// What the app reads out of a QR code: `otpauth://totp/…`
    /// (<https://github.com/google/google-authenticator/wiki/Key-Uri-Format>).
    pub uri: Secret,
    /// What the app takes where it cannot scan: base32.
    pub secret: Secret,
}

impl App {
    /// Whether nothing is left to prove.
    pub fn is_enrolled(&self) -> bool {
        self.factor.state == State::Active
    }
}

/// Which backup codes are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Codes {
    /// How many.
    pub count: usize,
    /// When they end, if they do.
    pub expires: Option<Timestamp>,
    /// Whether the codes there are stay good.
    pub further: bool,
}

impl Registrar<'_> {
    /// Begins to enroll an app: with a secret of its own, or a new one of 160 random bits; one that waits for its proof is
    /// never shown again. Until [`Registrar::prove_app`] it counts for nothing. An app of that label that is enrolled
    /// already is given back as it is.
    ///
    /// # Errors
    /// The label or the secret cannot be used, or another app has the label.
    pub fn begin_app(
        &self,
        user: &UserName,
        label: Option<&str>,
        secret: Option<&Secret>,
    ) -> Result<App, RegistrarError> {
        fits(label)?;
        let given = secret.map(normalised).transpose()?;
        let new = match &given {
            Some(secret) => secret.clone(),
            None => new_totp_secret(self.machine.randomness()).map_err(RegistrarError::Machine)?,
        };
        let factor = self.try_change(user, |enrollment| {
            let known = app_of(enrollment, label);
            match known
                .map(|known| (known.state, given.as_ref().is_none_or(|secret| known.secret.as_ref() == Some(secret))))
            {
                Some((State::Active, true)) => {}
                Some((State::Active | State::Disabled, _)) => return Err(RegistrarError::Taken(name_of(label))),
                // One that waits may have been begun, and read, by somebody else who has the password.
                Some((State::Pending, _)) => {
                    if let Some(known) = app_of(enrollment, label) {
                        known.secret = Some(new);
                    }
                }
                None => {
                    enrollment.add(app(label, new, State::Pending, None));
                }
            }
            app_of(enrollment, label).cloned().ok_or_else(|| RegistrarError::NotEnrolled(name_of(label)))
        })?;
        let secret = factor.secret.clone().unwrap_or_default();
        let uri = uri(&self.machine.host_name(), user, &secret);
        Ok(App { factor, uri, secret })
    }

    /// Lets the person prove that the app shows the right codes, and enrolls it. The code that proves it is used up.
    ///
    /// # Errors
    /// See [`RegistrarError`]; unproved, the app stays pending.
    pub fn prove_app(
        &self,
        user: &UserName,
        app: &App,
        tty: &str,
        conversation: &mut dyn Conversation,
    ) -> Result<(), RegistrarError> {
        let attempt = Attempt { tty: tty.to_owned(), ..Attempt::default() };
        let login = self.proof(user, &app.factor, &attempt);
        let verdict = prove_pending(&login, &app.factor, &attempt, true, conversation);
        if verdict != Verdict::Success {
            return Err(RegistrarError::Unproved(verdict));
        }
        let now = self.machine.clock().wall();
        self.change(user, |enrollment| {
            set_state(enrollment, app.factor.id, State::Active);
            for factor in enrollment.factors.iter_mut().filter(|factor| factor.id == app.factor.id) {
                factor.enrolled = Some(now);
            }
        })?;
        self.report(user, &app.factor, Change::Added)
    }

    /// Enrolls an app whose secret is known to work: from another system, or by an admin's word. Gives back whether
    /// anything changed.
    ///
    /// # Errors
    /// As [`Registrar::begin_app`].
    pub fn vouch_app(&self, user: &UserName, label: Option<&str>, secret: &Secret) -> Result<bool, RegistrarError> {
        fits(label)?;
        let secret = normalised(secret)?;
        let now = self.machine.clock().wall();
        let added = self.try_change(user, |enrollment| {
            let same = |factor: &&mut Factor| factor.channel == TOTP_CHANNEL && factor.secret.as_ref() == Some(&secret);
            if let Some(known) = enrollment.factors.iter_mut().find(same) {
                if known.state == State::Active {
                    return Ok(None);
                }
                (known.state, known.enrolled) = (State::Active, Some(now));
                return Ok(Some(known.clone()));
            }
            if app_of(enrollment, label).is_some() {
                return Err(RegistrarError::Taken(name_of(label)));
            }
            let id = enrollment.add(app(label, secret, State::Active, Some(now)));
            Ok(enrollment.factor(id).cloned())
        })?;
        if let Some(factor) = &added {
            self.report(user, factor, Change::Added)?;
        }
        Ok(added.is_some())
    }

    /// Makes backup codes. They are known to nobody but the caller: what is kept of them are hashes.
    ///
    /// # Errors
    /// See [`RegistrarError`]; the codes there were are still good then.
    pub fn backup_codes(&self, user: &UserName, wanted: &Codes) -> Result<Vec<Secret>, RegistrarError> {
        let now = self.machine.clock().wall();
        let (codes, id) = self.try_change(user, |enrollment| {
            if wanted.further {
                enrollment
                    .factors
                    .retain(|set| set.expires.is_none_or(|expires| set.channel != BACKUP_CHANNEL || now < expires));
            } else {
                enrollment.factors.retain(|set| set.channel != BACKUP_CHANNEL);
            }
            // One salt for all of a user's sets: an answer costs one evaluation (rule 20).
            let salt = enrollment.factors.iter().find_map(|factor| factor.salt.clone());
            let (codes, salt, hashes) =
                new_codes(self.machine.randomness(), salt.as_deref(), wanted.count).map_err(RegistrarError::Machine)?;
            let id = enrollment.add(Factor {
                channel: BACKUP_CHANNEL.to_owned(),
                enrolled: Some(now),
                salt: Some(salt),
                codes: Some(hashes),
                expires: wanted.expires,
                ..Factor::default()
            });
            Ok((codes, id))
        })?;
        let enrollment = self.enrollment(user)?;
        self.log("enrolled", user, enrollment.factor(id));
        self.tell(user, id, &enrollment, |phrases, host| phrases.notice_new_codes(user.as_str(), host));
        Ok(codes)
    }
}

fn app(label: Option<&str>, secret: Secret, state: State, enrolled: Option<Timestamp>) -> Factor {
    Factor {
        channel: TOTP_CHANNEL.to_owned(),
        label: label.map(str::to_owned),
        secret: Some(secret),
        state,
        enrolled,
        ..Factor::default()
    }
}

/// The app of that label: apps have no address, so two of one label could not be told apart.
fn app_of<'e>(enrollment: &'e mut Enrollment, label: Option<&str>) -> Option<&'e mut Factor> {
    enrollment.factors.iter_mut().find(|factor| factor.channel == TOTP_CHANNEL && factor.label.as_deref() == label)
}

fn name_of(label: Option<&str>) -> String {
    label.map_or_else(|| TOTP_CHANNEL.to_owned(), |label| format!("{TOTP_CHANNEL}:{label}"))
}

/// Base32 as it is kept: capitals, without the spaces, dashes and padding of other systems.
fn normalised(secret: &Secret) -> Result<Secret, RegistrarError> {
    let mut text = String::with_capacity(secret.expose().len());
    text.extend(secret.expose().chars().filter(|c| !matches!(c, ' ' | '-' | '=')).map(|c| c.to_ascii_uppercase()));
    let secret = Secret::new(text);
    if is_totp_secret(&secret) { Ok(secret) } else { Err(RegistrarError::Secret) }
}

/// What an app shows above its codes is `HOST: USER`.
fn uri(host: &str, user: &UserName, secret: &Secret) -> Secret {
    let (host, user) = (escaped(host), escaped(user.as_str()));
    Secret::new(format!("otpauth://totp/{host}:{user}?secret={}&issuer={host}", secret.expose()))
}

/// RFC 3986: everything but unreserved characters.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

impl Factor {
    /// What it is called in the log and in lists: its label or mask; empty for what has neither.
    pub fn shown(&self) -> String {
        if self.address.is_some() || self.label.is_some() { shown(self) } else { String::new() }
    }
}
