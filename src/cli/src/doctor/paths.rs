//! Every way through a stack, as libpam walks it (`_pam_dispatch_aux`), held against rule 7.
//!
//! A module cannot see whether an earlier one refused. So each module is taken to succeed and to fail, and what must
//! never happen is looked for: somebody let in past our line, or our line reached behind a refused password.

use super::stack::{Action, Entry};
use std::collections::BTreeSet;

/// What is wrong with a stack; positions are those of the stack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fault {
    /// This entry can let somebody in past our line.
    Passes {
        /// Who ends the stack, or jumps.
        by: usize,
    },
    /// Our line is asked although nobody can get in any more.
    Reached {
        /// Our line.
        ours: usize,
        /// Who refused.
        by: usize,
    },
    /// A refused password counts for nothing, and our line is asked.
    Unrefused {
        /// Our line.
        ours: usize,
        /// Who took the password.
        by: usize,
    },
    /// Our own line lets somebody in, or on, with this value.
    Forgiving {
        /// Our line.
        ours: usize,
        /// As it is written in the control: `default`, or a value.
        value: String,
    },
    /// This entry makes our refusal undone.
    Undone {
        /// Who does.
        by: usize,
    },
    /// `input=append` stands alone, or on one side of the password module only.
    Alone {
        /// Our line.
        ours: usize,
    },
    /// `-auth` on our line: without the module nobody is asked.
    Optional {
        /// Our line.
        ours: usize,
    },
}

/// Values that our line must end in a refusal (rule 7).
const REFUSALS: [&str; 7] =
    ["authinfo_unavail", "maxtries", "service_err", "system_err", "conv_err", "perm_denied", "auth_err"];
/// Modules that take a password: what they say of it counts.
const PASSWORD: [&str; 9] = [
    "pam_unix.so",
    "pam_unix2.so",
    "pam_sss.so",
    "pam_ldap.so",
    "pam_krb5.so",
    "pam_winbind.so",
    "pam_systemd_home.so",
    "pam_pwdfile.so",
    "pam_tcb.so",
];
/// Modules that judge nobody: they prepare something, and fail only if the machine does.
const HARMLESS: [&str; 16] = [
    "pam_env.so",
    "pam_faildelay.so",
    "pam_cap.so",
    "pam_group.so",
    "pam_keyinit.so",
    "pam_motd.so",
    "pam_mount.so",
    "pam_ecryptfs.so",
    "pam_gnome_keyring.so",
    "pam_kwallet.so",
    "pam_kwallet5.so",
    "pam_warn.so",
    "pam_echo.so",
    "pam_setquota.so",
    "pam_selinux.so",
    "pam_permit.so",
];

/// Everything that is wrong; nothing if our line is not in it.
pub(crate) fn faults(stack: &[Entry]) -> BTreeSet<Fault> {
    let mut faults = BTreeSet::new();
    for (ours, entry) in stack.iter().enumerate().filter(|(_, entry)| entry.is_ours()) {
        if entry.may_be_missing {
            faults.insert(Fault::Optional { ours });
        }
        for value in REFUSALS {
            if !matches!(entry.action(value), Action::Bad | Action::Die) {
                let value = if entry.control.contains_key(value) { value } else { "default" }.to_owned();
                faults.insert(Fault::Forgiving { ours, value });
            }
        }
    }
    if !stack.iter().any(Entry::is_ours) {
        return faults;
    }
    faults.extend(one_line_of_two(stack));
    let forgives = !faults.is_empty();
    let mut walk = Walk { stack, faults, seen: BTreeSet::new(), forgives };
    walk.step(State::start());
    walk.faults
}

/// Whether a password was asked for before our line, on any way that reaches it; `None` if none is ever asked for.
pub(crate) fn asks_behind_the_password(stack: &[Entry]) -> Option<bool> {
    let takes_password = |entry: &Entry| PASSWORD.contains(&entry.module());
    let first = stack.iter().position(takes_password)?;
    let judges = |(at, entry): &(usize, &Entry)| entry.is_ours() && !(entry.appends() && *at < first);
    let (ours, _) = stack.iter().enumerate().find(judges)?;
    Some(first < ours)
}

/// `input=append` takes one line before the password module and one behind it: alone, the former lets a password pass.
fn one_line_of_two(stack: &[Entry]) -> Option<Fault> {
    let ours: Vec<usize> = (0..stack.len()).filter(|at| stack.get(*at).is_some_and(Entry::appends)).collect();
    let password = stack.iter().position(|entry| PASSWORD.contains(&entry.module()));
    match (ours.as_slice(), password) {
        ([], _) => None,
        ([before, behind], Some(password)) if (before + 1..*behind).contains(&password) => None,
        ([first, ..], _) => Some(Fault::Alone { ours: *first }),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Impression {
    Undefined,
    Good,
    Bad,
}

/// Where a walk is, and what it has seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct State {
    at: usize,
    impression: Impression,
    /// The impression with which each substack was entered, the stack's own first: `reset` goes back to it.
    entered: Vec<Impression>,
    /// Our line was asked.
    asked: bool,
    /// Our line refused.
    denied: bool,
    /// Who went past our line.
    skipped: Option<usize>,
    /// Who made the impression bad.
    spoiled: Option<usize>,
    /// The first password that was refused.
    refused: Option<usize>,
    /// A password was accepted.
    accepted: bool,
    /// Who took our refusal back.
    undone: Option<usize>,
}

impl State {
    fn start() -> Self {
        Self {
            at: 0,
            impression: Impression::Undefined,
            entered: vec![Impression::Undefined],
            asked: false,
            denied: false,
            skipped: None,
            spoiled: None,
            refused: None,
            accepted: false,
            undone: None,
        }
    }
}

struct Walk<'a> {
    stack: &'a [Entry],
    faults: BTreeSet<Fault>,
    seen: BTreeSet<State>,
    /// Our line was found to forgive: what comes of it is not said again.
    forgives: bool,
}

impl Walk<'_> {
    fn step(&mut self, state: State) {
        if !self.seen.insert(state.clone()) {
            return;
        }
        let Some(entry) = self.stack.get(state.at) else { return self.end(&state) };
        if entry.is_substack {
            let mut next = State { at: state.at + 1, ..state };
            next.entered.truncate(entry.level + 1);
            next.entered.push(next.impression);
            return self.step(next);
        }
        if entry.is_ours() {
            self.reach(&state);
        }
        for value in values(entry) {
            self.returned(&state, entry, &value);
        }
    }

    /// Whether it is a line of ours that judges: of two with `input=append`, the first only takes the code off.
    fn judges(&self, at: usize) -> bool {
        let is_first = |entry: &Entry| entry.appends() && self.stack.iter().skip(at + 1).any(Entry::appends);
        self.stack.get(at).is_some_and(|entry| entry.is_ours() && !is_first(entry))
    }

    fn reach(&mut self, state: &State) {
        let ours = state.at;
        match (state.spoiled, state.refused) {
            (Some(by), _) if state.impression == Impression::Bad => {
                self.faults.insert(Fault::Reached { ours, by });
            }
            (_, Some(by)) if !state.accepted => {
                self.faults.insert(Fault::Unrefused { ours, by });
            }
            _ => {}
        }
    }

    fn returned(&mut self, state: &State, entry: &Entry, value: &str) {
        let mut next = State { at: state.at + 1, asked: state.asked || self.judges(state.at), ..state.clone() };
        let action = entry.action(value);
        let success = value == "success";
        if entry.is_ours() {
            next.denied |= !success && value != "ignore";
        } else if PASSWORD.contains(&entry.module()) {
            next.accepted |= success;
            if value == "auth_err" {
                next.refused = next.refused.or(Some(state.at));
            }
        }
        match action {
            Action::Ignore => {}
            // A value that is no success stays the stack's answer, however good it is called.
            Action::Ok | Action::Done if !success => next.impression = Impression::Bad,
            Action::Ok | Action::Done => {
                if state.impression == Impression::Undefined {
                    next.impression = Impression::Good;
                }
                if action == Action::Done && next.impression == Impression::Good {
                    next.at = self.behind(state.at);
                }
            }
            Action::Reset => {
                next.impression = state.entered.get(entry.level).copied().unwrap_or(Impression::Undefined);
                if state.denied && next.impression != Impression::Bad {
                    next.undone = next.undone.or(Some(state.at));
                }
            }
            Action::Bad => next.impression = Impression::Bad,
            Action::Die => {
                next.impression = Impression::Bad;
                next.at = self.behind(state.at);
            }
            Action::Jump(count) => match self.over(state.at, count) {
                Some(at) => next.at = at,
                // More lines than there are: libpam refuses.
                None => {
                    next.impression = Impression::Bad;
                    next.at = self.behind(state.at);
                }
            },
        }
        match next.impression {
            Impression::Bad if state.impression != Impression::Bad => next.spoiled = Some(state.at),
            Impression::Bad => {}
            _ => next.spoiled = None,
        }
        let passed = self.stack.get(state.at + 1..next.at).into_iter().flatten().any(Entry::is_ours);
        let is_root = entry.module() == "pam_rootok.so" && action == Action::Done;
        if passed && !is_root {
            next.skipped = next.skipped.or(Some(state.at));
        }
        self.step(next);
    }

    /// The end of the stack, or of the substack that an entry is in.
    fn behind(&self, at: usize) -> usize {
        let level = self.stack.get(at).map_or(0, |entry| entry.level);
        let rest = self.stack.iter().enumerate().skip(at + 1);
        let mut behind = rest.skip_while(|(_, entry)| entry.level >= level);
        behind.next().map_or(self.stack.len(), |(position, _)| position)
    }

    /// So many entries on, of this level; a substack counts as one. `None` if there are not so many.
    fn over(&self, at: usize, count: usize) -> Option<usize> {
        let level = self.stack.get(at)?.level;
        let mut position = at + 1;
        for _ in 0..count {
            self.stack.get(position).filter(|entry| entry.level >= level)?;
            position += 1;
            while self.stack.get(position).is_some_and(|entry| entry.level > level) {
                position += 1;
            }
        }
        Some(position)
    }

    fn end(&mut self, state: &State) {
        if state.impression != Impression::Good {
            return;
        }
        match (state.skipped, state.undone) {
            (Some(by), _) if !state.asked => {
                self.faults.insert(Fault::Passes { by });
            }
            (_, Some(by)) if state.denied && !self.forgives => {
                self.faults.insert(Fault::Undone { by });
            }
            _ => {}
        }
    }
}

/// What a module may return, as far as it matters here.
fn values(entry: &Entry) -> BTreeSet<String> {
    let named = |values: &[&str]| values.iter().map(|value| (*value).to_owned()).collect::<BTreeSet<_>>();
    match entry.module() {
        // A line that nobody understands refuses.
        "" | "pam_deny.so" => named(&["auth_err"]),
        module if HARMLESS.contains(&module) => named(&["success"]),
        _ => {
            let mut values = named(&["auth_err", "success", "user_unknown"]);
            let listed = entry.control.keys().filter(|value| !matches!(value.as_str(), "default" | "new_authtok_reqd"));
            values.extend(listed.filter(|value| entry.is_ours() || *value != "ignore").cloned());
            values
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
