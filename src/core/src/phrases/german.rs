//! German.

use super::{Change, Phrases, short_time};
use std::time::Duration;

pub(super) struct German;

impl Phrases for German {
    fn language(&self) -> &'static str {
        "de"
    }

    fn channel(&self, channel: &str) -> String {
        match channel {
            "email" => "E-Mail".to_owned(),
            "totp" => "Authenticator-App".to_owned(),
            "backup" => "Ersatzcodes".to_owned(),
            other => super::brand(other),
        }
    }

    fn sends_a_code(&self, channel: &str) -> String {
        format!("schickt einen Code über {channel}")
    }

    fn bare_code(&self) -> String {
        "Code: ".to_owned()
    }

    fn code_sent(&self, channel: &str, to: &str, ago: Option<Duration>) -> String {
        match ago.map(|ago| ago.as_secs()) {
            None => format!("Code per {channel} an {to}: "),
            Some(seconds) if seconds < 60 => format!("Code vor {seconds} s per {channel} an {to}: "),
            Some(seconds) => {
                format!("Code vor {minutes} min per {channel} an {to}: ", minutes = seconds / 60)
            }
        }
    }

    fn enter_sends(&self, channel: &str) -> String {
        format!("Enter schickt einen Code per {channel}: ")
    }

    fn app_shows_a_code(&self) -> String {
        "zeigt einen Code".to_owned()
    }

    fn backup_code_from_paper(&self) -> String {
        "jeder gilt einmal".to_owned()
    }

    fn code_from_app(&self) -> String {
        "Code aus der App: ".to_owned()
    }

    fn backup_code(&self) -> String {
        "Ersatzcode: ".to_owned()
    }

    fn backup_codes_not_now(&self) -> String {
        "Ersatzcodes gehen gerade nicht. ".to_owned()
    }

    fn backup_codes_left(&self, left: usize, few: bool) -> String {
        let codes = match left {
            1 => "Noch 1 Ersatzcode.".to_owned(),
            _ => format!("Noch {left} Ersatzcodes."),
        };
        let more = if few { " Neue: herald backup-codes" } else { "" };
        format!("{codes}{more}")
    }

    fn wrong(&self, tries_left: u32) -> String {
        match tries_left {
            1 => "Falsch, noch 1 Versuch. ".to_owned(),
            tries => format!("Falsch, noch {tries} Versuche. "),
        }
    }

    fn wrong_answer(&self) -> String {
        "Falsch. ".to_owned()
    }

    fn already_used(&self) -> String {
        "Code schon benutzt. ".to_owned()
    }

    fn no_longer_good(&self) -> String {
        "Code abgelaufen. ".to_owned()
    }

    fn wait_to_resend(&self, wait: Duration) -> String {
        format!("Neuer Code in {time}. ", time = short_time(wait))
    }

    fn channel_failed(&self, channels: &[String]) -> String {
        format!("{channels} ging nicht. ", channels = channels.join(", "))
    }

    fn no_more_codes(&self) -> String {
        "Vorerst keine neuen Codes. ".to_owned()
    }

    fn help(&self, choices: &[String]) -> String {
        let mut text = "Den zugeschickten Code eingeben. r schickt einen neuen.".to_owned();
        for choice in choices {
            text.push('\n');
            text.push_str(choice);
        }
        if choices.len() > 1 {
            text.push_str("\nEine Nummer oder ein Name wechselt.");
        }
        text.push('\n');
        text
    }

    fn refused(&self) -> String {
        "Anmeldung abgelehnt.".to_owned()
    }

    fn nothing_typed(&self) -> String {
        "Es wurde kein Code eingegeben.".to_owned()
    }

    fn tries_used_up(&self) -> String {
        "Falscher Code, keine Versuche mehr.".to_owned()
    }

    fn locked(&self, left: Duration) -> String {
        format!("Zu viele falsche Codes. Gesperrt für {time}.", time = short_time(left))
    }

    fn budget_used_up(&self, left: Duration) -> String {
        format!("Zu viele Codes verschickt. Wieder in {time}.", time = short_time(left))
    }

    fn unenrolled(&self, user: &str) -> String {
        format!("Kein zweiter Faktor für {user}. Die Verwaltung hilft mit: herald enroll telegram --user {user}")
    }

    fn undelivered(&self) -> String {
        "Kein Code konnte zugestellt werden. In einer Minute noch einmal, oder die Verwaltung fragen.".to_owned()
    }

    fn set_up_broken(&self) -> String {
        "Die Anmeldung mit Code ist nicht richtig eingerichtet. Die Verwaltung hilft mit: herald config check"
            .to_owned()
    }

    fn could_not_check(&self) -> String {
        "Der zweite Faktor konnte nicht geprüft werden. Noch einmal versuchen, oder die Verwaltung fragen.".to_owned()
    }

    fn copy_code(&self) -> String {
        "Code kopieren".to_owned()
    }

    fn message_host(&self, host: &str) -> String {
        format!("Anmeldung an {host}")
    }

    fn message_service(&self, service: &str) -> String {
        format!("Dienst: {service}")
    }

    fn message_user(&self, user: &str, by: Option<&str>) -> String {
        match by {
            None => format!("Konto: {user}"),
            Some(by) => format!("Konto: {user} (verlangt von {by})"),
        }
    }

    fn message_origin(&self, rhost: &str) -> String {
        format!("Von: {rhost}")
    }

    fn message_lifetime(&self, lifetime: Duration) -> String {
        format!("Gilt {time}.", time = short_time(lifetime))
    }

    fn message_warning(&self, host: &str) -> String {
        format!("Nur an {host} eingeben. Niemand fragt danach.")
    }

    fn message_advice(&self) -> String {
        "Nicht von dir? Dann kennt jemand dein Passwort: ändern und der Verwaltung melden.".to_owned()
    }

    fn notice_locked(&self, user: &str, host: &str, length: Duration) -> String {
        format!(
            "{user} an {host} ist für {time} gesperrt: zu viele falsche Codes nacheinander. Nicht von dir? Dann kennt jemand dein Passwort: ändern und der Verwaltung melden.",
            time = short_time(length)
        )
    }

    fn notice_changed(&self, user: &str, host: &str, change: Change, channel: &str, to: &str) -> String {
        match change {
            Change::Added => format!(
                "{user} an {host} kann sich jetzt mit einem Code per {channel} an {to} anmelden. Nicht von dir? Der Verwaltung melden."
            ),
            Change::Removed => format!(
                "{user} an {host} kann sich nicht mehr mit einem Code per {channel} an {to} anmelden. Nicht von dir? Der Verwaltung melden."
            ),
            Change::Disabled => format!(
                "{user} an {host} kann sich vorerst nicht mit einem Code per {channel} an {to} anmelden. Nicht von dir? Der Verwaltung melden."
            ),
            Change::Enabled => format!(
                "{user} an {host} kann sich wieder mit einem Code per {channel} an {to} anmelden. Nicht von dir? Der Verwaltung melden."
            ),
        }
    }

    fn notice_test(&self, host: &str) -> String {
        format!("Herald auf {host} erreicht dich hier. Das ist ein Test.")
    }

    fn notice_linked(&self, user: &str, host: &str, channel: &str) -> String {
        format!(
            "{user} an {host} bekommt Anmeldecodes jetzt hierher. Nicht von dir, oder nicht mehr: herald remove {channel} --user {user}"
        )
    }

    fn enroll_until(&self, day: &str) -> String {
        format!("Noch kein zweiter Faktor. Ab {day} wird er verlangt: herald enroll telegram")
    }

    fn pick_a_channel(&self, list: &str) -> String {
        format!("Zweiter Faktor ({list}): ")
    }

    fn open_the_link(&self, url: &str) -> String {
        format!("{url} öffnen und START drücken, dann ok eingeben: ")
    }

    fn type_the_address(&self, channel: &str, example: &str) -> String {
        format!("Deine Adresse für {channel}, {example}: ")
    }

    fn start_not_seen(&self) -> String {
        "START kam noch nicht an. ".to_owned()
    }

    fn cannot_be_reached(&self) -> String {
        "Das geht gerade nicht. ".to_owned()
    }

    fn no_such_address(&self) -> String {
        "Das ist keine solche Adresse. ".to_owned()
    }
}
