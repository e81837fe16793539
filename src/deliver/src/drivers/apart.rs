//! Conversations by libraries that know no deadline, in a thread that may be left behind: the process ends soon.

use crate::refusal::Refusal;
use herald_core::courier::End;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Kept back from the time of a try, to say how it ended.
const LAST_WORDS: Duration = Duration::from_millis(20);

/// How far a conversation has come, told to whoever waits for it.
#[derive(Clone, Default)]
pub(super) struct Progress(Arc<AtomicU8>);

impl Progress {
    const TALKING: u8 = 0;
    const MESSAGE: u8 = 1;
    const LEFT_ALONE: u8 = 2;

    /// Whether the message may still go out: not after somebody said that it did not.
    pub(super) fn begin_message(&self) -> bool {
        self.0.compare_exchange(Self::TALKING, Self::MESSAGE, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    /// Says that nobody waits any more; whether the message had gone out before.
    fn leave_alone(&self) -> bool {
        self.0.compare_exchange(Self::TALKING, Self::LEFT_ALONE, Ordering::SeqCst, Ordering::SeqCst).is_err()
    }
}

/// Runs a conversation with `whom` in a thread of its own, and waits for it until its time is up.
///
/// # Errors
/// What the conversation came to; or that it took too long, and whether the message may be out.
pub(super) fn apart<T: Send + 'static>(
    until: Instant,
    whom: &str,
    talk: impl FnOnce(&Progress) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let progress = Progress::default();
    let watched = progress.clone();
    let (answer, answered) = mpsc::channel();
    let talk = move || {
        let _ = answer.send(talk(&progress));
    };
    std::thread::Builder::new()
        .name("apart".to_owned())
        .spawn(talk)
        .map_err(|_| Refusal::new(End::TryAgain { after: None }, "no thread is to be had"))?;
    let left = until.saturating_duration_since(Instant::now()).saturating_sub(LAST_WORDS);
    answered.recv_timeout(left).unwrap_or_else(|_| {
        Err(if watched.leave_alone() {
            Refusal::new(End::Unclear, format!("the message went out, and {whom} did not say in time that it took it"))
        } else {
            late(whom)
        })
    })
}

/// Too late, and nothing was sent.
pub(super) fn late(whom: &str) -> Refusal {
    Refusal::new(End::TryAgain { after: None }, format!("{whom} is too slow; nothing was sent"))
}
