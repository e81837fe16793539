//! The methods of the Bot API: what is asked, and what is answered when nothing is broken.

use super::http::Request;
use super::{BotApi, Button, Message, markup};
use serde_json::{Value, json};

/// What a request comes to.
#[derive(Debug)]
pub(super) enum Outcome {
    /// A result, and the message that arrives on the phone.
    Result(Value, Option<Message>),
    /// A status with its description.
    Refused(u16, String),
}

impl Outcome {
    /// Status and envelope.
    pub(super) fn envelope(&self) -> (u16, Value) {
        match self {
            Self::Result(result, _) => (200, json!({ "ok": true, "result": result })),
            Self::Refused(status, description) => {
                (*status, json!({ "ok": false, "error_code": status, "description": description }))
            }
        }
    }

    fn refused(status: u16, description: &str) -> Self {
        Self::Refused(status, description.to_owned())
    }
}

/// The chat that a request is for, if it is for one.
pub(super) fn chat_of(request: &Request) -> Option<i64> {
    let body: Value = serde_json::from_slice(&request.body).ok()?;
    body.get("chat_id")?.as_i64()
}

/// What people wrote to the bot and nobody confirmed yet.
#[derive(Debug, Default)]
pub(super) struct Updates {
    pub(super) waiting: Vec<Value>,
    next: i64,
    /// The description of a 409, while somebody else takes the updates.
    pub(super) conflict: Option<String>,
}

impl Updates {
    /// Somebody writes to the bot.
    pub(super) fn add(&mut self, mut update: Value) {
        self.next += 1;
        if let Some(update) = update.as_object_mut() {
            update.insert("update_id".to_owned(), json!(self.next));
        }
        self.waiting.push(update);
    }

    /// `getUpdates`: an offset forgets what is before it; a negative one counts from the end.
    fn get(&mut self, request: &Request) -> Outcome {
        if let Some(description) = &self.conflict {
            return Outcome::refused(409, description);
        }
        let query: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let limit = query.get("limit").and_then(Value::as_u64).unwrap_or(100).clamp(1, 100);
        let id = |update: &Value| update.get("update_id").and_then(Value::as_i64).unwrap_or_default();
        match query.get("offset").and_then(Value::as_i64) {
            Some(offset) if offset > 0 => self.waiting.retain(|update| id(update) >= offset),
            Some(offset) if offset < 0 => {
                let kept = usize::try_from(-offset).unwrap_or(usize::MAX);
                let surplus = self.waiting.len().saturating_sub(kept);
                self.waiting.drain(..surplus);
            }
            _ => {}
        }
        let shown: Vec<&Value> = self.waiting.iter().take(usize::try_from(limit).unwrap_or(100)).collect();
        Outcome::Result(json!(shown), None)
    }
}

/// Answers a request as the Bot API does.
pub(super) fn answer(request: &Request, updates: &mut Updates) -> Outcome {
    let called = request.target.strip_prefix("/bot").and_then(|path| path.split_once('/'));
    match called {
        Some((token, _)) if !looks_like_a_token(token) => Outcome::refused(404, "Not Found"),
        Some((token, _)) if token != BotApi::TOKEN => Outcome::refused(401, "Unauthorized"),
        Some((_, "getMe")) => {
            let me = json!({ "id": 110_000_000, "is_bot": true, "first_name": "Herald", "username": BotApi::NAME });
            Outcome::Result(me, None)
        }
        Some((_, "sendMessage")) => send_message(request),
        Some((_, "getUpdates")) => updates.get(request),
        _ => Outcome::refused(404, "Not Found"),
    }
}

fn looks_like_a_token(token: &str) -> bool {
    token.split_once(':').is_some_and(|(id, secret)| {
        !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()) && secret.len() >= 20
    })
}

fn send_message(request: &Request) -> Outcome {
    let body: Value = match serde_json::from_slice(&request.body) {
        Ok(body) if request.content_type.starts_with("application/json") => body,
        _ => return Outcome::refused(400, "Bad Request: chat_id is empty"),
    };
    let Some(chat) = body.get("chat_id").and_then(Value::as_i64) else {
        return Outcome::refused(400, "Bad Request: chat_id is empty");
    };
    let text = body.get("text").and_then(Value::as_str).unwrap_or_default();
    let shown = match body.get("parse_mode").and_then(Value::as_str) {
        Some("HTML") => match markup::read(text) {
            Ok(shown) => shown,
            Err(description) => return Outcome::Refused(400, description),
        },
        None => markup::Shown { text: text.to_owned(), code: None },
        Some(_) => return Outcome::refused(400, "Bad Request: unsupported parse_mode"),
    };
    if shown.text.trim().is_empty() {
        return Outcome::refused(400, "Bad Request: message text is empty");
    }
    if shown.text.encode_utf16().count() > 4096 {
        return Outcome::refused(400, "Bad Request: message is too long");
    }
    let button = match body.get("reply_markup") {
        Some(markup) => match button(markup) {
            Some(button) => Some(button),
            None => return Outcome::refused(400, "Bad Request: can't parse inline keyboard button"),
        },
        None => None,
    };
    let preview_off = body.pointer("/link_preview_options/is_disabled") == Some(&Value::Bool(true));
    let message = Message { chat, code: shown.code, text: shown.text, button, preview_off };
    let result = json!({ "message_id": 1, "date": 0, "chat": { "id": chat, "type": "private" }, "text": message.text });
    Outcome::Result(result, Some(message))
}

/// The one button of an inline keyboard; a `copy_text` of 1 to 256 characters.
fn button(markup: &Value) -> Option<Button> {
    let button = markup.pointer("/inline_keyboard/0/0")?;
    let label = button.get("text")?.as_str()?.to_owned();
    let copies = button.pointer("/copy_text/text")?.as_str()?.to_owned();
    let fits = !label.is_empty() && (1..=256).contains(&copies.chars().count());
    fits.then_some(Button { label, copies })
}
