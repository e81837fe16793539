//! Brazilian Portuguese.

use super::{Change, Phrases, short_time};
use std::time::Duration;

pub(super) struct Portuguese;

impl Phrases for Portuguese {
    fn language(&self) -> &'static str {
        "pt-BR"
    }

    fn channel(&self, channel: &str) -> String {
        match channel {
            "email" => "e-mail".to_owned(),
            "totp" => "aplicativo autenticador".to_owned(),
            "backup" => "códigos de reserva".to_owned(),
            other => super::brand(other),
        }
    }

    fn sends_a_code(&self, channel: &str) -> String {
        format!("envia um código por {channel}")
    }

    fn bare_code(&self) -> String {
        "Código: ".to_owned()
    }

    fn code_sent(&self, channel: &str, to: &str, ago: Option<Duration>) -> String {
        match ago.map(|ago| ago.as_secs()) {
            None => format!("Código por {channel} para {to}: "),
            Some(seconds) if seconds < 60 => format!("Código por {channel} para {to} há {seconds} s: "),
            Some(seconds) => {
                format!("Código por {channel} para {to} há {minutes} min: ", minutes = seconds / 60)
            }
        }
    }

    fn enter_sends(&self, channel: &str) -> String {
        format!("Enter envia um código por {channel}: ")
    }

    fn app_shows_a_code(&self) -> String {
        "mostra um código".to_owned()
    }

    fn backup_code_from_paper(&self) -> String {
        "cada um vale uma vez".to_owned()
    }

    fn code_from_app(&self) -> String {
        "Código do seu aplicativo: ".to_owned()
    }

    fn backup_code(&self) -> String {
        "Código de reserva: ".to_owned()
    }

    fn backup_codes_not_now(&self) -> String {
        "Códigos de reserva não valem agora. ".to_owned()
    }

    fn backup_codes_left(&self, left: usize, few: bool) -> String {
        let codes = match left {
            0 | 1 => format!("Resta {left} código de reserva."),
            _ => format!("Restam {left} códigos de reserva."),
        };
        let more = if few { " Novos: herald backup-codes" } else { "" };
        format!("{codes}{more}")
    }

    fn wrong(&self, tries_left: u32) -> String {
        match tries_left {
            1 => "Errado, resta 1 tentativa. ".to_owned(),
            tries => format!("Errado, {tries} tentativas. "),
        }
    }

    fn wrong_answer(&self) -> String {
        "Errado. ".to_owned()
    }

    fn already_used(&self) -> String {
        "Código já usado. ".to_owned()
    }

    fn no_longer_good(&self) -> String {
        "Código vencido. ".to_owned()
    }

    fn wait_to_resend(&self, wait: Duration) -> String {
        format!("Novo código em {time}. ", time = short_time(wait))
    }

    fn channel_failed(&self, channels: &[String]) -> String {
        format!("Falha: {channels}. ", channels = channels.join(", "))
    }

    fn no_more_codes(&self) -> String {
        "Sem novos códigos por ora. ".to_owned()
    }

    fn help(&self, choices: &[String]) -> String {
        let mut text = "Digite o código recebido. r envia outro.".to_owned();
        for choice in choices {
            text.push('\n');
            text.push_str(choice);
        }
        if choices.len() > 1 {
            text.push_str("\nUm número ou um nome troca o meio.");
        }
        text.push('\n');
        text
    }

    fn refused(&self) -> String {
        "Acesso recusado.".to_owned()
    }

    fn nothing_typed(&self) -> String {
        "Nenhum código foi digitado.".to_owned()
    }

    fn tries_used_up(&self) -> String {
        "Código errado, sem mais tentativas.".to_owned()
    }

    fn locked(&self, left: Duration) -> String {
        format!("Códigos errados demais. Bloqueado por {time}.", time = short_time(left))
    }

    fn budget_used_up(&self, left: Duration) -> String {
        format!("Códigos demais foram enviados. Tente em {time}.", time = short_time(left))
    }

    fn unenrolled(&self, user: &str) -> String {
        format!("Não há segundo fator para {user}. Peça ao administrador: herald enroll telegram --user {user}")
    }

    fn undelivered(&self) -> String {
        "Nenhum código pôde ser entregue. Tente em um minuto ou fale com o administrador.".to_owned()
    }

    fn set_up_broken(&self) -> String {
        "O acesso com código não está bem configurado. Peça ao administrador: herald config check".to_owned()
    }

    fn could_not_check(&self) -> String {
        "O segundo fator não pôde ser verificado. Tente de novo ou fale com o administrador.".to_owned()
    }

    fn copy_code(&self) -> String {
        "Copiar código".to_owned()
    }

    fn message_host(&self, host: &str) -> String {
        format!("Acesso em {host}")
    }

    fn message_service(&self, service: &str) -> String {
        format!("Serviço: {service}")
    }

    fn message_user(&self, user: &str, by: Option<&str>) -> String {
        match by {
            None => format!("Conta: {user}"),
            Some(by) => format!("Conta: {user} (pedido por {by})"),
        }
    }

    fn message_origin(&self, rhost: &str) -> String {
        format!("De: {rhost}")
    }

    fn message_lifetime(&self, lifetime: Duration) -> String {
        format!("Vale {time}.", time = short_time(lifetime))
    }

    fn message_warning(&self, host: &str) -> String {
        format!("Digite somente em {host}. Ninguém vai pedir.")
    }

    fn message_advice(&self) -> String {
        "Não foi você? Alguém sabe sua senha: troque-a e avise o administrador.".to_owned()
    }

    fn notice_locked(&self, user: &str, host: &str, length: Duration) -> String {
        format!(
            "{user} em {host} está bloqueado por {time}: códigos errados demais seguidos. Não foi você? Alguém sabe sua senha: troque-a e avise o administrador.",
            time = short_time(length)
        )
    }

    fn notice_changed(&self, user: &str, host: &str, change: Change, channel: &str, to: &str) -> String {
        match change {
            Change::Added => format!(
                "{user} em {host} agora pode entrar com um código por {channel} para {to}. Não foi você? Avise o administrador."
            ),
            Change::Removed => format!(
                "{user} em {host} não pode mais entrar com um código por {channel} para {to}. Não foi você? Avise o administrador."
            ),
            Change::Disabled => format!(
                "{user} em {host} por ora não pode entrar com um código por {channel} para {to}. Não foi você? Avise o administrador."
            ),
            Change::Enabled => format!(
                "{user} em {host} pode entrar de novo com um código por {channel} para {to}. Não foi você? Avise o administrador."
            ),
        }
    }

    fn notice_test(&self, host: &str) -> String {
        format!("Herald em {host} alcança você aqui. Isto é um teste.")
    }

    fn notice_linked(&self, user: &str, host: &str, channel: &str) -> String {
        format!(
            "{user} em {host} recebe aqui seus códigos. Não foi você, ou não mais: herald remove {channel} --user {user}"
        )
    }

    fn enroll_until(&self, day: &str) -> String {
        format!("Ainda sem segundo fator. Será exigido a partir de {day}: herald enroll telegram")
    }

    fn pick_a_channel(&self, list: &str) -> String {
        format!("Segundo fator ({list}): ")
    }

    fn open_the_link(&self, url: &str) -> String {
        format!("Abra {url} e toque em START, depois digite ok: ")
    }

    fn type_the_address(&self, channel: &str, example: &str) -> String {
        format!("Seu endereço para {channel}, {example}: ")
    }

    fn start_not_seen(&self) -> String {
        "START ainda não chegou. ".to_owned()
    }

    fn cannot_be_reached(&self) -> String {
        "Agora não é possível. ".to_owned()
    }

    fn no_such_address(&self) -> String {
        "Não é um endereço válido. ".to_owned()
    }
}
