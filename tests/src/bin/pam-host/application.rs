//! The application's side of libpam (pam(3)), with a conversation that asks the test.

use crate::choice_list;
use crate::wire::{hex, say};
use crate::{next_command, obey, wipe};
use std::collections::VecDeque;
use std::ffi::{CStr, CString, c_char, c_int, c_uint, c_void};
use std::ptr;

#[repr(C)]
struct PamHandle {
    opaque: [u8; 0],
}

#[repr(C)]
struct PamMessage {
    style: c_int,
    text: *const c_char,
}

#[repr(C)]
struct PamResponse {
    text: *mut c_char,
    code: c_int,
}

#[repr(C)]
struct PamConv {
    function:
        Option<extern "C" fn(c_int, *mut *const PamMessage, *mut *mut PamResponse, application: *mut c_void) -> c_int>,
    application: *mut c_void,
}

const PAM_SUCCESS: c_int = 0;
const PAM_CONV: c_int = 5;
const PAM_FAIL_DELAY: c_int = 10;
const PAM_CONV_ERR: c_int = 19;
const PAM_PROMPT_ECHO_OFF: c_int = 1;
const PAM_PROMPT_ECHO_ON: c_int = 2;
const PAM_BINARY_PROMPT: c_int = 7;

#[link(name = "pam")]
unsafe extern "C" {
    fn pam_start_confdir(
        service: *const c_char,
        user: *const c_char,
        conversation: *const PamConv,
        confdir: *const c_char,
        pamh: *mut *mut PamHandle,
    ) -> c_int;
    fn pam_end(pamh: *mut PamHandle, status: c_int) -> c_int;
    fn pam_set_item(pamh: *mut PamHandle, item: c_int, value: *const c_void) -> c_int;
    fn pam_get_item(pamh: *const PamHandle, item: c_int, value: *mut *const c_void) -> c_int;
    fn pam_putenv(pamh: *mut PamHandle, pair: *const c_char) -> c_int;
    fn pam_authenticate(pamh: *mut PamHandle, flags: c_int) -> c_int;
    fn pam_setcred(pamh: *mut PamHandle, flags: c_int) -> c_int;
    fn pam_acct_mgmt(pamh: *mut PamHandle, flags: c_int) -> c_int;
    fn pam_open_session(pamh: *mut PamHandle, flags: c_int) -> c_int;
    fn pam_close_session(pamh: *mut PamHandle, flags: c_int) -> c_int;
    fn pam_chauthtok(pamh: *mut PamHandle, flags: c_int) -> c_int;
}

/// One transaction with libpam.
pub(crate) struct Application {
    pamh: *mut PamHandle,
    status: c_int,
    /// What is answered to one prompt after the other where nobody asks the test.
    pub(crate) answers: Option<VecDeque<Vec<u8>>>,
}

impl Default for Application {
    fn default() -> Self {
        Self { pamh: ptr::null_mut(), status: PAM_SUCCESS, answers: None }
    }
}

impl Application {
    /// pam_start_confdir(3): the folder, the service, the user.
    pub(crate) fn start(&mut self, confdir: Vec<u8>, service: Vec<u8>, user: Vec<u8>) -> c_int {
        self.start_for(confdir, service, Some(user))
    }

    /// The same without a user: libpam has to ask.
    pub(crate) fn start_nameless(&mut self, confdir: Vec<u8>, service: Vec<u8>) -> c_int {
        self.start_for(confdir, service, None)
    }

    fn start_for(&mut self, confdir: Vec<u8>, service: Vec<u8>, user: Option<Vec<u8>>) -> c_int {
        let (confdir, service, user) = (c_string(confdir), c_string(service), user.map(c_string));
        let conversation = PamConv { function: Some(converse), application: ptr::from_mut(self).cast() };
        // SAFETY: all strings and the conversation outlive the call, which copies them; `self` outlives the handle.
        let code = unsafe {
            pam_start_confdir(
                service.as_ptr(),
                user.as_ref().map_or(ptr::null(), |user| user.as_ptr()),
                &raw const conversation,
                confdir.as_ptr(),
                &raw mut self.pamh,
            )
        };
        if code == PAM_SUCCESS {
            let delay: extern "C" fn(c_int, c_uint, *mut c_void) = note_delay;
            // SAFETY: PAM_FAIL_DELAY takes the function itself as its value, and this one lives as long as we do.
            unsafe { pam_set_item(self.pamh, PAM_FAIL_DELAY, delay as *const c_void) };
        }
        code
    }

    /// Leaves the host without a conversation function.
    pub(crate) fn mute(&mut self) {
        let silence = PamConv { function: None, application: ptr::null_mut() };
        // SAFETY: libpam copies the structure.
        unsafe { pam_set_item(self.pamh, PAM_CONV, (&raw const silence).cast()) };
    }

    /// pam_set_item(3) for items that are text.
    pub(crate) fn set_item(&mut self, item: c_int, value: Vec<u8>) {
        let value = c_string(value);
        // SAFETY: libpam copies the string.
        unsafe { pam_set_item(self.pamh, item, value.as_ptr().cast()) };
    }

    /// pam_get_item(3) for items that are text.
    pub(crate) fn item(&self, item: c_int) -> Option<Vec<u8>> {
        let mut value: *const c_void = ptr::null();
        // SAFETY: `value` outlives the call.
        let code = unsafe { pam_get_item(self.pamh, item, &raw mut value) };
        if code != PAM_SUCCESS || value.is_null() {
            return None;
        }
        // SAFETY: a text item is a string of libpam's, copied at once.
        Some(unsafe { CStr::from_ptr(value.cast()) }.to_bytes().to_vec())
    }

    /// pam_putenv(3).
    pub(crate) fn put_environment(&mut self, pair: Vec<u8>) {
        let pair = c_string(pair);
        // SAFETY: libpam copies the string.
        unsafe { pam_putenv(self.pamh, pair.as_ptr()) };
    }

    /// One of the six calls that reach a module.
    pub(crate) fn run(&mut self, call: &str, flags: c_int) -> c_int {
        let function = match call {
            "authenticate" => pam_authenticate,
            "setcred" => pam_setcred,
            "acct_mgmt" => pam_acct_mgmt,
            "open_session" => pam_open_session,
            "close_session" => pam_close_session,
            "chauthtok" => pam_chauthtok,
            _ => panic!("no such call: {call}"),
        };
        // SAFETY: the handle came from pam_start_confdir.
        self.status = unsafe { function(self.pamh, flags) };
        self.status
    }

    /// pam_end(3).
    pub(crate) fn end(&mut self) {
        // SAFETY: the handle came from pam_start_confdir and is not used again.
        unsafe { pam_end(self.pamh, self.status) };
        self.pamh = ptr::null_mut();
    }
}

fn c_string(bytes: Vec<u8>) -> CString {
    CString::new(bytes).expect("no NUL inside")
}

/// Keeps refusals from sleeping, and tells the test that libpam would have.
extern "C" fn note_delay(code: c_int, microseconds: c_uint, _: *mut c_void) {
    if microseconds > 0 {
        say(&format!("delayed {code} {microseconds}"));
    }
}

/// pam_conv(3): hands each message to the test, and back what it wants the module to get.
extern "C" fn converse(
    count: c_int,
    messages: *mut *const PamMessage,
    responses: *mut *mut PamResponse,
    application: *mut c_void,
) -> c_int {
    // SAFETY: Linux-PAM gives an array of `count` pointers to messages.
    let (style, text) = unsafe { ((**messages).style, (**messages).text) };
    let text = if style == PAM_BINARY_PROMPT {
        // SAFETY: to a host that advertises what GDM can do, this is a message of GDM's.
        match unsafe { choice_list::read(text.cast()) } {
            Some(list) => list,
            None => return PAM_CONV_ERR,
        }
    } else {
        // SAFETY: every other text is a string.
        unsafe { CStr::from_ptr(text) }.to_bytes().to_vec()
    };
    // SAFETY: the pointer is the `Application` that started this transaction. Its other borrow sits inside libpam's
    // call and touches no field until that returns.
    let application = unsafe { &mut *application.cast::<Application>() };
    if let Some(answers) = &mut application.answers {
        let is_prompt = style == PAM_PROMPT_ECHO_OFF || style == PAM_PROMPT_ECHO_ON;
        return match is_prompt.then(|| answers.pop_front()) {
            None => respond(responses, None),
            Some(Some(answer)) => respond(responses, Some(reply(answer))),
            Some(None) => PAM_CONV_ERR,
        };
    }
    say(&format!("message {count} {style} {}", hex(&text)));
    loop {
        // A test that drops its end kills the host in the middle of the prompt.
        let Some(command) = next_command() else { std::process::exit(0) };
        match command.verb() {
            "text" if style == PAM_BINARY_PROMPT => {
                return respond(responses, Some(choice_list::picked(reply(command.bytes(1)))));
            }
            "text" => return respond(responses, Some(reply(command.bytes(1)))),
            "null" => return respond(responses, None),
            "nothing" => {
                // SAFETY: `responses` is the module's own variable.
                unsafe { *responses = ptr::null_mut() };
                return PAM_SUCCESS;
            }
            "code" => return command.number(1),
            "rubbish" => {
                // SAFETY: as above. The address is one that nobody may follow or free: after an error, nobody should.
                unsafe { *responses = ptr::without_provenance_mut(8) };
                return command.number(1);
            }
            _ => obey(application, &command),
        }
    }
}

/// The reply in memory that the module will free. No other copy is left in this process.
fn reply(bytes: Vec<u8>) -> *mut c_char {
    // SAFETY: room for the bytes and a NUL, all of it zero.
    let text = unsafe { libc::calloc(bytes.len() + 1, 1) }.cast::<u8>();
    assert!(!text.is_null(), "out of memory");
    // SAFETY: `text` has room for the bytes and does not overlap them.
    unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), text, bytes.len()) };
    wipe(bytes);
    text.cast()
}

fn respond(responses: *mut *mut PamResponse, text: Option<*mut c_char>) -> c_int {
    // SAFETY: room for one response, all of it zero.
    let array = unsafe { libc::calloc(1, size_of::<PamResponse>()) }.cast::<PamResponse>();
    assert!(!array.is_null(), "out of memory");
    // SAFETY: both point to one element that is there.
    unsafe {
        (*array).text = text.unwrap_or(ptr::null_mut());
        *responses = array;
    }
    PAM_SUCCESS
}
