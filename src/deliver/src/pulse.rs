//! Whether this process was free to run.
//!
//! Who starts `su` may freeze or throttle what it starts. A connection that "timed out" while we stood still says
//! nothing about the network, and must not count as a gateway that cannot be reached (rule 5).

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// From one beat to the next.
const BEAT: Duration = Duration::from_millis(100);
/// A beat that comes so much later than it should means that the process stood still.
const STANDSTILL: Duration = Duration::from_millis(600);

/// What the beats have shown so far.
#[derive(Clone, Debug)]
pub(crate) struct Pulse(Arc<Mutex<Beats>>);

#[derive(Debug)]
struct Beats {
    last: Instant,
    stood_still: bool,
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
            beating.stood_still(Instant::now());
        };
        std::thread::Builder::new().name("pulse".to_owned()).stack_size(64 * 1024).spawn(beat)?;
        Ok(pulse)
    }

    /// Whether the process was kept from running at some moment before `now`. Asking is a beat as well: whoever
    /// wakes first after a standstill learns of it.
    pub(crate) fn stood_still(&self, now: Instant) -> bool {
        let mut beats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        beats.stood_still |= now.saturating_duration_since(beats.last) > BEAT + STANDSTILL;
        beats.last = now;
        beats.stood_still
    }

    /// One that nobody keeps beating.
    pub(crate) fn at(start: Instant) -> Self {
        Self(Arc::new(Mutex::new(Beats { last: start, stood_still: false })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rule_5_a_process_that_was_frozen_knows_it_at_once_and_for_good() {
        let start = Instant::now();
        let pulse = Pulse::at(start);
        let after = |milliseconds| pulse.stood_still(start + Duration::from_millis(milliseconds));
        assert!(!after(100) && !after(201) && !after(450));
        assert!(after(1300));
        assert!(after(1400));
    }
}
