//! A first factor, asked for by a PAM service of the machine (pam(3)): before somebody gives themselves a second one.
//!
//! This is the application's side of libpam, for a program of our own; the module has nothing to do with it.
#![allow(unsafe_code)] // libpam is C

use herald_core::conversation::{Conversation, Reply};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;
use zeroize::Zeroize;

#[repr(C)]
struct PamHandle {
    opaque: [u8; 0],
}

/// `struct pam_message` of pam_conv(3).
#[repr(C)]
struct PamMessage {
    style: c_int,
    text: *const c_char,
}

/// `struct pam_response` of pam_conv(3).
#[repr(C)]
struct PamResponse {
    text: *mut c_char,
    code: c_int,
}

/// `struct pam_conv` of pam_conv(3).
#[repr(C)]
struct PamConv {
    function: extern "C" fn(c_int, *mut *const PamMessage, *mut *mut PamResponse, *mut c_void) -> c_int,
    application: *mut c_void,
}

const PAM_SUCCESS: c_int = 0;
const PAM_BUF_ERR: c_int = 5;
const PAM_CONV_ERR: c_int = 19;
const PAM_TTY: c_int = 3;
const PAM_RUSER: c_int = 8;
const PAM_PROMPT_ECHO_OFF: c_int = 1;
const PAM_PROMPT_ECHO_ON: c_int = 2;
const PAM_ERROR_MSG: c_int = 3;
/// PAM_DISALLOW_NULL_AUTHTOK: no password is no proof.
const NO_EMPTY_PASSWORD: c_int = 1;
/// As many messages as libpam sends at once (PAM_MAX_NUM_MSG).
const MOST_MESSAGES: usize = 32;

#[link(name = "pam")]
unsafe extern "C" {
    fn pam_start(
        service: *const c_char,
        user: *const c_char,
        conversation: *const PamConv,
        pamh: *mut *mut PamHandle,
    ) -> c_int;
    fn pam_set_item(pamh: *mut PamHandle, item: c_int, value: *const c_void) -> c_int;
    fn pam_authenticate(pamh: *mut PamHandle, flags: c_int) -> c_int;
    fn pam_acct_mgmt(pamh: *mut PamHandle, flags: c_int) -> c_int;
    fn pam_end(pamh: *mut PamHandle, status: c_int) -> c_int;
}

/// Who is asked, and whether they were.
struct Person<'a> {
    conversation: &'a mut dyn Conversation,
    gave_a_password: bool,
}

/// Whether this person, at this terminal, proves by that service who they are, and has an account that is open. What lets
/// them pass without a password proves nothing: it is root that asks, whom some modules ask for none (pam_rootok(8)).
pub fn proves(service: &CStr, user: &str, tty: &str, conversation: &mut dyn Conversation) -> bool {
    let (Ok(user), Ok(tty)) = (CString::new(user), CString::new(tty)) else { return false };
    let mut person = Person { conversation, gave_a_password: false };
    let asked = &raw mut person;
    let pam = PamConv { function: converse, application: asked.cast() };
    let mut pamh = ptr::null_mut();
    // SAFETY: strings and conversation outlive the call, which copies the former; the latter outlives the handle.
    if unsafe { pam_start(service.as_ptr(), user.as_ptr(), &raw const pam, &raw mut pamh) } != PAM_SUCCESS {
        return false;
    }
    // SAFETY: the handle was just made; the strings outlive the calls, which copy them; it is not used after pam_end.
    unsafe {
        pam_set_item(pamh, PAM_TTY, tty.as_ptr().cast());
        pam_set_item(pamh, PAM_RUSER, user.as_ptr().cast());
        let mut code = pam_authenticate(pamh, NO_EMPTY_PASSWORD);
        if code == PAM_SUCCESS {
            code = pam_acct_mgmt(pamh, NO_EMPTY_PASSWORD);
        }
        pam_end(pamh, code);
        code == PAM_SUCCESS && (*asked).gave_a_password
    }
}

extern "C" fn converse(
    count: c_int,
    messages: *mut *const PamMessage,
    responses: *mut *mut PamResponse,
    application: *mut c_void,
) -> c_int {
    let Some(count) = usize::try_from(count).ok().filter(|count| (1..=MOST_MESSAGES).contains(count)) else {
        return PAM_CONV_ERR;
    };
    // SAFETY: the pointer is the variable of `proves`, which is not used otherwise while libpam runs.
    let Person { conversation, gave_a_password } = unsafe { &mut *application.cast::<Person<'_>>() };
    // SAFETY: room for `count` responses, all of it zero.
    let array = unsafe { libc::calloc(count, size_of::<PamResponse>()) }.cast::<PamResponse>();
    if array.is_null() {
        return PAM_BUF_ERR;
    }
    for position in 0..count {
        // SAFETY: Linux-PAM gives an array of `count` pointers to messages whose text is a string; the response is ours.
        let (message, response) = unsafe { (&**messages.add(position), &mut *array.add(position)) };
        // SAFETY: as above.
        let text = unsafe { CStr::from_ptr(message.text) }.to_string_lossy();
        let answered = match message.style {
            PAM_PROMPT_ECHO_OFF | PAM_PROMPT_ECHO_ON => {
                response.text = answer(*conversation, &text, message.style == PAM_PROMPT_ECHO_ON);
                *gave_a_password |= message.style == PAM_PROMPT_ECHO_OFF;
                !response.text.is_null()
            }
            PAM_ERROR_MSG => {
                conversation.error(&text);
                true
            }
            _ => {
                conversation.info(&text);
                true
            }
        };
        if !answered {
            // SAFETY: the array is ours; what was answered before is wiped and freed.
            unsafe { drop_all(array, count) };
            return PAM_CONV_ERR;
        }
    }
    // SAFETY: `responses` is libpam's own variable; it frees the array and what is in it.
    unsafe { *responses = array };
    PAM_SUCCESS
}

/// The answer in memory that libpam wipes and frees; null if there is none.
fn answer(conversation: &mut dyn Conversation, prompt: &str, echo: bool) -> *mut c_char {
    let Ok(Reply::Text(reply)) = conversation.ask(prompt, echo) else { return ptr::null_mut() };
    let bytes = reply.expose();
    // SAFETY: room for the bytes and a NUL, all of it zero.
    let text = unsafe { libc::calloc(bytes.len() + 1, 1) }.cast::<u8>();
    if !text.is_null() {
        // SAFETY: `text` has room for the bytes and does not overlap them.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), text, bytes.len()) };
    }
    text.cast()
}

/// Wipes and frees answers that libpam does not get.
///
/// # Safety
/// The array has `count` responses from calloc(3), whose texts are null or strings from it; nobody uses any again.
unsafe fn drop_all(array: *mut PamResponse, count: usize) {
    for position in 0..count {
        // SAFETY: as this function's own.
        unsafe {
            let text = (*array.add(position)).text;
            if !text.is_null() {
                std::slice::from_raw_parts_mut(text.cast::<u8>(), CStr::from_ptr(text).count_bytes()).zeroize();
                libc::free(text.cast());
            }
        }
    }
    // SAFETY: as this function's own.
    unsafe { libc::free(array.cast()) };
}
