//! What GDM does with a message of its own kind, as far as lists to pick from go (`gdm-session-worker.c`,
//! `gdm-choice-list-pam-extension.h`).

use std::ffi::{CStr, c_char};

const CHOICE_LIST: &str = "org.gnome.DisplayManager.UserVerifier.ChoiceList";

#[repr(C)]
pub(crate) struct Header {
    length: u32,
    extension: u8,
}

#[repr(C)]
struct Request {
    header: Header,
    title: *const c_char,
    count: usize,
}

#[repr(C)]
struct Item {
    key: *const c_char,
    text: *const c_char,
}

#[repr(C)]
struct Response {
    header: Header,
    key: *mut c_char,
}

/// The list in lines: the title, then `KEY TEXT` each. `None` where GDM would refuse the message.
///
/// # Safety
/// `message` begins with a header, and is a request for a list if the header says so.
pub(crate) unsafe fn read(message: *const Header) -> Option<Vec<u8>> {
    // SAFETY: as this function's own.
    let (length, extension) = unsafe { (u32::from_be((*message).length), (*message).extension) };
    let advertised = std::env::var("GDM_SUPPORTED_PAM_EXTENSIONS").ok()?;
    if advertised.split(' ').nth(extension.into()) != Some(CHOICE_LIST) {
        return None;
    }
    let request: *const Request = message.cast();
    // SAFETY: it is a request, so it has a title and a count.
    let (title, count) = unsafe { ((*request).title, (*request).count) };
    if usize::try_from(length).ok()? < size_of::<Request>() + count * size_of::<Item>() {
        return None;
    }
    // SAFETY: the items stand right behind the count, and their length was just checked.
    let items = unsafe { std::slice::from_raw_parts(request.add(1).cast::<Item>(), count) };
    // SAFETY: all of these are strings.
    let text = |text: *const c_char| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned();
    let lines = items.iter().map(|item| format!("\n{} {}", text(item.key), text(item.text)));
    Some(format!("{}{}", text(title), lines.collect::<String>()).into_bytes())
}

/// The reply that says that this was picked: a string in memory that whoever gets the reply will free.
pub(crate) fn picked(key: *mut c_char) -> *mut c_char {
    // SAFETY: room for a response, all of it zero.
    let response = unsafe { libc::calloc(1, size_of::<Response>()) }.cast::<Response>();
    assert!(!response.is_null(), "out of memory");
    // SAFETY: it points to one response that is there.
    unsafe { (*response).key = key };
    response.cast()
}
