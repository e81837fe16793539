//! Brazilian Portuguese.

use super::Phrases;

pub(super) const PORTUGUESE: Phrases = Phrases {
    language: "pt-BR",
    // Channels whose names are words.
    email: "e-mail",
    totp: "aplicativo autenticador",
    backup: "códigos de reserva",
    // What providers do, for the help.
    sends_a_code: "envia um código por {channel}",
    app_shows_a_code: "mostra um código",
    backup_code_from_paper: "cada um vale uma vez",
    // Prompts: each ends in a colon and a space.
    bare_code: "Código: ",
    code_sent: "Código por {channel} para {to}: ",
    code_sent_seconds_ago: "Código por {channel} para {to} há {seconds} s: ",
    code_sent_minutes_ago: "Código por {channel} para {to} há {minutes} min: ",
    enter_sends: "Enter envia um código por {channel}: ",
    code_from_app: "Código do seu aplicativo: ",
    backup_code: "Código de reserva: ",
    // What stands before a prompt.
    wrong_one: "Errado, resta {tries} tentativa. ",
    wrong_many: "Errado, {tries} tentativas. ",
    wrong_answer: "Errado. ",
    already_used: "Código já usado. ",
    no_longer_good: "Código vencido. ",
    wait_to_resend: "Novo código em {time}. ",
    channel_failed: "Falha: {channels}. ",
    no_more_codes: "Sem novos códigos por ora. ",
    backup_codes_not_now: "Códigos de reserva não valem agora. ",
    help: "Digite o código recebido. r envia outro.",
    help_switch: "Um número ou um nome troca o meio.",
    // Behind a backup code.
    backup_codes_left_one: "Resta {left} código de reserva.",
    backup_codes_left_many: "Restam {left} códigos de reserva.",
    backup_codes_new: " Novos: herald backup-codes",
    // Why somebody was refused.
    refused: "Acesso recusado.",
    nothing_typed: "Nenhum código foi digitado.",
    tries_used_up: "Código errado, sem mais tentativas.",
    locked: "Códigos errados demais. Bloqueado por {time}.",
    budget_used_up: "Códigos demais foram enviados. Tente em {time}.",
    unenrolled: "Não há segundo fator para {user}. Peça ao administrador: herald enroll telegram --user {user}",
    undelivered: "Nenhum código pôde ser entregue. Tente em um minuto ou fale com o administrador.",
    set_up_broken: "O acesso com código não está bem configurado. Peça ao administrador: herald config check",
    could_not_check: "O segundo fator não pôde ser verificado. Tente de novo ou fale com o administrador.",
    // Enrolling inside a login.
    enroll_until: "Ainda sem segundo fator. Será exigido a partir de {day}: herald enroll telegram",
    pick_a_channel: "Segundo fator ({list}): ",
    open_the_link: "Abra {url} e toque em START, depois digite ok: ",
    type_the_address: "Seu endereço para {channel}, {example}: ",
    start_not_seen: "START ainda não chegou. ",
    cannot_be_reached: "Agora não é possível. ",
    no_such_address: "Não é um endereço válido. ",
    // On the phone.
    copy_code: "Copiar código",
    message_host: "Acesso em {host}",
    message_service: "Serviço: {service}",
    message_user: "Conta: {user}",
    message_user_by: "Conta: {user} (pedido por {by})",
    message_origin: "De: {rhost}",
    message_lifetime: "Vale {time}.",
    message_warning: "Digite somente em {host}. Ninguém vai pedir.",
    message_advice: "Não foi você? Alguém sabe sua senha: troque-a e avise o administrador.",
    notice_locked: "{user} em {host} está bloqueado por {time}: códigos errados demais seguidos. Não foi você? Alguém sabe sua senha: troque-a e avise o administrador.",
    notice_added: "{user} em {host} agora pode entrar com um código por {channel} para {to}. Não foi você? Avise o administrador.",
    notice_removed: "{user} em {host} não pode mais entrar com um código por {channel} para {to}. Não foi você? Avise o administrador.",
    notice_disabled: "{user} em {host} por ora não pode entrar com um código por {channel} para {to}. Não foi você? Avise o administrador.",
    notice_enabled: "{user} em {host} pode entrar de novo com um código por {channel} para {to}. Não foi você? Avise o administrador.",
    notice_test: "Herald em {host} alcança você aqui. Isto é um teste.",
    notice_linked: "{user} em {host} recebe aqui seus códigos. Não foi você, ou não mais: herald remove {channel} --user {user}",
};
