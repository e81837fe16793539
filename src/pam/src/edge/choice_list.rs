//! GDM's list to pick from: an extension of the conversation, in which a message is no text (PAM_BINARY_PROMPT) but a
//! structure of GDM's own (`gdm-pam-extensions.h`, `gdm-choice-list-pam-extension.h`).

use super::conversation::{PamConversation, cut};
use super::handle::PamResponse;
use libc::{c_char, c_int};
use std::ffi::{CStr, CString};
use std::ptr;

/// Of linux-pam's `_pam_types.h`.
const PAM_BINARY_PROMPT: c_int = 7;
/// Where GDM says which extensions it has; a message names one of them by its place. It is the one variable of the
/// process that is read, in GDM's services alone, and decides nothing but how a question looks.
const ADVERTISED: &CStr = c"GDM_SUPPORTED_PAM_EXTENSIONS";
const CHOICE_LIST: &[u8] = b"org.gnome.DisplayManager.UserVerifier.ChoiceList";
/// Nobody has more options.
const MOST: usize = 9;
/// What stands for each of them: strings of one digit.
static KEYS: [u8; 2 * MOST] = *b"1\x002\x003\x004\x005\x006\x007\x008\x009\0";

#[repr(C)]
struct Request {
    /// Big endian.
    length: u32,
    extension: u8,
    title: *const c_char,
    count: usize,
    items: [Item; MOST],
}

#[repr(C)]
#[derive(Clone, Copy)]
struct Item {
    key: *const c_char,
    text: *const c_char,
}

#[repr(C)]
struct Response {
    length: u32,
    extension: u8,
    key: *mut c_char,
}

/// Has one of these picked; `None` if GDM has no such list, or nothing was picked.
pub(super) fn ask(conversation: &PamConversation<'_>, title: &str, options: &[String]) -> Option<usize> {
    let extension = extension()?;
    let title = cut(title);
    let texts: Vec<CString> = options.iter().map(|text| cut(text)).collect();
    let mut items = [Item { key: ptr::null(), text: ptr::null() }; MOST];
    for ((item, key), text) in items.iter_mut().zip(KEYS.chunks_exact(2)).zip(&texts) {
        *item = Item { key: key.as_ptr().cast(), text: text.as_ptr() };
    }
    let length = u32::try_from(size_of::<Request>()).unwrap_or_default().to_be();
    let count = texts.len().min(MOST);
    let request = Request { length, extension, title: title.as_ptr(), count, items };
    let responses = conversation.exchange(PAM_BINARY_PROMPT, (&raw const request).cast()).ok()?;
    // SAFETY: this is what GDM gives back for such a request.
    let key = unsafe { take(responses) }?;
    key.checked_sub(b'1').map(usize::from).filter(|place| *place < count)
}

/// The place of the list among GDM's extensions, where GDM has it.
fn extension() -> Option<u8> {
    // SAFETY: a name that ends in NUL. Whoever changes the environment in another thread meanwhile breaks its own rules
    // (getenv(3)); GDM sets this once, before it starts PAM.
    let advertised = unsafe { libc::getenv(ADVERTISED.as_ptr()) };
    if advertised.is_null() {
        return None;
    }
    // SAFETY: not null, so a string of the environment, which nothing changes before it is looked through.
    let advertised = unsafe { CStr::from_ptr(advertised) }.to_bytes();
    let place = advertised.split(|byte| *byte == b' ').position(|name| name == CHOICE_LIST)?;
    u8::try_from(place).ok()
}

/// The first byte of the key that was picked. Frees all of it.
///
/// # Safety
/// `responses` is null, or an array of one from malloc(3), whose text is null or a [`Response`] from malloc(3), whose key
/// is null or a string from malloc(3); and nobody else uses any of them again.
unsafe fn take(responses: *mut PamResponse) -> Option<u8> {
    if responses.is_null() {
        return None;
    }
    // SAFETY: not null, so it points to one response, whose text is null or one of GDM's.
    let response: *mut Response = unsafe { (*responses).text }.cast();
    let mut key: *mut c_char = ptr::null_mut();
    if !response.is_null() {
        // SAFETY: as above; from malloc(3), so it is aligned for anything.
        key = unsafe { (*response).key };
    }
    // SAFETY: not null, so it points to a string, which has at least its NUL.
    let first = (!key.is_null()).then(|| unsafe { key.cast::<u8>().read() });
    // SAFETY: each is null or from malloc(3), and used for the last time here.
    unsafe {
        libc::free(key.cast());
        libc::free(response.cast());
        libc::free(responses.cast());
    }
    first
}
