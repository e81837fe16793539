//! What must be remembered between two tries: failures, the lock, sends, live challenges, and the codes that died.
//!
//! One file per user under `/run/herald/ledger`, on tmpfs. All times are milliseconds on CLOCK_BOOTTIME; `boot` says
//! which boot they belong to, and a ledger of another boot counts as absent (rule 18). Codes are kept only as MACs.

use crate::clock::Moment;
use crate::config::{CodeRules, Limits};
use crate::document::{Section, Writer, read_document};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How many dead codes are remembered, to tell "already used" from "wrong".
const DEAD_KEPT: usize = 32;
/// How many places of one user are remembered; a further one takes the place of the oldest.
const PLACES_KEPT: usize = 32;

/// One user's ledger.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    /// Wrong answers in a row.
    pub failures: u32,
    /// Locks since the last right answer: each doubles the next.
    pub locks: u32,
    /// Until when the user is locked.
    pub locked_until: Option<u64>,
    /// Codes sent in vain, by the moment of their charge, oldest first.
    pub sends: Vec<u64>,
    /// Challenges that are being sent or wait for their answer.
    pub challenge: Vec<Challenge>,
    /// The last TOTP step that each app was used for (rule 19).
    pub steps: Vec<UsedStep>,
    /// Codes that were used or died, newest last.
    pub dead: Vec<DeadCode>,
    /// Hashes of backup codes that were used, newest last.
    pub spent: Vec<String>,
    /// Where the user is not asked again for a while, newest last (`policy.remember`).
    pub remembered: Vec<Remembered>,
}

/// A place where the user was asked, and is not asked again until a certain moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// The PAM service.
    pub service: String,
    /// A literal address, or a terminal and the login session on it.
    pub place: String,
    /// The factor that was proved: what is remembered ends with it.
    pub factor: u32,
    /// That factor's channel.
    pub channel: String,
    /// Until when.
    pub until: u64,
}

/// Where a challenge belongs: it is answered only there (rule 14).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The PAM service.
    pub service: String,
    /// PAM_RHOST; absent is empty.
    pub rhost: String,
    /// PAM_TTY; absent is empty.
    pub tty: String,
}

/// A code, or several of them (rule 13), that wait for one answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Challenge {
    /// Random, hex: part of every MAC.
    pub id: String,
    /// Where it belongs.
    pub origin: Origin,
    /// Wrong answers that it still survives.
    pub attempts_left: u32,
    /// Its codes, newest last.
    pub code: Vec<Code>,
}

/// One code that was sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Code {
    /// HMAC-SHA256, hex.
    pub mac: String,
    /// How many digits it has: what shape an answer to it has.
    pub digits: u32,
    /// Whose it is: it dies with its factor.
    pub factor: u32,
    /// The channel it went out by; while it is being sent, the one that is tried first.
    pub channel: String,
    /// The gateway it went out by; empty while it is being sent.
    pub gateway: String,
    /// When it was charged and handed over.
    pub sent: u64,
    /// When it dies.
    pub dies: u64,
    /// Being sent: others of that origin treat it as live until this moment; older is failed (rule 17).
    pub sending_until: Option<u64>,
}

/// A code that is good no more.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadCode {
    /// The challenge it belonged to: part of its MAC.
    pub challenge: String,
    /// Where it belonged.
    pub origin: Origin,
    /// HMAC-SHA256, hex.
    pub mac: String,
    /// Its length.
    pub digits: u32,
    /// Whether it was answered right.
    pub used: bool,
    /// When it is forgotten.
    pub forget: u64,
}

/// The last step of an authenticator app that was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsedStep {
    /// Which factor.
    pub factor: u32,
    /// Seconds since 1970 divided by 30 (RFC 6238, T).
    pub step: u64,
}

/// What the budget says about one more send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Budget {
    /// There is room.
    Open,
    /// None left; a send frees up after this time.
    UsedUp(Duration),
}

impl Ledger {
    /// Drops what is over: ended locks, old sends, dead challenges and codes. Called on every reading, so that
    /// nothing else has to look at times twice.
    pub fn tidy(&mut self, now: Moment) {
        let at = now.millis();
        if self.locked_until.is_some_and(|until| until <= at) {
            self.locked_until = None;
            self.failures = 0;
        }
        self.sends.retain(|sent| now.since(Moment::from_millis(*sent)) < DAY);
        let mut died = Vec::new();
        for challenge in &mut self.challenge {
            let (id, origin) = (challenge.id.clone(), challenge.origin.clone());
            let gone = challenge.attempts_left == 0;
            challenge.code.retain(|code| {
                let alive = !gone && code.dies > at && code.sending_until.is_none_or(|until| until > at);
                if !alive {
                    died.push(DeadCode::of(&id, &origin, code, false));
                }
                alive
            });
        }
        self.challenge.retain(|challenge| !challenge.code.is_empty());
        self.bury(died);
        self.dead.retain(|dead| dead.forget > at);
        self.remembered.retain(|remembered| remembered.until > at);
    }

    fn bury(&mut self, died: Vec<DeadCode>) {
        self.dead.extend(died);
        let surplus = self.dead.len().saturating_sub(DEAD_KEPT);
        self.dead.drain(..surplus);
    }

    /// How long the user is still locked.
    pub fn locked_for(&self, now: Moment) -> Option<Duration> {
        let until = Moment::from_millis(self.locked_until?);
        let left = until.since(now);
        (!left.is_zero()).then_some(left)
    }

    /// Counts a wrong answer; at `failures` in a row the user is locked: `lockout`, doubled with each further lock,
    /// at most 24 h (rule 16).
    pub fn charge_failure(&mut self, now: Moment, limits: &Limits) {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= limits.failures && self.locked_for(now).is_none() {
            let doubled = limits.lockout.saturating_mul(1 << self.locks.min(20));
            self.locked_until = Some(now.plus(doubled.min(DAY)).millis());
            self.locks = self.locks.saturating_add(1);
        }
    }

    /// A right answer: nothing in a row any more.
    pub fn absolve(&mut self) {
        self.failures = 0;
        self.locks = 0;
        self.locked_until = None;
    }

    /// Whether one more code may be sent: `sends` in `window`, and four times as many in 24 h (rule 11).
    pub fn budget(&self, now: Moment, limits: &Limits) -> Budget {
        let wait = |window: Duration, allowed: u32| {
            let mut recent: Vec<Moment> = self.sends.iter().map(|sent| Moment::from_millis(*sent)).collect();
            // They are in order already: the clock that charges them never goes back.
            recent.retain(|sent| now.since(*sent) < window);
            let allowed = usize::try_from(allowed).unwrap_or(usize::MAX);
            // The send whose end makes room: all but `allowed - 1` of the newest must have passed.
            let blocking = recent.len().checked_sub(allowed)?;
            recent.get(blocking).map(|sent| sent.plus(window).since(now))
        };
        let waits = [wait(limits.window, limits.sends), wait(DAY, limits.sends.saturating_mul(4))];
        waits.into_iter().flatten().max().map_or(Budget::Open, Budget::UsedUp)
    }

    /// Charges one send at this moment.
    pub fn charge_send(&mut self, now: Moment) {
        self.sends.push(now.millis());
    }

    /// Gives back the send that was charged at that moment.
    pub fn refund_send(&mut self, charged: u64) {
        if let Some(position) = self.sends.iter().position(|sent| *sent == charged) {
            self.sends.remove(position);
        }
    }

    /// The challenge of an origin: there is one at most.
    pub fn live(&self, origin: &Origin) -> Option<&Challenge> {
        self.challenge.iter().find(|challenge| challenge.origin == *origin)
    }

    /// The same, to be changed.
    pub fn live_mut(&mut self, origin: &Origin) -> Option<&mut Challenge> {
        self.challenge.iter_mut().find(|challenge| challenge.origin == *origin)
    }

    /// Whether a further challenge has room: at most `sends` at once (rule 14).
    pub fn has_room(&self, limits: &Limits) -> bool {
        self.challenge.len() < usize::try_from(limits.sends).unwrap_or(usize::MAX)
    }

    /// When the next challenge ends and makes room.
    pub fn next_end(&self, now: Moment) -> Option<Duration> {
        let end = |challenge: &Challenge| challenge.code.iter().map(|code| code.dies).max();
        self.challenge.iter().filter_map(end).min().map(|end| Moment::from_millis(end).since(now))
    }

    /// Ends the challenge of an origin: all its codes die; the one with that MAC was answered right.
    pub fn consume(&mut self, origin: &Origin, used: Option<&str>) {
        let Some(position) = self.challenge.iter().position(|challenge| challenge.origin == *origin) else { return };
        let challenge = self.challenge.remove(position);
        let died = challenge
            .code
            .iter()
            .map(|code| DeadCode::of(&challenge.id, &challenge.origin, code, used == Some(code.mac.as_str())));
        self.bury(died.collect());
    }

    /// Remembers that the backup code of that hash was used.
    pub fn spend(&mut self, hash: String) {
        self.spent.push(hash);
        let surplus = self.spent.len().saturating_sub(DEAD_KEPT);
        self.spent.drain(..surplus);
    }

    /// Remembers that the user was asked at a place, by the proof of this factor.
    pub fn remember(&mut self, remembered: Remembered) {
        self.remembered.retain(|other| (&other.service, &other.place) != (&remembered.service, &remembered.place));
        self.remembered.push(remembered);
        let surplus = self.remembered.len().saturating_sub(PLACES_KEPT);
        self.remembered.drain(..surplus);
    }

    /// Whether the user was asked there and the time is not over.
    pub fn remembers(&self, now: Moment, service: &str, place: &str) -> bool {
        let there = |remembered: &Remembered| remembered.service == service && remembered.place == place;
        self.remembered.iter().any(|remembered| there(remembered) && remembered.until > now.millis())
    }

    /// Ends every code whose factor is not kept: it was disabled or removed (rule 13). What was remembered by it ends too.
    pub fn keep_factors(&mut self, kept: impl Fn(u32, &str) -> bool) {
        for challenge in &mut self.challenge {
            challenge.code.retain(|code| kept(code.factor, &code.channel));
        }
        self.challenge.retain(|challenge| !challenge.code.is_empty());
        self.remembered.retain(|remembered| kept(remembered.factor, &remembered.channel));
    }
}

impl Challenge {
    /// Opens an empty challenge.
    pub fn new(id: String, origin: Origin, rules: &CodeRules) -> Self {
        Self { id, origin, attempts_left: rules.attempts, code: Vec::new() }
    }

    /// The newest code: the one that a prompt talks about.
    pub fn newest(&self) -> Option<&Code> {
        self.code.last()
    }
}

impl DeadCode {
    fn of(challenge: &str, origin: &Origin, code: &Code, used: bool) -> Self {
        Self {
            challenge: challenge.to_owned(),
            origin: origin.clone(),
            mac: code.mac.clone(),
            digits: code.digits,
            used,
            forget: Moment::from_millis(code.dies).plus(Duration::from_secs(60 * 60)).millis(),
        }
    }
}

impl Ledger {
    /// Reads a ledger file. One of another boot is an empty ledger (rule 18).
    ///
    /// # Errors
    /// Why it cannot be understood.
    pub fn parse(text: &str, boot: &str) -> Result<Self, String> {
        let mut ledger = Self::default();
        let mut ours = false;
        let problems = read_document(text, |root| {
            ours = root.required_text("boot") == boot;
            ledger.failures = root.required_u32("failures");
            ledger.locks = root.required_u32("locks");
            if root.has("locked_until") {
                ledger.locked_until = Some(root.required_number("locked_until"));
            }
            root.numbers("sends", &mut ledger.sends);
            root.list_of_tables("challenge", &mut |section| ledger.challenge.push(Challenge::read(section)));
            root.list_of_tables("code", &mut |section| {
                let challenge = section.required_number("challenge");
                let code = Code::read(section);
                match usize::try_from(challenge).ok().and_then(|position| ledger.challenge.get_mut(position)) {
                    Some(challenge) => challenge.code.push(code),
                    None => section.complain("challenge", "there is none of that number"),
                }
            });
            root.list_of_tables("step", &mut |section| {
                let (factor, step) = (section.required_u32("factor"), section.required_number("step"));
                ledger.steps.push(UsedStep { factor, step });
            });
            root.list_of_tables("dead", &mut |section| ledger.dead.push(DeadCode::read(section)));
            root.list_of_tables("spent", &mut |section| ledger.spent.push(section.required_text("hash")));
            root.list_of_tables("remembered", &mut |section| ledger.remembered.push(Remembered::read(section)));
        });
        match problems.first() {
            Some(problem) => Err(format!("line{problem}").replacen(':', " ", 1)),
            None if ours => Ok(ledger),
            None => Ok(Self::default()),
        }
    }

    /// The text of the file.
    pub fn to_toml(&self, boot: &str) -> String {
        let mut writer = Writer::default();
        writer.text("boot", boot);
        writer.plain("failures", &self.failures);
        writer.plain("locks", &self.locks);
        if let Some(until) = &self.locked_until {
            writer.plain("locked_until", until);
        }
        writer.numbers("sends", &self.sends);
        for challenge in &self.challenge {
            writer.table("challenge");
            writer.text("id", &challenge.id);
            challenge.origin.write(&mut writer);
            writer.plain("attempts_left", &challenge.attempts_left);
        }
        for (position, challenge) in self.challenge.iter().enumerate() {
            for code in &challenge.code {
                writer.table("code");
                writer.plain("challenge", &position);
                code.write(&mut writer);
            }
        }
        for used in &self.steps {
            writer.table("step");
            writer.plain("factor", &used.factor);
            writer.plain("step", &used.step);
        }
        for dead in &self.dead {
            writer.table("dead");
            writer.text("challenge", &dead.challenge);
            dead.origin.write(&mut writer);
            writer.text("mac", &dead.mac);
            writer.plain("digits", &dead.digits);
            writer.plain("used", &dead.used);
            writer.plain("forget", &dead.forget);
        }
        for hash in &self.spent {
            writer.table("spent");
            writer.text("hash", hash);
        }
        for remembered in &self.remembered {
            writer.table("remembered");
            writer.text("service", &remembered.service);
            writer.text("place", &remembered.place);
            writer.plain("factor", &remembered.factor);
            writer.text("channel", &remembered.channel);
            writer.plain("until", &remembered.until);
        }
        writer.finish().to_string()
    }
}

impl Origin {
    fn read(section: &mut Section<'_>) -> Self {
        Self {
            service: section.required_text("service"),
            rhost: section.required_text("rhost"),
            tty: section.required_text("tty"),
        }
    }

    fn write(&self, writer: &mut Writer) {
        writer.text("service", &self.service);
        writer.text("rhost", &self.rhost);
        writer.text("tty", &self.tty);
    }
}

impl Challenge {
    fn read(section: &mut Section<'_>) -> Self {
        Self {
            id: section.required_text("id"),
            origin: Origin::read(section),
            attempts_left: section.required_u32("attempts_left"),
            code: Vec::new(),
        }
    }
}

impl Code {
    fn read(section: &mut Section<'_>) -> Self {
        Self {
            mac: section.required_text("mac"),
            digits: section.required_u32("digits"),
            factor: section.required_u32("factor"),
            channel: section.required_text("channel"),
            gateway: section.required_text("gateway"),
            sent: section.required_number("sent"),
            dies: section.required_number("dies"),
            sending_until: section.has("sending_until").then(|| section.required_number("sending_until")),
        }
    }

    fn write(&self, writer: &mut Writer) {
        writer.text("mac", &self.mac);
        writer.plain("digits", &self.digits);
        writer.plain("factor", &self.factor);
        writer.text("channel", &self.channel);
        writer.text("gateway", &self.gateway);
        writer.plain("sent", &self.sent);
        writer.plain("dies", &self.dies);
        if let Some(until) = &self.sending_until {
            writer.plain("sending_until", until);
        }
    }
}

impl DeadCode {
    fn read(section: &mut Section<'_>) -> Self {
        let mut used = false;
        section.flag("used", &mut used);
        Self {
            challenge: section.required_text("challenge"),
            origin: Origin::read(section),
            mac: section.required_text("mac"),
            digits: section.required_u32("digits"),
            used,
            forget: section.required_number("forget"),
        }
    }
}

impl Remembered {
    fn read(section: &mut Section<'_>) -> Self {
        Self {
            service: section.required_text("service"),
            place: section.required_text("place"),
            factor: section.required_u32("factor"),
            channel: section.required_text("channel"),
            until: section.required_number("until"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(minutes: u64) -> Moment {
        Moment::from_millis(minutes * 60_000)
    }

    #[test]
    fn rule_16_each_further_lock_doubles_up_to_a_day() {
        let limits = Limits::default();
        let mut ledger = Ledger::default();
        let mut now = at(0);
        let mut lengths = Vec::new();
        for _ in 0..10 {
            for _ in 0..limits.failures {
                assert_eq!(ledger.locked_for(now), None);
                ledger.charge_failure(now, &limits);
            }
            let length = ledger.locked_for(now).expect("locked");
            lengths.push(length.as_secs() / 60);
            now = now.plus(length);
            ledger.tidy(now);
            assert_eq!(ledger.failures, 0);
        }
        assert_eq!(lengths, [10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440]);
        ledger.absolve();
        assert_eq!(ledger, Ledger::default());
    }

    #[test]
    fn rule_11_the_budget_holds_in_the_window_and_over_the_day() {
        let limits = Limits::default();
        let mut ledger = Ledger::default();
        for minute in 0..5 {
            assert_eq!(ledger.budget(at(minute), &limits), Budget::Open);
            ledger.charge_send(at(minute));
        }
        assert_eq!(ledger.budget(at(5), &limits), Budget::UsedUp(10 * MINUTE));
        assert_eq!(ledger.budget(at(15), &limits), Budget::Open);
        ledger.refund_send(at(4).millis());
        assert_eq!(ledger.budget(at(5), &limits), Budget::Open);

        let mut ledger = Ledger::default();
        for send in 0..20 {
            let now = at(send * 20);
            assert_eq!(ledger.budget(now, &limits), Budget::Open, "send {send}");
            ledger.charge_send(now);
        }
        assert_eq!(ledger.budget(at(400), &limits), Budget::UsedUp(DAY - 400 * MINUTE));
    }

    #[test]
    fn rule_18_a_ledger_of_another_boot_counts_as_absent() {
        let mut ledger = Ledger { failures: 3, ..Ledger::default() };
        ledger.charge_send(at(1));
        let text = ledger.to_toml("boot-a");
        assert_eq!(Ledger::parse(&text, "boot-a"), Ok(ledger));
        assert_eq!(Ledger::parse(&text, "boot-b"), Ok(Ledger::default()));
        assert!(Ledger::parse(&text[..text.len() - 3], "boot-a").is_err());
        assert!(Ledger::parse("", "boot-a").is_err());
    }

    #[test]
    fn rule_13_codes_die_at_their_own_time_and_are_remembered_as_dead() {
        let origin = Origin::default();
        let mut challenge = Challenge::new("c".into(), origin.clone(), &CodeRules::default());
        for (mac, dies) in [("old", 5), ("new", 8)] {
            challenge.code.push(Code {
                mac: mac.into(),
                digits: 6,
                factor: 1,
                channel: "telegram".into(),
                gateway: "telegram".into(),
                sent: 0,
                dies: at(dies).millis(),
                sending_until: None,
            });
        }
        let mut ledger = Ledger { challenge: vec![challenge], ..Ledger::default() };
        ledger.tidy(at(6));
        assert_eq!(ledger.live(&origin).map(|challenge| challenge.code.len()), Some(1));
        assert_eq!(ledger.dead.len(), 1);
        ledger.consume(&origin, Some("new"));
        assert_eq!(ledger.live(&origin), None);
        assert_eq!(ledger.dead.iter().map(|dead| dead.used).collect::<Vec<_>>(), [false, true]);
        ledger.tidy(at(300));
        assert!(ledger.dead.is_empty());
    }
}
