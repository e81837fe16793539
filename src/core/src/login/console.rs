//! Linux consoles, whose fonts hold little more than ASCII (rule 32).

use crate::conversation::{Conversation, ConversationError, Reply};
use crate::text::ascii;

/// Whether PAM_TTY is a Linux console: `tty1`, with or without `/dev/` (console_ioctl(4)).
pub fn is_console(tty: &str) -> bool {
    let name = tty.strip_prefix("/dev/").unwrap_or(tty);
    name.strip_prefix("tty")
        .is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A conversation that says everything in ASCII.
pub(super) struct Console<'a>(pub(super) &'a mut dyn Conversation);

impl Conversation for Console<'_> {
    fn ask(&mut self, prompt: &str, echo: bool) -> Result<Reply, ConversationError> {
        self.0.ask(&ascii(prompt), echo)
    }

    fn error(&mut self, text: &str) {
        self.0.error(&ascii(text));
    }

    fn info(&mut self, text: &str) {
        self.0.info(&ascii(text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_32_consoles_are_told_from_other_terminals() {
        for tty in ["tty1", "/dev/tty63"] {
            assert!(is_console(tty), "{tty}");
        }
        for tty in ["pts/1", "ssh", "tty", "ttyS0", "ttyUSB0", ":0", ""] {
            assert!(!is_console(tty), "{tty}");
        }
    }
}
