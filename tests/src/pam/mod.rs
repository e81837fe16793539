//! A PAM host for tests, driven step by step: libpam's application side without /etc/pam.d, without root, without
//! sleeping, and with every way to misbehave.
//!
//! ```no_run
//! use herald_tests::pam::{Answer, Code, Host, Message, Stack};
//!
//! let stack = Stack::new().service("sshd", "auth requisite pam_herald.so config=/…/herald.toml");
//! let mut host = Host::new(&stack, "sshd").user("alice").rhost("203.0.113.7").authtok("first factor").start();
//! let outcome = host.authenticate(|message: &Message| match message.text.as_str() {
//!     text if text.starts_with("Code") => Answer::text("123456"),
//!     _ => Answer::Null,
//! });
//! assert_eq!(outcome.code, Code::AUTH_ERR);
//! ```
//!
//! Each host is a process of its own (`pam-host`), so tests run side by side, and dropping a [`Session`] in the
//! middle of a prompt is what a closed connection is to sshd.

mod built;
mod code;
mod dialogue;
mod host;
mod session;
mod stack;

pub(crate) use built::program as own_program;
pub use built::{module, rehearsal, set_items};
pub use code::Code;
pub use dialogue::{Answer, Answers, Exchange, Message, Outcome, Style};
pub use host::Host;
pub use session::{Call, Event, LogLine, Session, flag};
pub use stack::Stack;
