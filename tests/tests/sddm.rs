//! The real SDDM on a screen in memory: it has one field, whose content answers every question.

use herald_tests::world::{ALICE, Sddm, World, another};

#[test]
fn the_desktop_opens_with_password_and_code_in_one_field() {
    let world = World::new();
    let sddm = Sddm::start(&world.machine);
    sddm.refuses("no password of hers");
    assert!(world.phone.messages().is_empty(), "a wrong password sends nothing");
    sddm.refuses(ALICE.password).keep("sddm-code-sent");
    let message = world.phone.message();
    assert!(message.text.contains("Service: sddm"), "{}", message.text);
    let code = message.code.expect("a code");
    sddm.refuses(&format!("{}{}", ALICE.password, another(&code)));
    assert!(!sddm.is_open());
    assert_eq!(sddm.open_desktop(&format!("{}{code}", ALICE.password)), "alice");
    assert_eq!((world.logged("wrong"), world.logged("verified"), world.phone.messages().len()), (1, 1, 1));
}
