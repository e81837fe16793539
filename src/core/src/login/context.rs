//! One login's surroundings, as its providers see them.

use crate::account::UserName;
use crate::address;
use crate::audit::{Audit, Line};
use crate::clock::Moment;
use crate::config::{Config, Rules};
use crate::courier::Courier;
use crate::delivery::Sender;
use crate::enrollment::{Enrollment, Factor, State};
use crate::ledger::{Ledger, Origin};
use crate::machine::Machine;
use crate::message::About;
use crate::phrases::Phrases;
use crate::provider::Failure;
use crate::store::Store;
use crate::text::remote_host;

/// Who is asked, where, under which rules, and with what.
pub struct Login<'a> {
    /// The machine.
    pub machine: &'a dyn Machine,
    /// Enrollments and ledgers.
    pub store: &'a dyn Store,
    /// The way to the network side.
    pub courier: &'a dyn Courier,
    /// The whole configuration, for its gateways.
    pub config: &'a Config,
    /// What holds for this service.
    pub rules: &'a Rules,
    /// Where lines go.
    pub audit: &'a dyn Audit,
    /// The user's language, as far as the terminal can show it.
    pub phrases: &'a Phrases,
    /// The language of messages to the user.
    pub written: &'a Phrases,
    /// Whose factors are asked for.
    pub user: UserName,
    /// PAM_RUSER: for messages only.
    pub by: String,
    /// Where this login belongs (rule 14).
    pub origin: Origin,
    /// The machine's name.
    pub host: String,
    /// What may be asked for, in order of preference.
    pub factors: Vec<Factor>,
    /// Where a success is remembered (`policy.remember`); `None` if it is not.
    pub place: Option<String>,
    /// Whether this is the proof of a pending factor instead of a login.
    pub enrolling: bool,
}

impl Login<'_> {
    /// Now, as the ledger counts.
    pub fn now(&self) -> Moment {
        self.machine.clock().now()
    }

    /// The way out, for messages.
    pub fn sender(&self) -> Sender<'_> {
        Sender {
            machine: self.machine,
            store: self.store,
            courier: self.courier,
            config: self.config,
            delivery: &self.rules.delivery,
            audit: self.audit,
        }
    }

    /// What a message says about this login.
    pub fn about(&self) -> About<'_> {
        About {
            host: &self.host,
            service: if self.enrolling { "herald enroll" } else { &self.origin.service },
            user: &self.user,
            by: &self.by,
            rhost: &self.origin.rhost,
        }
    }

    /// The enrollment as it stands on disk now: it may have changed since this login began.
    ///
    /// # Errors
    /// As [`Store::enrollment`].
    pub fn enrollment_now(&self) -> Result<Enrollment, Failure> {
        Ok(self.store.enrollment(&self.user)?.unwrap_or_default())
    }

    /// Ends the codes of factors that were disabled or removed (rule 13). Codes of pending factors belong to their
    /// enrollment's own origin and stay.
    pub fn drop_lost_factors(&self, ledger: &mut Ledger, enrollment: &Enrollment) {
        ledger.keep_factors(|id, channel| {
            let kept = |factor: &Factor| factor.channel == channel && factor.state != State::Disabled;
            enrollment.factor(id).is_some_and(kept)
        });
    }

    /// Whether a factor may still be asked for, by the enrollment as it stands now.
    pub fn may_ask(&self, enrollment: &Enrollment, factor: &Factor) -> bool {
        let wanted = if self.enrolling { State::Pending } else { State::Active };
        // An enrollment proves the one factor that it is about, and no other that waits for its proof.
        if self.enrolling && self.factors.iter().all(|mine| mine.id != factor.id) {
            return false;
        }
        enrollment.factor(factor.id).is_some_and(|now| now.state == wanted && now.address == factor.address)
    }

    /// Starts a log line about this login's user.
    pub fn line(&self, event: &str) -> Line {
        Line::new(event).with("user", self.user.as_str())
    }

    /// Ends a log line with where the login comes from.
    pub fn with_origin(&self, line: Line) -> Line {
        let Origin { rhost, tty, .. } = &self.origin;
        line.with_some("rhost", remote_host(rhost)).with_some("tty", (!tty.is_empty()).then_some(tty))
    }

    /// How the factor of that id may be shown.
    pub fn shown(&self, factor: &Factor) -> String {
        address::shown(factor)
    }
}
