//! `herald try`: a whole login in this terminal, through the code that the module runs.

use crate::call::Call;
use crate::command::Try;
use crate::error::{Error, first_sentence, sentences};
use crate::journal::in_words;
use crate::output::Report;
use crate::phrases::Texts;
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
    // Where no locale says otherwise, it is shown what the user would see. A broken set-up is the login's to tell.
    if let Ok(enrollment) = call.installation().and_then(|installation| installation.enrollment(&user)) {
        call.voice.prefer(enrollment.language.as_deref());
    }
    let attempt = call.attempt(&command.service, &user);
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
            let reason = self.reason();
            let values = [("user", user.as_str()), ("service", &service), ("reason", &reason)];
            ("skipped", self.call.voice.say(|texts| texts.not_asked, &values))
        } else {
            let values = [("user", user.as_str()), ("service", &service)];
            ("verified", self.call.voice.say(|texts| texts.let_in, &values))
        };
        let document = Document { ok: true, result, user: user.as_str(), service: &service, pam: pam_name(*verdict) };
        Report::new(&document, format!("{}{text}", self.troubles()))
    }

    fn refused(&self, terminal: &Terminal) -> Error {
        let Call { voice, .. } = self.call;
        let said = terminal.said().unwrap_or_else(|| voice.phrases().nothing_typed());
        let (because, own_mend) = match self.call.journal.cause().map(|cause| sentences(&cause, "")) {
            None => (String::new(), String::new()),
            Some((cause, mend)) => (format!(" ({cause})"), mend),
        };
        let service = display_line(self.service, 64);
        let values = [
            ("user", self.user.as_str()),
            ("service", &service),
            ("said", &*voice.behind_a_colon(first_sentence(&said))),
        ];
        let problem = voice.say(|texts| texts.would_be_refused, &values) + &because;
        let has_own = self.verdict == Verdict::ServiceError && !own_mend.is_empty();
        let mend = if has_own { own_mend } else { self.mend() };
        Error::Refused(format!("{problem} [{}]", pam_name(self.verdict)), mend)
    }

    /// Why nobody was asked, as the log says.
    fn reason(&self) -> String {
        let reason = self.call.journal.last_value("reason").unwrap_or_default();
        let text: fn(&Texts) -> &'static str = match reason.as_str() {
            "exempt" => |texts| texts.exempt,
            "exempt-network" => |texts| texts.exempt_network,
            "unenrolled" => |texts| texts.unenrolled,
            "undelivered" => |texts| texts.undelivered,
            other => return in_words(other),
        };
        self.call.voice.word(text)
    }

    /// Lines of the log that an admin should see, although it went well.
    fn troubles(&self) -> String {
        self.call.journal.troubles().iter().map(|line| format!("log: {line}\n")).collect()
    }

    fn mend(&self) -> String {
        let user = self.user;
        match self.verdict {
            Verdict::PermissionDenied => format!("sudo herald enroll telegram --user {user}"),
            Verdict::MaxTries => self.call.voice.say(|texts| texts.wait_or_unlock, &[("user", user.as_str())]),
            Verdict::AuthInfoUnavailable | Verdict::SystemError => "sudo herald gateway status".to_owned(),
            Verdict::ServiceError => "sudo herald config check".to_owned(),
            _ => format!("sudo herald try --user {user}"),
        }
    }
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
