//! Many people at once: the whole list is checked before anything is written, and then all of it is, or nothing.

use super::{Registrar, RegistrarError, fits};
use crate::account::UserName;
use crate::address::Form;
use crate::enrollment::{Enrollment, State};
use crate::phrases::Change;
use std::collections::BTreeMap;

/// One line of a list.
#[derive(Clone, Debug)]
pub struct Row {
    /// Whose factor.
    pub user: UserName,
    /// The channel.
    pub channel: String,
    /// The address as written.
    pub address: String,
    /// What the person calls it.
    pub label: Option<String>,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// Which line, counted from 0.
    pub row: usize,
    /// Why it cannot be enrolled.
    pub error: RegistrarError,
}

/// What a line comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is new.
    Enrolled,
    /// It was so already.
    Already,
}

/// A checked list, ready to be written.
pub struct Plan {
    /// What each line comes to, in order.
    pub standings: Vec<Standing>,
    people: BTreeMap<UserName, Person>,
}

struct Person {
    before: Enrollment,
    after: Enrollment,
    added: Vec<u32>,
}

impl Plan {
    /// How many people's enrollments change.
    pub fn changes(&self) -> usize {
        self.changed().count()
    }

    /// Whose they are, what they are now, and what they become.
    pub fn changed(&self) -> impl Iterator<Item = (&UserName, &Enrollment, &Enrollment)> {
        let changed = self.people.iter().filter(|(_, person)| person.before != person.after);
        changed.map(|(user, person)| (user, &person.before, &person.after))
    }
}

impl Registrar<'_> {
    /// Checks a list as a whole. An admin vouches for its addresses.
    ///
    /// # Errors
    /// Everything that is wrong, by line. Nothing is written.
    pub fn plan_many(&self, rows: &[Row]) -> Result<Plan, Vec<RowError>> {
        let mut forms: BTreeMap<&str, Result<Vec<Form>, RegistrarError>> = BTreeMap::new();
        let mut plan = Plan { standings: Vec::with_capacity(rows.len()), people: BTreeMap::new() };
        let mut errors = Vec::new();
        for (row, line) in rows.iter().enumerate() {
            let forms = forms.entry(&line.channel).or_insert_with(|| self.forms(&line.channel));
            match self.plan_one(line, forms, &mut plan.people) {
                Ok(standing) => plan.standings.push(standing),
                Err(error) => errors.push(RowError { row, error }),
            }
        }
        if errors.is_empty() { Ok(plan) } else { Err(errors) }
    }

    fn plan_one(
        &self,
        line: &Row,
        forms: &Result<Vec<Form>, RegistrarError>,
        people: &mut BTreeMap<UserName, Person>,
    ) -> Result<Standing, RegistrarError> {
        let forms = forms.as_ref().map_err(Clone::clone)?;
        fits(line.label.as_deref())?;
        let address = forms.iter().find_map(|form| form.normalise(&line.address));
        let address = address.ok_or_else(|| RegistrarError::Address(forms.clone()))?;
        if !people.contains_key(&line.user) {
            let before = self.enrollment(&line.user)?;
            people.insert(line.user.clone(), Person { after: before.clone(), before, added: Vec::new() });
        }
        let Some(person) = people.get_mut(&line.user) else { return Ok(Standing::Already) };
        let label = line.label.as_deref();
        let same = person.after.active().any(|known| {
            known.channel == line.channel
                && known.address.as_ref() == Some(&address)
                && (label.is_none() || known.label.as_deref() == label)
        });
        if same {
            return Ok(Standing::Already);
        }
        let now = self.machine.clock().wall();
        let id = person.after.enroll(&line.channel, &address, label, State::Active, now);
        person.added.push(id);
        Ok(Standing::Enrolled)
    }

    /// Writes a checked list; `progress` hears how many people are done, `written` when all are. If one cannot be
    /// written, or `written` fails, those before are put back as they were. Every line is logged, and whoever had other
    /// factors is told there (rule 34).
    ///
    /// # Errors
    /// See [`RegistrarError`]; a change that somebody else made meanwhile counts as one.
    pub fn enroll_many(
        &self,
        plan: &Plan,
        progress: &mut dyn FnMut(usize),
        written: &dyn Fn() -> Result<(), RegistrarError>,
    ) -> Result<(), RegistrarError> {
        self.swap_all(plan.changed(), progress, written)?;
        for (user, person) in &plan.people {
            for factor in person.added.iter().filter_map(|id| person.after.factor(*id)) {
                self.report_to(user, factor, Change::Added, &person.before);
            }
        }
        Ok(())
    }

    /// All of them, or none.
    fn swap_all<'a>(
        &self,
        people: impl Iterator<Item = (&'a UserName, &'a Enrollment, &'a Enrollment)>,
        progress: &mut dyn FnMut(usize),
        written: &dyn Fn() -> Result<(), RegistrarError>,
    ) -> Result<(), RegistrarError> {
        let mut swapped = Vec::new();
        let mut done = Ok(());
        for (user, before, after) in people {
            done = self.swap(user, before, after);
            if done.is_err() {
                break;
            }
            swapped.push((user, before, after));
            progress(swapped.len());
        }
        if let Err(error) = done.and_then(|()| written()) {
            for (user, before, after) in swapped {
                // What cannot be put back is still a whole enrollment; the error that counts is the first.
                let _ = self.swap(user, after, before);
            }
            return Err(error);
        }
        Ok(())
    }

    /// What a restored enrollment would change: whose it is, what they have now, and what they get.
    ///
    /// # Errors
    /// An enrollment of now cannot be read.
    pub fn plan_restore(
        &self,
        people: Vec<(UserName, Enrollment)>,
    ) -> Result<Vec<(UserName, Enrollment, Enrollment)>, RegistrarError> {
        let mut changes = Vec::new();
        for (user, after) in people {
            let before = self.enrollment(&user)?;
            if before != after {
                changes.push((user, before, after));
            }
        }
        Ok(changes)
    }

    /// Puts whole enrollments in the place of those there are, as when a machine moves: all of them or none. `written`
    /// hears when all are.
    ///
    /// # Errors
    /// As [`Registrar::enroll_many`].
    pub fn restore(
        &self,
        changes: &[(UserName, Enrollment, Enrollment)],
        written: &dyn Fn() -> Result<(), RegistrarError>,
    ) -> Result<(), RegistrarError> {
        self.swap_all(changes.iter().map(|(user, before, after)| (user, before, after)), &mut |_| {}, written)?;
        for (user, before, after) in changes {
            for factor in after.active().filter(|factor| before.active().all(|known| known != *factor)) {
                self.report_to(user, factor, Change::Added, before);
            }
        }
        Ok(())
    }

    /// Puts an enrollment in the place of another.
    ///
    /// # Errors
    /// It is not that other any more, or cannot be written.
    pub fn swap(&self, user: &UserName, before: &Enrollment, after: &Enrollment) -> Result<(), RegistrarError> {
        let _lock = self.store.lock_enrollment(user)?;
        if self.enrollment(user)? != *before {
            return Err(RegistrarError::ChangedMeanwhile(user.to_string()));
        }
        Ok(self.store.save_enrollment(user, after)?)
    }
}
