//! `input=append`: one field, and the code behind the password in it.

use crate::offline::{add_codes, with_app};
use crate::world::*;
use herald_core::enrollment::State;
use herald_core::login::{Attempt, Verdict, shapes_behind};
use herald_core::provider::spelled;
use herald_core::secret::SecretBytes;

/// The two lines of the module with a password module between them, as `src/pam` walks them: what the password module
/// is given, and how our second line ends.
fn types_in_one_field(world: &World, typed: &str) -> (String, Story) {
    let before = Attempt { authtok: None, arguments: vec![b"input=append".to_vec()], ..world.ssh() };
    let bytes = SecretBytes::from(typed.as_bytes());
    let length = code_behind(world, &before, &bytes, world).expect("a set-up that works");
    let (password, end) = typed.split_at(typed.len() - length);
    let behind = Attempt {
        authtok: Some(SecretBytes::from(password.as_bytes())),
        appended: (length > 0).then(|| SecretBytes::from(end.as_bytes())),
        ..before
    };
    (password.to_owned(), world.log_in(&behind, []))
}

fn code_behind(world: &World, attempt: &Attempt, typed: &SecretBytes, audit: &World) -> Result<usize, Verdict> {
    shapes_behind(world, attempt, audit).map(|shapes| shapes.end_of(typed.expose()))
}

/// A code of as many digits that is not this one.
fn another(code: &str) -> String {
    code.chars()
        .map(|digit| if digit == '9' { '0' } else { char::from_u32(u32::from(digit) + 1).expect("a digit") })
        .collect()
}

#[test]
fn the_first_try_sends_and_the_second_carries_password_and_code() {
    let world = World::new();
    let (password, story) = types_in_one_field(&world, "correct horse");
    assert_eq!((password.as_str(), story.verdict, story.prompts.len()), ("correct horse", Verdict::AuthError, 0));
    assert_eq!(story.errors, ["Code sent by Telegram to ...977. Log in again with the code at the very end."]);
    let (password, story) = types_in_one_field(&world, &format!("correct horse{}", world.newest_code()));
    assert_eq!((password.as_str(), story.verdict, story.prompts.len()), ("correct horse", Verdict::Success, 0));
    assert_eq!(world.codes().len(), 1);
    assert_eq!(world.ledger("alice").failures, 0);
}

#[test]
fn a_try_without_a_code_counts_for_nothing_and_sends_no_second_one() {
    let world = World::new();
    for _ in 0..5 {
        let (_, story) = types_in_one_field(&world, "correct horse");
        assert_eq!(story.verdict, Verdict::AuthError);
    }
    assert_eq!((world.ledger("alice").failures, world.codes().len()), (0, 1));
}

#[test]
fn rule_16_wrong_codes_count_and_lock_as_at_a_prompt() {
    let world = World::new();
    world.configure("[limits]\nsends = 100");
    types_in_one_field(&world, "correct horse");
    let mut verdicts = Vec::new();
    for _ in 0..8 {
        let wrong = another(&world.newest_code());
        verdicts.push(types_in_one_field(&world, &format!("correct horse{wrong}")).1.verdict);
    }
    assert!(verdicts.contains(&Verdict::MaxTries), "{verdicts:?}");
    assert!(!verdicts.contains(&Verdict::Success), "{verdicts:?}");
    let (password, story) = types_in_one_field(&world, &format!("correct horse{}", world.newest_code()));
    assert_eq!((password.as_str(), story.verdict), ("correct horse", Verdict::MaxTries));
}

#[test]
fn codes_of_an_app_and_backup_codes_are_taken_at_once() {
    let world = World::new();
    with_app(&world, 1_111_111_109);
    let backup = add_codes(&world, 2, 10, None);
    let (password, story) = types_in_one_field(&world, "correct horse081804");
    assert_eq!((password.as_str(), story.verdict), ("correct horse", Verdict::Success));
    let (_, again) = types_in_one_field(&world, "correct horse081804");
    assert_eq!(again.verdict, Verdict::AuthError, "rule 19: used");
    let printed = spelled(&backup[0]);
    let (password, story) = types_in_one_field(&world, &format!("correct horse{}", printed.expose()));
    assert_eq!((password.as_str(), story.verdict), ("correct horse", Verdict::Success));
    assert_eq!(world.requests.get(), 0);
    // Without its dash it could be the end of a password.
    let (password, _) = types_in_one_field(&world, &format!("correct horse{}", backup[1].expose()));
    assert!(password.ends_with(backup[1].expose()), "{password}");
}

#[test]
fn the_right_code_behind_a_wrong_password_never_gets_here_and_stays_good() {
    let world = World::new();
    types_in_one_field(&world, "correct horse");
    let before = world.ledger("alice");
    let attempt = Attempt { authtok: None, arguments: vec![b"input=append".to_vec()], ..world.ssh() };
    let typed = SecretBytes::from(format!("wrong{}", world.newest_code()).as_bytes());
    assert_eq!(code_behind(&world, &attempt, &typed, &world).expect("works"), 6);
    assert_eq!(world.ledger("alice"), before, "the line before the password module changes nothing");
    assert_eq!(world.requests.get(), 1);
}

#[test]
fn a_password_that_ends_in_digits_is_whole_where_no_code_is_expected() {
    let world = World::new();
    let (password, story) = types_in_one_field(&world, "hunter123456");
    assert_eq!((password.as_str(), story.verdict), ("hunter123456", Verdict::AuthError));
    // Now one waits: whoever types the password alone is taken for somebody with a code, refused, and not counted.
    let attempt = Attempt { authtok: None, arguments: vec![b"input=append".to_vec()], ..world.ssh() };
    let typed = SecretBytes::from(&b"hunter123456"[..]);
    assert_eq!(code_behind(&world, &attempt, &typed, &world).expect("works"), 6);
    assert_eq!(world.ledger("alice").failures, 0);
    let (password, story) = types_in_one_field(&world, &format!("hunter123456{}", world.newest_code()));
    assert_eq!((password.as_str(), story.verdict), ("hunter123456", Verdict::Success));
}

#[test]
fn strangers_the_exempt_and_the_unenrolled_keep_every_byte() {
    let world = World::new();
    world.configure("[policy]\nexempt = [\"robot\"]");
    types_in_one_field(&world, "correct horse");
    for user in ["nobody-here", "robot", "bob"] {
        let attempt = Attempt {
            user: user.as_bytes().to_vec(),
            authtok: None,
            arguments: vec![b"input=append".to_vec()],
            ..world.ssh()
        };
        let typed = SecretBytes::from(&b"secret123456"[..]);
        assert_eq!(code_behind(&world, &attempt, &typed, &world), Ok(0), "{user}");
    }
}

#[test]
fn a_disabled_factor_expects_no_code() {
    let world = World::new();
    world.set_state("alice", 1, State::Disabled);
    let attempt = Attempt { authtok: None, arguments: vec![b"input=append".to_vec()], ..world.ssh() };
    let typed = SecretBytes::from(&b"secret123456"[..]);
    assert_eq!(code_behind(&world, &attempt, &typed, &world), Ok(0));
}

#[test]
fn an_unknown_user_is_refused_without_a_prompt() {
    let world = World::new();
    let attempt = Attempt { user: b"nobody-here".to_vec(), arguments: vec![b"input=append".to_vec()], ..world.ssh() };
    let story = world.log_in(&attempt, []);
    assert_eq!((story.verdict, story.prompts.len()), (Verdict::UserUnknown, 0));
}

#[test]
fn a_set_up_that_is_broken_refuses_on_both_lines() {
    let world = World::new();
    let attempt =
        Attempt { authtok: None, arguments: vec![b"input=append".to_vec(), b"nullok".to_vec()], ..world.ssh() };
    let typed = SecretBytes::from(&b"secret123456"[..]);
    assert_eq!(code_behind(&world, &attempt, &typed, &world), Err(Verdict::ServiceError));
    assert_eq!(world.log_in(&attempt, []).verdict, Verdict::ServiceError);
}
