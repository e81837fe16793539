//! What guessing is worth: somebody who has the password and all the time in the world, against the real ledger. The
//! table of odds in docs/threat-model.md is what comes out here.

use crate::world::*;
use herald_core::account::UserName;
use herald_core::config::Limits;
use herald_core::enrollment::{Factor, State};
use herald_core::ledger::{Budget, Origin};
use herald_core::login::{Attempt, Verdict};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// How long is simulated, and when locks have grown to a day for whoever guesses: then each day is like the one before.
const LENGTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const SETTLED: Duration = Duration::from_secs(16 * 24 * 60 * 60);
const TABLE: &str = include_str!("../../../../docs/threat-model.md");

/// Who guesses how.
struct Guesser {
    world: World,
    attempt: Attempt,
    began: u64,
    /// How often `r` is typed before the first guess at a code.
    more_codes: usize,
    /// How often the real person logs in in between, if at all.
    person_every: Option<Duration>,
    person_next: Duration,
    /// Of every guess: when it was made, and how many codes would have been right.
    guesses: Rc<RefCell<Vec<(Duration, u64)>>>,
}

impl Guesser {
    fn new(world: World) -> Self {
        let (attempt, began) = (Attempt { rhost: "198.51.100.66".into(), ..world.ssh() }, world.now.get());
        Self {
            world,
            attempt,
            began,
            more_codes: 0,
            person_every: None,
            person_next: Duration::ZERO,
            guesses: Rc::default(),
        }
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.world.now.get() - self.began)
    }

    /// Guesses for so long, as fast as locks and budget let it.
    fn run(&mut self, length: Duration) {
        let limits = Limits::default();
        while self.elapsed() < length {
            self.the_person_logs_in();
            let ledger = self.world.ledger("alice");
            let now = herald_core::clock::Moment::from_millis(self.world.now.get());
            if let Some(left) = ledger.locked_for(now) {
                self.pass(left);
            } else if let Budget::UsedUp(left) = ledger.budget(now, &limits) {
                self.pass(left);
            } else {
                self.guess();
                self.world.phone.borrow_mut().clear();
                self.world.log.borrow_mut().clear();
            }
        }
    }

    /// Time passes, but never past the next login of the person.
    fn pass(&self, left: Duration) {
        let left = match self.person_every {
            Some(_) => left.min(self.person_next.saturating_sub(self.elapsed())),
            None => left,
        };
        self.world.wait(left.max(Duration::from_secs(1)));
    }

    /// One call: more codes first, then wrong ones until it ends.
    fn guess(&self) {
        let mut steps: Vec<Step> = Vec::new();
        for _ in 0..self.more_codes {
            steps.push(meanwhile(|world| world.wait(Duration::from_secs(30)), types("r")));
        }
        for _ in 0..3 {
            let (guesses, began) = (Rc::clone(&self.guesses), self.began);
            let origin = Origin {
                service: self.attempt.service.clone(),
                rhost: self.attempt.rhost.clone(),
                tty: self.attempt.tty.clone(),
            };
            let look = move |world: &World| {
                let live = world.ledger("alice").live(&origin).map_or(0, |challenge| challenge.code.len());
                let when = Duration::from_millis(world.now.get() - began);
                guesses.borrow_mut().push((when, live as u64));
            };
            steps.push(meanwhile(look, Step::AWrongCode));
        }
        self.world.log_in(&self.attempt, steps);
    }

    fn the_person_logs_in(&mut self) {
        let Some(every) = self.person_every.filter(|_| self.elapsed() >= self.person_next) else { return };
        self.person_next += every;
        let story = self.world.log_in(&self.world.ssh(), [Step::TheCode]);
        // Locked or without budget, they cannot: that is what the attacker can do to them.
        assert!(matches!(story.verdict, Verdict::Success | Verdict::MaxTries), "{story:?}");
    }

    /// How many guesses were made in this time, and how many codes they met.
    fn spent(&self, from: Duration, to: Duration) -> (usize, u64) {
        let guesses = self.guesses.borrow();
        let there = guesses.iter().filter(|(when, _)| (from..to).contains(when));
        (there.clone().count(), there.map(|(_, codes)| codes).sum())
    }

    /// The most codes that were met in any 24 hours.
    fn worst_day(&self) -> u64 {
        let begins: Vec<Duration> = self.guesses.borrow().iter().map(|(when, _)| *when).collect();
        begins.into_iter().map(|begin| self.spent(begin, begin + DAY).1).max().unwrap_or(0)
    }
}

/// `1 in N` for so many chances in a million, as the page writes it.
fn odds(chances: u64) -> String {
    let digits = (1_000_000 / chances).to_string();
    let (thousands, rest) = digits.split_at(digits.len().saturating_sub(3));
    if thousands.is_empty() { format!("1 in {rest}") } else { format!("1 in {thousands},{rest}") }
}

fn the_page_says(who: &str, day: u64, year: u64) {
    let row = format!("| {who} | {day} | {} | {} |", odds(day), odds(year));
    assert!(TABLE.contains(&row), "docs/threat-model.md lacks:\n{row}");
}

/// In a million: on the first day, and in a year of days like the last fourteen.
fn chances(guesser: &Guesser, codes: impl Fn((usize, u64)) -> u64) -> (u64, u64) {
    let spent = |from, to| codes(guesser.spent(from, to));
    (spent(Duration::ZERO, DAY), spent(Duration::ZERO, SETTLED) + spent(SETTLED, LENGTH) * 349 / 14)
}

#[test]
fn rule_16_guessing_at_one_code_after_the_other_is_worth_what_the_page_says() {
    let mut guesser = Guesser::new(World::new());
    guesser.run(LENGTH);
    // Eight locks end within the first day: 10, 20, 40 … 640 minutes, and then one a day.
    assert_eq!(guesser.spent(Duration::ZERO, DAY).0, 8 * 5);
    assert_eq!(guesser.spent(SETTLED, LENGTH).0, 14 * 5);
    let (day, year) = chances(&guesser, |(_, codes)| codes);
    the_page_says("one code after the other", day, year);
}

#[test]
fn rule_11_piling_up_codes_before_guessing_is_bounded_by_the_budget() {
    let mut guesser = Guesser { more_codes: 4, ..Guesser::new(World::new()) };
    guesser.run(LENGTH);
    // 20 codes a day, three guesses each, whatever is done with them.
    assert!(guesser.worst_day() <= 20 * 3, "{}", guesser.worst_day());
    let (day, year) = chances(&guesser, |(_, codes)| codes);
    the_page_says("as many codes as the budget gives, then guesses at all of them", day, year);
}

#[test]
fn rule_16_a_person_who_logs_in_every_hour_opens_no_more_than_the_budget_lets() {
    let hour = Duration::from_secs(60 * 60);
    let mut guesser = Guesser { more_codes: 4, person_every: Some(hour), ..Guesser::new(World::new()) };
    guesser.run(4 * DAY);
    // A right answer ends the row of locks; codes sent to the attacker in vain stay charged.
    assert!(guesser.worst_day() <= 20 * 3, "{}", guesser.worst_day());
}

#[test]
fn rule_16_guessing_at_an_app_takes_no_code_and_meets_the_same_locks() {
    let world = World::new();
    let app = Factor {
        id: 1,
        channel: "totp".into(),
        address: None,
        label: None,
        state: State::Active,
        enrolled: None,
        secret: Some("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".into()),
        salt: None,
        codes: None,
        expires: None,
    };
    world.enrollments.borrow_mut().get_mut(&UserName::new("alice")).expect("enrolled").factors = vec![app];
    let mut guesser = Guesser::new(world);
    guesser.run(LENGTH);
    assert_eq!(guesser.spent(Duration::ZERO, DAY).0, 8 * 5);
    // Three steps are accepted at any time: each guess meets three codes.
    let (day, year) = chances(&guesser, |(guesses, _)| 3 * guesses as u64);
    the_page_says("at an authenticator app", day, year);
}
