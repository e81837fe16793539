//! What the host says, copied out of the PAM handle before anybody is asked anything: during a prompt the host runs
//! its own code, which may replace any item and free the old one.

use super::handle::{GetUser, Handle};
use herald_core::login::{Attempt, Verdict};
use pam::items::{AuthTok, RHost, RUser, Service, Tty};
use std::ffi::CStr;
use std::fmt::Write;

/// Everything that a login is decided from.
///
/// # Errors
/// The verdict, if the host would not even say who is logging in.
pub(crate) fn attempt(handle: Handle<'_>, arguments: &[&CStr]) -> Result<Attempt, Verdict> {
    // First, since libpam may have to ask for the name.
    let user = handle.user().map_err(|error| match error {
        GetUser::Conversation => Verdict::ConversationError,
        GetUser::Failed => Verdict::SystemError,
    })?;
    Ok(Attempt {
        service: handle.item(|Service(text)| lossless(text.to_bytes()))?,
        user,
        rhost: handle.item(|RHost(text)| lossless(text.to_bytes()))?,
        tty: handle.item(|Tty(text)| lossless(text.to_bytes()))?,
        ruser: handle.item(|RUser(text)| lossless(text.to_bytes()))?,
        authtok: handle.item(|token: AuthTok<'_>| Some(token.as_bytes().into()))?,
        // sshd(8) sets it to the empty string while nothing is proved yet.
        ssh_key: handle.environment(c"SSH_AUTH_INFO_0").is_some_and(|value| !value.is_empty()),
        vouched: false,
        claimed: None,
        appended: None,
        arguments: arguments.iter().map(|argument| argument.to_bytes().to_vec()).collect(),
        spoken: None,
    })
}

/// Bytes as text, so that no two values look the same: what is not UTF-8 becomes `%XX`, and so does a `%` that
/// could be taken for that.
fn lossless(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        let mut rest = chunk.valid();
        while let Some((before, after)) = rest.split_once('%') {
            let looks_coded = after.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
            text.push_str(before);
            text.push_str(if looks_coded { "%25" } else { "%" });
            rest = after;
        }
        text.push_str(rest);
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_bytes_are_coded_and_cannot_be_forged() {
        for (bytes, text) in [
            (&b"203.0.113.7"[..], "203.0.113.7"),
            (b"fe80::1%eth0", "fe80::1%eth0"),
            ("日本".as_bytes(), "日本"),
            (b"pc\xff\x80.example", "pc%FF%80.example"),
            (b"pc%FF%80.example", "pc%25FF%2580.example"),
            (b"pc%2\xff", "pc%2%FF"),
            (b"%", "%"),
            (b"", ""),
        ] {
            assert_eq!(lossless(bytes), text);
        }
    }
}
