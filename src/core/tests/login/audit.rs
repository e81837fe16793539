//! Every outcome is logged once, whatever login it is that ends: [`World::log_in`] looks at the log after each.

use crate::logged::is_end;
use crate::offline::{add_codes, with_app};
use crate::world::*;
use herald_core::account::UserName;
use herald_core::courier::{CourierError, End};
use herald_core::login::{Attempt, Verdict};
use herald_core::secret::SecretBytes;
use herald_core::store::StoreError;

fn with(attempt: Attempt, arguments: &[&str]) -> Attempt {
    Attempt { arguments: arguments.iter().map(|argument| argument.as_bytes().to_vec()).collect(), ..attempt }
}

fn by(user: &str, attempt: Attempt) -> Attempt {
    Attempt { user: user.as_bytes().to_vec(), ..attempt }
}

fn policy(world: &World, line: &str) {
    world.configure(&format!("[policy]\n{line}"));
}

/// What happened before, and who logs in.
type Begin = fn(&World) -> Attempt;

/// The last line of each: which word, and why.
type Case = (&'static str, Begin, fn() -> Vec<Step>, Verdict, &'static str, &'static str);

fn in_order() -> Vec<Case> {
    use Verdict::*;
    let nothing: fn() -> Vec<Step> = Vec::new;
    let the_code: fn() -> Vec<Step> = || vec![Step::TheCode];
    let wrong: fn() -> Vec<Step> = || vec![Step::AWrongCode, Step::AWrongCode, Step::AWrongCode];
    let ssh: Begin = World::ssh;
    vec![
        ("right", ssh, the_code, Success, "verified", "channel=telegram"),
        ("wrong", ssh, wrong, AuthError, "refused", "wrong-answers"),
        ("gone", ssh, nothing, ConversationError, "refused", "conversation"),
        ("empty", ssh, || vec![Step::Enter], ConversationError, "refused", "empty-reply"),
        ("junk", ssh, || vec![types("\u{8}\n\r\u{7f}I")], AuthError, "refused", "refused-by-the-host"),
        ("first factor", ssh, || vec![types("correct horse")], AuthError, "refused", "first_factor"),
        ("ten times", ssh, || (0..10).map(|_| types("?")).collect(), AuthError, "refused", "too-many-prompts"),
        ("no password", |world| world.local("sudo"), || vec![Step::BreaksOff], ConversationError, "refused", "convers"),
        (
            "locks",
            |world| {
                world.configure("[limits]\nfailures = 3");
                world.ssh()
            },
            wrong,
            MaxTries,
            "locked",
            "for=600s",
        ),
        (
            "is locked",
            |world| {
                world.configure("[limits]\nfailures = 3");
                world.log_in(&world.ssh(), [Step::AWrongCode, Step::AWrongCode, Step::AWrongCode]);
                world.ssh()
            },
            nothing,
            MaxTries,
            "locked",
            "for=600s",
        ),
        (
            "no more codes",
            |world| {
                world.configure("[limits]\nsends = 1");
                world.log_in(&world.ssh(), []);
                Attempt { tty: "elsewhere".into(), ..world.ssh() }
            },
            nothing,
            MaxTries,
            "refused",
            "budget-used-up",
        ),
        (
            "unknown",
            |world| by("mallory", world.ssh()),
            || vec![types("1")],
            UserUnknown,
            "refused user=?",
            "unknown-user",
        ),
        (
            "no evidence",
            |world| Attempt { authtok: None, ..world.ssh() },
            || vec![types("123456")],
            AuthError,
            "refused",
            "no-evidence",
        ),
        ("unenrolled", |world| by("bob", world.ssh()), nothing, PermissionDenied, "refused", "unenrolled"),
        (
            "skipped",
            |world| by("bob", with(world.ssh(), &["unenrolled=skip"])),
            nothing,
            Ignore,
            "skipped",
            "unenrolled",
        ),
        (
            "success without evidence",
            |world| by("bob", with(world.local("su"), &["unenrolled=skip", "exempt=success"])),
            nothing,
            Ignore,
            "skipped",
            "unenrolled,_exempt%3Dsuccess_needs_evidence",
        ),
        (
            "exempt",
            |world| {
                policy(world, "exempt = [\"alice\"]");
                with(world.ssh(), &["exempt=success"])
            },
            nothing,
            Success,
            "skipped",
            "reason=exempt",
        ),
        (
            "from here",
            |world| {
                policy(world, "exempt_networks = [\"203.0.113.0/24\"]");
                world.ssh()
            },
            nothing,
            Ignore,
            "skipped",
            "exempt-network",
        ),
        (
            "remembered",
            |world| {
                policy(world, "remember = \"8h\"");
                world.log_in(&world.ssh(), [Step::TheCode]);
                world.ssh()
            },
            nothing,
            Ignore,
            "skipped",
            "remembered",
        ),
        (
            "down",
            |world| {
                world.behaves("bot", End::Unreachable);
                world.ssh()
            },
            nothing,
            AuthInfoUnavailable,
            "refused",
            "undelivered",
        ),
        (
            "down at a desktop",
            |world| {
                world.behaves("bot", End::Unreachable);
                Attempt { service: "gdm-password".into(), ..world.ssh() }
            },
            nothing,
            AuthError,
            "refused",
            "undelivered",
        ),
        (
            "down and skipped",
            |world| {
                policy(world, "undelivered = \"skip\"");
                world.behaves("bot", End::Unreachable);
                world.ssh()
            },
            nothing,
            Ignore,
            "skipped",
            "undelivered",
        ),
        (
            "an app",
            |world| {
                with_app(world, 1_111_111_109);
                world.ssh()
            },
            || vec![types("081804")],
            Success,
            "verified",
            "channel=totp",
        ),
        (
            "paper",
            |world| {
                add_codes(world, 9, 1, None);
                let code = add_codes(world, 10, 1, None).remove(0).expose().to_owned();
                let typed = SecretBytes::from(code.as_bytes());
                Attempt { appended: Some(typed), ..with(world.ssh(), &["input=append"]) }
            },
            nothing,
            Success,
            "verified",
            "channel=backup",
        ),
        (
            "appended nothing",
            |world| with(world.ssh(), &["input=append"]),
            nothing,
            AuthError,
            "refused",
            "no-code-app",
        ),
        (
            "appended wrong",
            |world| Attempt {
                appended: Some(SecretBytes::from(&b"000000"[..])),
                ..with(world.ssh(), &["input=append"])
            },
            nothing,
            AuthError,
            "refused",
            "wrong-answer",
        ),
        ("enrolls", enrolling, || vec![types("100200300"), Step::TheCode], Success, "verified", "channel=telegram"),
        ("enrolls and goes", enrolling, || vec![types("100200300")], ConversationError, "refused", "conversation"),
        ("goes before", enrolling, nothing, ConversationError, "refused", "conversation"),
        ("password for an address", enrolling, || vec![types("correct horse")], AuthError, "refused", "by-the-host"),
        ("no address ten times", enrolling, || (0..10).map(|_| types("x")).collect(), AuthError, "refused", "too-many"),
        (
            "an address, then codes without end",
            enrolling,
            || std::iter::once(types("100200300")).chain((0..9).map(|_| types("?"))).collect(),
            AuthError,
            "refused",
            "conversation",
        ),
        ("a strange argument", |world| with(world.ssh(), &["nullok"]), nothing, ServiceError, "error", "nullok"),
        (
            "a strange line",
            |world| {
                policy(world, "nothing = 1");
                world.ssh()
            },
            nothing,
            ServiceError,
            "error",
            "policy.nothing",
        ),
        (
            "no folder",
            |world| {
                *world.broken_enrollments.borrow_mut() = Some(StoreError::State("the folder is missing".into()));
                world.ssh()
            },
            nothing,
            ServiceError,
            "error",
            "the_folder_is_missing",
        ),
        (
            "no user database",
            |world| {
                world.name_service_down.set(true);
                world.ssh()
            },
            nothing,
            SystemError,
            "error",
            "timed_out",
        ),
        (
            "no helper",
            |world| {
                *world.courier_error.borrow_mut() = Some(CourierError::NotStarted("missing".into()));
                world.ssh()
            },
            nothing,
            SystemError,
            "error",
            "missing",
        ),
        (
            "no room for the ledger",
            |world| {
                world.writes_left.set(Some(0));
                world.ssh()
            },
            nothing,
            SystemError,
            "error",
            "no_space_left",
        ),
        (
            "a ledger that is none",
            |world| {
                world.ledgers.borrow_mut().insert(UserName::new("alice"), "failures = \"many\"".into());
                world.ssh()
            },
            nothing,
            ServiceError,
            "error",
            "alice",
        ),
    ]
}

fn enrolling(world: &World) -> Attempt {
    policy(world, "unenrolled = \"enroll\"");
    by("bob", world.ssh())
}

#[test]
fn every_outcome_is_one_line_that_says_what_happened_and_why() {
    let mut seen = Vec::new();
    for (name, begin, steps, verdict, word, why) in in_order() {
        let world = World::new();
        let attempt = begin(&world);
        let before = world.log.borrow().len();
        let story = world.log_in(&attempt, steps());
        assert_eq!(story.verdict, verdict, "{name}: {story:?}");
        let log = world.log.borrow();
        let ends: Vec<&String> = log[before..].iter().filter(|line| is_end(line)).collect();
        let [end] = ends.as_slice() else { panic!("{name}: {log:#?}") };
        assert!(end.starts_with(word) && end.contains(why), "{name}: {end}");
        seen.push(verdict);
    }
    for verdict in [
        Verdict::Success,
        Verdict::Ignore,
        Verdict::AuthError,
        Verdict::MaxTries,
        Verdict::PermissionDenied,
        Verdict::AuthInfoUnavailable,
        Verdict::UserUnknown,
        Verdict::ConversationError,
        Verdict::ServiceError,
        Verdict::SystemError,
    ] {
        assert!(seen.contains(&verdict), "{verdict:?}");
    }
}
