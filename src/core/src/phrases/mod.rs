//! What people read at a prompt and on the phone, by language: one file each. A phrase that a language lacks does not
//! compile. Texts hold no markup; prompts end in `: `; the word for a login secret never appears in a prompt, because
//! hosts look for it (sudo and SDDM replace or answer such prompts by themselves).

mod english;
mod french;
mod german;
mod japanese;
mod portuguese;
mod spanish;

use crate::config::format_duration;
use std::time::Duration;

/// The languages there are.
pub const LANGUAGES: &[&str] = &["en", "ja", "de", "fr", "es", "pt-BR"];

/// The phrases of a language; English where there is no such language.
pub fn of(language: &str) -> &'static dyn Phrases {
    match language {
        "ja" => &japanese::Japanese,
        "de" => &german::German,
        "fr" => &french::French,
        "es" => &spanish::Spanish,
        "pt-BR" => &portuguese::Portuguese,
        _ => &english::English,
    }
}

/// The phrases for a terminal that shows ASCII only: the nearest language that can be written so (rule 32).
pub fn in_ascii(language: &str) -> &'static dyn Phrases {
    if language == "ja" { &english::English } else { of(language) }
}

/// Everything that a login says. Names of channels and masked addresses come in as arguments, cleaned.
pub trait Phrases: Sync {
    /// The language's own code.
    fn language(&self) -> &'static str;
    /// How people call a channel.
    fn channel(&self, channel: &str) -> String;
    /// What a delivered channel does, for the help.
    fn sends_a_code(&self, channel: &str) -> String;

    /// The prompt where nothing may be said: `Code: `.
    fn bare_code(&self) -> String;
    /// The prompt behind a code that was sent, now or so long ago.
    fn code_sent(&self, channel: &str, to: &str, ago: Option<Duration>) -> String;
    /// The prompt that offers to send.
    fn enter_sends(&self, channel: &str) -> String;

    /// What an authenticator app does, for the help.
    fn app_shows_a_code(&self) -> String;
    /// What backup codes are, for the help.
    fn backup_code_from_paper(&self) -> String;
    /// The prompt for an authenticator app.
    fn code_from_app(&self) -> String;
    /// The prompt for a backup code.
    fn backup_code(&self) -> String;
    /// Before a prompt: backup codes cannot be used up now, because the disk is full or read-only.
    fn backup_codes_not_now(&self) -> String;
    /// Behind a backup code: so many are left, and whether they run out.
    fn backup_codes_left(&self, left: usize, few: bool) -> String;

    /// Before a prompt: the answer was wrong, and so many tries are left for this code.
    fn wrong(&self, tries_left: u32) -> String;
    /// Before a prompt: the answer was wrong; no code is waiting.
    fn wrong_answer(&self) -> String;
    /// Before a prompt: that code was used already.
    fn already_used(&self) -> String;
    /// Before a prompt: that code is good no more.
    fn no_longer_good(&self) -> String;
    /// Before a prompt: a new code can be sent in so many seconds.
    fn wait_to_resend(&self, wait: Duration) -> String;
    /// Before a prompt: these channels could not deliver.
    fn channel_failed(&self, channels: &[String]) -> String;
    /// Before a prompt: nothing more is sent for now.
    fn no_more_codes(&self) -> String;
    /// Before a prompt: what can be typed. `choices` are the factors, each numbered and described.
    fn help(&self, choices: &[String]) -> String;

    /// Refused, and nothing more is said.
    fn refused(&self) -> String;
    /// Refused: nothing was typed.
    fn nothing_typed(&self) -> String;
    /// Refused: the tries are used up.
    fn tries_used_up(&self) -> String;
    /// Refused: locked for so long.
    fn locked(&self, left: Duration) -> String;
    /// Refused: too many codes were sent; try again after so long.
    fn budget_used_up(&self, left: Duration) -> String;
    /// Refused: nothing is enrolled, and how to.
    fn unenrolled(&self, user: &str) -> String;
    /// Refused: nothing could be delivered, and how to go on.
    fn undelivered(&self) -> String;
    /// Refused: the set-up is broken.
    fn set_up_broken(&self) -> String;
    /// Refused: the machine could not do its part.
    fn could_not_check(&self) -> String;

    /// The label of the button that copies the code.
    fn copy_code(&self) -> String;
    /// On the phone: which machine.
    fn message_host(&self, host: &str) -> String;
    /// On the phone: which service.
    fn message_service(&self, service: &str) -> String;
    /// On the phone: which user, and who asks for it if that is another.
    fn message_user(&self, user: &str, by: Option<&str>) -> String;
    /// On the phone: where from.
    fn message_origin(&self, rhost: &str) -> String;
    /// On the phone: how long the code is good.
    fn message_lifetime(&self, lifetime: Duration) -> String;
    /// On the phone: where to type it, and nowhere else.
    fn message_warning(&self, host: &str) -> String;
    /// On the phone: what to do if it was not you.
    fn message_advice(&self) -> String;
    /// On the phone: the user was locked by wrong answers (rule 16).
    fn notice_locked(&self, user: &str, host: &str, length: Duration) -> String;
    /// On the phone: the user's factors changed (rule 34).
    fn notice_changed(&self, user: &str, host: &str, change: Change, channel: &str, to: &str) -> String;
    /// On the phone: a test of a gateway.
    fn notice_test(&self, host: &str) -> String;
    /// On the phone, behind a link: what this chat is now good for, and how to undo it.
    fn notice_linked(&self, user: &str, host: &str, channel: &str) -> String;

    /// Let in for now: from which day on a second factor is needed.
    fn enroll_until(&self, day: &str) -> String;
    /// Enrolling inside a login: which channel. `list` is `1 Telegram, 2 Signal`.
    fn pick_a_channel(&self, list: &str) -> String;
    /// Enrolling inside a login: the link to open; counts as help, so it may be longer than a prompt.
    fn open_the_link(&self, url: &str) -> String;
    /// Enrolling inside a login: the address to type; `example` says of which form.
    fn type_the_address(&self, channel: &str, example: &str) -> String;
    /// Before a prompt: nobody pressed START yet.
    fn start_not_seen(&self) -> String;
    /// Before a prompt: the service cannot be asked now.
    fn cannot_be_reached(&self) -> String;
    /// Before a prompt: what was typed is no address of that form.
    fn no_such_address(&self) -> String;
}

/// What happened to a factor, for the notice to the others (rule 34).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was enrolled.
    Added,
    /// It was removed.
    Removed,
    /// It was switched off.
    Disabled,
    /// It was switched on again.
    Enabled,
}

/// The names of services are the same everywhere; a channel of an admin's own is called what the admin calls it.
fn brand(channel: &str) -> String {
    let known =
        [("telegram", "Telegram"), ("signal", "Signal"), ("sms", "SMS"), ("whatsapp", "WhatsApp"), ("xmpp", "XMPP")];
    known.iter().find(|(id, _)| *id == channel).map_or(channel, |(_, name)| name).to_owned()
}

/// `12 s`, `5 min`, `2 h`, `1 h 30 min`: the same in every language that counts in SI.
pub(crate) fn short_time(duration: Duration) -> String {
    let seconds = duration.as_secs().max(1);
    let rounded = if seconds < 60 { seconds } else { seconds.div_ceil(60) * 60 };
    format_duration(Duration::from_secs(rounded))
        .replace('h', " h ")
        .replace('m', " min ")
        .replace('s', " s ")
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::columns;

    #[test]
    fn times_read_naturally() {
        for (seconds, text) in [
            (0, "1 s"),
            (12, "12 s"),
            (60, "1 min"),
            (61, "2 min"),
            (600, "10 min"),
            (5400, "1 h 30 min"),
            (86400, "24 h"),
        ] {
            assert_eq!(short_time(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn no_prompt_speaks_of_passwords_and_none_is_too_long() {
        for language in LANGUAGES {
            let phrases = of(language);
            assert_eq!(phrases.language(), *language);
            let prompts = [
                phrases.bare_code(),
                phrases.code_sent("Telegram", "...977", None),
                phrases.code_sent("Telegram", "...977", Some(Duration::from_secs(120))),
                phrases.enter_sends("Telegram"),
                phrases.code_from_app(),
                phrases.backup_codes_not_now() + &phrases.backup_code(),
                phrases.wrong(1) + &phrases.code_sent("WhatsApp", "...977", None),
                phrases.wrong(2) + &phrases.code_sent("WhatsApp", "...977", None),
            ];
            for prompt in prompts {
                assert!(columns(&prompt) <= 60, "{prompt}");
                assert!(prompt.ends_with(": "), "{prompt}");
            }
            let said = [phrases.help(&[]), phrases.refused(), phrases.unenrolled("alice"), phrases.undelivered()];
            for text in said {
                let text = text.to_lowercase();
                for word in ["password", "passwort", "mot de passe", "contraseña", "senha", "パスワード"] {
                    assert!(!text.contains(word), "{text}");
                }
            }
        }
    }
}
