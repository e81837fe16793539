//! Spanish.

use super::{Change, Phrases, short_time};
use std::time::Duration;

pub(super) struct Spanish;

impl Phrases for Spanish {
    fn language(&self) -> &'static str {
        "es"
    }

    fn channel(&self, channel: &str) -> String {
        match channel {
            "email" => "correo".to_owned(),
            "totp" => "aplicación de autenticación".to_owned(),
            "backup" => "códigos de reserva".to_owned(),
            other => super::brand(other),
        }
    }

    fn sends_a_code(&self, channel: &str) -> String {
        format!("envía un código por {channel}")
    }

    fn bare_code(&self) -> String {
        "Código: ".to_owned()
    }

    fn code_sent(&self, channel: &str, to: &str, ago: Option<Duration>) -> String {
        match ago.map(|ago| ago.as_secs()) {
            None => format!("Código por {channel} a {to}: "),
            Some(seconds) if seconds < 60 => format!("Código por {channel} a {to} hace {seconds} s: "),
            Some(seconds) => {
                format!("Código por {channel} a {to} hace {minutes} min: ", minutes = seconds / 60)
            }
        }
    }

    fn enter_sends(&self, channel: &str) -> String {
        format!("Intro envía un código por {channel}: ")
    }

    fn app_shows_a_code(&self) -> String {
        "muestra un código".to_owned()
    }

    fn backup_code_from_paper(&self) -> String {
        "cada uno vale una vez".to_owned()
    }

    fn code_from_app(&self) -> String {
        "Código de tu aplicación: ".to_owned()
    }

    fn backup_code(&self) -> String {
        "Código de reserva: ".to_owned()
    }

    fn backup_codes_not_now(&self) -> String {
        "Ahora no valen códigos de reserva. ".to_owned()
    }

    fn backup_codes_left(&self, left: usize, few: bool) -> String {
        let codes = match left {
            1 => "Queda 1 código de reserva.".to_owned(),
            _ => format!("Quedan {left} códigos de reserva."),
        };
        let more = if few { " Nuevos: herald backup-codes" } else { "" };
        format!("{codes}{more}")
    }

    fn wrong(&self, tries_left: u32) -> String {
        match tries_left {
            1 => "Mal, queda 1 intento. ".to_owned(),
            tries => format!("Mal, quedan {tries} intentos. "),
        }
    }

    fn wrong_answer(&self) -> String {
        "Mal. ".to_owned()
    }

    fn already_used(&self) -> String {
        "Código ya usado. ".to_owned()
    }

    fn no_longer_good(&self) -> String {
        "Código caducado. ".to_owned()
    }

    fn wait_to_resend(&self, wait: Duration) -> String {
        format!("Código nuevo en {time}. ", time = short_time(wait))
    }

    fn channel_failed(&self, channels: &[String]) -> String {
        format!("Falló {channels}. ", channels = channels.join(", "))
    }

    fn no_more_codes(&self) -> String {
        "Por ahora no hay más códigos. ".to_owned()
    }

    fn help(&self, choices: &[String]) -> String {
        let mut text = "Escribe el código recibido. r envía otro.".to_owned();
        for choice in choices {
            text.push('\n');
            text.push_str(choice);
        }
        if choices.len() > 1 {
            text.push_str("\nUn número o un nombre cambia de medio.");
        }
        text.push('\n');
        text
    }

    fn refused(&self) -> String {
        "Acceso denegado.".to_owned()
    }

    fn nothing_typed(&self) -> String {
        "No se ha escrito ningún código.".to_owned()
    }

    fn tries_used_up(&self) -> String {
        "Código incorrecto, no quedan intentos.".to_owned()
    }

    fn locked(&self, left: Duration) -> String {
        format!("Demasiados códigos incorrectos. Bloqueado durante {time}.", time = short_time(left))
    }

    fn budget_used_up(&self, left: Duration) -> String {
        format!("Se han enviado demasiados códigos. Inténtalo en {time}.", time = short_time(left))
    }

    fn unenrolled(&self, user: &str) -> String {
        format!("No hay segundo factor para {user}. Pide al administrador: herald enroll telegram --user {user}")
    }

    fn undelivered(&self) -> String {
        "No se pudo entregar ningún código. Inténtalo en un minuto o pregunta al administrador.".to_owned()
    }

    fn set_up_broken(&self) -> String {
        "El acceso con código no está bien configurado. Pide al administrador: herald config check".to_owned()
    }

    fn could_not_check(&self) -> String {
        "No se pudo comprobar el segundo factor. Inténtalo otra vez o pregunta al administrador.".to_owned()
    }

    fn copy_code(&self) -> String {
        "Copiar código".to_owned()
    }

    fn message_host(&self, host: &str) -> String {
        format!("Acceso en {host}")
    }

    fn message_service(&self, service: &str) -> String {
        format!("Servicio: {service}")
    }

    fn message_user(&self, user: &str, by: Option<&str>) -> String {
        match by {
            None => format!("Usuario: {user}"),
            Some(by) => format!("Usuario: {user} (lo pide {by})"),
        }
    }

    fn message_origin(&self, rhost: &str) -> String {
        format!("Desde: {rhost}")
    }

    fn message_lifetime(&self, lifetime: Duration) -> String {
        format!("Vale {time}.", time = short_time(lifetime))
    }

    fn message_warning(&self, host: &str) -> String {
        format!("Solo para {host}. Nadie te lo va a pedir.")
    }

    fn message_advice(&self) -> String {
        "¿No eres tú? Alguien sabe tu contraseña: cámbiala y avisa al administrador.".to_owned()
    }

    fn notice_locked(&self, user: &str, host: &str, length: Duration) -> String {
        format!(
            "{user} en {host} está bloqueado durante {time}: demasiados códigos incorrectos seguidos. ¿No eres tú? Alguien sabe tu contraseña: cámbiala y avisa al administrador.",
            time = short_time(length)
        )
    }

    fn notice_changed(&self, user: &str, host: &str, change: Change, channel: &str, to: &str) -> String {
        match change {
            Change::Added => format!(
                "{user} en {host} ya puede entrar con un código por {channel} a {to}. ¿No eres tú? Avisa al administrador."
            ),
            Change::Removed => format!(
                "{user} en {host} ya no puede entrar con un código por {channel} a {to}. ¿No eres tú? Avisa al administrador."
            ),
            Change::Disabled => format!(
                "{user} en {host} por ahora no puede entrar con un código por {channel} a {to}. ¿No eres tú? Avisa al administrador."
            ),
            Change::Enabled => format!(
                "{user} en {host} puede entrar otra vez con un código por {channel} a {to}. ¿No eres tú? Avisa al administrador."
            ),
        }
    }

    fn notice_test(&self, host: &str) -> String {
        format!("Herald en {host} te alcanza aquí. Es una prueba.")
    }

    fn notice_linked(&self, user: &str, host: &str, channel: &str) -> String {
        format!("{user} en {host} recibe aquí sus códigos. No eres tú, o ya no: herald remove {channel} --user {user}")
    }

    fn enroll_until(&self, day: &str) -> String {
        format!("Aún sin segundo factor. Se exigirá desde el {day}: herald enroll telegram")
    }

    fn pick_a_channel(&self, list: &str) -> String {
        format!("Segundo factor ({list}): ")
    }

    fn open_the_link(&self, url: &str) -> String {
        format!("Abre {url} y pulsa START, luego escribe ok: ")
    }

    fn type_the_address(&self, channel: &str, example: &str) -> String {
        format!("Tu dirección para {channel}, {example}: ")
    }

    fn start_not_seen(&self) -> String {
        "START aún no ha llegado. ".to_owned()
    }

    fn cannot_be_reached(&self) -> String {
        "Ahora no es posible. ".to_owned()
    }

    fn no_such_address(&self) -> String {
        "No es una dirección válida. ".to_owned()
    }
}
