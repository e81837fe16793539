//! Spanish.

use super::Phrases;

pub(super) const SPANISH: Phrases = Phrases {
    language: "es",
    // Channels whose names are words.
    email: "correo",
    totp: "aplicación de autenticación",
    backup: "códigos de reserva",
    // What providers do, for the help.
    sends_a_code: "envía un código por {channel}",
    app_shows_a_code: "muestra un código",
    backup_code_from_paper: "cada uno vale una vez",
    // Prompts: each ends in a colon and a space.
    bare_code: "Código: ",
    code_sent: "Código por {channel} a {to}: ",
    code_sent_seconds_ago: "Código por {channel} a {to} hace {seconds} s: ",
    code_sent_minutes_ago: "Código por {channel} a {to} hace {minutes} min: ",
    enter_sends: "Intro envía un código por {channel}: ",
    code_from_app: "Código de tu aplicación: ",
    backup_code: "Código de reserva: ",
    // What stands before a prompt.
    wrong_one: "Mal, queda {tries} intento. ",
    wrong_many: "Mal, quedan {tries} intentos. ",
    wrong_answer: "Mal. ",
    already_used: "Código ya usado. ",
    no_longer_good: "Código caducado. ",
    wait_to_resend: "Código nuevo en {time}. ",
    channel_failed: "Falló {channels}. ",
    no_more_codes: "Por ahora no hay más códigos. ",
    backup_codes_not_now: "Ahora no valen códigos de reserva. ",
    help: "Escribe el código recibido. r envía otro.",
    help_switch: "Un número o un nombre cambia de medio.",
    // Behind a backup code.
    backup_codes_left_one: "Queda {left} código de reserva.",
    backup_codes_left_many: "Quedan {left} códigos de reserva.",
    backup_codes_new: " Nuevos: herald backup-codes",
    // Why somebody was refused.
    refused: "Acceso denegado.",
    nothing_typed: "No se ha escrito ningún código.",
    tries_used_up: "Código incorrecto, no quedan intentos.",
    locked: "Demasiados códigos incorrectos. Bloqueado durante {time}.",
    budget_used_up: "Se han enviado demasiados códigos. Inténtalo en {time}.",
    unenrolled: "No hay segundo factor para {user}. Pide al administrador: herald enroll telegram --user {user}",
    undelivered: "No se pudo entregar ningún código. Inténtalo en un minuto o pregunta al administrador.",
    set_up_broken: "El acceso con código no está bien configurado. Pide al administrador: herald config check",
    could_not_check: "No se pudo comprobar el segundo factor. Inténtalo otra vez o pregunta al administrador.",
    // Enrolling inside a login.
    enroll_until: "Aún sin segundo factor. Se exigirá desde el {day}: herald enroll telegram",
    pick_a_channel: "Segundo factor ({list}): ",
    open_the_link: "Abre {url} y pulsa START, luego escribe ok: ",
    type_the_address: "Tu dirección para {channel}, {example}: ",
    start_not_seen: "START aún no ha llegado. ",
    cannot_be_reached: "Ahora no es posible. ",
    no_such_address: "No es una dirección válida. ",
    // On the phone.
    copy_code: "Copiar código",
    message_host: "Acceso en {host}",
    message_service: "Servicio: {service}",
    message_user: "Usuario: {user}",
    message_user_by: "Usuario: {user} (lo pide {by})",
    message_origin: "Desde: {rhost}",
    message_lifetime: "Vale {time}.",
    message_warning: "Solo para {host}. Nadie te lo va a pedir.",
    message_advice: "¿No eres tú? Alguien sabe tu contraseña: cámbiala y avisa al administrador.",
    notice_locked: "{user} en {host} está bloqueado durante {time}: demasiados códigos incorrectos seguidos. ¿No eres tú? Alguien sabe tu contraseña: cámbiala y avisa al administrador.",
    notice_added: "{user} en {host} ya puede entrar con un código por {channel} a {to}. ¿No eres tú? Avisa al administrador.",
    notice_removed: "{user} en {host} ya no puede entrar con un código por {channel} a {to}. ¿No eres tú? Avisa al administrador.",
    notice_disabled: "{user} en {host} por ahora no puede entrar con un código por {channel} a {to}. ¿No eres tú? Avisa al administrador.",
    notice_enabled: "{user} en {host} puede entrar otra vez con un código por {channel} a {to}. ¿No eres tú? Avisa al administrador.",
    notice_test: "Herald en {host} te alcanza aquí. Es una prueba.",
    notice_linked: "{user} en {host} recibe aquí sus códigos. No eres tú, o ya no: herald remove {channel} --user {user}",
};
