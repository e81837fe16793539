//! What locale(7) says about whoever sits at the terminal: a language, and whether it can be shown there.

use herald_core::login::is_console;
use herald_core::phrases::LANGUAGES;

/// Language and letters of a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Locale {
    /// The language that is asked for; `None` where none is, or none that we speak.
    pub(crate) language: Option<&'static str>,
    /// Whether letters beyond ASCII can be shown: not with another character set than UTF-8, and not on a Linux console,
    /// whose font holds few of them (rule 32).
    pub(crate) beyond_ascii: bool,
}

impl Locale {
    /// The locale of this process; `terminal` is the terminal's name as PAM_TTY has it.
    pub(crate) fn here(terminal: &str) -> Self {
        Self::of(|name| std::env::var(name).ok(), terminal)
    }

    fn of(variable: impl Fn(&str) -> Option<String>, terminal: &str) -> Self {
        let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
        let first = |names: [&str; 3]| names.iter().find_map(set).unwrap_or_default();
        let letters = first(["LC_ALL", "LC_CTYPE", "LANG"]).to_lowercase();
        let console = is_console(terminal) || variable("TERM").as_deref() == Some("linux");
        Self {
            language: language_of(&first(["LC_ALL", "LC_MESSAGES", "LANG"])),
            beyond_ascii: (letters.contains("utf-8") || letters.contains("utf8")) && !console,
        }
    }
}

/// `pt_BR.UTF-8@euro` is Brazilian Portuguese, and so is any other: it is the nearest that we speak.
fn language_of(locale: &str) -> Option<&'static str> {
    let wanted = locale.split(['_', '-', '.', '@']).next().unwrap_or_default();
    let same = |known: &&&str| known.split('-').next().is_some_and(|known| known.eq_ignore_ascii_case(wanted));
    LANGUAGES.iter().find(same).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn locale(pairs: &[(&str, &str)]) -> Locale {
        let variable =
            |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        Locale::of(variable, "pts/1")
    }

    #[test]
    fn the_language_is_that_of_messages() {
        for (pairs, language) in [
            (&[("LANG", "ja_JP.UTF-8")][..], Some("ja")),
            (&[("LANG", "ja_JP.UTF-8"), ("LC_MESSAGES", "de_AT.UTF-8")], Some("de")),
            (&[("LANG", "ja_JP.UTF-8"), ("LC_MESSAGES", "de_AT"), ("LC_ALL", "fr_CA.UTF-8@x")], Some("fr")),
            (&[("LC_ALL", ""), ("LANG", "es")], Some("es")),
            (&[("LANG", "pt_PT.UTF-8")], Some("pt-BR")),
            (&[("LANG", "en_GB.UTF-8")], Some("en")),
            (&[("LANG", "C.UTF-8")], None),
            (&[("LANG", "POSIX")], None),
            (&[("LANG", "it_IT.UTF-8")], None),
            (&[], None),
        ] {
            assert_eq!(locale(pairs).language, language, "{pairs:?}");
        }
    }

    #[test]
    fn rule_32_letters_beyond_ascii_are_for_terminals_that_can_show_them() {
        for (pairs, beyond) in [
            (&[("LANG", "ja_JP.UTF-8"), ("TERM", "xterm")][..], true),
            (&[("LC_CTYPE", "C.utf8")], true),
            (&[("LC_ALL", "C"), ("LANG", "ja_JP.UTF-8")], false),
            (&[("LANG", "ja_JP.eucJP")], false),
            (&[("LANG", "en_GB.utf8"), ("TERM", "linux")], false),
            (&[], false),
        ] {
            assert_eq!(locale(pairs).beyond_ascii, beyond, "{pairs:?}");
        }
        let german = |name: &str| (name == "LANG").then(|| "de_DE.UTF-8".to_owned());
        assert!(!Locale::of(german, "tty1").beyond_ascii);
    }
}
