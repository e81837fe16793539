//! The clocks of the machine.
#![forbid(unsafe_code)]

use herald_core::clock::{Clock, Moment, Timestamp};
use rustix::fs::{Mode, OFlags};
use rustix::time::{ClockId, Timespec, clock_gettime};

/// Changes with every start of the kernel, and never in between (random(4)).
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// CLOCK_BOOTTIME, CLOCK_REALTIME and the kernel's boot id.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsClock;

impl Clock for OsClock {
    fn now(&self) -> Moment {
        let Timespec { tv_sec, tv_nsec } = clock_gettime(ClockId::Boottime);
        let seconds = u64::try_from(tv_sec).unwrap_or(0);
        let millis = u64::try_from(tv_nsec).unwrap_or(0) / 1_000_000;
        Moment::from_millis(seconds.saturating_mul(1000).saturating_add(millis))
    }

    fn boot_id(&self) -> Result<String, String> {
        let failed = |error| format!("{BOOT_ID} cannot be read: {error}. Is /proc mounted?");
        let file = rustix::fs::open(BOOT_ID, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
            .map_err(failed)?;
        let mut bytes = [0; 64];
        let length = rustix::io::read(&file, &mut bytes).map_err(failed)?;
        let text = bytes.get(..length).and_then(|bytes| std::str::from_utf8(bytes).ok()).unwrap_or_default().trim_end();
        let uuid = text.len() == 36 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
        if uuid { Ok(text.to_owned()) } else { Err(format!("{BOOT_ID} does not hold a boot id")) }
    }

    fn wall(&self) -> Timestamp {
        Timestamp::from_unix(u64::try_from(clock_gettime(ClockId::Realtime).tv_sec).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

    #[test]
    fn rule_18_the_ledgers_clock_counts_from_boot() {
        let uptime = std::fs::read_to_string("/proc/uptime").expect("/proc");
        let seconds: f64 = uptime.split(' ').next().expect("two numbers").parse().expect("a number");
        let now = OsClock.now();
        let uptime = Moment::from_millis((seconds * 1000.0) as u64);
        assert!(now.since(uptime) < Duration::from_secs(60) && uptime.since(now) < Duration::from_secs(60));
        assert!(OsClock.now() >= now);
    }

    #[test]
    fn the_boot_id_is_the_kernels_and_stays() {
        let id = OsClock.boot_id().expect("/proc is mounted");
        assert_eq!(std::fs::read_to_string(BOOT_ID).expect("/proc").trim_end(), id);
        assert_eq!(OsClock.boot_id(), Ok(id));
    }

    #[test]
    fn the_wall_clock_is_the_systems() {
        let system = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_secs();
        assert!(OsClock.wall().unix().abs_diff(system) <= 1);
    }
}
