//! The real sudo with the shipped stack.

use herald_tests::world::{ALICE, ROOT, Terminal, World, another, example};
use std::io::{Read, Write};
use std::process::Stdio;

const SENT: &str = "Code sent by Telegram to ...977: ";

/// Alice at `sudo id -un` as far as the prompt for the code. `-k`: no timestamp of an earlier sudo counts.
fn sudo_with_her_password(world: &World) -> Terminal {
    let mut sudo = world.machine.terminal("alice", &["sudo", "-k", "id", "-un"]);
    sudo.answer("password for alice: ", ALICE.password);
    sudo
}

fn becomes_root(mut sudo: Terminal) {
    assert!(sudo.succeeds().ends_with("root\n"), "{}", sudo.transcript());
}

#[test]
fn the_password_and_then_the_code() {
    let world = World::new();
    let mut sudo = world.machine.terminal("alice", &["sudo", "id", "-un"]);
    sudo.answer("password for alice: ", ALICE.password);
    sudo.expect(SENT);
    let message = world.phone.message();
    sudo.send_line(message.code.as_deref().expect("a code"));
    becomes_root(sudo);
    assert_eq!((message.chat, world.phone.messages().len()), (ALICE.chat(), 1));
    assert!(message.text.contains("sudo"), "{}", message.text);
    assert_eq!((world.logged("sent"), world.logged("verified"), world.log().len()), (1, 1, 2));
}

#[test]
fn within_its_timestamp_sudo_asks_for_nothing_again() {
    let world = World::new();
    let twice = "sudo id -un && sudo id -un";
    let mut shell = world.machine.terminal("alice", &["sh", "-c", twice]);
    shell.answer("password for alice: ", ALICE.password);
    shell.expect(SENT);
    shell.send_line(&world.phone.code());
    assert!(shell.succeeds().ends_with("root\nroot\n"), "{}", shell.transcript());
    assert_eq!((world.phone.messages().len(), world.logged("verified")), (1, 1));
}

#[test]
fn rule_3_what_is_remembered_holds_for_this_terminal_until_herald_forgets_it() {
    let world = World::new();
    world.configure("policy.remember = \"1h\"");
    // -k: each of them asks for the password again.
    let mut shell = world.machine.terminal("alice", &["sh", "-c", "for round in 1 2 3; do sudo -k id -un; done"]);
    shell.answer("password for alice: ", ALICE.password);
    shell.expect(SENT);
    shell.send_line(&world.phone.code());
    shell.expect("root");
    shell.answer("password for alice: ", ALICE.password);
    shell.expect("root");
    let forgotten = world.machine.run("root", &["herald", "forget", "--user", "alice"], "");
    assert_eq!(forgotten.output, "alice is asked for a code again, everywhere.\n", "{forgotten:?}");
    shell.answer("password for alice: ", ALICE.password);
    shell.expect(SENT);
    shell.send_line(&world.phone.code());
    becomes_root(shell);
    assert_eq!((world.logged("verified"), world.logged("skipped")), (2, 1));

    // The same person at another terminal.
    let mut elsewhere = sudo_with_her_password(&world);
    elsewhere.expect(SENT);
}

#[test]
fn rule_9_without_a_person_nothing_is_sent() {
    let world = World::new();
    let ended = world.machine.run("alice", &["sudo", "-n", "id", "-un"], "");
    assert!(!ended.status.success() && ended.errors.contains("a password is required"), "{ended:?}");
    assert_eq!(world.log(), Vec::<String>::new());

    // Also where sudo asks PAM all the same, and no password is asked for before: nobody presses Enter.
    world.machine.write("/etc/pam.d/sudo", 0o644, example("sudo").replace("@include common-auth", ""));
    world.machine.write("/etc/sudoers.d/noninteractive", 0o440, "Defaults noninteractive_auth\n");
    let ended = world.machine.run("alice", &["sudo", "-n", "id", "-un"], "");
    assert!(!ended.status.success() && ended.output.is_empty(), "{ended:?}");
    assert_eq!(world.log(), ["refused user=alice reason=conversation"].map(str::to_owned));
    assert_eq!(world.phone.requests(), 0);
    assert_eq!(world.ledger(ALICE), None);
}

#[test]
fn rule_9_without_a_password_before_enter_sends_the_code() {
    let world = World::new();
    world.machine.write("/etc/pam.d/sudo", 0o644, example("sudo").replace("@include common-auth", ""));
    let mut sudo = world.machine.terminal("alice", &["sudo", "id", "-un"]);
    sudo.expect("Enter sends a code by Telegram: ");
    assert_eq!(world.phone.requests(), 0);
    sudo.send_line("");
    sudo.expect(SENT);
    sudo.send_line(&world.phone.code());
    becomes_root(sudo);
}

#[test]
fn answers_can_come_from_a_pipe() {
    let world = World::new();
    let mut command = world.machine.command("alice", &["sudo", "-S", "id", "-un"]);
    let sudo = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut sudo = sudo.expect("sudo");
    let mut input = sudo.stdin.take().expect("a pipe");
    writeln!(input, "{}", ALICE.password).expect("it reads");
    writeln!(input, "{}", world.phone.code()).expect("it reads");
    let mut output = String::new();
    sudo.stdout.take().expect("a pipe").read_to_string(&mut output).expect("text");
    assert!(sudo.wait().expect("a child").success());
    assert_eq!(output, "root\n");

    // Whoever pipes too little is refused.
    let ended = world.machine.run("alice", &["sudo", "-k", "-S", "id", "-un"], &format!("{}\n", ALICE.password));
    assert!(!ended.status.success() && ended.output.is_empty(), "{ended:?}");
    assert_eq!(world.logged("verified"), 1);
}

#[test]
fn rule_14_two_calls_broken_off_after_a_wrong_answer_send_one_code() {
    let world = World::new();
    let thrice = "trap 'echo broken off' INT; sudo -k id -un; sudo -k id -un; sudo -k id -un";
    let mut shell = world.machine.terminal("alice", &["sh", "-c", thrice]);
    shell.answer("password for alice: ", ALICE.password);
    shell.expect(SENT);
    let code = world.phone.code();
    shell.send_line(&another(&code));
    // PAM_SILENT is sudo's habit: all that is needed stands in the prompt (rule 30).
    shell.expect(&format!("Wrong, 2 tries left. {SENT}"));
    shell.interrupt();
    shell.expect("broken off\n");

    shell.answer("password for alice: ", ALICE.password);
    shell.expect("Code sent by Telegram to ...977 ");
    shell.answer(" s ago: ", &another(&code));
    shell.expect("Wrong, 1 try left. Code sent by Telegram to ...977 ");
    shell.expect(" s ago: ");
    shell.interrupt();
    shell.expect("broken off\n");

    shell.answer("password for alice: ", ALICE.password);
    shell.expect("Code sent by Telegram to ...977 ");
    shell.answer(" s ago: ", &code);
    becomes_root(shell);
    assert_eq!(world.phone.messages().len(), 1);
    assert_eq!((world.logged("sent"), world.logged("wrong"), world.logged("verified")), (1, 2, 1));
}

#[test]
fn ctrl_c_at_the_prompt_denies_and_counts_as_nothing() {
    let world = World::new();
    let mut sudo = sudo_with_her_password(&world);
    sudo.expect(SENT);
    sudo.interrupt();
    assert!(!sudo.fails().contains("root\n"), "{}", sudo.transcript());
    let log = world.log();
    assert!(log[1].starts_with("refused user=alice ") && log[1].ends_with(" reason=conversation"), "{log:?}");
    assert_eq!((world.logged("wrong"), world.phone.messages().len()), (0, 1));
    assert!(world.ledger(ALICE).expect("a ledger").contains("challenge"), "it lives on");
}

#[test]
fn an_empty_answer_denies_and_counts_as_nothing() {
    let world = World::new();
    let mut sudo = sudo_with_her_password(&world);
    sudo.answer(SENT, "");
    sudo.expect("No code was typed.");
    assert!(!sudo.fails().contains("root\n"), "{}", sudo.transcript());
    assert_eq!((world.logged("wrong"), world.logged("verified")), (0, 0));
}

#[test]
fn rule_10_the_password_in_place_of_the_code_is_no_guess_and_the_next_try_needs_no_other_code() {
    let world = World::new();
    let mut sudo = sudo_with_her_password(&world);
    sudo.answer(SENT, ALICE.password);
    // sudo asks up to three times, each time the whole stack.
    sudo.expect("Sorry, try again.");
    sudo.answer("password for alice: ", ALICE.password);
    sudo.expect("Code sent by Telegram to ...977 ");
    sudo.answer(" s ago: ", &world.phone.code());
    becomes_root(sudo);
    assert_eq!((world.phone.messages().len(), world.logged("wrong")), (1, 0));
}

#[test]
fn a_nopasswd_rule_never_asks() {
    let world = World::new();
    world.machine.write("/etc/sudoers.d/alice", 0o440, "alice ALL=(ALL) NOPASSWD: ALL\n");
    let ended = world.machine.run("alice", &["sudo", "-n", "id", "-un"], "");
    assert_eq!(ended.output, "root\n", "{ended:?}");
    assert_eq!((world.phone.requests(), world.log().len()), (0, 0));
}

#[test]
fn rule_2_with_rootpw_it_is_roots_factor() {
    let world = World::new();
    world.enroll(ROOT);
    world.machine.write("/etc/sudoers.d/rootpw", 0o440, "Defaults rootpw\n");
    let mut sudo = world.machine.terminal("alice", &["sudo", "id", "-un"]);
    sudo.answer("password for root: ", ROOT.password);
    sudo.expect("Code sent by Telegram to ...101: ");
    let message = world.phone.message();
    assert_eq!(message.chat, ROOT.chat());
    assert!(message.text.contains("root") && message.text.contains("alice"), "{}", message.text);
    sudo.send_line(message.code.as_deref().expect("a code"));
    becomes_root(sudo);
    assert!(world.log().iter().all(|line| line.contains("user=root")), "{:?}", world.log());
    assert_eq!(world.ledger(ALICE), None);
}
