//! The person at the terminal, or the script that feeds stdin.
//!
//! Questions go to stderr, so that stdout holds results only. Where stdin is a terminal, secret answers are typed
//! unseen, and Ctrl-C gives up the question and leaves the terminal as it was. Where it is none, every question
//! takes one line of it. With `--json` no question is shown.

use crate::output;
use crate::phrases::Texts;
use crate::voice::Voice;
use herald_core::answer::Answer;
use herald_core::conversation::{Conversation, ConversationError, Reply};
use herald_core::secret::{Secret, SecretBytes};
use herald_core::text::display_line;
use herald_sys::hangup;
use rpassword::{ConfigBuilder, read_password_with_config};
use rustix::io::Errno;
use rustix::stdio::{stderr, stdin};
use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, isatty, tcgetattr, tcgetwinsize, tcsetattr, ttyname,
};
use std::io::{self, Read, Write};
use std::rc::Rc;
use zeroize::{Zeroize, Zeroizing};

/// The longest line that is read, in bytes.
const LONGEST_LINE: usize = 64 * 1024;
const CTRL_C: u8 = 0x03;

/// Stdin and stderr.
pub(crate) struct Terminal {
    mute: bool,
    interactive: bool,
    said: Option<String>,
    voice: Rc<Voice>,
}

impl Terminal {
    /// `mute`: no question is shown.
    pub(crate) fn new(mute: bool, voice: &Rc<Voice>) -> Self {
        Self { mute, interactive: isatty(stdin()), said: None, voice: Rc::clone(voice) }
    }

    /// Whether a person sits there who would have to be asked.
    pub(crate) fn is_interactive(&self) -> bool {
        self.interactive
    }

    /// The name of the terminal as PAM_TTY has it: `pts/0`; empty if there is none.
    pub(crate) fn name() -> String {
        let name = ttyname(stdin(), Vec::new()).ok().and_then(|name| name.into_string().ok()).unwrap_or_default();
        name.strip_prefix("/dev/").unwrap_or(&name).to_owned()
    }

    /// What the dialogue said at its end, if it was a refusal.
    pub(crate) fn said(&self) -> Option<String> {
        self.said.clone()
    }

    /// Whether what is shown can be seen by a person, and changed afterwards: a countdown, colours. `--plain` says no.
    pub(crate) fn is_screen(&self) -> bool {
        !self.mute && !output::is_plain() && isatty(stderr())
    }

    /// How many columns the screen has.
    pub(crate) fn columns(&self) -> usize {
        tcgetwinsize(stderr()).ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0).unwrap_or(80)
    }

    /// Shows a text of whole lines; its styles only where they can be seen.
    pub(crate) fn show(&self, text: &str) {
        if !self.mute {
            let _ = writeln!(anstream::stderr(), "{text}");
        }
    }

    /// Shows a text in the place of the last one of this kind; `None` clears it.
    pub(crate) fn show_here(&self, text: Option<&str>) {
        let mut stderr = io::stderr();
        let _ = write!(stderr, "\r\x1b[K{}", text.unwrap_or_default()).and_then(|()| stderr.flush());
    }

    /// Asks for a yes or no, in at most 54 columns; only where a person is there to answer.
    pub(crate) fn agrees(&self, question: &str, otherwise: bool) -> bool {
        let word = |text: fn(&Texts) -> &'static str| self.voice.word(text);
        let (yes, no) = (word(|texts| texts.yes), word(|texts| texts.no));
        let keys = match otherwise {
            true => format!("[{}/{no}]", yes.to_uppercase()),
            false => format!("[{yes}/{}]", no.to_uppercase()),
        };
        let Some(answer) = self.line(&format!("{question} {keys} "), true) else { return false };
        // Folded: whoever writes Japanese may type a full-width letter.
        let answer = Answer::of(&SecretBytes::from(answer.expose().as_bytes()));
        match answer.text().to_lowercase().as_str() {
            "" => otherwise,
            answer => [yes.as_str(), "y", &word(|texts| texts.yes_word)].iter().any(|yes| answer.starts_with(yes)),
        }
    }

    /// Asks for one line; `None` at the end of input, or if the person gave up. Without a prompt nothing is shown.
    pub(crate) fn line(&self, prompt: &str, echo: bool) -> Option<Secret> {
        if !self.mute && !prompt.is_empty() {
            let end = if self.interactive { "" } else { "\n" };
            let mut stderr = io::stderr();
            let _ = write!(stderr, "{prompt}{end}").and_then(|()| stderr.flush());
        }
        if echo || !self.interactive {
            return read_line(&mut Stdin).and_then(|line| {
                let text = std::str::from_utf8(&line).ok()?;
                Some(Secret::from(text))
            });
        }
        let answer = read_unseen();
        if !self.mute {
            let _ = writeln!(io::stderr());
        }
        answer
    }
}

impl Conversation for Terminal {
    fn ask(&mut self, prompt: &str, echo: bool) -> Result<Reply, ConversationError> {
        match self.line(&self.voice.in_letters(prompt), echo) {
            None => Err(ConversationError),
            Some(line) if line.expose().is_empty() => Ok(Reply::Empty),
            Some(line) => Ok(Reply::Text(SecretBytes::from(line.expose().as_bytes()))),
        }
    }

    /// Kept for the end: it is the reason of the error that the command ends with.
    fn error(&mut self, text: &str) {
        self.said = Some(display_line(&self.voice.in_letters(text), 400));
    }

    fn info(&mut self, text: &str) {
        if !self.mute {
            let _ = writeln!(io::stderr(), "{}", display_line(&self.voice.in_letters(text), 400));
        }
    }
}

/// Stdin without a buffer of its own, which would keep copies of secrets.
struct Stdin;

impl Read for Stdin {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match hangup::waiting(|| rustix::io::read(stdin(), &mut *buffer)) {
                Err(Errno::INTR) => {}
                other => return other.map_err(io::Error::from),
            }
        }
    }
}

/// One line without its end; `None` if there is nothing more, or too much.
fn read_line(input: &mut impl Read) -> Option<Zeroizing<Vec<u8>>> {
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST_LINE));
    let mut byte = [0];
    loop {
        let ended = input.read(&mut byte).ok()? == 0;
        if (ended && line.is_empty()) || line.len() == LONGEST_LINE {
            return None;
        }
        if ended || byte == *b"\n" {
            byte.zeroize();
            return Some(line);
        }
        line.extend_from_slice(&byte);
    }
}

/// A line typed unseen. rpassword edits it; the terminal is ours, because rpassword ends the process at Ctrl-C before
/// it has put the terminal back.
fn read_unseen() -> Option<Secret> {
    let _unseen = Unseen::begin().ok()?;
    let keys = ConfigBuilder::new().input_reader(Keys).output_discard().build();
    read_password_with_config(keys).ok().map(Secret::new)
}

/// Keys as they are typed. Ctrl-C ends the line with an error.
struct Keys;

impl Read for Keys {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = Stdin.read(buffer)?;
        match buffer.get(..count) {
            Some(keys) if keys.contains(&CTRL_C) => Err(io::Error::other("given up")),
            _ => Ok(count),
        }
    }
}

/// The terminal without echo, line by key; as it was before once this is dropped.
struct Unseen(Termios);

impl Unseen {
    fn begin() -> Result<Self, Errno> {
        let before = tcgetattr(stdin())?;
        let mut unseen = before.clone();
        unseen.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG);
        unseen.special_codes[SpecialCodeIndex::VMIN] = 1;
        unseen.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(stdin(), OptionalActions::Now, &unseen)?;
        Ok(Self(before))
    }
}

impl Drop for Unseen {
    fn drop(&mut self) {
        let _ = tcsetattr(stdin(), OptionalActions::Now, &self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_takes_one_line() {
        let mut input = &b"first\nsecond \n\nlast"[..];
        let mut next = || read_line(&mut input).map(|line| String::from_utf8_lossy(&line).into_owned());
        assert_eq!(next().as_deref(), Some("first"));
        assert_eq!(next().as_deref(), Some("second "));
        assert_eq!(next().as_deref(), Some(""));
        assert_eq!(next().as_deref(), Some("last"));
        assert_eq!(next(), None);
    }

    #[test]
    fn a_line_without_end_is_no_answer() {
        assert_eq!(read_line(&mut io::repeat(b'7')), None);
        assert_eq!(read_line(&mut &vec![b'7'; LONGEST_LINE + 1][..]), None);
    }
}
