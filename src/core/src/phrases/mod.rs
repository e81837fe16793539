//! What people read at a prompt and on the phone, by language: one file each, nothing but texts. A text that a language
//! lacks, or has too many, does not compile; `{name}` in a text is filled in here.
//!
//! Prompts end in a colon and a space; the word for a login secret never appears in one, because hosts look for it
//! (sudo and SDDM replace or answer such prompts by themselves). Names of channels and masked addresses come in cleaned.

mod english;
mod french;
mod german;
mod japanese;
mod packed;
mod portuguese;
mod spanish;

use crate::config::format_duration;
use packed::{ends, joined, length};
use std::time::Duration;

/// Everything that a login says, in one language.
///
/// One text behind the other, and where each ends: a table of references would be a relocation for every text of every
/// language, which the loader works off in each login.
#[derive(Debug)]
pub struct Phrases {
    bytes: &'static [u8],
    ends: [u16; COUNT],
}

/// The texts of a language, one behind the other, put together by the compiler.
macro_rules! packed {
    ($texts:path) => {{
        const TEXTS: [&str; COUNT] = $texts.in_order();
        static BYTES: [u8; length(&TEXTS)] = joined(&TEXTS);
        static PHRASES: Phrases = Phrases { bytes: &BYTES, ends: ends(&TEXTS) };
        &PHRASES
    }};
}

/// The languages there are.
pub const LANGUAGES: &[&str] = &["en", "ja", "de", "fr", "es", "pt-BR"];

/// The phrases of a language; English where there is no such language.
pub fn of(language: &str) -> &'static Phrases {
    match language {
        "ja" => packed!(japanese::JAPANESE),
        "de" => packed!(german::GERMAN),
        "fr" => packed!(french::FRENCH),
        "es" => packed!(spanish::SPANISH),
        "pt-BR" => packed!(portuguese::PORTUGUESE),
        _ => packed!(english::ENGLISH),
    }
}

/// The phrases for a terminal that shows ASCII only: the nearest language that can be written so (rule 32).
pub fn in_ascii(language: &str) -> &'static Phrases {
    of(if language == "ja" { "en" } else { language })
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

/// Declares the texts of a language: as their files write them, and as the module holds them.
macro_rules! texts {
    ($($name:ident),* $(,)?) => {
        /// The texts of one language, as its file writes them.
        struct Texts {
            $($name: &'static str,)*
        }

        /// Which text.
        #[allow(non_camel_case_types, reason = "named as in the files of the languages")]
        #[derive(Clone, Copy)]
        enum Text {
            $($name,)*
        }

        /// How many texts a language has.
        const COUNT: usize = [$(Text::$name),*].len();

        impl Texts {
            const fn in_order(&self) -> [&'static str; COUNT] {
                [$(self.$name),*]
            }
        }

        #[cfg(test)]
        impl Phrases {
            fn texts(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.text(Text::$name))),*]
            }
        }
    };
}

texts! {
    language, units, email, totp, backup, sends_a_code, app_shows_a_code, backup_code_from_paper, bare_code, code_sent,
    code_sent_ago, code_waits, enter_sends, code_from_app, backup_code, wrong_one, wrong_many,
    wrong_answer, already_used, no_longer_good, wait_to_resend, channel_failed, no_more_codes, backup_codes_not_now, help,
    help_switch, backup_codes_left_one, backup_codes_left_many, backup_codes_new, refused, nothing_typed, tries_used_up,
    locked, budget_used_up, unenrolled, undelivered, set_up_broken, could_not_check, root_can_run, enroll_until, pick_a_channel,
    open_the_link, type_the_address, start_not_seen, append_the_code, cannot_be_reached, no_such_address, copy_code, message_host,
    message_service, message_user, message_user_by, message_origin, message_lifetime, message_warning, message_advice,
    not_you, notice_locked, notice_added, notice_removed, notice_disabled, notice_enabled, notice_offline_added,
    notice_offline_removed, notice_offline_disabled, notice_offline_enabled, notice_new_codes, notice_test, notice_linked,
}

impl Phrases {
    fn text(&self, text: Text) -> &'static str {
        #[allow(clippy::as_conversions, reason = "the place of a text without fields is what it is")]
        let place = text as usize;
        let end = |place: usize| self.ends.get(place).copied().map_or(0, usize::from);
        let start = place.checked_sub(1).map_or(0, end);
        self.bytes.get(start..end(place)).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// The language's own code.
    pub fn language(&self) -> &'static str {
        self.text(Text::language)
    }

    /// How people call a channel. The names of services are the same everywhere; a channel of an admin's own is called
    /// what the admin calls it.
    pub fn channel(&self, channel: &str) -> String {
        let name = match channel {
            "telegram" => "Telegram",
            "signal" => "Signal",
            "sms" => "SMS",
            "whatsapp" => "WhatsApp",
            "xmpp" => "XMPP",
            "email" => self.text(Text::email),
            "totp" => self.text(Text::totp),
            "backup" => self.text(Text::backup),
            other => other,
        };
        name.to_owned()
    }

    /// What a delivered channel does, for the help.
    pub fn sends_a_code(&self, channel: &str) -> String {
        fill(self.text(Text::sends_a_code), &[("channel", channel)])
    }

    /// What an authenticator app does, for the help.
    pub fn app_shows_a_code(&self) -> String {
        self.text(Text::app_shows_a_code).to_owned()
    }

    /// What backup codes are, for the help.
    pub fn backup_code_from_paper(&self) -> String {
        self.text(Text::backup_code_from_paper).to_owned()
    }

    /// The prompt where nothing may be said: `Code: `.
    pub fn bare_code(&self) -> String {
        self.text(Text::bare_code).to_owned()
    }

    /// The prompt behind a code that was sent, now or so long ago.
    pub fn code_sent(&self, channel: &str, to: &str, ago: Option<Duration>) -> String {
        let text = if ago.is_some() { self.text(Text::code_sent_ago) } else { self.text(Text::code_sent) };
        self.code(text, channel, to, ago.unwrap_or_default())
    }

    /// The same for a code that was sent so long ago, in fewer words.
    pub fn code_waits(&self, channel: &str, to: &str, ago: Duration) -> String {
        self.code(self.text(Text::code_waits), channel, to, ago)
    }

    /// Whole minutes that are over, or seconds.
    fn code(&self, text: &str, channel: &str, to: &str, ago: Duration) -> String {
        let seconds = ago.as_secs();
        let over = if seconds < 60 { seconds } else { seconds - seconds % 60 };
        fill(text, &[("channel", channel), ("to", to), ("time", &self.time(Duration::from_secs(over)))])
    }

    /// The prompt that offers to send.
    pub fn enter_sends(&self, channel: &str) -> String {
        fill(self.text(Text::enter_sends), &[("channel", channel)])
    }

    /// The prompt for an authenticator app.
    pub fn code_from_app(&self) -> String {
        self.text(Text::code_from_app).to_owned()
    }

    /// The prompt for a backup code.
    pub fn backup_code(&self) -> String {
        self.text(Text::backup_code).to_owned()
    }

    /// Before a prompt: the answer was wrong, and so many tries are left for this code.
    pub fn wrong(&self, tries_left: u32) -> String {
        let text = if tries_left == 1 { self.text(Text::wrong_one) } else { self.text(Text::wrong_many) };
        fill(text, &[("tries", &tries_left.to_string())])
    }

    /// Before a prompt: the answer was wrong; no code is waiting.
    pub fn wrong_answer(&self) -> String {
        self.text(Text::wrong_answer).to_owned()
    }

    /// Before a prompt: that code was used already.
    pub fn already_used(&self) -> String {
        self.text(Text::already_used).to_owned()
    }

    /// Before a prompt: that code is good no more.
    pub fn no_longer_good(&self) -> String {
        self.text(Text::no_longer_good).to_owned()
    }

    /// Before a prompt: a new code can be sent in so long.
    pub fn wait_to_resend(&self, wait: Duration) -> String {
        fill(self.text(Text::wait_to_resend), &[("time", &self.time(wait))])
    }

    /// Before a prompt: these channels could not deliver.
    pub fn channel_failed(&self, channels: &[String]) -> String {
        fill(self.text(Text::channel_failed), &[("channels", &channels.join(", "))])
    }

    /// Before a prompt: nothing more is sent for now.
    pub fn no_more_codes(&self) -> String {
        self.text(Text::no_more_codes).to_owned()
    }

    /// Before a prompt: backup codes cannot be used up now, because the disk is full or read-only.
    pub fn backup_codes_not_now(&self) -> String {
        self.text(Text::backup_codes_not_now).to_owned()
    }

    /// Before a prompt: what can be typed. `choices` are the factors, each numbered and described.
    pub fn help(&self, choices: &[String]) -> String {
        let mut lines = vec![self.text(Text::help)];
        lines.extend(choices.iter().map(String::as_str));
        if choices.len() > 1 {
            lines.push(self.text(Text::help_switch));
        }
        lines.join("\n") + "\n"
    }

    /// Behind a backup code: so many are left, and whether they run out.
    pub fn backup_codes_left(&self, left: usize, few: bool) -> String {
        let text =
            if left == 1 { self.text(Text::backup_codes_left_one) } else { self.text(Text::backup_codes_left_many) };
        fill(text, &[("left", &left.to_string())]) + if few { self.text(Text::backup_codes_new) } else { "" }
    }

    /// Refused, and nothing more is said.
    pub fn refused(&self) -> String {
        self.text(Text::refused).to_owned()
    }

    /// Refused: nothing was typed.
    pub fn nothing_typed(&self) -> String {
        self.text(Text::nothing_typed).to_owned()
    }

    /// Refused: the tries are used up.
    pub fn tries_used_up(&self) -> String {
        self.text(Text::tries_used_up).to_owned()
    }

    /// Refused: locked for so long, and who can end that.
    pub fn locked(&self, user: &str, host: &str, left: Duration) -> String {
        let text = fill(self.text(Text::locked), &[("time", &self.time(left))]);
        self.and_root_can_run(text, host, "herald unlock ", user)
    }

    /// Refused: too many codes were sent; try again after so long.
    pub fn budget_used_up(&self, left: Duration) -> String {
        fill(self.text(Text::budget_used_up), &[("time", &self.time(left))])
    }

    /// Refused: nothing is enrolled, and how to.
    pub fn unenrolled(&self, user: &str, host: &str) -> String {
        let text = fill(self.text(Text::unenrolled), &[("user", user)]);
        self.and_root_can_run(text, host, "herald enroll telegram --user ", user)
    }

    /// Refused: nothing could be delivered, and how to go on.
    pub fn undelivered(&self, host: &str) -> String {
        self.and_root_can_run(self.text(Text::undelivered).to_owned(), host, "herald gateway status", "")
    }

    /// Refused: the set-up is broken.
    pub fn set_up_broken(&self, host: &str) -> String {
        self.and_root_can_run(self.text(Text::set_up_broken).to_owned(), host, "herald config check", "")
    }

    /// Refused: the machine could not do its part.
    pub fn could_not_check(&self, host: &str) -> String {
        self.and_root_can_run(self.text(Text::could_not_check).to_owned(), host, "herald doctor", "")
    }

    /// Behind what cannot be mended at the door: who can do something about it. Herald's machines have all sorts of
    /// admins; for a Raspberry Pi at home it is the person who reads this.
    fn and_root_can_run(&self, text: String, host: &str, command: &str, user: &str) -> String {
        text + &fill(self.text(Text::root_can_run), &[("host", host), ("command", command), ("user", user)])
    }

    /// `12 s`, `5 min`, `2 h`, `1 h 30 min`; from a minute on rounded up to whole ones.
    pub fn time(&self, duration: Duration) -> String {
        let seconds = duration.as_secs().max(1);
        let rounded = if seconds < 60 { seconds } else { seconds.div_ceil(60) * 60 };
        let mut text = format_duration(Duration::from_secs(rounded));
        for (letter, unit) in ['h', 'm', 's'].into_iter().zip(self.text(Text::units).split('/')) {
            text = text.replace(letter, unit);
        }
        text.trim().to_owned()
    }

    /// Let in for now: from which day on a second factor is needed.
    pub fn enroll_until(&self, day: &str) -> String {
        fill(self.text(Text::enroll_until), &[("day", day)])
    }

    /// Enrolling inside a login: which channel. `list` is `1 Telegram, 2 Signal`.
    pub fn pick_a_channel(&self, list: &str) -> String {
        fill(self.text(Text::pick_a_channel), &[("list", list)])
    }

    /// Enrolling inside a login: the link to open; counts as help, so it may be longer than a prompt.
    pub fn open_the_link(&self, url: &str) -> String {
        fill(self.text(Text::open_the_link), &[("url", url)])
    }

    /// Enrolling inside a login: the address to type; `example` says of which form.
    pub fn type_the_address(&self, channel: &str, example: &str) -> String {
        fill(self.text(Text::type_the_address), &[("channel", channel), ("example", example)])
    }

    /// Refused where there is one field only: what was sent, and that it belongs into the same field the next time.
    pub fn append_the_code(&self, sent: &str) -> String {
        fill(self.text(Text::append_the_code), &[("sent", sent)])
    }

    /// Before a prompt: nobody pressed START yet.
    pub fn start_not_seen(&self) -> String {
        self.text(Text::start_not_seen).to_owned()
    }

    /// Before a prompt: the service cannot be asked now.
    pub fn cannot_be_reached(&self) -> String {
        self.text(Text::cannot_be_reached).to_owned()
    }

    /// Before a prompt: what was typed is no address of that form.
    pub fn no_such_address(&self) -> String {
        self.text(Text::no_such_address).to_owned()
    }

    /// The label of the button that copies the code.
    pub fn copy_code(&self) -> String {
        self.text(Text::copy_code).to_owned()
    }

    /// On the phone: which machine.
    pub fn message_host(&self, host: &str) -> String {
        fill(self.text(Text::message_host), &[("host", host)])
    }

    /// On the phone: which service.
    pub fn message_service(&self, service: &str) -> String {
        fill(self.text(Text::message_service), &[("service", service)])
    }

    /// On the phone: which user, and who asks for it if that is another.
    pub fn message_user(&self, user: &str, by: Option<&str>) -> String {
        match by {
            None => fill(self.text(Text::message_user), &[("user", user)]),
            Some(by) => fill(self.text(Text::message_user_by), &[("user", user), ("by", by)]),
        }
    }

    /// On the phone: where from.
    pub fn message_origin(&self, rhost: &str) -> String {
        fill(self.text(Text::message_origin), &[("rhost", rhost)])
    }

    /// On the phone: how long the code is good.
    pub fn message_lifetime(&self, lifetime: Duration) -> String {
        fill(self.text(Text::message_lifetime), &[("time", &self.time(lifetime))])
    }

    /// On the phone: where to type it, and nowhere else.
    pub fn message_warning(&self, host: &str) -> String {
        fill(self.text(Text::message_warning), &[("host", host)])
    }

    /// On the phone: what to do if it was not you.
    pub fn message_advice(&self) -> String {
        self.text(Text::message_advice).to_owned()
    }

    /// On the phone: the user was locked by wrong answers (rule 16).
    pub fn notice_locked(&self, user: &str, host: &str, length: Duration) -> String {
        let text =
            fill(self.text(Text::notice_locked), &[("user", user), ("host", host), ("time", &self.time(length))]);
        self.and_root_can_run(text + self.text(Text::message_advice), host, "herald unlock ", user)
    }

    /// On the phone: the user's factors changed (rule 34).
    pub fn notice_changed(&self, user: &str, host: &str, change: Change, channel: &str, to: &str) -> String {
        let text = match change {
            Change::Added => self.text(Text::notice_added),
            Change::Removed => self.text(Text::notice_removed),
            Change::Disabled => self.text(Text::notice_disabled),
            Change::Enabled => self.text(Text::notice_enabled),
        };
        self.and_not_you(fill(text, &[("user", user), ("host", host), ("channel", channel), ("to", to)]), user, host)
    }

    /// On the phone: a factor that is not delivered changed (rule 34). `factor` is its name, and its label.
    pub fn notice_changed_offline(&self, user: &str, host: &str, change: Change, factor: &str) -> String {
        let text = match change {
            Change::Added => self.text(Text::notice_offline_added),
            Change::Removed => self.text(Text::notice_offline_removed),
            Change::Disabled => self.text(Text::notice_offline_disabled),
            Change::Enabled => self.text(Text::notice_offline_enabled),
        };
        self.and_not_you(fill(text, &[("user", user), ("host", host), ("factor", factor)]), user, host)
    }

    /// On the phone: backup codes were made (rule 34).
    pub fn notice_new_codes(&self, user: &str, host: &str) -> String {
        self.and_not_you(fill(self.text(Text::notice_new_codes), &[("user", user), ("host", host)]), user, host)
    }

    fn and_not_you(&self, text: String, user: &str, host: &str) -> String {
        self.and_root_can_run(text + self.text(Text::not_you), host, "herald status --user ", user)
    }

    /// On the phone: a test of a gateway.
    pub fn notice_test(&self, host: &str) -> String {
        fill(self.text(Text::notice_test), &[("host", host)])
    }

    /// On the phone, behind a link: what this chat is now good for, and how to undo it.
    pub fn notice_linked(&self, user: &str, host: &str, channel: &str) -> String {
        fill(self.text(Text::notice_linked), &[("user", user), ("host", host), ("channel", channel)])
    }
}

/// Puts values in the places of their names. What a value holds is never looked at again.
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, behind)) = after.split_once('}') else { break };
        let value = values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
        filled.push_str(before);
        filled.push_str(value);
        rest = behind;
    }
    filled.push_str(rest);
    filled
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
            assert_eq!(of("en").time(Duration::from_secs(seconds)), text);
        }
        assert_eq!(of("ja").time(Duration::from_secs(5400)), "1時間30分");
    }

    #[test]
    fn a_value_is_filled_in_once_and_never_read_as_a_text() {
        assert_eq!(fill("{a} and {b}{c}.", &[("a", "{b}"), ("b", "x")]), "{b} and x.");
        assert_eq!(fill("open { brace", &[]), "open { brace");
    }

    #[test]
    fn every_text_of_every_language_says_the_same_things_as_the_english_one() {
        fn named(text: &str) -> Vec<&str> {
            let mut names: Vec<&str> =
                text.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name).collect();
            names.sort_unstable();
            names.dedup();
            names
        }
        for language in LANGUAGES {
            let phrases = of(language);
            assert_eq!(phrases.language(), *language);
            for ((name, text), (_, english)) in phrases.texts().into_iter().zip(of("en").texts()) {
                assert_eq!(named(text), named(english), "{language} {name}");
                assert_eq!(text.ends_with(": "), english.ends_with(": "), "{language} {name}");
                assert!(!text.is_empty() && !text.contains('\n'), "{language} {name}");
            }
        }
    }

    #[test]
    fn no_prompt_speaks_of_passwords_and_none_is_too_long() {
        for language in LANGUAGES {
            let phrases = of(language);
            let prompts = [
                phrases.bare_code(),
                phrases.code_sent("Telegram", "...977", None),
                phrases.code_sent("Telegram", "...977", Some(Duration::from_secs(120))),
                phrases.enter_sends("Telegram"),
                phrases.code_from_app(),
                phrases.backup_codes_not_now() + &phrases.backup_code(),
                phrases.wrong(1) + &phrases.code_sent("WhatsApp", "...977", None),
                phrases.wrong(2) + &phrases.code_sent("WhatsApp", "...977", None),
                phrases.wrong(2) + &phrases.code_waits("WhatsApp", "...977", Duration::from_secs(59)),
                phrases.wrong(2) + &phrases.code_waits("WhatsApp", "...977", Duration::from_secs(59 * 60)),
                phrases.type_the_address("WhatsApp", "+81312345678"),
                phrases.pick_a_channel("1 Telegram, 2 Signal, 3 SMS"),
            ];
            for prompt in prompts {
                assert!(columns(&prompt) <= 60, "{prompt}");
                assert!(prompt.ends_with(": "), "{prompt}");
            }
            let said =
                [phrases.help(&[]), phrases.refused(), phrases.unenrolled("alice", "pi"), phrases.undelivered("pi")];
            for text in said {
                let text = text.to_lowercase();
                for word in ["password", "passwort", "mot de passe", "contraseña", "senha", "パスワード"] {
                    assert!(!text.contains(word), "{text}");
                }
            }
        }
    }
}
