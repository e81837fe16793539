//! French.

use super::{Change, Phrases, short_time};
use std::time::Duration;

pub(super) struct French;

impl Phrases for French {
    fn language(&self) -> &'static str {
        "fr"
    }

    fn channel(&self, channel: &str) -> String {
        match channel {
            "email" => "e-mail".to_owned(),
            "totp" => "application d'authentification".to_owned(),
            "backup" => "codes de secours".to_owned(),
            other => super::brand(other),
        }
    }

    fn sends_a_code(&self, channel: &str) -> String {
        format!("envoie un code par {channel}")
    }

    fn bare_code(&self) -> String {
        "Code : ".to_owned()
    }

    fn code_sent(&self, channel: &str, to: &str, ago: Option<Duration>) -> String {
        match ago.map(|ago| ago.as_secs()) {
            None => format!("Code envoyé par {channel} à {to} : "),
            Some(seconds) if seconds < 60 => format!("Code envoyé par {channel} à {to} il y a {seconds} s : "),
            Some(seconds) => {
                format!("Code envoyé par {channel} à {to} il y a {minutes} min : ", minutes = seconds / 60)
            }
        }
    }

    fn enter_sends(&self, channel: &str) -> String {
        format!("Entrée envoie un code par {channel} : ")
    }

    fn app_shows_a_code(&self) -> String {
        "affiche un code".to_owned()
    }

    fn backup_code_from_paper(&self) -> String {
        "chacun sert une fois".to_owned()
    }

    fn code_from_app(&self) -> String {
        "Code de votre application : ".to_owned()
    }

    fn backup_code(&self) -> String {
        "Code de secours : ".to_owned()
    }

    fn backup_codes_not_now(&self) -> String {
        "Codes de secours indisponibles. ".to_owned()
    }

    fn backup_codes_left(&self, left: usize, few: bool) -> String {
        let codes = match left {
            0 | 1 => format!("Il reste {left} code de secours."),
            _ => format!("Il reste {left} codes de secours."),
        };
        let more = if few { " Nouveaux : herald backup-codes" } else { "" };
        format!("{codes}{more}")
    }

    fn wrong(&self, tries_left: u32) -> String {
        match tries_left {
            1 => "Faux, encore 1 essai. ".to_owned(),
            tries => format!("Faux, encore {tries} essais. "),
        }
    }

    fn wrong_answer(&self) -> String {
        "Faux. ".to_owned()
    }

    fn already_used(&self) -> String {
        "Code déjà utilisé. ".to_owned()
    }

    fn no_longer_good(&self) -> String {
        "Code expiré. ".to_owned()
    }

    fn wait_to_resend(&self, wait: Duration) -> String {
        format!("Nouveau code dans {time}. ", time = short_time(wait))
    }

    fn channel_failed(&self, channels: &[String]) -> String {
        format!("Échec de {channels}. ", channels = channels.join(", "))
    }

    fn no_more_codes(&self) -> String {
        "Plus de codes pour le moment. ".to_owned()
    }

    fn help(&self, choices: &[String]) -> String {
        let mut text = "Saisissez le code reçu. r en envoie un nouveau.".to_owned();
        for choice in choices {
            text.push('\n');
            text.push_str(choice);
        }
        if choices.len() > 1 {
            text.push_str("\nUn numéro ou un nom change de moyen.");
        }
        text.push('\n');
        text
    }

    fn refused(&self) -> String {
        "Connexion refusée.".to_owned()
    }

    fn nothing_typed(&self) -> String {
        "Aucun code n'a été saisi.".to_owned()
    }

    fn tries_used_up(&self) -> String {
        "Code faux, plus d'essais.".to_owned()
    }

    fn locked(&self, left: Duration) -> String {
        format!("Trop de codes faux. Bloqué pour {time}.", time = short_time(left))
    }

    fn budget_used_up(&self, left: Duration) -> String {
        format!("Trop de codes envoyés. Réessayez dans {time}.", time = short_time(left))
    }

    fn unenrolled(&self, user: &str) -> String {
        format!("Pas de second facteur pour {user}. Demandez à l'administrateur : herald enroll telegram --user {user}")
    }

    fn undelivered(&self) -> String {
        "Aucun code n'a pu être envoyé. Réessayez dans une minute, ou demandez à l'administrateur.".to_owned()
    }

    fn set_up_broken(&self) -> String {
        "La connexion par code est mal configurée. Demandez à l'administrateur : herald config check".to_owned()
    }

    fn could_not_check(&self) -> String {
        "Le second facteur n'a pas pu être vérifié. Réessayez, ou demandez à l'administrateur.".to_owned()
    }

    fn copy_code(&self) -> String {
        "Copier le code".to_owned()
    }

    fn message_host(&self, host: &str) -> String {
        format!("Connexion à {host}")
    }

    fn message_service(&self, service: &str) -> String {
        format!("Service : {service}")
    }

    fn message_user(&self, user: &str, by: Option<&str>) -> String {
        match by {
            None => format!("Compte : {user}"),
            Some(by) => format!("Compte : {user} (demandé par {by})"),
        }
    }

    fn message_origin(&self, rhost: &str) -> String {
        format!("Depuis : {rhost}")
    }

    fn message_lifetime(&self, lifetime: Duration) -> String {
        format!("Valable {time}.", time = short_time(lifetime))
    }

    fn message_warning(&self, host: &str) -> String {
        format!("A saisir seulement sur {host}. Personne ne le demandera.")
    }

    fn message_advice(&self) -> String {
        "Pas vous ? Quelqu'un connaît votre mot de passe : changez-le et prévenez l'administrateur.".to_owned()
    }

    fn notice_locked(&self, user: &str, host: &str, length: Duration) -> String {
        format!(
            "{user} sur {host} est bloqué pour {time} : trop de codes faux à la suite. Pas vous ? Quelqu'un connaît votre mot de passe : changez-le et prévenez l'administrateur.",
            time = short_time(length)
        )
    }

    fn notice_changed(&self, user: &str, host: &str, change: Change, channel: &str, to: &str) -> String {
        match change {
            Change::Added => format!(
                "{user} sur {host} peut maintenant se connecter avec un code par {channel} à {to}. Pas vous ? Prévenez l'administrateur."
            ),
            Change::Removed => format!(
                "{user} sur {host} ne peut plus se connecter avec un code par {channel} à {to}. Pas vous ? Prévenez l'administrateur."
            ),
            Change::Disabled => format!(
                "{user} sur {host} ne peut plus, pour l'instant, se connecter avec un code par {channel} à {to}. Pas vous ? Prévenez l'administrateur."
            ),
            Change::Enabled => format!(
                "{user} sur {host} peut de nouveau se connecter avec un code par {channel} à {to}. Pas vous ? Prévenez l'administrateur."
            ),
        }
    }

    fn notice_test(&self, host: &str) -> String {
        format!("Herald sur {host} vous joint ici. Ceci est un test.")
    }

    fn notice_linked(&self, user: &str, host: &str, channel: &str) -> String {
        format!(
            "{user} sur {host} reçoit désormais ses codes ici. Pas vous, ou plus : herald remove {channel} --user {user}"
        )
    }

    fn enroll_until(&self, day: &str) -> String {
        format!("Pas encore de second facteur. Il sera exigé à partir du {day} : herald enroll telegram")
    }

    fn pick_a_channel(&self, list: &str) -> String {
        format!("Second facteur ({list}) : ")
    }

    fn open_the_link(&self, url: &str) -> String {
        format!("Ouvrez {url} et appuyez sur START, puis tapez ok : ")
    }

    fn type_the_address(&self, channel: &str, example: &str) -> String {
        format!("Votre adresse pour {channel}, {example} : ")
    }

    fn start_not_seen(&self) -> String {
        "START n'est pas encore arrivé. ".to_owned()
    }

    fn cannot_be_reached(&self) -> String {
        "Impossible pour le moment. ".to_owned()
    }

    fn no_such_address(&self) -> String {
        "Ce n'est pas une telle adresse. ".to_owned()
    }
}
