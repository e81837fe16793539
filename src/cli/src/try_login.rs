//! `herald try`: a whole login in this terminal, through the code that the module runs.

use crate::call::Call;
use crate::command::Try;
use crate::error::{Error, sentences, to_admin};
use crate::output::Report;
use crate::terminal::Terminal;
use herald_core::account::UserName;
use herald_core::login::{Verdict, authenticate};
use herald_core::text::display_line;
use serde::Serialize;

pub(crate) fn run(call: &Call, command: &Try) -> Result<Report, Error> {
    let user = call.user(&command.whom)?;
    let mut terminal = call.terminal();
    if call.json && terminal.is_interactive() {
        return Err(Error::Usage(
            "with --json nothing is asked, and the code would have to be".to_owned(),
            "leave out --json, or feed the code to stdin".to_owned(),
        ));
    }
    let attempt = call.attempt(&command.service, &user, &terminal);
    let verdict = authenticate(&call.machine, &attempt, &mut terminal, &call.journal);
    let trial = Trial { call, user: &user, service: &command.service, verdict };
    match verdict {
        Verdict::Success | Verdict::Ignore => Ok(trial.passed()),
        _ => Err(trial.refused(&terminal)),
    }
}

#[derive(Serialize)]
struct Document<'a> {
    ok: bool,
    result: &'a str,
    user: &'a str,
    service: &'a str,
    pam: &'a str,
}

struct Trial<'a> {
    call: &'a Call,
    user: &'a UserName,
    service: &'a str,
    verdict: Verdict,
}

impl Trial<'_> {
    fn passed(&self) -> Report {
        let Self { user, service, verdict, .. } = self;
        let skipped = *verdict == Verdict::Ignore;
        let service = display_line(service, 64);
        let (result, text) = if skipped {
            let reason = self.call.journal.last_value("reason").unwrap_or_else(|| "policy".to_owned());
            ("skipped", format!("{user} would not be asked for a code by {service}: {}.", in_words(&reason)))
        } else {
            ("verified", format!("{user} would be let in by {service}: the code was right."))
        };
        let document = Document { ok: true, result, user: user.as_str(), service: &service, pam: pam_name(*verdict) };
        Report::new(&document, format!("{}{text}", self.troubles()))
    }

    fn refused(&self, terminal: &Terminal) -> Error {
        let said = terminal.said().unwrap_or_else(|| "No code was typed.".to_owned());
        let (because, own_mend) = match self.cause().map(|cause| sentences(&cause, "")) {
            None => (String::new(), String::new()),
            Some((cause, mend)) => (format!(" ({cause})"), mend),
        };
        let said = to_admin(&said, self.verdict);
        let problem = format!("{} would be refused by {}: {said}{because}", self.user, display_line(self.service, 64));
        let has_own = self.verdict == Verdict::ServiceError && !own_mend.is_empty();
        let mend = if has_own { own_mend } else { self.mend() };
        Error::Refused(format!("{problem} [{}]", pam_name(self.verdict)), mend)
    }

    /// What the log says of a trouble that a person at the door is not told.
    fn cause(&self) -> Option<String> {
        let troubles = self.call.journal.troubles();
        let line = troubles.last()?;
        let reason = line.split(' ').find_map(|pair| pair.strip_prefix("reason="))?;
        Some(in_words(reason))
    }

    /// Lines of the log that an admin should see, although it went well.
    fn troubles(&self) -> String {
        self.call.journal.troubles().iter().map(|line| format!("log: {line}\n")).collect()
    }

    fn mend(&self) -> String {
        let user = self.user;
        match self.verdict {
            Verdict::PermissionDenied => format!("sudo herald enroll telegram ADDRESS --user {user}"),
            Verdict::MaxTries => format!("wait, or: sudo herald unlock {user}"),
            Verdict::AuthInfoUnavailable | Verdict::SystemError => "sudo herald gateway status".to_owned(),
            Verdict::ServiceError => "sudo herald config check".to_owned(),
            _ => format!("sudo herald try --user {user}"),
        }
    }
}

/// A value of the log, as far as it can be read: spaces are kept as `_` there, and other bytes as `%XX`.
fn in_words(reason: &str) -> String {
    reason.replace('_', " ").replace("%3D", "=").replace("%22", "\"").replace("%25", "%")
}

/// What the host would get (interface §3).
fn pam_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Success => "PAM_SUCCESS",
        Verdict::Ignore => "PAM_IGNORE",
        Verdict::AuthError => "PAM_AUTH_ERR",
        Verdict::MaxTries => "PAM_MAXTRIES",
        Verdict::PermissionDenied => "PAM_PERM_DENIED",
        Verdict::AuthInfoUnavailable => "PAM_AUTHINFO_UNAVAIL",
        Verdict::UserUnknown => "PAM_USER_UNKNOWN",
        Verdict::ConversationError => "PAM_CONV_ERR",
        Verdict::ServiceError => "PAM_SERVICE_ERR",
        Verdict::SystemError => "PAM_SYSTEM_ERR",
    }
}
