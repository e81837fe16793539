//! Whole logins of a host that runs under valgrind(1), with the module as it is shipped.

use herald_tests::figures::figure;
use herald_tests::pam::{Answer, Code, Message};
use herald_tests::world::{ALICE, BEHIND_PASSWORD, World, another};

const REPORT: &str = "/tmp/valgrind.log";

/// What valgrind says after so many pairs of a wrong and a right login in one host, each with the module loaded anew.
fn report(world: &World, pairs: usize) -> String {
    let by = ["valgrind", "--log-file=/tmp/valgrind.log", "--leak-check=full", "--errors-for-leak-kinds=none"];
    let host = world.host_by(&by, "sshd", BEHIND_PASSWORD).user("alice").rhost("203.0.113.7").tty("ssh");
    let mut session = host.start();
    for _ in 0..pairs {
        for right in [false, true] {
            let mut code = None;
            let outcome = session.authenticate(|message: &Message| match message.text.as_str() {
                "Password: " => Answer::text(ALICE.password),
                _ if message.style.is_prompt() && code.is_none() => {
                    code = world.phone.messages().pop().and_then(|message| message.code);
                    let code = code.clone().expect("a code");
                    Answer::text(if right { code } else { another(&code) })
                }
                _ if message.style.is_prompt() => Answer::Code(Code::CONV_ERR),
                _ => Answer::Null,
            });
            assert_eq!(outcome.code, if right { Code::SUCCESS } else { Code::CONV_ERR }, "{outcome:?}");
            session.start_again(&host);
        }
    }
    session.end();
    world.machine.read(REPORT)
}

/// The bytes in a line of the summary, such as `definitely lost: 1,024 bytes in 2 blocks`; none if all were freed.
fn bytes(report: &str, what: &str) -> u64 {
    let line = report.lines().find(|line| line.contains(what));
    let word = line.and_then(|line| line.split(what).nth(1)?.split_whitespace().next());
    word.map_or(0, |word| word.replace(',', "").parse().expect("a number"))
}

#[test]
fn a_whole_login_under_valgrind_touches_nothing_that_is_not_its_own() {
    const ONCE: usize = 1;
    const OFTEN: usize = 4;
    let world = World::new();
    let (once, often) = (report(&world, ONCE), report(&world, OFTEN));
    for report in [&once, &often] {
        assert!(report.contains("ERROR SUMMARY: 0 errors"), "{report}");
    }
    let errors = often.split("ERROR SUMMARY: ").nth(1).and_then(|rest| rest.split(' ').next()).expect("a summary");
    figure("logins of the shipped module under valgrind, and errors", format!("{} and {errors}", 2 * (ONCE + OFTEN)));
    for what in ["definitely lost: ", "indirectly lost: ", "possibly lost: "] {
        assert!(bytes(&often, what) <= bytes(&once, what), "{what}\n{once}\n{often}");
    }
}
