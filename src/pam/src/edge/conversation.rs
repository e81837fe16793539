//! The conversation with the person, through the host's own function (pam_conv(3)).

use super::choice_list;
use super::handle::{Handle, PamMessage, PamResponse};
use herald_core::conversation::{Conversation, ConversationError, Reply};
use herald_core::secret::SecretBytes;
use libc::{c_char, c_int};
use pam::constants::{
    PAM_ERROR_MSG, PAM_PROMPT_ECHO_OFF, PAM_PROMPT_ECHO_ON, PAM_SILENT, PAM_TEXT_INFO, PamFlag, PamResultCode,
};
use std::ffi::{CStr, CString};
use std::ptr;
use zeroize::Zeroize;

/// The longest message in bytes, its NUL not counted: sudo refuses those of PAM_MAX_MSG_SIZE (512) and more.
const MAX_MESSAGE: usize = 511;

/// One message per call, as every host understands it: sshd wants exactly one response, and for one message
/// Linux-PAM and Solaris agree on what the pointers mean.
pub(crate) struct PamConversation<'call> {
    handle: Handle<'call>,
    silent: bool,
    /// The host is GDM, which may have a list to pick from.
    gdm: bool,
}

impl<'call> PamConversation<'call> {
    /// The conversation of one call of pam_sm_authenticate with these flags.
    pub(crate) fn new(handle: Handle<'call>, flags: PamFlag, gdm: bool) -> Self {
        Self { handle, silent: flags & PAM_SILENT != 0, gdm }
    }

    /// Sends one message. `None` if the host gave no response, which is right for messages and wrong for prompts.
    fn send(&self, style: c_int, text: &str) -> Result<Option<SecretBytes>, ConversationError> {
        let responses = self.exchange(style, cut(text).as_ptr())?;
        // SAFETY: on success it is null or ours, as pam_conv(3) says.
        Ok(unsafe { take(responses) })
    }

    /// Hands one message to the host. What it gives back is null, or an array of one from malloc(3) and ours.
    pub(super) fn exchange(&self, style: c_int, text: *const c_char) -> Result<*mut PamResponse, ConversationError> {
        let conversation = self.handle.conversation().ok_or(ConversationError)?;
        let function = conversation.function.ok_or(ConversationError)?;
        let message = PamMessage { style, text };
        let mut messages: *const PamMessage = &raw const message;
        let mut responses: *mut PamResponse = ptr::null_mut();
        // SAFETY: the application's own function with its own pointer, one message and room for one answer, all of
        // which outlive the call. No reference into PAM's memory is held meanwhile.
        let code = unsafe { function(1, &raw mut messages, &raw mut responses, conversation.application) };
        if PamResultCode::try_from(code) != Ok(PamResultCode::PAM_SUCCESS) {
            // PAM_CONV_AGAIN too (rule 28). What stands in `responses` now may be anything: it is not touched.
            return Err(ConversationError);
        }
        Ok(responses)
    }
}

impl Conversation for PamConversation<'_> {
    fn ask(&mut self, prompt: &str, echo: bool) -> Result<Reply, ConversationError> {
        let style = if echo { PAM_PROMPT_ECHO_ON } else { PAM_PROMPT_ECHO_OFF };
        let reply = self.send(style, prompt)?.ok_or(ConversationError)?;
        Ok(if reply.expose().is_empty() { Reply::Empty } else { Reply::Text(reply) })
    }

    fn choose(&mut self, title: &str, options: &[String]) -> Option<usize> {
        self.gdm.then(|| choice_list::ask(self, title, options))?
    }

    fn error(&mut self, text: &str) {
        // A host that cannot show it refuses all the same.
        let _ = self.send(PAM_ERROR_MSG, text);
    }

    fn info(&mut self, text: &str) {
        if !self.silent {
            let _ = self.send(PAM_TEXT_INFO, text);
        }
    }
}

/// The message as the host gets it: no NUL, and short enough, cut between two characters.
pub(super) fn cut(text: &str) -> CString {
    let mut bytes = Vec::with_capacity(text.len().min(MAX_MESSAGE) + 1);
    for character in text.chars().filter(|character| *character != '\0') {
        if bytes.len() + character.len_utf8() > MAX_MESSAGE {
            break;
        }
        bytes.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
    }
    CString::new(bytes).unwrap_or_default()
}

/// Copies the reply out of an array of one response, wipes it where it stood, and frees both.
///
/// # Safety
/// `responses` is null, or an array of one from malloc(3) whose text is null or a string from malloc(3), and nobody
/// else uses either again.
unsafe fn take(responses: *mut PamResponse) -> Option<SecretBytes> {
    if responses.is_null() {
        return None;
    }
    // SAFETY: not null, so it points to one response.
    let text = unsafe { (*responses).text };
    let reply = (!text.is_null()).then(|| {
        // SAFETY: not null, so it points to a string that only we use.
        let length = unsafe { CStr::from_ptr(text) }.count_bytes();
        // SAFETY: `length` bytes from `text` on were just counted; all are initialised and nobody else uses them.
        let bytes = unsafe { std::slice::from_raw_parts_mut(text.cast::<u8>(), length) };
        let reply = SecretBytes::from(&*bytes);
        // As far as the string goes: how much more the host reserved is its own business.
        bytes.zeroize();
        reply
    });
    // SAFETY: both are null or from malloc(3), and used for the last time here.
    unsafe {
        libc::free(text.cast());
        libc::free(responses.cast());
    }
    reply
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_stay_under_512_bytes_and_keep_whole_characters() {
        assert_eq!(cut("Code: ").as_bytes(), b"Code: ");
        assert_eq!(cut("a\0b").as_bytes(), b"ab");
        assert_eq!(cut(&"x".repeat(600)).as_bytes().len(), 511);
        let wide = cut(&"日".repeat(200));
        assert_eq!(wide.as_bytes().len(), 510);
        assert!(wide.to_str().is_ok_and(|text| text.chars().all(|character| character == '日')));
    }

    #[test]
    fn a_reply_is_copied_and_an_absent_one_is_none() {
        // SAFETY: null is what `take` allows for.
        assert!(unsafe { take(ptr::null_mut()) }.is_none());
        for (text, expected) in [(Some(c"123456"), Some(&b"123456"[..])), (Some(c""), Some(b"")), (None, None)] {
            // SAFETY: one zeroed response (a null text) from malloc's family, and a string from strdup(3).
            let reply = unsafe {
                let responses = libc::calloc(1, size_of::<PamResponse>()).cast::<PamResponse>();
                if let Some(text) = text {
                    (*responses).text = libc::strdup(text.as_ptr());
                }
                take(responses)
            };
            assert_eq!(reply.as_ref().map(SecretBytes::expose), expected);
        }
    }
}
