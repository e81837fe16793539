//! The texts of one language as one piece of memory, put together by the compiler.

/// How long all of them are together.
#[allow(clippy::indexing_slicing, reason = "the compiler runs it: what is out of bounds does not compile")]
pub(super) const fn length(texts: &[&str]) -> usize {
    let (mut length, mut next) = (0, 0);
    while next < texts.len() {
        length += texts[next].len();
        next += 1;
    }
    length
}

/// One behind the other.
#[allow(clippy::indexing_slicing, reason = "as above")]
pub(super) const fn joined<const LENGTH: usize>(texts: &[&str]) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    let (mut at, mut next) = (0, 0);
    while next < texts.len() {
        let (text, mut from) = (texts[next].as_bytes(), 0);
        while from < text.len() {
            bytes[at] = text[from];
            at += 1;
            from += 1;
        }
        next += 1;
    }
    bytes
}

/// Where each of them ends.
#[allow(clippy::indexing_slicing, clippy::as_conversions, reason = "as above, and the length is checked")]
pub(super) const fn ends<const COUNT: usize>(texts: &[&str; COUNT]) -> [u16; COUNT] {
    let mut ends = [0; COUNT];
    let (mut end, mut next) = (0, 0);
    while next < texts.len() {
        end += texts[next].len();
        assert!(end <= 0xffff, "the texts of a language are at most 64 KiB");
        ends[next] = end as u16;
        next += 1;
    }
    ends
}
