//! `telegram-bot`: Telegram's Bot API (<https://core.telegram.org/bots/api>).
//!
//! One `sendMessage` for each message. Every method answers with an envelope, `{"ok":true,"result":…}` or
//! `{"ok":false,"error_code":403,"description":"…","parameters":{…}}`; which description means what was read in the
//! server's source, tdlib/telegram-bot-api of 2026-05.

use super::fields::{Fields, refusal};
use super::telegram_start::{MOST_UPDATES, behind_all, chat_behind, taken};
use super::{Driver, Envelope, Unwell};
use crate::http::{Base, Body, Call, Client, Reply, wait};
use crate::layout;
use crate::refusal::Refusal;
use herald_core::courier::{ChatSearch, End, Fault, FieldHelp, Gateway};
use herald_core::secret::Secret;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Instant;

/// The driver.
pub(crate) struct TelegramBot;

const API_URL: &str = "https://api.telegram.org";
/// What a message may hold (Bot API, `sendMessage`, `text`).
const LONGEST_TEXT: usize = 4096;
/// BotFather's tokens have 35 characters behind the colon; their number was never promised.
const SHORTEST_TOKEN: usize = 30;

impl Driver for TelegramBot {
    fn name(&self) -> &str {
        "telegram-bot"
    }

    fn channel(&self) -> &str {
        "telegram"
    }

    fn addresses(&self) -> Vec<&str> {
        vec!["chat-id"]
    }

    fn fields(&self) -> Vec<FieldHelp> {
        vec![
            FieldHelp {
                name: "token".to_owned(),
                secret: true,
                required: true,
                help: "the bot's token: write /newbot to @BotFather in Telegram (/mybots for a bot that exists) and \
                       give the whole token as it is printed there, like 123456789:AA…"
                    .to_owned(),
            },
            FieldHelp {
                name: "api_url".to_owned(),
                secret: false,
                required: false,
                help: format!("the Bot API's base URL, for a server of your own; default {API_URL}"),
            },
        ]
    }

    fn takes(&self, address: &str) -> bool {
        chat_id(address).is_some()
    }

    fn check(&self, gateway: &Gateway) -> Vec<Fault> {
        Bot::of(gateway).err().unwrap_or_default()
    }

    fn send(&self, gateway: &Gateway, envelope: &Envelope<'_>, client: &Client, until: Instant) -> Result<(), Refusal> {
        let bot = Bot::of(gateway).map_err(|faults| refusal(&faults))?;
        let chat = chat_id(envelope.address)
            .ok_or_else(|| Refusal::new(End::PassedOver, "the address is not a Telegram chat id"))?;
        let body = message_body(chat, envelope);
        let reply = bot.call("sendMessage", Some(&body), client, until)?;
        judge(&reply).map(|_| ())
    }

    fn status(&self, gateway: &Gateway, client: &Client, until: Instant) -> Result<String, Unwell> {
        let unwell = |refusal| Unwell { mend: None, refusal };
        let bot = Bot::of(gateway).map_err(|faults| unwell(refusal(&faults)))?;
        let reply = bot.call("getMe", None, client, until).map_err(unwell)?;
        let me = judge(&reply).map_err(|refusal| {
            let bad_token = matches!(reply.status.as_u16(), 401 | 404);
            let mend = bad_token.then(|| {
                format!(
                    "ask @BotFather for the bot's token (/mybots, API Token) and give the whole of it: \
                     herald gateway set {} token=-",
                    gateway.name
                )
            });
            Unwell { refusal, mend }
        })?;
        match me.get("username").and_then(Value::as_str) {
            Some(name) => Ok(format!("@{name}")),
            None => Err(unwell(Refusal::new(End::Unclear, "the answer does not say which bot this is"))),
        }
    }

    /// `allowed_updates` is left alone: it would stay as it is set, for everybody who reads this bot's updates.
    fn find_chat(
        &self,
        gateway: &Gateway,
        nonce: &Secret,
        drop_pending: bool,
        client: &Client,
        until: Instant,
    ) -> Result<ChatSearch, Refusal> {
        let bot = Bot::of(gateway).map_err(|faults| refusal(&faults))?;
        let mut query = json!({ "limit": MOST_UPDATES, "timeout": 0 });
        if drop_pending {
            let newest = match bot.updates(&json!({ "offset": -1, "limit": 1, "timeout": 0 }), client, until)? {
                Ok(newest) => newest,
                Err(search) => return Ok(search),
            };
            if let (Some(behind), Some(query)) = (behind_all(&newest), query.as_object_mut()) {
                query.insert("offset".to_owned(), json!(behind));
            }
        }
        Ok(match bot.updates(&query, client, until)? {
            Ok(updates) => chat_behind(&updates, nonce.expose()),
            Err(search) => search,
        })
    }
}

impl Bot {
    fn updates(&self, query: &Value, client: &Client, until: Instant) -> Result<Result<Value, ChatSearch>, Refusal> {
        let reply = self.call("getUpdates", Some(query), client, until)?;
        if reply.body.is_err() && reply.status.as_u16() == 200 {
            // More is waiting than we read: as good as hidden.
            return Ok(Err(ChatSearch::NotYet { others: MOST_UPDATES }));
        }
        judge(&reply).map(Ok).or_else(|refusal| match taken(&reply, &refusal.detail) {
            Some(mend) => Ok(Err(ChatSearch::Taken(mend))),
            None => Err(refusal),
        })
    }
}

/// A gateway of this driver whose fields are in order.
struct Bot {
    token: Secret,
    api: Base,
}

impl Bot {
    fn of(gateway: &Gateway) -> Result<Self, Vec<Fault>> {
        let mut fields = Fields::open(&TelegramBot, gateway);
        let token = fields.text("token").cloned();
        if let Some(problem) = token.as_ref().and_then(|token| token_problem(token.expose())) {
            fields.complain("token", problem.to_owned());
        }
        let api = fields.base("api_url", API_URL);
        fields.close(token.zip(api).map(|(token, api)| Self { token, api }))
    }

    /// Calls a method. The token stands in the URL: that is how the Bot API has it.
    fn call(&self, method: &str, json: Option<&Value>, client: &Client, until: Instant) -> Result<Reply, Refusal> {
        let path = format!("bot{}/{method}", self.token.expose());
        let url =
            self.api.join(&path).map_err(|problem| Refusal::new(End::Configuration, format!("api_url: {problem}")))?;
        let body = json.map_or(Body::None, |json| Body::Json(json.clone()));
        client.exchange(Call::post(url, body), until)
    }
}

/// Digits, a colon, and the secret part. What is wrong with anything else, without showing it.
fn token_problem(token: &str) -> Option<&'static str> {
    let is_secret_part = |text: &str| {
        text.len() >= SHORTEST_TOKEN
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let is_id = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match token.split_once(':') {
        _ if token.bytes().any(|byte| byte.is_ascii_whitespace()) => {
            Some("there is a space or a line break in it: one word like 123456789:AA… is accepted")
        }
        Some((id, secret)) if is_id(id) && is_secret_part(secret) => None,
        Some((id, _)) if id.strip_prefix("bot").is_some_and(is_id) => {
            Some("without the word \"bot\" in front: the whole token is like 123456789:AA…")
        }
        Some(("", _)) => Some(
            "the digits before the colon are missing: the whole token is like 123456789:AA…, as BotFather prints it",
        ),
        Some((id, _)) if is_id(id) => Some(
            "the part behind the colon is cut off or has other characters than \
                                            A-Z a-z 0-9 _ -: the whole token is like 123456789:AA…",
        ),
        None if is_secret_part(token) && !is_id(token) => Some(
            "this is only the part behind the colon, and the digits before it are missing: the whole token is like \
             123456789:AA…, as BotFather prints it",
        ),
        _ => Some("a token like 123456789:AA…, as BotFather prints it, is accepted"),
    }
}

/// A chat's number; groups have negative ones. Names (`@…`) only reach public channels.
fn chat_id(address: &str) -> Option<i64> {
    let digits = address.strip_prefix('-').unwrap_or(address);
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    if plain { address.parse().ok() } else { None }
}

fn message_body(chat: i64, envelope: &Envelope<'_>) -> Value {
    let message = envelope.message;
    let mut body = json!({
        "chat_id": chat,
        "text": *layout::html(message, LONGEST_TEXT),
        "parse_mode": "HTML",
        "link_preview_options": { "is_disabled": true },
    });
    if let (Some(code), Some(body)) = (&message.code, body.as_object_mut()) {
        let label = if message.copy_label.trim().is_empty() { "Copy" } else { &message.copy_label };
        let button = json!({ "text": label, "copy_text": { "text": code.expose() } });
        body.insert("reply_markup".to_owned(), json!({ "inline_keyboard": [[button]] }));
    }
    body
}

#[derive(Deserialize)]
struct ApiReply {
    ok: bool,
    #[serde(default)]
    result: Value,
    description: Option<String>,
    #[serde(default)]
    parameters: Parameters,
}

#[derive(Default, Deserialize)]
struct Parameters {
    retry_after: Option<u64>,
    migrate_to_chat_id: Option<i64>,
}

/// What an answer means: the result, or the class of the refusal.
fn judge(reply: &Reply) -> Result<Value, Refusal> {
    let status = reply.status.as_u16();
    let envelope: Option<ApiReply> = reply.body.as_ref().ok().and_then(|body| serde_json::from_slice(body).ok());
    let words = envelope.as_ref().and_then(|envelope| envelope.description.as_deref());
    if let Some(mut refusal) = reply.refusal_by_status(words) {
        let asked = envelope.as_ref().and_then(|envelope| envelope.parameters.retry_after);
        if let (End::TryAgain { after }, Some(seconds)) = (&mut refusal.end, asked) {
            *after = Some(wait(seconds));
        }
        return Err(refusal);
    }
    let end = match (&envelope, status) {
        (Some(envelope), 200) if envelope.ok => return Ok(envelope.result.clone()),
        (Some(envelope), 400) if is_about_the_chat(envelope) => End::Permanent,
        // Blocked by the user, user deactivated, kicked out of a group: all of it is about the chat.
        (Some(_), 403) => End::Permanent,
        (_, 400..=499) => End::Configuration,
        _ => End::Unclear,
    };
    let ours = match (&reply.body, end) {
        (Err(problem), End::Unclear) => (*problem).to_owned(),
        (_, End::Unclear) => format!("the answer ({status}) is none of the Bot API's"),
        _ => format!("refused ({status}) without saying why: is this the Bot API?"),
    };
    Err(Refusal::new(end, words.map_or(ours, str::to_owned)))
}

fn is_about_the_chat(envelope: &ApiReply) -> bool {
    let description = envelope.description.as_deref().unwrap_or_default().to_lowercase();
    let known = ["chat not found", "chat_id is empty", "upgraded to a supergroup"];
    envelope.parameters.migrate_to_chat_id.is_some() || known.iter().any(|words| description.contains(words))
}

#[cfg(test)]
#[path = "telegram_bot_tests.rs"]
mod tests;
