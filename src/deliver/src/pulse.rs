//! Whether this process was free to run.
//!
//! Who starts `su` may freeze or throttle what it starts. A connection that "timed out" while we stood still says
//! nothing about the network, and must not count as a gateway that cannot be reached (rule 5).

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// From one beat to the next. Whoever wants to hold us up must do it for longer than this at a time, or we notice.
const BEAT: Duration = Duration::from_millis(20);
/// A beat that comes this late is nobody's doing: a busy machine lets every process wait for its turn.
const TURN: Duration = Duration::from_millis(40);
/// Time lost to longer waits that a very busy machine may cost us as well.
const USUAL: Duration = Duration::from_millis(300);

/// What the beats have shown so far.
#[derive(Clone, Debug)]
pub(crate) struct Pulse(Arc<Mutex<Beats>>);

#[derive(Debug)]
struct Beats {
    start: Instant,
    last: Instant,
    /// By how much all beats together came late that came very late.
    lost: Duration,
}

impl Pulse {
    /// Starts to listen, until the process ends.
    ///
    /// # Errors
    /// No thread is to be had.
    pub(crate) fn start() -> io::Result<Self> {
        let pulse = Self::at(Instant::now());
        let beating = pulse.clone();
        let beat = move || loop {
            std::thread::sleep(BEAT);
            beating.was_held_up(Instant::now());
        };
        std::thread::Builder::new().name("pulse".to_owned()).stack_size(64 * 1024).spawn(beat)?;
        Ok(pulse)
    }

    /// Whether the process was kept from running for a quarter of the time until `now`. Asking is a beat as well:
    /// whoever wakes first after a standstill learns of it.
    pub(crate) fn was_held_up(&self, now: Instant) -> bool {
        let mut beats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let late = now.saturating_duration_since(beats.last).saturating_sub(BEAT);
        if late > TURN {
            beats.lost += late;
        }
        beats.last = now;
        let all = now.saturating_duration_since(beats.start);
        beats.lost > USUAL && beats.lost > all / 4
    }

    /// One that nobody keeps beating.
    pub(crate) fn at(start: Instant) -> Self {
        Self(Arc::new(Mutex::new(Beats { start, last: start, lost: Duration::ZERO })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held_up(pauses: impl IntoIterator<Item = u64>) -> bool {
        let mut now = Instant::now();
        let pulse = Pulse::at(now);
        pauses
            .into_iter()
            .map(|pause| {
                now += Duration::from_millis(pause);
                pulse.was_held_up(now)
            })
            .last()
            .expect("a beat")
    }

    #[test]
    fn rule_5_a_process_that_was_frozen_knows_it_at_once() {
        assert!(held_up([20, 21, 1200]));
        assert!(held_up([20, 21, 1200, 20, 20]));
    }

    #[test]
    fn rule_5_many_short_freezes_are_one_long_one() {
        assert!(held_up([80; 20]));
    }

    #[test]
    fn a_busy_machine_is_no_standstill() {
        assert!(!held_up([55; 400]));
        assert!(!held_up([20, 250, 20]));
        assert!(!held_up(std::iter::repeat_n(20, 200).chain([900])));
    }
}
