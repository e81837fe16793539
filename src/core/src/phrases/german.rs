//! German.

use super::Phrases;

pub(super) const GERMAN: Phrases = Phrases {
    language: "de",
    // Channels whose names are words.
    email: "E-Mail",
    totp: "Authenticator-App",
    backup: "Ersatzcodes",
    // What providers do, for the help.
    sends_a_code: "schickt einen Code über {channel}",
    app_shows_a_code: "zeigt einen Code",
    backup_code_from_paper: "jeder gilt einmal",
    // Prompts: each ends in a colon and a space.
    bare_code: "Code: ",
    code_sent: "Code per {channel} an {to}: ",
    code_sent_seconds_ago: "Code vor {seconds} s per {channel} an {to}: ",
    code_sent_minutes_ago: "Code vor {minutes} min per {channel} an {to}: ",
    enter_sends: "Enter schickt einen Code per {channel}: ",
    code_from_app: "Code aus der App: ",
    backup_code: "Ersatzcode: ",
    // What stands before a prompt.
    wrong_one: "Falsch, noch {tries} Versuch. ",
    wrong_many: "Falsch, noch {tries} Versuche. ",
    wrong_answer: "Falsch. ",
    already_used: "Code schon benutzt. ",
    no_longer_good: "Code abgelaufen. ",
    wait_to_resend: "Neuer Code in {time}. ",
    channel_failed: "{channels} ging nicht. ",
    no_more_codes: "Vorerst keine neuen Codes. ",
    backup_codes_not_now: "Ersatzcodes gehen gerade nicht. ",
    help: "Den zugeschickten Code eingeben. r schickt einen neuen.",
    help_switch: "Eine Nummer oder ein Name wechselt.",
    // Behind a backup code.
    backup_codes_left_one: "Noch {left} Ersatzcode.",
    backup_codes_left_many: "Noch {left} Ersatzcodes.",
    backup_codes_new: " Neue: herald backup-codes",
    // Why somebody was refused.
    refused: "Anmeldung abgelehnt.",
    nothing_typed: "Es wurde kein Code eingegeben.",
    tries_used_up: "Falscher Code, keine Versuche mehr.",
    locked: "Zu viele falsche Codes. Gesperrt für {time}.",
    budget_used_up: "Zu viele Codes verschickt. Wieder in {time}.",
    unenrolled: "Kein zweiter Faktor für {user}. Die Verwaltung hilft mit: herald enroll telegram --user {user}",
    undelivered: "Kein Code konnte zugestellt werden. In einer Minute noch einmal, oder die Verwaltung fragen.",
    set_up_broken: "Die Anmeldung mit Code ist nicht richtig eingerichtet. Die Verwaltung hilft mit: herald config check",
    could_not_check: "Der zweite Faktor konnte nicht geprüft werden. Noch einmal versuchen, oder die Verwaltung fragen.",
    // Enrolling inside a login.
    enroll_until: "Noch kein zweiter Faktor. Ab {day} wird er verlangt: herald enroll telegram",
    pick_a_channel: "Zweiter Faktor ({list}): ",
    open_the_link: "{url} öffnen und START drücken, dann ok eingeben: ",
    type_the_address: "Deine Adresse für {channel}, {example}: ",
    start_not_seen: "START kam noch nicht an. ",
    cannot_be_reached: "Das geht gerade nicht. ",
    no_such_address: "Das ist keine solche Adresse. ",
    // On the phone.
    copy_code: "Code kopieren",
    message_host: "Anmeldung an {host}",
    message_service: "Dienst: {service}",
    message_user: "Konto: {user}",
    message_user_by: "Konto: {user} (verlangt von {by})",
    message_origin: "Von: {rhost}",
    message_lifetime: "Gilt {time}.",
    message_warning: "Nur an {host} eingeben. Niemand fragt danach.",
    message_advice: "Nicht von dir? Dann kennt jemand dein Passwort: ändern und der Verwaltung melden.",
    notice_locked: "{user} an {host} ist für {time} gesperrt: zu viele falsche Codes nacheinander. Nicht von dir? Dann kennt jemand dein Passwort: ändern und der Verwaltung melden.",
    notice_added: "{user} an {host} kann sich jetzt mit einem Code per {channel} an {to} anmelden. Nicht von dir? Der Verwaltung melden.",
    notice_removed: "{user} an {host} kann sich nicht mehr mit einem Code per {channel} an {to} anmelden. Nicht von dir? Der Verwaltung melden.",
    notice_disabled: "{user} an {host} kann sich vorerst nicht mit einem Code per {channel} an {to} anmelden. Nicht von dir? Der Verwaltung melden.",
    notice_enabled: "{user} an {host} kann sich wieder mit einem Code per {channel} an {to} anmelden. Nicht von dir? Der Verwaltung melden.",
    notice_test: "Herald auf {host} erreicht dich hier. Das ist ein Test.",
    notice_linked: "{user} an {host} bekommt Anmeldecodes jetzt hierher. Nicht von dir, oder nicht mehr: herald remove {channel} --user {user}",
};
