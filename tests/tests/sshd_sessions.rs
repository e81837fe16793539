//! Logins through the real sshd that go on, break off, meet each other, or are one too many.

use herald_tests::phone::Fault;
use herald_tests::world::{ALICE, Sshd, Terminal, World, another, example};
use std::thread;
use std::time::{Duration, Instant};

const SENT: &str = "Code sent by Telegram to ...977: ";

fn sshd(world: &World) -> Sshd<'_> {
    Sshd::start(&world.machine, &[&example("sshd_config.d/herald.conf")])
}

fn alice_with_her_password(sshd: &Sshd<'_>) -> Terminal {
    let mut alice = sshd.log_in("alice");
    alice.answer("Password: ", ALICE.password);
    alice
}

fn gets_in(mut terminal: Terminal) {
    terminal.expect("in as alice");
    terminal.succeeds();
}

/// Waits until sshd serves nobody any more: only the process that listens is left.
fn wait_until_nobody_is_served(world: &World) {
    let give_up = Instant::now() + Duration::from_secs(20);
    loop {
        let processes = world.machine.processes();
        if processes.len() == 1 && processes[0].starts_with("sshd(") {
            return;
        }
        assert!(Instant::now() < give_up, "{processes:?}");
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn rule_14_who_is_cut_off_at_the_prompt_finds_the_code_still_good() {
    let world = World::new();
    let sshd = sshd(&world);
    let mut alice = alice_with_her_password(&sshd);
    alice.expect(SENT);
    let code = world.phone.code();
    alice.hang_up();
    wait_until_nobody_is_served(&world);
    assert_eq!(world.machine.held_locks("/run/herald/ledger"), Vec::<String>::new());

    let mut alice = alice_with_her_password(&sshd);
    alice.expect("Code sent by Telegram to ...977 ");
    alice.answer(" s ago: ", &code);
    gets_in(alice);
    assert_eq!(world.phone.messages().len(), 1);
    assert_eq!((world.logged("sent"), world.logged("wrong"), world.logged("verified")), (1, 0, 1));
}

#[test]
fn rule_17_who_is_cut_off_while_the_code_is_on_its_way_leaves_nothing_behind() {
    let world = World::new();
    world.configure("delivery.deadline = \"2s\"");
    let sshd = sshd(&world);
    world.phone.set_fault(Fault::Hang);
    let alice = alice_with_her_password(&sshd);
    while world.phone.connections() == 0 {
        thread::sleep(Duration::from_millis(2));
    }
    alice.hang_up();
    // sshd waits for its child, and that for the deadline at most.
    wait_until_nobody_is_served(&world);
    assert_eq!(world.machine.held_locks("/run/herald/ledger"), Vec::<String>::new());
    assert_eq!((world.logged("sent"), world.logged("undelivered")), (0, 1));

    world.phone.set_fault(Fault::None);
    let mut alice = alice_with_her_password(&sshd);
    alice.expect(SENT);
    alice.send_line(&world.phone.code());
    gets_in(alice);
    assert_eq!(world.logged("verified"), 1);
}

#[test]
fn rule_15_two_sessions_at_once_share_one_code_and_only_one_of_them_uses_it() {
    let world = World::new();
    let sshd = sshd(&world);
    let mut first = alice_with_her_password(&sshd);
    first.expect(SENT);
    let mut second = alice_with_her_password(&sshd);
    second.expect("Code sent by Telegram to ...977 ");
    second.expect(" s ago: ");
    let code = world.phone.code();
    first.send_line(&code);
    gets_in(first);

    second.send_line(&code);
    second.expect(&format!("That code was used. {SENT}"));
    second.send_line(&world.phone.code());
    gets_in(second);
    assert_eq!(world.phone.messages().len(), 2);
    assert_eq!((world.logged("sent"), world.logged("wrong"), world.logged("verified")), (2, 0, 2));
}

#[test]
fn scp_goes_through_a_connection_that_was_opened_with_one_login() {
    let world = World::new();
    let sshd = sshd(&world);
    let shared = ["-o", "ControlPath=/run/client/shared", "-o", "NumberOfPasswordPrompts=1"];
    let keep = ["-o", "ControlMaster=yes", "-o", "ControlPersist=yes"];
    let mut alice = sshd.log_in_with("alice", &[&shared[..], &keep].concat());
    alice.answer("Password: ", ALICE.password);
    alice.expect(SENT);
    alice.send_line(&world.phone.code());
    alice.expect("in as alice");

    let run = |program: &str, rest: &[&str]| {
        let words = sshd.words(program, &[&shared[..], &["-o", "BatchMode=yes"], rest].concat());
        world.machine.run("root", &words.iter().map(String::as_str).collect::<Vec<_>>(), "")
    };
    let copied = run("scp", &["/etc/hosts", "alice@127.0.0.1:copy"]);
    assert!(copied.status.success(), "{copied:?}");
    assert_eq!(world.machine.read(&format!("{}/copy", world.machine.home(ALICE))), world.machine.read("/etc/hosts"));
    let ran = run("ssh", &["alice@127.0.0.1", "id", "-un"]);
    assert_eq!(ran.output, "alice\n", "{ran:?}");
    let closed = run("ssh", &["-O", "exit", "alice@127.0.0.1"]);
    assert!(closed.status.success(), "{closed:?}");
    assert_eq!((world.phone.messages().len(), world.logged("verified")), (1, 1));
}

#[test]
fn rule_16_wrong_answers_in_a_row_lock_the_user_and_the_phone_tells_once() {
    let world = World::new();
    world.configure("limits.failures = 3");
    let sshd = sshd(&world);
    let mut alice = alice_with_her_password(&sshd);
    alice.expect(SENT);
    let code = world.phone.code();
    alice.send_line(&another(&code));
    alice.answer("Wrong, 2 tries left. ", &another(&code));
    alice.answer("Wrong, 1 try left. ", &another(&code));
    let rest = alice.fails();
    assert!(rest.contains("Too many wrong codes: locked for 10 min."), "{rest}");
    let notice = world.phone.message();
    assert_eq!((notice.chat, notice.code), (ALICE.chat(), None));
    assert!(notice.text.contains("alice") && notice.text.contains("locked for 10 min"), "{}", notice.text);

    // The lock refuses before anything is asked or sent.
    let rest = alice_with_her_password(&sshd).fails();
    assert!(rest.contains("Too many wrong codes: locked for 10 min."), "{rest}");
    assert!(!rest.contains("Code"), "{rest}");
    assert_eq!(world.phone.messages().len(), 2);
    assert_eq!((world.logged("sent"), world.logged("wrong"), world.logged("locked")), (1, 3, 2));
}

#[test]
fn rule_11_the_budget_for_codes_in_vain_stops_sending_and_says_for_how_long() {
    let world = World::new();
    world.configure("limits.sends = 1\nlimits.resend_after = \"0s\"");
    let sshd = sshd(&world);
    let mut alice = alice_with_her_password(&sshd);
    alice.answer(SENT, "r");
    alice.expect(&format!("No more codes for now. {SENT}"));
    let code = world.phone.code();
    alice.send_line(&another(&code));
    alice.answer("Wrong, 2 tries left. ", &another(&code));
    alice.answer("Wrong, 1 try left. ", &another(&code));
    alice.fails();

    let rest = alice_with_her_password(&sshd).fails();
    assert!(rest.contains("Too many codes were sent: try again in 15 min."), "{rest}");
    assert_eq!(world.phone.messages().len(), 1);
    let log = world.log();
    assert_eq!(log.last().expect("lines"), "refused user=alice rhost=127.0.0.1 tty=ssh reason=budget-used-up");
}
