//! The real LightDM with its GTK greeter, on a screen in memory: what a person sees and types there. The pictures are kept
//! in `screens` beside the programs that are built.

use herald_tests::world::{ALICE, BOB, LightDm, World, another};

#[test]
fn the_desktop_opens_behind_password_and_code() {
    let world = World::new();
    let lightdm = LightDm::start(&world.machine);
    lightdm.greeter();
    lightdm.answer(ALICE.name);
    assert!(world.phone.messages().is_empty(), "nothing before the password");
    lightdm.answer(ALICE.password).keep("lightdm-code");
    let message = world.phone.message();
    assert!(message.text.contains("Service: lightdm"), "{}", message.text);
    let code = message.code.expect("a code");
    lightdm.answer(&another(&code)).keep("lightdm-wrong-code");
    assert!(!lightdm.is_open());
    assert_eq!(lightdm.open_desktop(&code), "alice");
    assert_eq!((world.logged("wrong"), world.logged("verified"), world.phone.messages().len()), (1, 1, 1));
}

#[test]
fn a_wrong_password_sends_nothing_and_who_is_not_enrolled_reads_why_they_are_refused() {
    let world = World::new();
    let lightdm = LightDm::start(&world.machine);
    lightdm.greeter();
    lightdm.answer(BOB.name);
    lightdm.answer(ALICE.password);
    assert_eq!((world.phone.requests(), world.log().len()), (0, 0));
    lightdm.answer(BOB.password).keep("lightdm-unenrolled");
    assert_eq!(world.logged("refused"), 1, "{:?}", world.log());
    assert!(!lightdm.is_open());
    assert_eq!(world.phone.requests(), 0);
}
