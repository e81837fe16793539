//! Logins through the real sshd and the real ssh, with the shipped stack and configuration.

use herald_tests::world::{ALICE, Sshd, World, another, example};

fn sshd(world: &World) -> Sshd<'_> {
    Sshd::start(&world.machine, &[&example("sshd_config.d/herald.conf")])
}

#[test]
fn the_password_and_then_the_code_from_the_phone() {
    let world = World::new();
    let sshd = sshd(&world);
    let mut alice = sshd.log_in("alice");
    alice.expect("Password: ");
    alice.send_line(ALICE.password);
    alice.expect("Code sent by Telegram to ...977: ");
    let message = world.phone.message();
    alice.send_line(message.code.as_deref().expect("a code"));
    alice.expect("in as alice");
    alice.succeeds();
    assert_eq!(message.chat, ALICE.chat());
    println!("{}", message.text);
    println!("{:#?}", world.log());
}

#[test]
fn a_wrong_code_and_then_the_right_one() {
    let world = World::new();
    let sshd = sshd(&world);
    let mut alice = sshd.log_in("alice");
    alice.expect("Password: ");
    alice.send_line(ALICE.password);
    alice.expect("Code sent by Telegram to ...977: ");
    let code = world.phone.code();
    alice.send_line(&another(&code));
    alice.expect("Wrong, 2 tries left. Code sent by Telegram to ...977: ");
    alice.send_line(&code);
    alice.expect("in as alice");
    alice.succeeds();
    println!("{:#?}", world.log());
}
