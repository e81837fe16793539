//! Who sits at the prompt.

use crate::Failure;
use crate::gateway::{Gateway, Place};
use totp_rs::{Algorithm, TOTP};

/// How somebody is asked for a code that was sent.
const SENT: [&str; 2] = ["Code sent by Telegram to ...977: ", "Code sent by WhatsApp to ...977: "];

/// Answers prompts.
pub(crate) trait Person {
    /// What is typed.
    ///
    /// # Errors
    /// If the prompt is not the one that was to be expected.
    fn answer(&mut self, prompt: &str) -> Result<String, Failure>;
}

/// Is not asked anything.
pub(crate) struct Unasked;

impl Person for Unasked {
    fn answer(&mut self, prompt: &str) -> Result<String, Failure> {
        Err(format!("asked {prompt:?}"))
    }
}

/// Types the code that arrives at the gateway.
pub(crate) struct PhoneOwner<'a> {
    /// Where the messages arrive.
    pub(crate) gateway: &'a Gateway,
    /// Where its log ended before the login.
    pub(crate) before: Place,
    /// Where the person logs in from, as the message says.
    pub(crate) rhost: &'a str,
}

impl Person for PhoneOwner<'_> {
    fn answer(&mut self, prompt: &str) -> Result<String, Failure> {
        // Anything else is not about a code that was sent just now.
        if !SENT.iter().any(|sent| prompt.starts_with(sent)) {
            return Err(format!("asked {prompt:?}"));
        }
        self.gateway.code(self.before, self.rhost)
    }
}

/// Types what an authenticator app shows.
pub(crate) struct AppOwner;

impl AppOwner {
    /// The secret, as the state file of pam_google_authenticator has it: the base32 of [`AppOwner::KEY`].
    pub(crate) const SECRET: &str = "JBSXEYLMMQQGEZLOMNUCA2LT";
    const KEY: &[u8] = b"Herald bench is";
}

impl Person for AppOwner {
    fn answer(&mut self, _: &str) -> Result<String, Failure> {
        let totp = TOTP::new_unchecked(Algorithm::SHA1, 6, 0, 30, Self::KEY.to_vec());
        totp.generate_current().map_err(|error| error.to_string())
    }
}
