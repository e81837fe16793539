//! `policy.remember`: the same person, at the same place, a little later.

use crate::world::*;
use herald_core::enrollment::State;
use herald_core::login::{Attempt, Verdict};
use herald_core::secret::SecretBytes;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

fn world() -> World {
    let world = World::new();
    world.configure("[limits]\nsends = 100\n[policy]\nremember = \"8h\"");
    world
}

/// A login behind a password, so that there is evidence.
fn sudo_of(world: &World) -> Attempt {
    Attempt { authtok: Some(SecretBytes::from(&b"correct horse"[..])), ..world.local("sudo") }
}

fn is_asked(world: &World, attempt: &Attempt) -> bool {
    let story = world.log_in(attempt, []);
    match story.verdict {
        Verdict::Ignore | Verdict::Success => false,
        Verdict::ConversationError => !story.prompts.is_empty(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn rule_3_after_a_right_code_the_same_place_is_not_asked_again_for_a_while() {
    let world = world();
    assert!(is_asked(&world, &world.ssh()), "nothing is remembered before a success");
    assert_eq!(world.log_in(&world.ssh(), [Step::TheCode]).verdict, Verdict::Success);
    assert_eq!(world.log_in(&world.ssh(), []).verdict, Verdict::Ignore);
    assert_eq!(world.logged("skipped user=alice rhost=203.0.113.7 tty=ssh reason=remembered"), 1);
    // sshd calls every terminal `ssh`; what counts is the address, however it is written.
    let mapped = Attempt { rhost: "::ffff:203.0.113.7".into(), tty: "pts/3".into(), ..world.ssh() };
    assert!(!is_asked(&world, &mapped));
    world.wait(8 * HOUR - MINUTE);
    assert!(!is_asked(&world, &world.ssh()));
    world.wait(MINUTE);
    assert!(is_asked(&world, &world.ssh()), "it is not prolonged by use");
}

#[test]
fn rule_3_another_place_service_or_user_is_asked() {
    let world = world();
    world.enroll("bob", "telegram", "100200300");
    assert_eq!(world.log_in(&world.ssh(), [Step::TheCode]).verdict, Verdict::Success);
    for other in [
        Attempt { rhost: "203.0.113.8".into(), ..world.ssh() },
        Attempt { user: b"bob".to_vec(), ..world.ssh() },
        Attempt { rhost: "203.0.113.7".into(), service: "sudo".into(), ..world.ssh() },
    ] {
        assert!(is_asked(&world, &other), "{other:?}");
    }
}

#[test]
fn rule_3_names_and_loopback_are_no_places() {
    let world = world();
    for rhost in ["laptop.example", "localhost", "127.0.0.1", "::1", "::ffff:127.0.0.1", "", "203.0.113"] {
        let attempt = Attempt { rhost: rhost.into(), ..world.ssh() };
        assert_eq!(world.log_in(&attempt, [Step::TheCode]).verdict, Verdict::Success);
        assert!(is_asked(&world, &attempt), "{rhost}");
    }
}

#[test]
fn rule_3_a_local_login_is_remembered_for_its_terminal_and_session() {
    let world = world();
    let sudo = sudo_of(&world);
    assert_eq!(world.log_in(&sudo, [Step::TheCode]).verdict, Verdict::Success);
    assert!(!is_asked(&world, &sudo));
    assert!(is_asked(&world, &Attempt { tty: "pts/2".into(), ..sudo_of(&world) }));
    world.session.replace(Some("4711@999999".into()));
    assert!(is_asked(&world, &sudo), "the number of a session is used again");
    world.session.replace(None);
    assert!(is_asked(&world, &sudo), "no session is no place");
}

#[test]
fn rule_9_without_evidence_nothing_is_remembered() {
    let world = world();
    assert_eq!(world.log_in(&world.ssh(), [Step::TheCode]).verdict, Verdict::Success);
    let stranger = Attempt { authtok: None, ..world.ssh() };
    let story = world.log_in(&stranger, [types("123456")]);
    assert_eq!((story.verdict, story.prompts), (Verdict::AuthError, vec!["Code: ".to_owned()]));
    let key = Attempt { authtok: None, ssh_key: true, ..world.ssh() };
    assert!(!is_asked(&world, &key), "a key is evidence as well");
    // Locally, where the code comes before the password.
    let first = world.local("sudo");
    assert_eq!(world.log_in(&first, [Step::Enter, Step::TheCode]).verdict, Verdict::Success);
    assert!(is_asked(&world, &first));
    assert!(is_asked(&world, &sudo_of(&world)));
}

#[test]
fn rule_9_where_the_code_does_it_alone_nothing_is_remembered() {
    let world = World::new();
    world.configure("[policy]\nremember = \"8h\"\ncode_alone = true");
    assert_eq!(world.log_in(&world.ssh(), [Step::TheCode]).verdict, Verdict::Success);
    assert!(is_asked(&world, &world.ssh()));
}

#[test]
fn rule_16_who_is_locked_is_locked_also_where_they_are_remembered() {
    let world = world();
    assert_eq!(world.log_in(&world.ssh(), [Step::TheCode]).verdict, Verdict::Success);
    let elsewhere = Attempt { rhost: "198.51.100.1".into(), ..world.ssh() };
    for _ in 0..2 {
        world.log_in(&elsewhere, [Step::AWrongCode, Step::AWrongCode, Step::AWrongCode]);
    }
    assert_eq!(world.log_in(&world.ssh(), []).verdict, Verdict::MaxTries);
}

#[test]
fn rule_13_what_is_remembered_ends_with_its_factor() {
    let world = world();
    assert_eq!(world.log_in(&world.ssh(), [Step::TheCode]).verdict, Verdict::Success);
    let other = world.enroll("alice", "telegram", "100200300");
    assert!(!is_asked(&world, &world.ssh()), "another factor changes nothing");
    world.set_state("alice", 1, State::Disabled);
    assert!(is_asked(&world, &world.ssh()));
    assert_ne!(other, 1);
}

#[test]
fn rule_4_with_exempt_success_a_remembered_place_is_a_success() {
    let world = world();
    let sure = Attempt { arguments: vec![b"exempt=success".to_vec()], ..world.ssh() };
    assert_eq!(world.log_in(&sure, [Step::TheCode]).verdict, Verdict::Success);
    let story = world.log_in(&sure, []);
    assert_eq!((story.verdict, story.prompts.len()), (Verdict::Success, 0));
}

#[test]
fn by_default_nothing_is_remembered() {
    let world = World::new();
    assert_eq!(world.log_in(&world.ssh(), [Step::TheCode]).verdict, Verdict::Success);
    assert!(is_asked(&world, &world.ssh()));
    assert!(world.ledger("alice").remembered.is_empty());
}
