//! Times in logs and on the command line. What is shown, and what has no offset, is this machine's local time.

use herald_core::config::parse_duration;
use time::format_description::BorrowedFormatItem;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, Duration, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
const MINUTE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day] [hour]:[minute]");
const SECOND: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
/// As syslog writes it, after a year was put in front (RFC 3164).
const SYSLOG: &[BorrowedFormatItem<'_>] =
    format_description!("[year] [month repr:short] [day padding:none] [hour]:[minute]:[second]");

/// Seconds since 1970.
pub(super) fn from_unix(seconds: u64) -> OffsetDateTime {
    let seconds = i64::try_from(seconds).ok().and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    seconds.unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// In local time, to the second.
pub(super) fn shown(time: OffsetDateTime) -> String {
    time.to_offset(offset_at(time)).format(SECOND).unwrap_or_default()
}

/// What stands behind `--since`: how long ago, or a time.
pub(super) fn since(text: &str, now: OffsetDateTime) -> Option<OffsetDateTime> {
    let ago = text.strip_suffix('d').and_then(|days| days.parse().ok()).map(|days: u16| Duration::days(days.into()));
    if let Some(ago) = ago.or_else(|| Duration::try_from(parse_duration(text)?).ok()) {
        return now.checked_sub(ago);
    }
    let today = now.to_offset(offset_at(now)).date();
    match text {
        "today" => return Some(local(today.midnight())),
        "yesterday" => return today.previous_day().map(|day| local(day.midnight())),
        _ => {}
    }
    let whole = OffsetDateTime::parse(text, &Rfc3339).ok();
    let text = text.replace('T', " ");
    let moment = || {
        let day = Date::parse(&text, DATE).ok().map(|day| PrimitiveDateTime::new(day, Time::MIDNIGHT));
        day.or_else(|| PrimitiveDateTime::parse(&text, MINUTE).ok())
            .or_else(|| PrimitiveDateTime::parse(&text, SECOND).ok())
    };
    whole.or_else(|| moment().map(local))
}

/// The time at the beginning of a line in a log file, and what follows: RFC 3339, or RFC 3164, which has no year. The
/// file was last written to at `written`: the line is not younger.
pub(super) fn leading(line: &str, written: OffsetDateTime) -> Option<(OffsetDateTime, &str)> {
    let (first, rest) = line.split_once(' ')?;
    if let Ok(time) = OffsetDateTime::parse(first, &Rfc3339) {
        return Some((time, rest));
    }
    // "Nov  2 02:00:00 "
    let (stamp, rest) = line.split_at_checked(15)?;
    let stamp = stamp.split_whitespace().collect::<Vec<_>>().join(" ");
    let year = written.to_offset(offset_at(written)).year();
    let in_year = |year: i32| PrimitiveDateTime::parse(&format!("{year:04} {stamp}"), SYSLOG).ok().map(local);
    let day = Duration::DAY;
    let time = in_year(year).filter(|time| *time <= written + day).or_else(|| in_year(year - 1))?;
    Some((time, rest.strip_prefix(' ')?))
}

fn local(time: PrimitiveDateTime) -> OffsetDateTime {
    let first = time.assume_offset(offset_at(time.assume_utc()));
    // Around a change of the clocks the first guess may be an hour off.
    time.assume_offset(offset_at(first))
}

/// UTC, where it cannot be known.
fn offset_at(time: OffsetDateTime) -> UtcOffset {
    UtcOffset::local_offset_at(time).unwrap_or(UtcOffset::UTC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    // Tests run in threads, where the local offset is not looked up: it is UTC here.

    #[test]
    fn times_are_understood_as_people_write_them() {
        let now = datetime!(2026-11-22 12:00:00 UTC);
        for (text, time) in [
            ("2h", Some(datetime!(2026-11-22 10:00:00 UTC))),
            ("7d", Some(datetime!(2026-11-15 12:00:00 UTC))),
            ("1h30m", Some(datetime!(2026-11-22 10:30:00 UTC))),
            ("today", Some(datetime!(2026-11-22 0:00 UTC))),
            ("yesterday", Some(datetime!(2026-11-21 0:00 UTC))),
            ("2026-11-20", Some(datetime!(2026-11-20 0:00 UTC))),
            ("2026-11-20 08:30", Some(datetime!(2026-11-20 8:30 UTC))),
            ("2026-11-20T08:30:05", Some(datetime!(2026-11-20 8:30:05 UTC))),
            ("2026-11-20T08:30:05+09:00", Some(datetime!(2026-11-19 23:30:05 UTC))),
            ("last week", None),
            ("", None),
            ("-2h", None),
        ] {
            assert_eq!(since(text, now), time, "{text}");
        }
    }

    #[test]
    fn lines_begin_with_either_form_of_time() {
        let written = datetime!(2026-01-02 0:00 UTC);
        for (line, time, rest) in [
            ("2026-01-01T09:00:00.123456+09:00 pi sshd: x", datetime!(2026-01-01 0:00:00.123456 UTC), "pi sshd: x"),
            ("Jan  1 03:04:05 pi sshd: x", datetime!(2026-01-01 3:04:05 UTC), "pi sshd: x"),
            ("Dec 31 23:59:59 pi sshd: x", datetime!(2025-12-31 23:59:59 UTC), "pi sshd: x"),
        ] {
            assert_eq!(leading(line, written), Some((time, rest)), "{line}");
        }
        for line in ["", "x", "Foo 31 23:59:59 pi x", "日本語日本語日本語 x"] {
            assert_eq!(leading(line, written), None, "{line}");
        }
    }
}
