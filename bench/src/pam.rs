//! The application's side of libpam (pam(3)): one login through a stack in a scratch folder, with the clock on it.
#![allow(unsafe_code)] // libpam is C

use crate::Failure;
use crate::person::Person;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::ptr;
use std::time::{Duration, Instant};

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

type Converse = extern "C" fn(c_int, *mut *const PamMessage, *mut *mut PamResponse, *mut c_void) -> c_int;

/// `struct pam_conv` of pam_conv(3).
#[repr(C)]
struct PamConv {
    function: Converse,
    application: *mut c_void,
}

const PAM_SUCCESS: c_int = 0;
const PAM_BUF_ERR: c_int = 5;
const PAM_CONV_ERR: c_int = 19;
const PAM_RHOST: c_int = 4;
const PAM_PROMPT_ECHO_OFF: c_int = 1;
const PAM_PROMPT_ECHO_ON: c_int = 2;

#[link(name = "pam")]
unsafe extern "C" {
    fn pam_start_confdir(
        service: *const c_char,
        user: *const c_char,
        conversation: *const PamConv,
        confdir: *const c_char,
        pamh: *mut *mut PamHandle,
    ) -> c_int;
    fn pam_set_item(pamh: *mut PamHandle, item: c_int, value: *const c_void) -> c_int;
    fn pam_authenticate(pamh: *mut PamHandle, flags: c_int) -> c_int;
    fn pam_end(pamh: *mut PamHandle, status: c_int) -> c_int;
}

/// A login that is about to happen.
pub(crate) struct Login {
    folder: CString,
    service: CString,
    user: CString,
    rhost: CString,
}

/// What happens during a call of libpam.
struct Call<'a> {
    person: &'a mut dyn Person,
    /// What the person took: time that is nobody's.
    away: Duration,
    prompts: usize,
    /// What went wrong in the conversation, or was said to the person.
    said: Vec<String>,
}

impl Login {
    /// A login of `user` from `rhost` through the stack `folder/service`.
    pub(crate) fn new(folder: &str, service: &str, user: &str, rhost: &str) -> Result<Self, Failure> {
        let text = |text: &str| CString::new(text).map_err(|_| format!("{text:?} holds a NUL"));
        Ok(Self { folder: text(folder)?, service: text(service)?, user: text(user)?, rhost: text(rhost)? })
    }

    /// From pam_start to pam_end, so that loading and unloading the modules is part of it, without the time that
    /// the person takes.
    ///
    /// # Errors
    /// If it is not PAM_SUCCESS after exactly `prompts` prompts: a benchmark that measures refusals is void.
    pub(crate) fn run(&self, person: &mut dyn Person, prompts: usize) -> Result<Duration, Failure> {
        let mut call = Call { person, away: Duration::ZERO, prompts: 0, said: Vec::new() };
        let start = Instant::now();
        let code = self.transact(&mut call);
        let time = start.elapsed().saturating_sub(call.away);
        if code == PAM_SUCCESS && call.prompts == prompts {
            return Ok(time);
        }
        let (service, asked, said) = (self.service.to_string_lossy(), call.prompts, call.said.join("; "));
        Err(format!("{service} returned {code} after {asked} prompts, not 0 after {prompts}: {said}"))
    }

    fn transact(&self, call: &mut Call<'_>) -> c_int {
        let conversation = PamConv { function: converse, application: ptr::from_mut(call).cast() };
        let mut pamh = ptr::null_mut();
        // SAFETY: all strings and the conversation outlive the call, which copies them; `call` outlives the handle.
        let code = unsafe {
            pam_start_confdir(
                self.service.as_ptr(),
                self.user.as_ptr(),
                &raw const conversation,
                self.folder.as_ptr(),
                &raw mut pamh,
            )
        };
        if code != PAM_SUCCESS {
            return code;
        }
        // SAFETY: the handle is the one that was just made; the string outlives the call, which copies it; the
        // handle is not used after pam_end.
        unsafe {
            pam_set_item(pamh, PAM_RHOST, self.rhost.as_ptr().cast());
            let code = pam_authenticate(pamh, 0);
            pam_end(pamh, code);
            code
        }
    }
}

extern "C" fn converse(
    count: c_int,
    messages: *mut *const PamMessage,
    responses: *mut *mut PamResponse,
    application: *mut c_void,
) -> c_int {
    let start = Instant::now();
    // SAFETY: the pointer is the `Call` of `transact`, which nothing else touches while libpam runs.
    let call = unsafe { &mut *application.cast::<Call<'_>>() };
    if count != 1 {
        call.said.push(format!("{count} messages at once"));
        return PAM_CONV_ERR;
    }
    // SAFETY: Linux-PAM gives an array of `count` pointers to messages whose text is a string.
    let (style, text) = unsafe { ((**messages).style, CStr::from_ptr((**messages).text).to_string_lossy()) };
    let answer = match style {
        PAM_PROMPT_ECHO_OFF | PAM_PROMPT_ECHO_ON => {
            call.prompts += 1;
            call.person.answer(&text).and_then(|answer| CString::new(answer).map_err(|error| error.to_string()))
        }
        _ => {
            call.said.push(text.into_owned());
            Ok(CString::default())
        }
    };
    let code = match answer {
        Ok(answer) => respond(responses, &answer),
        Err(failure) => {
            call.said.push(failure);
            PAM_CONV_ERR
        }
    };
    call.away += start.elapsed();
    code
}

/// Puts the answer where the module looks for it, in memory that it frees.
fn respond(responses: *mut *mut PamResponse, answer: &CStr) -> c_int {
    // SAFETY: room for one response, all of it zero, and a copy of the answer; `responses` is the module's own.
    unsafe {
        let array = libc::calloc(1, size_of::<PamResponse>()).cast::<PamResponse>();
        let text = libc::strdup(answer.as_ptr());
        if array.is_null() || text.is_null() {
            return PAM_BUF_ERR;
        }
        (*array).text = text;
        (*array).code = 0;
        *responses = array;
    }
    PAM_SUCCESS
}

/// The largest memory that a child of this process ever had, in bytes (getrusage(2)).
pub(crate) fn peak_of_children() -> u64 {
    // SAFETY: the structure is plain numbers, for which zero is a value, and getrusage fills it in.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage);
        usage
    };
    u64::try_from(usage.ru_maxrss).unwrap_or(0) * 1024
}
