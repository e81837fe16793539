//! Interface §4 and §5: what a person sees.

use crate::world::*;
use herald_core::courier::End;
use herald_core::login::Verdict;

#[test]
fn alice_types_the_code_from_her_phone_and_is_in() {
    let world = World::new();
    let story = world.log_in(&world.ssh(), [Step::TheCode]);
    assert_eq!(story.verdict, Verdict::Success);
    assert_eq!(story.prompts, ["Code sent by Telegram to ...977: "]);
    assert_eq!(story.errors, Vec::<String>::new());
    assert_eq!(
        *world.log.borrow(),
        [
            "sent user=alice channel=telegram gateway=bot to=...977 took=0ms rhost=203.0.113.7 tty=ssh",
            "verified user=alice channel=telegram gateway=bot to=...977 rhost=203.0.113.7 tty=ssh took=0ms",
        ]
    );
}

#[test]
fn the_message_says_who_where_from_how_long_and_what_to_do() {
    let world = World::new();
    world.log_in(&world.ssh(), [Step::TheCode]);
    let message = world.phone.borrow()[0].clone();
    assert_eq!((message.address.as_str(), message.gateway.as_str()), ("475721977", "bot"));
    assert_eq!(message.code.as_ref().map(String::len), Some(6));
    assert_eq!(
        message.text,
        "Login at pi.example\nService: sshd\nUser: alice\nFrom: 203.0.113.7\nGood for 5 min.\n\
         Type it only at pi.example. Nobody will ask you for it.\n\
         Not you? Somebody has your password or key: change it."
    );
}

#[test]
fn rule_31_what_the_peer_and_the_caller_write_reaches_nobody_as_it_is() {
    let world = World::new();
    let mut attempt = world.ssh();
    attempt.rhost = "evil\u{1b}[2J<b>\nuser=root.example".into();
    attempt.ruser = "mallory\u{202e}".into();
    world.log_in(&attempt, [Step::TheCode]);
    let text = world.phone.borrow()[0].text.clone();
    assert!(text.contains("From: evil2Jbuserroot.example"), "{text}");
    assert!(text.contains("(asked for by mallory)"), "{text}");
    assert!(!text.contains(['\u{1b}', '<', '\u{202e}']), "{text}");
    assert!(world.log.borrow().iter().all(|line| line.is_ascii() && line.matches("user=").count() == 1));
}

#[test]
fn a_wrong_code_says_how_many_tries_are_left_and_the_right_one_still_counts() {
    let world = World::new();
    let story = world.log_in(&world.ssh(), [Step::AWrongCode, Step::AWrongCode, Step::TheCode]);
    assert_eq!(story.verdict, Verdict::Success);
    assert_eq!(
        story.prompts,
        [
            "Code sent by Telegram to ...977: ",
            "Wrong, 2 tries left. Code sent by Telegram to ...977: ",
            "Wrong, 1 try left. Code sent by Telegram to ...977: ",
        ]
    );
    assert_eq!(world.codes().len(), 1);
    assert_eq!(world.ledger("alice").failures, 0);
}

#[test]
fn coming_back_takes_up_the_code_that_is_already_on_the_phone() {
    let world = World::new();
    assert_eq!(world.log_in(&world.ssh(), [Step::BreaksOff]).verdict, Verdict::ConversationError);
    world.wait(2 * MINUTE);
    let story = world.log_in(&world.ssh(), [Step::AWrongCode, Step::TheCode]);
    assert_eq!(
        story.prompts,
        ["Code sent by Telegram to ...977 2 min ago: ", "Wrong, 2 tries left. Telegram code to ...977 2 min ago: "]
    );
    assert_eq!(story.verdict, Verdict::Success);
    assert_eq!(world.codes().len(), 1);
}

#[test]
fn a_question_mark_explains_and_costs_nothing() {
    let world = World::new();
    world.add_gateway("fon", "signal");
    world.enroll("alice", "signal", "+81312345678");
    let story = world.log_in(&world.ssh(), [types("?"), types("？"), Step::TheCode]);
    assert_eq!(
        story.prompts[1],
        "Type the code you were sent. r sends a new one.\n1 Telegram ...977: sends a code by Telegram\n\
         2 Signal ...678: sends a code by Signal\nA number or a name switches.\nCode sent by Telegram to ...977: "
    );
    assert_eq!(story.verdict, Verdict::Success);
}

#[test]
fn a_channel_is_picked_by_number_or_by_name() {
    for pick in ["2", "signal", "SIGNAL", " Signal "] {
        let world = World::new();
        world.add_gateway("fon", "signal");
        world.enroll("alice", "signal", "+81312345678");
        let story = world.log_in(&world.ssh(), [types(pick), Step::TheCode]);
        assert_eq!(story.verdict, Verdict::Success, "{pick}");
        assert_eq!(story.prompts[1], "Code sent by Signal to ...678: ");
        assert_eq!(world.phone.borrow()[1].address, "+81312345678");
    }
}

#[test]
fn the_module_argument_channel_says_which_is_asked_first() {
    let world = World::new();
    world.add_gateway("fon", "signal");
    world.enroll("alice", "signal", "+81312345678");
    let mut attempt = world.ssh();
    attempt.arguments = vec![b"channel=signal".to_vec()];
    assert_eq!(world.log_in(&attempt, [Step::TheCode]).prompts, ["Code sent by Signal to ...678: "]);
}

#[test]
fn a_failed_channel_is_named_and_the_next_one_is_used() {
    let world = World::new();
    world.add_gateway("fon", "signal");
    world.enroll("alice", "signal", "+81312345678");
    world.behaves("bot", End::Unreachable);
    let story = world.log_in(&world.ssh(), [Step::TheCode]);
    assert_eq!(story.prompts, ["Telegram failed. Code sent by Signal to ...678: "]);
    assert_eq!(story.verdict, Verdict::Success);
    assert_eq!(world.logged("undelivered user=alice channel=telegram gateway=bot"), 1);
}

#[test]
fn rule_13_failing_over_sends_the_same_code() {
    let world = World::new();
    world.add_gateway("fon", "signal");
    world.enroll("alice", "signal", "+81312345678");
    world.behaves("bot", End::Unclear);
    let story = world.log_in(&world.ssh(), [Step::TheCode]);
    assert_eq!(story.verdict, Verdict::Success);
    let codes = world.codes();
    assert_eq!((codes.len(), codes[0] == codes[1]), (2, true));
}

#[test]
fn rule_10_ten_prompts_are_the_most_in_one_call() {
    let world = World::new();
    let story = world.log_in(&world.ssh(), (0..50).map(|_| types("?")));
    assert_eq!((story.verdict, story.prompts.len()), (Verdict::AuthError, 10));
    assert_eq!(world.ledger("alice").failures, 0);
}

#[test]
fn rule_10_the_first_factor_typed_again_is_never_compared_nor_counted() {
    let world = World::new();
    let story = world.log_in(&world.ssh(), [types("correct horse")]);
    assert_eq!(story.verdict, Verdict::AuthError);
    assert_eq!((world.ledger("alice").failures, world.ledger("alice").challenge[0].attempts_left), (0, 3));
    assert!(world.log.borrow().iter().any(|line| line.contains("PasswordAuthentication_no")));
}

#[test]
fn an_empty_or_missing_reply_ends_the_call_and_the_code_stays_good() {
    for step in [Step::Enter, Step::BreaksOff] {
        let world = World::new();
        assert_eq!(world.log_in(&world.ssh(), [step]).verdict, Verdict::ConversationError);
        assert_eq!(world.ledger("alice").failures, 0);
        assert_eq!(world.log_in(&world.ssh(), [Step::TheCode]).verdict, Verdict::Success);
        assert_eq!(world.codes().len(), 1);
    }
}

#[test]
fn replies_that_are_no_text_or_too_long_are_wrong_and_nothing_else() {
    let world = World::new();
    let long = "1".repeat(4096);
    let story = world.log_in(&world.ssh(), [types(&long), types("\u{fffd}"), Step::TheCode]);
    assert_eq!(story.verdict, Verdict::Success);
    assert_eq!(world.codes().len(), 1);
}

#[test]
fn people_are_asked_in_their_own_language_and_consoles_in_ascii() {
    let speak_at = |service: &str, language: &str, tty: &str| {
        let world = World::new();
        world.configure(&format!("language = \"{language}\""));
        let mut attempt = world.ssh();
        (attempt.service, attempt.tty) = (service.into(), tty.into());
        world.log_in(&attempt, [Step::TheCode]).prompts[0].clone()
    };
    let speak = |language: &str, tty: &str| speak_at("sshd", language, tty);
    assert_eq!(speak("ja", "ssh"), "Telegramで...977にコードを送りました: ");
    assert_eq!(speak("fr", "ssh"), "Code envoyé par Telegram à ...977 : ");
    assert_eq!(speak("fr", "tty1"), "Code envoye par Telegram a ...977 : ");
    assert_eq!(speak("ja", "tty1"), "Code sent by Telegram to ...977: ");
    // GDM draws for itself, though it names a console.
    assert_eq!(speak_at("gdm-password", "ja", "/dev/tty1"), "Telegramで...977にコードを送りました: ");
    let world = World::new();
    let alice = herald_core::account::UserName::new("alice");
    world.enrollments.borrow_mut().get_mut(&alice).expect("enrolled").language = Some("de".into());
    assert_eq!(world.log_in(&world.ssh(), [Step::TheCode]).prompts, ["Code per Telegram an ...977: "]);
    assert!(world.phone.borrow()[0].text.starts_with("Anmeldung an pi.example\nDienst: sshd\nKonto: alice"));
}

#[test]
fn rule_35_desktops_are_told_why_and_are_not_turned_off() {
    for (service, verdict) in
        [("gdm-password", Verdict::AuthError), ("kde", Verdict::AuthError), ("sudo", Verdict::AuthInfoUnavailable)]
    {
        let world = World::new();
        world.behaves("bot", End::Configuration);
        let mut attempt = world.ssh();
        attempt.service = service.into();
        let story = world.log_in(&attempt, []);
        assert_eq!(story.verdict, verdict);
        assert_eq!(story.errors.len(), 1, "{:?}", story.errors);
    }
}
