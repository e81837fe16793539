//! French.

use super::Phrases;

pub(super) const FRENCH: Phrases = Phrases {
    language: "fr",
    // Channels whose names are words.
    email: "e-mail",
    totp: "application d'authentification",
    backup: "codes de secours",
    // What providers do, for the help.
    sends_a_code: "envoie un code par {channel}",
    app_shows_a_code: "affiche un code",
    backup_code_from_paper: "chacun sert une fois",
    // Prompts: each ends in a colon and a space.
    bare_code: "Code : ",
    code_sent: "Code envoyé par {channel} à {to} : ",
    code_sent_seconds_ago: "Code envoyé par {channel} à {to} il y a {seconds} s : ",
    code_sent_minutes_ago: "Code envoyé par {channel} à {to} il y a {minutes} min : ",
    enter_sends: "Entrée envoie un code par {channel} : ",
    code_from_app: "Code de votre application : ",
    backup_code: "Code de secours : ",
    // What stands before a prompt.
    wrong_one: "Faux, encore {tries} essai. ",
    wrong_many: "Faux, encore {tries} essais. ",
    wrong_answer: "Faux. ",
    already_used: "Code déjà utilisé. ",
    no_longer_good: "Code expiré. ",
    wait_to_resend: "Nouveau code dans {time}. ",
    channel_failed: "Échec de {channels}. ",
    no_more_codes: "Plus de codes pour le moment. ",
    backup_codes_not_now: "Codes de secours indisponibles. ",
    help: "Saisissez le code reçu. r en envoie un nouveau.",
    help_switch: "Un numéro ou un nom change de moyen.",
    // Behind a backup code.
    backup_codes_left_one: "Il reste {left} code de secours.",
    backup_codes_left_many: "Il reste {left} codes de secours.",
    backup_codes_new: " Nouveaux : herald backup-codes",
    // Why somebody was refused.
    refused: "Connexion refusée.",
    nothing_typed: "Aucun code n'a été saisi.",
    tries_used_up: "Code faux, plus d'essais.",
    locked: "Trop de codes faux. Bloqué pour {time}.",
    budget_used_up: "Trop de codes envoyés. Réessayez dans {time}.",
    unenrolled: "Pas de second facteur pour {user}. Demandez à l'administrateur : herald enroll telegram --user {user}",
    undelivered: "Aucun code n'a pu être envoyé. Réessayez dans une minute, ou demandez à l'administrateur.",
    set_up_broken: "La connexion par code est mal configurée. Demandez à l'administrateur : herald config check",
    could_not_check: "Le second facteur n'a pas pu être vérifié. Réessayez, ou demandez à l'administrateur.",
    // Enrolling inside a login.
    enroll_until: "Pas encore de second facteur. Il sera exigé à partir du {day} : herald enroll telegram",
    pick_a_channel: "Second facteur ({list}) : ",
    open_the_link: "Ouvrez {url} et appuyez sur START, puis tapez ok : ",
    type_the_address: "Votre adresse pour {channel}, {example} : ",
    start_not_seen: "START n'est pas encore arrivé. ",
    cannot_be_reached: "Impossible pour le moment. ",
    no_such_address: "Ce n'est pas une telle adresse. ",
    // On the phone.
    copy_code: "Copier le code",
    message_host: "Connexion à {host}",
    message_service: "Service : {service}",
    message_user: "Compte : {user}",
    message_user_by: "Compte : {user} (demandé par {by})",
    message_origin: "Depuis : {rhost}",
    message_lifetime: "Valable {time}.",
    message_warning: "A saisir seulement sur {host}. Personne ne le demandera.",
    message_advice: "Pas vous ? Quelqu'un connaît votre mot de passe : changez-le et prévenez l'administrateur.",
    notice_locked: "{user} sur {host} est bloqué pour {time} : trop de codes faux à la suite. Pas vous ? Quelqu'un connaît votre mot de passe : changez-le et prévenez l'administrateur.",
    notice_added: "{user} sur {host} peut maintenant se connecter avec un code par {channel} à {to}. Pas vous ? Prévenez l'administrateur.",
    notice_removed: "{user} sur {host} ne peut plus se connecter avec un code par {channel} à {to}. Pas vous ? Prévenez l'administrateur.",
    notice_disabled: "{user} sur {host} ne peut plus, pour l'instant, se connecter avec un code par {channel} à {to}. Pas vous ? Prévenez l'administrateur.",
    notice_enabled: "{user} sur {host} peut de nouveau se connecter avec un code par {channel} à {to}. Pas vous ? Prévenez l'administrateur.",
    notice_test: "Herald sur {host} vous joint ici. Ceci est un test.",
    notice_linked: "{user} sur {host} reçoit désormais ses codes ici. Pas vous, ou plus : herald remove {channel} --user {user}",
};
