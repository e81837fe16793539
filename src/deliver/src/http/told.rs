//! Replies from a script, in place of a network.

use super::{Reply, wait};
use reqwest::StatusCode;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What every service answers: one reply after the other, and the last one for good.
#[derive(Debug)]
pub(crate) struct Told {
    replies: Vec<Reply>,
    asked: AtomicUsize,
}

impl Told {
    /// These replies; `None` where there are none.
    pub(crate) fn new(replies: Vec<Reply>) -> Option<Self> {
        (!replies.is_empty()).then(|| Self { replies, asked: AtomicUsize::new(0) })
    }

    /// How often somebody asked.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    pub(super) fn next(&self) -> Option<Reply> {
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        self.replies.get(asked).or(self.replies.last()).cloned()
    }
}

/// Reads a reply: its status, then Retry-After if it says so, a line break, and the body. Without a line break the body
/// broke off.
pub(crate) fn reply(text: &[u8]) -> Reply {
    let end = text.iter().position(|byte| *byte == b'\n');
    let (head, rest) = text.split_at_checked(end.unwrap_or(text.len())).unwrap_or((text, &[]));
    let head = String::from_utf8_lossy(head);
    let mut words = head.split_ascii_whitespace();
    let status = words.next().and_then(|word| StatusCode::from_bytes(word.as_bytes()).ok());
    Reply {
        status: status.unwrap_or(StatusCode::OK),
        retry_after: words.next().and_then(|word| word.parse().ok()).map(wait),
        body: rest.split_first().map(|(_, body)| body.to_vec()).ok_or("the answer broke off"),
    }
}
