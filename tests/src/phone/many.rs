//! The phones of many people, behind one Bot API.

use super::BotApi;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

/// How long a code may take to come once it was sent.
const PATIENCE: Duration = Duration::from_secs(30);

/// All phones, and the newest code on each.
pub struct Phones<'a> {
    api: &'a BotApi,
    newest: Mutex<HashMap<i64, String>>,
    came: Condvar,
    arrived: AtomicUsize,
    done: AtomicBool,
}

/// Ends the receiving when it is dropped, also where a test fails.
pub struct Receiving<'a, 'api>(&'a Phones<'api>);

impl<'api> Phones<'api> {
    /// Phones on which nothing came yet.
    pub fn new(api: &'api BotApi) -> Self {
        let (newest, came, arrived) = (Mutex::default(), Condvar::new(), AtomicUsize::new(0));
        Self { api, newest, came, arrived, done: AtomicBool::new(false) }
    }

    /// Lets [`Phones::receive`] return once this is dropped.
    pub fn until_dropped(&self) -> Receiving<'_, 'api> {
        Receiving(self)
    }

    /// Takes what is sent, in a thread of its own.
    pub fn receive(&self) {
        loop {
            match self.api.next_message(Duration::from_millis(50)) {
                Some(message) => {
                    self.arrived.fetch_add(1, Ordering::Relaxed);
                    let code = message.code.expect("only codes are sent here");
                    self.newest.lock().expect("no panic").insert(message.chat, code);
                    self.came.notify_all();
                }
                None if self.done.load(Ordering::Relaxed) => return,
                None => {}
            }
        }
    }

    /// Waits for a code in this chat.
    pub fn newest(&self, chat: i64) -> String {
        let codes = self.newest.lock().expect("no panic");
        let waiting = self.came.wait_timeout_while(codes, PATIENCE, |codes| !codes.contains_key(&chat));
        waiting.expect("no panic").0.get(&chat).expect("a code on the phone").clone()
    }

    /// A code that was used is of no use: the next one is waited for.
    pub fn forget(&self, chat: i64) {
        self.newest.lock().expect("no panic").remove(&chat);
    }

    /// How many codes came so far.
    pub fn arrived(&self) -> usize {
        self.arrived.load(Ordering::Relaxed)
    }
}

impl Drop for Receiving<'_, '_> {
    fn drop(&mut self) {
        self.0.done.store(true, Ordering::Relaxed);
    }
}
