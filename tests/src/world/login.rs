//! Alice at a PAM host without a screen of its own: quick logins that show exactly what the module says and returns.

use super::accounts::{self, ALICE};
use super::phone::{Phone, another};
use super::story::World;
use crate::pam::{Answer, Answers, Code, Host, Message, Outcome, Style};
use crate::phone::BotApi;
use std::collections::VecDeque;

/// The password, and then our line alone: a jump counts for nothing, so that what the module says is what libpam
/// returns, and PAM_IGNORE shows as its refusal of a stack in which nothing succeeded. Arguments can follow.
pub const BEHIND_PASSWORD: &str =
    "auth [success=1 default=die] pam_unix.so\nauth requisite pam_deny.so\nauth required pam_herald.so";

/// What is typed behind the password.
#[derive(Clone, Copy, Debug)]
pub enum Typed {
    /// The newest code on the phone.
    Right,
    /// Another one of the same shape.
    Wrong,
    /// This.
    Text(&'static str),
    /// What a host that misbehaves gives back.
    Odd(fn() -> Answer),
}

impl World {
    /// Alice logs in from 203.0.113.7: her password where it is asked for, then this, one after the other; then she is
    /// gone.
    pub fn log_in(&self, service: &str, stack: &str, types: &[Typed]) -> Outcome {
        let host = self.host(service, stack).user("alice").rhost("203.0.113.7").tty("ssh");
        self.log_in_at(&host, types)
    }

    /// The same at a host that was made ready otherwise.
    pub fn log_in_at(&self, host: &Host, types: &[Typed]) -> Outcome {
        let mut session = host.start();
        let outcome = session.authenticate(Person { phone: &self.phone, types: types.iter().copied().collect() });
        assert_eq!(session.end(), "", "rule 27: nothing on stderr");
        assert!(outcome.errors().len() <= 1, "at most one line says why: {outcome:?}");
        let log = outcome.log_lines().join("\n");
        for secret in self.secrets() {
            assert!(!log.contains(&secret), "{secret} stands in the log:\n{log}");
        }
        outcome
    }

    /// What must never be logged.
    pub(super) fn secrets(&self) -> Vec<String> {
        let mut secrets: Vec<String> = self.phone.messages().into_iter().filter_map(|message| message.code).collect();
        secrets.push(BotApi::TOKEN.to_owned());
        for person in accounts::ALL {
            secrets.push(person.password.to_owned());
            secrets.push(person.chat().to_string());
        }
        secrets
    }
}

struct Person<'a> {
    phone: &'a Phone,
    types: VecDeque<Typed>,
}

impl Answers for Person<'_> {
    fn answer(&mut self, message: &Message) -> Answer {
        if !message.style.is_prompt() {
            return Answer::Null;
        }
        assert!(message.count == 1 && message.text.len() < 512, "{message:?}");
        if message.text == "Password: " {
            return Answer::text(ALICE.password);
        }
        assert_eq!(message.style, Style::Hidden, "rule 29");
        match self.types.pop_front() {
            Some(Typed::Right) => Answer::text(self.newest_code()),
            Some(Typed::Wrong) => Answer::text(another(&self.newest_code())),
            Some(Typed::Text(text)) => Answer::text(text),
            Some(Typed::Odd(answer)) => answer(),
            None => Answer::Code(Code::CONV_ERR),
        }
    }
}

impl Person<'_> {
    fn newest_code(&self) -> String {
        self.phone.messages().into_iter().filter_map(|message| message.code).next_back().expect("a code")
    }
}
