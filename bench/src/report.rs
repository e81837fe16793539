//! The tables, in Markdown: `docs/performance.md` has them as they are printed.

use crate::Failure;
use crate::contestant::Contestant;
use crate::crowd::{self, Crowds};
use crate::footprint::{Footprint, size};
use crate::rounds::{Times, median_of};
use crate::scratch::Scratch;
use std::fmt::Write;
use std::time::Duration;

/// Everything that was measured, and every bar with yes or no.
pub(crate) fn tables(
    scratch: &Scratch,
    times: &[Times],
    crowds: &Crowds,
    footprints: &[(Contestant, Footprint)],
) -> Result<String, Failure> {
    let report = Report { times, crowds, footprints };
    Ok(format!("{}\n{}\n{}", report.logins(), report.memory(), report.bars(scratch)?))
}

struct Report<'a> {
    times: &'a [Times],
    crowds: &'a Crowds,
    footprints: &'a [(Contestant, Footprint)],
}

impl Report<'_> {
    fn logins(&self) -> String {
        let mut table = Table::new(&["a login", "median", "half of them", "added over pam_permit", "logins"]);
        for times in self.times {
            let compared = times.contestant.is_login() && times.contestant != Contestant::Permit;
            let added = if compared { duration(self.added(times.contestant)) } else { String::new() };
            let half = format!("{} to {}", duration(times.at(25)), duration(times.at(75)));
            let title = times.contestant.title().to_owned();
            table.row(vec![title, duration(times.median()), half, added, times.count().to_string()]);
        }
        table.text()
    }

    fn memory(&self) -> String {
        let mut table =
            Table::new(&["a host, one login", "peak", "added over pam_permit", "threads", "peak of a child"]);
        for (contestant, Footprint { host, child, threads }) in self.footprints {
            let added =
                if *contestant == Contestant::Permit { String::new() } else { bytes(self.memory_of(*contestant)) };
            let child = if *child > 0 { bytes(*child) } else { String::new() };
            table.row(vec![contestant.title().to_owned(), bytes(*host), added, threads.to_string(), child]);
        }
        table.text()
    }

    fn bars(&self, scratch: &Scratch) -> Result<String, Failure> {
        let mut table = Table::new(&["what", "measured", "bar", "kept"]);
        let mut at_most = |what: &str, measured: f64, bar: f64, show: &dyn Fn(f64) -> String| {
            let row = [what.to_owned(), show(measured), format!("at most {}", show(bar)), kept(measured <= bar)];
            table.row(row.to_vec());
        };
        let times = |ratio: f64| format!("{ratio:.2} ×");
        let nullok = self.added(Contestant::GoogleNullok);
        let [exec, light_exec] = [Contestant::ExecCurl, Contestant::LightExecCurl].map(|one| self.added(one));
        let [curl, light] = [Contestant::Curl, Contestant::LightCurl].map(|one| median_of(self.times, one));
        let code = self.added(Contestant::HeraldCode);
        for (what, measured, bar) in [
            (
                "exempt, against pam_google_authenticator nullok",
                ratio(self.added(Contestant::HeraldExempt), nullok),
                1.5,
            ),
            ("unenrolled with skip, against the same", ratio(self.added(Contestant::HeraldUnenrolled), nullok), 1.5),
            ("code sent and verified, against pam_exec and curl", ratio(code, exec), 0.25),
            ("code sent and verified, against a bare curl", ratio(code, curl), 0.5),
            ("the same, if curl reads one certificate: pam_exec", ratio(code, light_exec), 0.25),
            ("the same, if curl reads one certificate: bare", ratio(code, light), 0.5),
            (
                "by a driver of the catalogue, against telegram-bot",
                ratio(self.added(Contestant::HeraldCatalogue), code),
                1.15,
            ),
            ("through the broker, against direct", ratio(self.added(Contestant::HeraldBroker), code), 3.0),
        ] {
            at_most(what, measured, bar, &times);
        }
        let heralds = [Contestant::HeraldExempt, Contestant::HeraldUnenrolled, Contestant::HeraldCode];
        let memory = heralds.map(|one| self.memory_of(one)).into_iter().max().unwrap_or(0);
        let deliver = self.footprint(Contestant::HeraldCode).child;
        if deliver == 0 {
            return Err("herald-deliver needed less memory than the host: its peak cannot be told".to_owned());
        }
        let show = |figure: f64| bytes(figure as u64);
        for (what, measured, bar) in [
            ("peak memory added to the host", memory, 1_000_000),
            ("herald-deliver, peak memory", deliver, 8_000_000),
            ("herald-deliver, file", size(scratch, "herald-deliver")?, 4_000_000),
            ("pam_herald.so, stripped", size(scratch, "pam_herald.so")?, 800_000),
        ] {
            at_most(what, measured as f64, bar as f64, &show);
        }
        let threads = heralds.map(|one| self.footprint(one).threads).into_iter().max().unwrap_or(0);
        at_most("threads of the host", threads as f64, 1.0, &|figure| format!("{figure:.0}"));
        let throughput = ratio(self.crowds.exec, self.crowds.herald);
        let what = format!("{} at once, throughput against pam_exec and curl", crowd::SIZE);
        table.row(vec![what, times(throughput), format!("at least {}", times(3.0)), kept(throughput >= 3.0)]);
        Ok(format!("{}\n{}\n", table.text(), of_crowds(self.crowds)))
    }

    /// The time that somebody adds to a login.
    fn added(&self, contestant: Contestant) -> Duration {
        median_of(self.times, contestant).saturating_sub(median_of(self.times, Contestant::Permit))
    }

    /// The memory that somebody adds to a host, in bytes.
    fn memory_of(&self, contestant: Contestant) -> u64 {
        self.footprint(contestant).host.saturating_sub(self.footprint(Contestant::Permit).host)
    }

    fn footprint(&self, contestant: Contestant) -> Footprint {
        self.footprints.iter().find(|(one, _)| *one == contestant).map(|(_, footprint)| *footprint).unwrap_or_default()
    }
}

/// How long the crowds took.
pub(crate) fn of_crowds(Crowds { herald, exec, rounds }: &Crowds) -> String {
    format!(
        "{} at once took {} with pam_herald and {} with pam_exec and curl (medians of {rounds}); every code arrived and \
         was verified.",
        crowd::SIZE,
        duration(*herald),
        duration(*exec)
    )
}

fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64().max(1e-9)
}

fn kept(kept: bool) -> String {
    if kept { "yes" } else { "**no**" }.to_owned()
}

fn duration(time: Duration) -> String {
    let micros = time.as_secs_f64() * 1e6;
    if micros < 1000.0 { format!("{micros:.0} µs") } else { format!("{:.2} ms", micros / 1000.0) }
}

fn bytes(count: u64) -> String {
    if count < 1_000_000 { format!("{} KB", count / 1000) } else { format!("{:.2} MB", count as f64 / 1e6) }
}

/// Columns as wide as their widest cell.
struct Table(Vec<Vec<String>>);

impl Table {
    fn new(head: &[&str]) -> Self {
        Self(vec![head.iter().map(|&cell| cell.to_owned()).collect()])
    }

    fn row(&mut self, cells: Vec<String>) {
        self.0.push(cells);
    }

    fn text(&self) -> String {
        let width =
            |column: usize| self.0.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
        let mut text = String::new();
        for (number, row) in self.0.iter().enumerate() {
            let mut rule = String::new();
            for (column, cell) in row.iter().enumerate() {
                let width = width(column).unwrap_or(0);
                // Writing to a String cannot fail.
                let _ = write!(text, "| {cell:width$} ");
                let _ = write!(rule, "|{:-<1$}", "", width + 2);
            }
            text.push_str("|\n");
            if number == 0 {
                let _ = writeln!(text, "{rule}|");
            }
        }
        text
    }
}
