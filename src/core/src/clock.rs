//! Time: what the ledger counts in, and what people read.

use std::fmt;
use std::time::{Duration, SystemTime};

/// A point on CLOCK_BOOTTIME, which counts suspend and is moved by nobody (clock_gettime(2)).
/// Comparable only within one boot (rule 18).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

impl Moment {
    /// A moment so many milliseconds after boot.
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since boot.
    pub const fn millis(self) -> u64 {
        self.0
    }

    /// The moment `after` later; stays at the end of time instead of wrapping.
    #[must_use]
    pub fn plus(self, after: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(after.as_millis()).unwrap_or(u64::MAX)))
    }

    /// How long `earlier` is ago; zero if it lies in the future.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// A wall-clock time in whole seconds, written as RFC 3339 in UTC (`2026-11-22T02:00:00Z`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp(u64);

impl Timestamp {
    /// Seconds since 1970-01-01T00:00:00Z. Years after 9999 are cut to the last second of it.
    pub fn from_unix(seconds: u64) -> Self {
        Self(seconds.min(253_402_300_799))
    }

    /// Seconds since 1970-01-01T00:00:00Z.
    pub const fn unix(self) -> u64 {
        self.0
    }

    /// Reads RFC 3339 with a `Z` or an offset of zero.
    pub fn parse(text: &str) -> Option<Self> {
        let utc = text.strip_suffix("+00:00").map(|rest| format!("{rest}Z"));
        let time = humantime::parse_rfc3339(utc.as_deref().unwrap_or(text)).ok()?;
        let seconds = time.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
        Some(Self::from_unix(seconds))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(self.0);
        write!(formatter, "{}", humantime::format_rfc3339_seconds(time))
    }
}

/// The clocks of the machine.
pub trait Clock {
    /// Now on CLOCK_BOOTTIME.
    fn now(&self) -> Moment;
    /// What tells this boot from every other (`/proc/sys/kernel/random/boot_id`).
    ///
    /// # Errors
    /// The text says what could not be read.
    fn boot_id(&self) -> Result<String, String>;
    /// Now on the wall clock. A Raspberry Pi starts in the past: nothing that guards a login may
    /// depend on it.
    fn wall(&self) -> Timestamp;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timestamp_is_read_back_as_it_was_written() {
        let time = Timestamp::parse("2026-11-22T02:00:00Z").expect("valid");
        assert_eq!(time.to_string(), "2026-11-22T02:00:00Z");
        assert_eq!(Timestamp::parse("2026-11-22T02:00:00+00:00"), Some(time));
        assert_eq!(Timestamp::parse("2026-11-22"), None);
    }

    #[test]
    fn moments_never_wrap() {
        let end = Moment::from_millis(u64::MAX);
        assert_eq!(end.plus(Duration::from_secs(1)), end);
        assert_eq!(Moment::from_millis(1).since(end), Duration::ZERO);
    }
}
