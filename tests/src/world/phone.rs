//! The phone in somebody's hand.

use crate::phone::{BotApi, Message};
use std::cell::RefCell;
use std::ops::Deref;
use std::time::Duration;

/// How long a message may take to come once it was sent.
const PATIENCE: Duration = Duration::from_secs(15);

/// The Bot API server, and every message that arrived so far.
pub struct Phone {
    api: BotApi,
    seen: RefCell<Vec<Message>>,
}

impl Phone {
    pub(super) fn new() -> Self {
        Self { api: BotApi::start(), seen: RefCell::default() }
    }

    /// Waits for the next message that was not looked at yet.
    pub fn message(&self) -> Message {
        let message = self.api.next_message(PATIENCE).expect("a message on the phone");
        self.seen.borrow_mut().push(message.clone());
        message
    }

    /// The code of the next message.
    pub fn code(&self) -> String {
        let message = self.message();
        message.code.unwrap_or_else(|| panic!("no code in {:?}", message.text))
    }

    /// All messages so far.
    pub fn messages(&self) -> Vec<Message> {
        while let Some(message) = self.api.next_message(Duration::ZERO) {
            self.seen.borrow_mut().push(message);
        }
        self.seen.borrow().clone()
    }
}

impl Deref for Phone {
    type Target = BotApi;

    fn deref(&self) -> &BotApi {
        &self.api
    }
}

/// A code of as many digits that is not this one.
pub fn another(code: &str) -> String {
    let other = |digit: char| if digit == '9' { '0' } else { char::from_u32(u32::from(digit) + 1).expect("a digit") };
    code.chars().map(other).collect()
}
