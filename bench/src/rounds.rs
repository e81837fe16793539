//! The clock: everybody in turn, round after round, so that a busy moment of the machine meets all alike.

use crate::Failure;
use crate::contestant::Contestant;
use crate::scratch::Scratch;
use std::time::Duration;

/// The times of one contestant, sorted.
pub(crate) struct Times {
    pub(crate) contestant: Contestant,
    sorted: Vec<Duration>,
}

impl Times {
    fn new(contestant: Contestant) -> Self {
        Self { contestant, sorted: Vec::new() }
    }

    /// The middle one.
    pub(crate) fn median(&self) -> Duration {
        self.at(50)
    }

    /// The time that so many of a hundred stayed below.
    pub(crate) fn at(&self, percent: usize) -> Duration {
        let last = self.sorted.len().saturating_sub(1);
        self.sorted.get(last * percent / 100).copied().unwrap_or_default()
    }

    /// How many were measured.
    pub(crate) fn count(&self) -> usize {
        self.sorted.len()
    }
}

/// The median of one contestant.
pub(crate) fn median_of(times: &[Times], contestant: Contestant) -> Duration {
    times.iter().find(|times| times.contestant == contestant).map(Times::median).unwrap_or_default()
}

/// Lets these log in `rounds` times over.
pub(crate) fn measure(scratch: &Scratch, contestants: &[Contestant], rounds: usize) -> Result<Vec<Times>, Failure> {
    let mut all: Vec<Times> = contestants.iter().copied().map(Times::new).collect();
    // What is only in caches from the second time on is there before the clock runs.
    for contestant in contestants {
        contestant.run(scratch, "198.51.100.7")?;
    }
    for round in 0..rounds {
        scratch.forget_logins()?;
        // Nobody always comes after the same one.
        all.rotate_left(1);
        for times in &mut all {
            // What takes long gets fewer tries in a round.
            let tries = if times.contestant.messages() > 0 { 4 } else { 20 };
            for attempt in 0..tries {
                let rhost = format!("198.51.100.{}", 100 + (round + attempt) % 100);
                times.sorted.push(times.contestant.run(scratch, &rhost)?);
            }
        }
    }
    for times in &mut all {
        times.sorted.sort_unstable();
    }
    all.sort_by_key(|times| Contestant::ALL.iter().position(|one| *one == times.contestant));
    Ok(all)
}
