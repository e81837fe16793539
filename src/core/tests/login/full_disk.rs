//! A disk that is full for an hour, and then has room again: nothing is lost, nothing is good twice, nobody is locked.

use crate::offline::{SECRET, add_codes, factor, with_app};
use crate::registrar::{shown_by_app, with_registrar};
use crate::world::*;
use herald_core::account::UserName;
use herald_core::enrollment::Factor;
use herald_core::login::Verdict;

#[test]
fn rule_19_a_disk_that_is_full_for_an_hour_loses_nothing() {
    let world = World::new();
    let alice = UserName::new("alice");
    with_app(&world, 1_900_000_000);
    let phone = Factor { address: Some("475721977".into()), ..factor(2, "telegram") };
    world.enrollments.borrow_mut().get_mut(&alice).expect("enrolled").factors.push(phone);
    let paper = add_codes(&world, 3, 10, None);
    world.configure("[limits]\nfailures = 4");
    let before = world.enrollments.borrow().clone();

    world.disk_full.set(true);
    let mut shown = Vec::new();
    for sixth in 0..6 {
        // A wrong one first: it is counted until the right one.
        shown.push(shown_by_app(&world, SECRET));
        let app = [Step::AWrongCode, types(&shown[sixth])];
        assert_eq!(world.log_in(&world.ssh(), app).verdict, Verdict::Success, "the app, {sixth}");
        let again = world.log_in(&world.ssh(), [types(&shown[sixth])]);
        assert_eq!(again.verdict, Verdict::ConversationError, "once, {sixth}");
        let sent = world.log_in(&world.ssh(), [types("telegram"), types(paper[0].expose()), Step::TheCode]);
        assert_eq!(sent.verdict, Verdict::Success, "the phone, {sixth}: {sent:?}");
        assert!(sent.prompts[2].starts_with("Backup codes cannot be used now."), "{sent:?}");
        assert_eq!(world.ledger("alice").failures, 0, "{sixth}");
        let changed = with_registrar(&world, |registrar| registrar.switch(&alice, "telegram", false));
        assert!(changed.is_err(), "what cannot be written is not said to be done");
        world.wait(10 * MINUTE);
    }
    let wrong = world.log_in(&world.ssh(), [Step::AWrongCode, Step::AWrongCode, Step::BreaksOff]);
    assert_eq!((wrong.verdict, world.ledger("alice").failures), (Verdict::ConversationError, 2));
    assert_eq!(*world.enrollments.borrow(), before, "as it was");

    world.disk_full.set(false);
    assert_eq!(world.ledger("alice").failures, 2, "what was counted stays counted");
    let late = world.log_in(&world.ssh(), [types(&shown[5]), types(paper[0].expose())]);
    assert_eq!(late.verdict, Verdict::Success, "{late:?}");
    assert!(late.prompts[1].starts_with("Wrong"), "an old code of the app opens nothing: {late:?}");
    for code in &paper[1..] {
        assert_eq!(world.log_in(&world.ssh(), [types(code.expose())]).verdict, Verdict::Success, "none is lost");
    }
    assert_eq!(world.log_in(&world.ssh(), [types(&shown_by_app(&world, SECRET))]).verdict, Verdict::Success);
    assert_eq!(with_registrar(&world, |registrar| registrar.switch(&alice, "telegram", false)), Ok(true));
}
