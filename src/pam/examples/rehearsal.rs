//! The module's own edge around a made-up decision, so that tests can drive every part of it through libpam.
//!
//! Each argument of the module line is one step: `tell` puts the attempt into an error message, `ask=TEXT`,
//! `ask-echoed=TEXT`, `ask-quietly=TEXT` (the reply is dropped), `info=TEXT`, `error=TEXT` speak to the person, `long` prompts with far too much,
//! `verdict=NAME` ends (`Success-then-bomb` is a success whose setcred fails), `panic` and `bomb` (a payload that panics when dropped) fail. `_` in a text is a space.

#![allow(missing_docs, reason = "the six hooks are written by pam_hooks!; nothing else is public")]
#[path = "../src/edge/mod.rs"]
mod edge;

use herald_core::audit::{Audit, Severity};
use herald_core::conversation::{Conversation, Reply};
use herald_core::login::{Attempt, Shapes, Verdict};
use pam::constants::{PamFlag, PamResultCode};
use pam::module::{PamHandle, PamHooks};
use std::ffi::CStr;

struct Rehearsal;

pam::pam_hooks!(Rehearsal);

impl PamHooks for Rehearsal {
    fn sm_authenticate(pamh: &mut PamHandle, arguments: Vec<&CStr>, flags: PamFlag) -> PamResultCode {
        edge::authenticate(pamh, &arguments, flags, |_, _| Ok(Shapes::default()), rehearse)
    }

    fn sm_setcred(pamh: &mut PamHandle, arguments: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        if arguments.contains(&c"verdict=Success-then-bomb") {
            return edge::guarded(pamh, || std::panic::panic_any(Bomb));
        }
        edge::set_credentials(pamh)
    }

    fn acct_mgmt(pamh: &mut PamHandle, _: Vec<&CStr>, _: PamFlag) -> PamResultCode {
        edge::guarded(pamh, || panic!("on purpose"))
    }
}

/// Panics again, for ever, when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        std::panic::panic_any(Bomb);
    }
}

fn rehearse(attempt: &Attempt, conversation: &mut dyn Conversation, audit: &dyn Audit) -> Verdict {
    for argument in &attempt.arguments {
        let argument = String::from_utf8_lossy(argument).replace('_', " ");
        let (step, text) = argument.split_once('=').unwrap_or((&argument, ""));
        match step {
            "tell" => conversation.error(&description(attempt)),
            "log" => audit.record(Severity::Notice, text),
            "info" => conversation.info(text),
            "error" => conversation.error(text),
            "ask" | "ask-echoed" | "ask-quietly" | "long" => {
                let long = "日".repeat(400);
                let prompt = if step == "long" { &long } else { text };
                match conversation.ask(prompt, step == "ask-echoed") {
                    Ok(Reply::Text(_)) if step == "ask-quietly" => {}
                    Ok(Reply::Empty | Reply::FirstFactor) => conversation.error("empty"),
                    Ok(Reply::Text(reply)) => conversation.error(&format!("{:?}", reply.expose())),
                    Err(_) => return Verdict::ConversationError,
                }
            }
            "verdict" => return verdict(text),
            "bomb" => std::panic::panic_any(Bomb),
            _ => panic!("no such step"),
        }
    }
    Verdict::Success
}

fn description(attempt: &Attempt) -> String {
    format!(
        "service={} user={:?} rhost={} tty={} ruser={} authtok={:?} key={} vouched={}",
        attempt.service,
        String::from_utf8_lossy(&attempt.user),
        attempt.rhost,
        attempt.tty,
        attempt.ruser,
        attempt.authtok.as_ref().map(|token| String::from_utf8_lossy(token.expose()).into_owned()),
        attempt.ssh_key,
        attempt.vouched
    )
}

fn verdict(name: &str) -> Verdict {
    let name = name.strip_suffix("-then-bomb").unwrap_or(name);
    [
        Verdict::Success,
        Verdict::Ignore,
        Verdict::AuthError,
        Verdict::MaxTries,
        Verdict::PermissionDenied,
        Verdict::AuthInfoUnavailable,
        Verdict::UserUnknown,
        Verdict::ConversationError,
        Verdict::ServiceError,
        Verdict::SystemError,
    ]
    .into_iter()
    .find(|verdict| format!("{verdict:?}") == name)
    .expect("a verdict's name")
}
