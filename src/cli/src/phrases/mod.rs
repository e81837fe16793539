//! What `herald` says to the people who enroll and log in, by language: one file each, nothing but texts. A text that a
//! language lacks, or has too many, does not compile; `{name}` in a text is filled in by [`crate::voice::Voice`].
//!
//! What only admins of gateways read stays English, as do the names of commands, options, channels and PAM codes.

mod english;
mod french;
mod german;
mod japanese;
mod portuguese;
mod spanish;

use herald_core::address::Form;

/// The texts of a language; English where there is no such language.
pub(crate) fn of(language: &str) -> &'static Texts {
    match language {
        "ja" => &japanese::JAPANESE,
        "de" => &german::GERMAN,
        "fr" => &french::FRENCH,
        "es" => &spanish::SPANISH,
        "pt-BR" => &portuguese::PORTUGUESE,
        _ => &english::ENGLISH,
    }
}

/// Declares the texts of a language, and for the tests a list of them by name.
macro_rules! texts {
    ($($name:ident),* $(,)?) => {
        /// Everything that `herald` says to people, in one language.
        pub(crate) struct Texts {
            $(pub(crate) $name: &'static str,)*
        }

        #[cfg(test)]
        impl Texts {
            fn texts(&self) -> Vec<(&'static str, &'static str)> {
                vec![$((stringify!($name), self.$name)),*]
            }
        }
    };
}

texts! {
    yes, yes_word, no, only_root, no_such_user, look_for_the_name, same_again, chat_id, phone_number, uuid, username,
    jabber, email, or, codes_by_own_command, app_has_no_address, address_needed, can_log_in, can_log_in_by_app,
    enrolled_already, app_enrolled_already, offer_backup_codes, open_the_link, open_or_scan, waiting, countdown,
    start_came, nobody_pressed, bot_unreachable, see_the_network, trying_on, other_reader, stop_the_other, webhook,
    delete_webhook, hidden, drop_them, others_will_miss, forget_all, forgotten, scan_with_app, give_to_app,
    secret_of_app, app_unproved, give_own_secret, secret_in_the_open, secret_on_stdin, proof_first, proof_needed,
    ask_at_terminal, not_proved, again_or_vouch, own_proof_first, password_first, proof_needed_of_you, at_your_terminal, factors_disabled, codes_of, shown_only_now, codes_end, card_of, card_title, card_once,
    card_until, lifetime_of_codes, head_user, head_channel, head_address, head_label, head_state, head_enrolled,
    active, pending, disabled, codes_left_one, codes_left_many, until, nobody_enrolled, nothing_enrolled_for,
    locked_for, is_enabled, is_disabled, is_removed, is_not_enrolled, comes_first, list_put_back, nothing_changed, unlocked,
    not_locked, places_forgotten, no_place_remembered, speaks, speaks_configured, no_such_language, known_languages, let_in, not_asked, exempt,
    exempt_network, unenrolled, undelivered, would_be_refused, wait_or_unlock, not_enrolled_because, no_gateway,
    bad_address, give_one, no_country_code, give_country_code, no_number_of, unknown_country, bad_label, never_enrolled, ambiguous, name_one, never_verified, taken, label_or_remove,
    changed_meanwhile, bad_secret, look_at_secret, look_at_address, many_enrolled, many_would_be, lines_wrong, mend_lines, line_fields, nobody_of_that_name, app_goes_on, app_known, not_taken_over, left_behind, nothing_to_take_over, counts_logins, other_steps, no_such_file, scratch_codes_left, wrong_clock_left, pin_left, exported, restored, without_account, not_on_a_screen, head_time, head_service, head_event, nothing_logged,
}

impl Texts {
    /// What a person would type as an address of this form; `{example}` is one.
    pub(crate) fn form(&self, form: Form) -> &'static str {
        match form {
            Form::ChatId => self.chat_id,
            Form::E164 => self.phone_number,
            Form::Uuid => self.uuid,
            Form::Username => self.username,
            Form::Jid => self.jabber,
            Form::Email => self.email,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use herald_core::phrases::LANGUAGES;
    use unicode_width::UnicodeWidthStr;

    fn names(text: &str) -> Vec<&str> {
        let mut names: Vec<&str> =
            text.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    #[test]
    fn every_text_of_every_language_says_the_same_things_as_the_english_one() {
        // Cards have little room, and a day is on them anyway where a code ends; a person who did not prove to be
        // alice is named once.
        let fewer = ["card_title", "not_proved"];
        for language in LANGUAGES {
            for ((name, text), (_, english)) in of(language).texts().into_iter().zip(of("en").texts()) {
                assert!(fewer.contains(&name) || names(text) == names(english), "{language} {name}");
                assert!(!text.is_empty() && !text.contains('\n'), "{language} {name}");
                assert_eq!(text.ends_with(": "), english.ends_with(": "), "{language} {name}");
            }
        }
    }

    #[test]
    fn questions_fit_a_line_of_60_columns_and_rows_the_card() {
        for language in LANGUAGES {
            let texts = of(language);
            for question in [texts.offer_backup_codes, texts.forget_all] {
                assert!(format!("{question} [Y/n] ").width() <= 60, "{language}: {question}");
            }
            let countdown = texts.countdown.replace("{time}", "4:59");
            for line in [texts.secret_of_app, &countdown] {
                assert!(line.width() <= 60, "{language}: {line}");
            }
            let title = texts.card_title.replace("{day}", "2026-11-22");
            for row in [&title, texts.card_once, texts.card_until] {
                assert!(row.width() <= 28, "{language}: {row}");
            }
        }
    }

    #[test]
    fn rule_32_every_text_in_latin_letters_can_be_said_in_ascii() {
        for language in LANGUAGES.iter().filter(|language| **language != "ja") {
            for (name, text) in of(language).texts() {
                let marks = |text: &str| text.matches('?').count();
                assert_eq!(marks(&herald_core::text::ascii(text)), marks(text), "{language} {name}");
            }
        }
    }

    #[test]
    fn a_yes_and_a_no_cannot_be_confused() {
        for language in LANGUAGES {
            let Texts { yes, yes_word, no, .. } = of(language);
            assert!(yes != no && *no != "y" && !yes_word.starts_with(no), "{language}");
        }
    }
}
