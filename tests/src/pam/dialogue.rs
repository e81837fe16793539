//! What the module says, and what the test answers.

use super::code::Code;
use super::session::LogLine;
use std::collections::VecDeque;

/// How a message is meant to be shown (pam_conv(3)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// PAM_PROMPT_ECHO_OFF
    Hidden,
    /// PAM_PROMPT_ECHO_ON
    Echoed,
    /// PAM_ERROR_MSG
    Error,
    /// PAM_TEXT_INFO
    Info,
    /// Any other number.
    Other(i32),
}

impl Style {
    pub(super) fn from_number(number: i32) -> Self {
        match number {
            1 => Self::Hidden,
            2 => Self::Echoed,
            3 => Self::Error,
            4 => Self::Info,
            other => Self::Other(other),
        }
    }

    /// Whether an answer is expected.
    pub fn is_prompt(self) -> bool {
        matches!(self, Self::Hidden | Self::Echoed)
    }
}

/// One message of the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// How many messages came in that one call of the conversation function.
    pub count: usize,
    /// How it is meant to be shown.
    pub style: Style,
    /// Its bytes, as text.
    pub text: String,
}

/// What the host gives back for a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// PAM_SUCCESS and these bytes, none of them NUL; also to a message that wants none.
    Text(Vec<u8>),
    /// PAM_SUCCESS and a response without text: what is right for a message, and a NULL reply for a prompt.
    Null,
    /// PAM_SUCCESS and no response array at all.
    Nothing,
    /// This code, and nothing else.
    Code(Code),
    /// This code, and a response pointer that nobody may follow. libpam's own prompt for the user name does.
    Rubbish(Code),
}

impl Answer {
    /// A typed line.
    pub fn text(text: impl AsRef<[u8]>) -> Self {
        Self::Text(text.as_ref().to_vec())
    }

    /// Enter, and nothing else.
    pub fn empty() -> Self {
        Self::Text(Vec::new())
    }
}

/// Who answers: a closure, or a list of what is typed at one prompt after the other.
pub trait Answers {
    /// The answer to this message.
    fn answer(&mut self, message: &Message) -> Answer;
}

impl<F: FnMut(&Message) -> Answer> Answers for F {
    fn answer(&mut self, message: &Message) -> Answer {
        self(message)
    }
}

/// A list of answers to prompts. Messages that are no prompts get [`Answer::Null`]; a prompt after the last
/// answer gets PAM_CONV_ERR, as if the person had gone.
impl Answers for VecDeque<Answer> {
    fn answer(&mut self, message: &Message) -> Answer {
        if !message.style.is_prompt() {
            return Answer::Null;
        }
        self.pop_front().unwrap_or(Answer::Code(Code::CONV_ERR))
    }
}

/// A list of lines to type, as for the list of answers.
impl<const N: usize> Answers for [&str; N] {
    fn answer(&mut self, message: &Message) -> Answer {
        if !message.style.is_prompt() {
            return Answer::Null;
        }
        match self.iter_mut().find(|line| **line != USED) {
            Some(line) => Answer::text(std::mem::replace(line, USED)),
            None => Answer::Code(Code::CONV_ERR),
        }
    }
}

/// Stands in a list of lines for one that was typed; nobody can type a NUL.
const USED: &str = "\0";

/// One message and what was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// What the module said.
    pub message: Message,
    /// What the host gave back.
    pub answer: Answer,
}

/// How one call of libpam went.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What it returned.
    pub code: Code,
    /// Every message, in order.
    pub transcript: Vec<Exchange>,
    /// Every line of the log, in order.
    pub log: Vec<LogLine>,
    /// How long libpam would have slept before it told of the refusal, in microseconds.
    pub delay: Option<u32>,
}

impl Outcome {
    /// The texts of all prompts.
    pub fn prompts(&self) -> Vec<&str> {
        self.texts(Style::is_prompt)
    }

    /// The texts of all error messages.
    pub fn errors(&self) -> Vec<&str> {
        self.texts(|style| style == Style::Error)
    }

    /// The texts of all informational messages.
    pub fn infos(&self) -> Vec<&str> {
        self.texts(|style| style == Style::Info)
    }

    /// The lines of the log, without their prefix.
    pub fn log_lines(&self) -> Vec<&str> {
        self.log.iter().map(|line| line.text.as_str()).collect()
    }

    fn texts(&self, wanted: impl Fn(Style) -> bool) -> Vec<&str> {
        let messages = self.transcript.iter().map(|exchange| &exchange.message);
        messages.filter(|message| wanted(message.style)).map(|message| message.text.as_str()).collect()
    }
}
