//! The PAM handle of one hook call: pam-bindings' view of it, and the few calls of libpam that it lacks.

use super::append::Kept;
use herald_core::login::Verdict;
use herald_core::secret::SecretBytes;
use libc::{c_char, c_int, c_uint, c_void};
use pam::constants::PamResultCode;
use pam::items::Item;
use pam::module::PamHandle;
use std::ffi::{CStr, CString};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};
use std::time::Duration;
use zeroize::Zeroize;

/// A handle that may be passed around within one call of a hook. libpam's handles belong to one thread, and so does
/// this: it is neither `Send` nor `Sync`.
#[derive(Clone, Copy)]
pub(crate) struct Handle<'call> {
    raw: NonNull<PamHandle>,
    call: PhantomData<&'call mut PamHandle>,
}

/// Why there is no user name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GetUser {
    /// The host could not or would not ask for it now.
    Conversation,
    /// libpam failed.
    Failed,
}

/// `struct pam_message` of pam_conv(3).
#[repr(C)]
pub(crate) struct PamMessage {
    pub(crate) style: c_int,
    pub(crate) text: *const c_char,
}

/// `struct pam_response` of pam_conv(3).
#[repr(C)]
pub(crate) struct PamResponse {
    pub(crate) text: *mut c_char,
    pub(crate) code: c_int,
}

/// The application's conversation function. `C-unwind`: a host in C++ may throw from it, and then it is at least
/// defined what happens.
pub(crate) type ConversationFunction = unsafe extern "C-unwind" fn(
    count: c_int,
    messages: *mut *const PamMessage,
    responses: *mut *mut PamResponse,
    application: *mut c_void,
) -> c_int;

/// `struct pam_conv` of pam_conv(3).
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct PamConv {
    pub(crate) function: Option<ConversationFunction>,
    pub(crate) application: *mut c_void,
}

/// `PAM_CONV` of pam_get_item(3).
const PAM_CONV: c_int = 5;
/// `PAM_AUTHTOK` of pam_get_item(3).
const PAM_AUTHTOK: c_int = 6;
/// The name of what is kept with the transaction: two modules of one name are one module.
const KEPT: &CStr = c"pam_herald appended";

#[link(name = "pam")]
unsafe extern "C-unwind" {
    fn pam_get_item(pamh: *const PamHandle, item_type: c_int, item: *mut *const c_void) -> c_int;
    fn pam_get_user(pamh: *mut PamHandle, user: *mut *const c_char, prompt: *const c_char) -> c_int;
    fn pam_set_item(pamh: *mut PamHandle, item_type: c_int, item: *const c_void) -> c_int;
    fn pam_get_authtok(pamh: *mut PamHandle, item: c_int, token: *mut *const c_char, prompt: *const c_char) -> c_int;
    fn pam_get_data(pamh: *const PamHandle, name: *const c_char, data: *mut *const c_void) -> c_int;
    fn pam_set_data(
        pamh: *mut PamHandle,
        name: *const c_char,
        data: *mut c_void,
        cleanup: unsafe extern "C-unwind" fn(*mut PamHandle, *mut c_void, c_int),
    ) -> c_int;
    fn pam_getenv(pamh: *mut PamHandle, name: *const c_char) -> *const c_char;
    fn pam_fail_delay(pamh: *mut PamHandle, microseconds: c_uint) -> c_int;
    fn pam_syslog(pamh: *const PamHandle, priority: c_int, format: *const c_char, ...);
}

/// Drops what was kept, at the end of the transaction.
///
/// # Safety
/// `data` is what `keep` gave to libpam, and nobody else uses it again.
unsafe extern "C-unwind" fn forget(_: *mut PamHandle, data: *mut c_void, _: c_int) {
    // SAFETY: as this function's own.
    drop(unsafe { Box::from_raw(data.cast::<Kept>()) });
}

fn succeeded(code: c_int) -> Result<(), Verdict> {
    if PamResultCode::try_from(code) == Ok(PamResultCode::PAM_SUCCESS) { Ok(()) } else { Err(Verdict::SystemError) }
}

impl<'call> Handle<'call> {
    /// Borrows the handle for the rest of the hook.
    pub(crate) fn new(pamh: &'call mut PamHandle) -> Self {
        Self { raw: NonNull::from(pamh), call: PhantomData }
    }

    /// What `copy` makes of an item; the default if the item is not set. `copy` borrows the item and cannot keep it.
    ///
    /// # Errors
    /// `SystemError` if libpam will not say.
    pub(crate) fn item<'item, T, R>(&'item self, copy: impl FnOnce(T) -> R) -> Result<R, Verdict>
    where
        T: Item<'item>,
        R: Default + 'static,
    {
        // SAFETY: the handle is valid while the hook runs, and nothing changes it until `copy` has returned.
        let pamh = unsafe { self.raw.as_ref() };
        match pamh.get_item::<T>() {
            Ok(item) => Ok(item.map(copy).unwrap_or_default()),
            Err(_) => Err(Verdict::SystemError),
        }
    }

    /// PAM_USER, which libpam asks for if the host has not set it. pam-bindings' own refuses names that are not UTF-8.
    ///
    /// # Errors
    /// See [`GetUser`].
    pub(crate) fn user(self) -> Result<Vec<u8>, GetUser> {
        let mut user: *const c_char = ptr::null();
        // SAFETY: the handle is valid while the hook runs; `user` outlives the call; a null prompt is libpam's own.
        let code = unsafe { pam_get_user(self.raw.as_ptr(), &raw mut user, ptr::null()) };
        match PamResultCode::try_from(code) {
            Ok(PamResultCode::PAM_SUCCESS) if !user.is_null() => {
                // SAFETY: on success libpam gives a string of its own, which stays until PAM_USER is set again.
                Ok(unsafe { CStr::from_ptr(user) }.to_bytes().to_vec())
            }
            Ok(PamResultCode::PAM_CONV_ERR | PamResultCode::PAM_CONV_AGAIN) => Err(GetUser::Conversation),
            _ => Err(GetUser::Failed),
        }
    }

    /// PAM_AUTHTOK, which libpam asks for in its own words (pam_get_authtok(3)).
    ///
    /// # Errors
    /// `ConversationError` if nobody answers, `SystemError` for everything else.
    pub(crate) fn ask_for_authtok(self) -> Result<SecretBytes, Verdict> {
        let mut token: *const c_char = ptr::null();
        // SAFETY: the handle is valid while the hook runs; `token` outlives the call; a null prompt is libpam's own.
        let code = unsafe { pam_get_authtok(self.raw.as_ptr(), PAM_AUTHTOK, &raw mut token, ptr::null()) };
        match PamResultCode::try_from(code) {
            Ok(PamResultCode::PAM_SUCCESS) if !token.is_null() => {
                // SAFETY: on success libpam gives a string of its own, copied at once.
                Ok(unsafe { CStr::from_ptr(token) }.to_bytes().into())
            }
            // libpam says PAM_AUTH_ERR where nothing was typed.
            Ok(PamResultCode::PAM_CONV_ERR | PamResultCode::PAM_CONV_AGAIN | PamResultCode::PAM_AUTH_ERR) => {
                Err(Verdict::ConversationError)
            }
            _ => Err(Verdict::SystemError),
        }
    }

    /// Puts a password in the place of what was typed, for the modules behind us.
    ///
    /// # Errors
    /// `SystemError` if libpam will not.
    pub(crate) fn set_authtok(self, password: &[u8]) -> Result<(), Verdict> {
        let mut text = password.to_vec();
        text.push(0);
        // SAFETY: the handle is valid while the hook runs; libpam copies the string, which ends in NUL.
        let code = unsafe { pam_set_item(self.raw.as_ptr(), PAM_AUTHTOK, text.as_ptr().cast()) };
        text.zeroize();
        succeeded(code)
    }

    /// What an earlier line of ours kept with this transaction.
    pub(crate) fn kept(self) -> Option<&'call mut Kept> {
        let mut data: *const c_void = ptr::null();
        // SAFETY: handle and name are valid for the call; `data` outlives it.
        let code = unsafe { pam_get_data(self.raw.as_ptr(), KEPT.as_ptr(), &raw mut data) };
        if succeeded(code).is_err() || data.is_null() {
            return None;
        }
        // SAFETY: under this name there is only what `keep` made, which lives as long as the transaction; one hook runs at
        // a time, and each asks once.
        Some(unsafe { &mut *data.cast_mut().cast::<Kept>() })
    }

    /// Keeps something with this transaction.
    ///
    /// # Errors
    /// `SystemError` if libpam will not.
    pub(crate) fn keep(self, kept: Kept) -> Result<(), Verdict> {
        let data = Box::into_raw(Box::new(kept));
        // SAFETY: handle and name are valid for the call; libpam gives the box to `forget` once.
        let code = unsafe { pam_set_data(self.raw.as_ptr(), KEPT.as_ptr(), data.cast(), forget) };
        succeeded(code).inspect_err(|_| {
            // SAFETY: libpam did not take it, so it is still ours.
            drop(unsafe { Box::from_raw(data) });
        })
    }

    /// A copy of a variable of the PAM environment (pam_getenv(3)), which is not the process's.
    pub(crate) fn environment(self, name: &CStr) -> Option<Vec<u8>> {
        // SAFETY: handle and name are valid for the call.
        let value = unsafe { pam_getenv(self.raw.as_ptr(), name.as_ptr()) };
        if value.is_null() {
            return None;
        }
        // SAFETY: not null, so a string inside the PAM environment, which nothing changes before it is copied.
        Some(unsafe { CStr::from_ptr(value) }.to_bytes().to_vec())
    }

    /// The application's conversation as it stands now; modules before us and the host itself may replace it.
    pub(crate) fn conversation(self) -> Option<PamConv> {
        let mut item: *const c_void = ptr::null();
        // SAFETY: the handle is valid while the hook runs; `item` outlives the call.
        let code = unsafe { pam_get_item(self.raw.as_ptr(), PAM_CONV, &raw mut item) };
        if PamResultCode::try_from(code) != Ok(PamResultCode::PAM_SUCCESS) || item.is_null() {
            return None;
        }
        // SAFETY: PAM_CONV, where it is set, is a `struct pam_conv` that libpam copied; it is copied again at once.
        Some(unsafe { *item.cast::<PamConv>() })
    }

    /// Asks libpam to wait before it tells the host of a refusal (pam_fail_delay(3)).
    pub(crate) fn delay_refusal(self, delay: Duration) {
        let microseconds = c_uint::try_from(delay.as_micros()).unwrap_or(c_uint::MAX);
        // SAFETY: the handle is valid while the hook runs. If libpam will not wait, there is nothing to be done.
        let _ = unsafe { pam_fail_delay(self.raw.as_ptr(), microseconds) };
    }

    /// One line for pam_syslog(3). What follows a NUL is lost.
    pub(crate) fn log(self, priority: c_int, line: &str) {
        let bytes: Vec<u8> = line.bytes().take_while(|byte| *byte != 0).collect();
        let line = CString::new(bytes).unwrap_or_default();
        // SAFETY: the handle is valid while the hook runs; the format takes exactly the one string that follows it.
        unsafe { pam_syslog(self.raw.as_ptr(), priority, c"%s".as_ptr(), line.as_ptr()) };
    }
}
