//! GDM's session worker, as its source has it: a host that can have something picked from a list, and says so.

use herald_tests::pam::{Answer, Code, Host, Message, Outcome, Style};
use herald_tests::world::{ALICE, BEHIND_PASSWORD, World, another};
use std::process::Command;

const ADVERTISED: &str =
    "org.gnome.DisplayManager.UserVerifier.CustomJSON org.gnome.DisplayManager.UserVerifier.ChoiceList";
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const SENT: &str = "Code sent by Telegram to ...977: ";
/// PAM_BINARY_PROMPT
const LIST: Style = Style::Other(7);
const LINES: &str = "1 Telegram ...977: sends a code by Telegram\n2 authenticator app: shows a code";

/// Alice has Telegram and an app. GDM names the console of its greeter.
fn world() -> World {
    let world = World::new();
    let words = ["herald", "enroll", "totp", "--user", "alice", "--secret", "-", "--assume-verified"];
    let ended = world.machine.run("root", &words, &format!("{SECRET}\n"));
    assert!(ended.status.success(), "{ended:?}");
    // Rule 34: she is told.
    world.phone.message();
    world
}

fn gdm(world: &World, service: &str, extensions: &str) -> Host {
    let host = world.host(service, BEHIND_PASSWORD).user("alice").tty("/dev/tty1");
    host.process_environment("GDM_SUPPORTED_PAM_EXTENSIONS", extensions)
}

fn app() -> String {
    let shown = Command::new("oathtool").args(["--totp", "--base32", SECRET]).output();
    String::from_utf8(shown.expect("oathtool (Debian: apt install oathtool)").stdout).expect("digits").trim().to_owned()
}

/// The password, `?` at the first question, this at the list, and this at the next question.
fn log_in(host: &Host, at_the_list: &Answer, then: &Answer) -> Outcome {
    let mut asked = 0;
    host.start().authenticate(|message: &Message| match message.style {
        LIST => at_the_list.clone(),
        Style::Hidden => {
            asked += 1;
            match asked {
                1 => Answer::text(ALICE.password),
                2 => Answer::text("?"),
                _ => then.clone(),
            }
        }
        _ => Answer::Null,
    })
}

#[test]
fn another_factor_is_picked_from_gdms_own_list() {
    let world = world();
    let outcome = log_in(&gdm(&world, "gdm-password", ADVERTISED), &Answer::text("2"), &Answer::text(app()));
    let said: Vec<(Style, String)> =
        outcome.transcript.iter().map(|exchange| (exchange.message.style, exchange.message.text.clone())).collect();
    let hidden = |text: &str| (Style::Hidden, text.to_owned());
    let list = (LIST, format!("{}\n1 {}", SENT.trim_end_matches(": "), LINES.replace('\n', "\n2 ")));
    assert_eq!(said, [hidden("Password: "), hidden(SENT), list, hidden("Code from your app: ")], "{outcome:?}");
    assert_eq!(outcome.code, Code::SUCCESS, "{outcome:?}");
}

#[test]
fn rule_21_what_gdm_advertises_changes_how_a_question_looks_and_only_in_its_services() {
    let world = world();
    for (service, extensions, at_the_list, lists) in [
        ("gdm-password", "", Answer::Null, 0),
        ("gdm-password", "org.gnome.DisplayManager.UserVerifier.CustomJSON", Answer::Null, 0),
        ("sshd", ADVERTISED, Answer::Null, 0),
        ("gdm-password", ADVERTISED, Answer::Null, 1),
        ("gdm-password", ADVERTISED, Answer::Nothing, 1),
        ("gdm-password", ADVERTISED, Answer::Code(Code::CONV_ERR), 1),
        ("gdm-password", ADVERTISED, Answer::text("3"), 1),
        ("gdm-password", ADVERTISED, Answer::empty(), 1),
    ] {
        let gone = Answer::Code(Code::CONV_ERR);
        let outcome = log_in(&gdm(&world, service, extensions), &at_the_list, &gone);
        let shown = outcome.transcript.iter().filter(|exchange| exchange.message.style == LIST).count();
        assert_eq!(shown, lists, "{service} {extensions}: {outcome:?}");
        assert!(outcome.prompts()[2].contains(LINES), "{service} {extensions} {at_the_list:?}: {outcome:?}");
    }
}

#[test]
fn a_worker_that_is_killed_in_the_middle_leaves_the_code_good() {
    let world = world();
    let host = gdm(&world, "gdm-password", ADVERTISED);
    let mut first = host.start();
    first.begin(herald_tests::pam::Call::Authenticate, 0);
    first.next_message();
    first.answer(&Answer::text(ALICE.password));
    first.next_message();
    let code = world.phone.code();
    // Somebody switches users: GDM kills the worker.
    drop(first);
    let outcome = host.start().authenticate([ALICE.password, &another(&code), &code]);
    assert_eq!(outcome.code, Code::SUCCESS, "{outcome:?}");
    assert!(outcome.prompts()[1].contains(" ago: "), "{outcome:?}");
    assert_eq!(world.phone.messages().iter().filter(|message| message.code.is_some()).count(), 1);
}

#[test]
fn what_the_list_is_made_of_is_freed_once_under_valgrind() {
    let world = world();
    let by = ["valgrind", "--log-file=/tmp/valgrind.log", "--leak-check=full", "--errors-for-leak-kinds=none"];
    let host = world.host_by(&by, "gdm-password", BEHIND_PASSWORD).user("alice").tty("/dev/tty1");
    let host = host.process_environment("GDM_SUPPORTED_PAM_EXTENSIONS", ADVERTISED);
    let mut session = host.start();
    let mut asked = 0;
    let outcome = session.authenticate(|message: &Message| match message.style {
        LIST => Answer::text("2"),
        Style::Hidden => {
            asked += 1;
            Answer::text(match asked {
                1 => ALICE.password.to_owned(),
                2 => "?".to_owned(),
                _ => app(),
            })
        }
        _ => Answer::Null,
    });
    assert_eq!(outcome.code, Code::SUCCESS, "{outcome:?}");
    session.end();
    let report = world.machine.read("/tmp/valgrind.log");
    assert!(report.contains("ERROR SUMMARY: 0 errors"), "{report}");
    assert!(!report.contains("choice_list"), "nothing of ours is lost: {report}");
}
