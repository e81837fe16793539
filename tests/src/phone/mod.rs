//! A phone that is reached through a Bot API server of its own, on loopback.
//!
//! It speaks what `core.telegram.org/bots/api` documents of `sendMessage` and `getMe`, over HTTPS with a CA that is
//! made at the start or over plain HTTP, and it can fail in every way that a gateway can ([`Fault`]): chosen
//! by chat id, like [`Fault::CHATS`], or set by the test.

mod authority;
mod bot_api;
mod fault;
mod http;
mod many;
mod markup;
mod screen;
mod server;

pub use fault::Fault;
pub use many::{Phones, Receiving};
pub use screen::{Button, Message};

use authority::Authority;
use server::{Security, Server};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// A running Bot API server and the phone behind it. Dropping it closes every connection and ends every thread.
pub struct BotApi {
    server: Server,
    ca: String,
    inbox: Mutex<Receiver<Message>>,
}

impl BotApi {
    /// The only token that this server knows.
    pub const TOKEN: &'static str = "110000000:FAKE-TOKEN-OF-THE-TEST-PHONE-ONLY";
    /// What the bot is called.
    pub const NAME: &'static str = "herald_phone_bot";
    /// A name that the certificate is good for beside `localhost` and `127.0.0.1`. Nothing resolves it: for proxies.
    pub const HOST: &'static str = "bot-api.test";

    /// Starts it with HTTPS.
    pub fn start() -> Self {
        Self::start_at(0)
    }

    /// Starts it with HTTPS at this port of 127.0.0.1.
    pub fn start_at(port: u16) -> Self {
        let authority = Authority::new(&["localhost", "127.0.0.1", "::1", Self::HOST]);
        let ca = authority.pem().to_owned();
        Self::with(Security::Tls(Box::new(authority)), ca, port)
    }

    /// Starts it with plain HTTP.
    pub fn start_plain() -> Self {
        Self::with(Security::None, String::new(), 0)
    }

    fn with(security: Security, ca: String, port: u16) -> Self {
        let (sender, inbox) = channel();
        Self { server: Server::start(security, sender, port), ca, inbox: Mutex::new(inbox) }
    }

    /// The base URL, for `api_url`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The CA's certificate, for `ca_file`; empty without TLS.
    pub fn ca_pem(&self) -> &str {
        &self.ca
    }

    /// The next message that arrives, or `None` if none does in that time. Messages that were refused never arrive.
    pub fn next_message(&self, patience: Duration) -> Option<Message> {
        self.inbox.lock().expect("no other reader panicked").recv_timeout(patience).ok()
    }

    /// How many requests were read whole so far, refused ones included.
    pub fn requests(&self) -> usize {
        self.server.requests()
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.server.connections()
    }

    /// From now on all fail like this.
    pub fn set_fault(&self, fault: Fault) {
        self.server.set_fault(fault);
    }

    /// From now on messages to this chat fail like this. Faults of the connection cannot be chosen so.
    pub fn set_fault_for(&self, chat: i64, fault: Fault) {
        self.server.set_fault_for(chat, fault);
    }

    /// A person presses START behind a link with this payload (deep linking), alone with the bot.
    pub fn press_start(&self, person: i64, name: &str, payload: &str) {
        self.write(person, "private", person, name, &format!("/start {payload}"));
    }

    /// Somebody writes to the bot, in a chat of that type.
    pub fn write(&self, chat: i64, kind: &str, person: i64, name: &str, text: &str) {
        self.server.updates().add(serde_json::json!({ "message": {
            "message_id": 1, "date": 0, "text": text, "chat": { "id": chat, "type": kind },
            "from": { "id": person, "is_bot": false, "first_name": name },
        }}));
    }

    /// How many updates nobody has confirmed.
    pub fn updates_waiting(&self) -> usize {
        self.server.updates().waiting.len()
    }

    /// Somebody else takes the updates (409), or nobody does any more.
    pub fn set_conflict(&self, description: Option<&str>) {
        self.server.updates().conflict = description.map(str::to_owned);
    }

    /// From now on every answer takes so much longer.
    pub fn set_latency(&self, latency: Duration) {
        self.server.set_latency(latency);
    }
}

#[cfg(test)]
mod tests;
