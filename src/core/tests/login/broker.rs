//! Hosts that are not root: what the broker believes of what they say.

use crate::offline::with_app;
use crate::world::*;
use herald_core::broker::{FromBroker, FromHost, Hello, Wish, decode_from_host, encode_hello, serve};
use herald_core::conversation::{Conversation, ConversationError, Reply};
use herald_core::login::{Attempt, Evidence, Shapes, Verdict};
use herald_core::secret::SecretBytes;

const ROOT: u32 = 0;
const ALICE: u32 = 1;
const BOB: u32 = 2;

/// A locker of alice's, behind her password.
fn locker(world: &World) -> Attempt {
    Attempt { authtok: Some(SecretBytes::from(&b"correct horse"[..])), tty: ":0".into(), ..world.local("kde") }
}

fn hello(wish: Wish, attempt: &Attempt) -> Hello {
    let frame = encode_hello(wish, attempt).expect("fits");
    let Ok(FromHost::Hello(hello)) = decode_from_host(&frame[4..]) else { panic!("{attempt:?}") };
    hello
}

fn asks(world: &World, caller: u32, attempt: &Attempt, conversation: &mut dyn Conversation) -> FromBroker {
    serve(world, caller, &[], &hello(Wish::Login, attempt), conversation, world)
}

fn log_in(world: &World, caller: u32, attempt: &Attempt, steps: impl IntoIterator<Item = Step>) -> Verdict {
    match asks(world, caller, attempt, &mut Person::who(world, steps)) {
        FromBroker::Verdict(verdict) => verdict,
        other => panic!("{other:?}"),
    }
}

#[test]
fn somebody_behind_their_own_locker_is_asked_like_anywhere() {
    let world = World::new();
    assert_eq!(log_in(&world, ALICE, &locker(&world), [Step::AWrongCode, Step::TheCode]), Verdict::Success);
    assert_eq!(world.codes().len(), 1);
    let verified = world.log.borrow().iter().find(|line| line.starts_with("verified")).cloned();
    assert!(verified.is_some_and(|line| line.ends_with(" via=broker")), "{:?}", world.log);
    let text = world.phone.borrow()[0].text.clone();
    assert!(text.contains("kde"), "{text}");
}

#[test]
fn a_caller_verifies_nobody_but_itself_and_learns_nothing_of_others() {
    let world = World::new();
    let nobody = Attempt { user: b"mallory".to_vec(), ..locker(&world) };
    let odd = Attempt { user: b"\xff".to_vec(), ..locker(&world) };
    for (caller, attempt) in [(BOB, &locker(&world)), (4711, &locker(&world)), (BOB, &nobody), (BOB, &odd)] {
        let mut person = Person::who(&world, [Step::TheCode]);
        let said = asks(&world, caller, attempt, &mut person);
        assert_eq!(said, FromBroker::Verdict(Verdict::AuthError), "{attempt:?}");
    }
    assert_eq!((world.requests.get(), world.logged("refused")), (0, 4));
    assert_eq!(world.logged("refused user=alice uid=2 reason=not_the_caller via=broker"), 1);
    assert_eq!(log_in(&world, ROOT, &locker(&world), [Step::TheCode]), Verdict::Success);
    world.name_service_down.set(true);
    assert_eq!(log_in(&world, ALICE, &locker(&world), []), Verdict::SystemError);
}

#[test]
fn what_a_caller_says_of_peer_and_terminal_opens_nothing() {
    let world = World::new();
    world.configure("[policy]\nexempt_networks = [\"203.0.113.0/24\"]\nremember = \"8h\"");
    // sshd remembers this peer, and lets its network in unasked.
    let ssh = Attempt { rhost: "203.0.113.7".into(), ..world.ssh() };
    assert_eq!(world.log_in(&ssh, []).verdict, Verdict::Ignore);
    assert_eq!(log_in(&world, ALICE, &ssh, [Step::BreaksOff]), Verdict::ConversationError);
    // Root says what is so.
    assert_eq!(log_in(&world, ROOT, &ssh, []), Verdict::Ignore);
}

#[test]
fn rule_3_nothing_is_remembered_through_the_broker_and_nothing_remembered_counts_there() {
    let world = World::new();
    world.configure("[policy]\nremember = \"8h\"");
    let sudo = Attempt { authtok: Some(SecretBytes::from(&b"correct horse"[..])), ..world.local("sudo") };
    assert_eq!(world.log_in(&sudo, [Step::TheCode]).verdict, Verdict::Success);
    assert_eq!(world.log_in(&sudo, []).verdict, Verdict::Ignore);
    for caller in [ALICE, ROOT] {
        for _ in 0..2 {
            assert_eq!(log_in(&world, caller, &sudo, [Step::TheCode]), Verdict::Success);
        }
    }
    let remembered = &world.ledger("alice").remembered;
    assert_eq!(remembered.len(), 1, "{remembered:?}");
}

#[test]
fn rule_14_a_code_asked_for_through_the_broker_is_good_nowhere_else() {
    let world = World::new();
    let sudo = world.local("sudo");
    let by_hand = Attempt { authtok: Some(SecretBytes::from(&b"made up"[..])), ..world.local("sudo") };
    assert_eq!(log_in(&world, ALICE, &by_hand, [Step::BreaksOff]), Verdict::ConversationError);
    let code = world.newest_code();
    let behind = Attempt { authtok: Some(SecretBytes::from(&b"correct horse"[..])), ..sudo };
    let story = world.log_in(&behind, [types(&code), Step::BreaksOff]);
    assert_eq!((story.verdict, world.codes().len()), (Verdict::ConversationError, 2), "{story:?}");
}

#[test]
fn a_made_up_first_factor_enrolls_nobody() {
    let world = World::new();
    world.configure("[policy]\nunenrolled = \"enroll\"");
    let bob = Attempt { user: b"bob".to_vec(), arguments: vec![b"unenrolled=enroll".to_vec()], ..locker(&world) };
    for caller in [BOB, ROOT] {
        assert_eq!(log_in(&world, caller, &bob, [types("100200300"), Step::TheCode]), Verdict::PermissionDenied);
    }
    assert_eq!(world.requests.get(), 0);
}

#[test]
fn a_caller_picks_neither_the_configuration_nor_a_service_that_is_none() {
    let world = World::new();
    let with = |argument: &str| Attempt { arguments: vec![argument.as_bytes().to_vec()], ..locker(&world) };
    world.files.borrow_mut().insert("/root/old.toml".into(), "policy.exempt = [\"alice\"]".into());
    assert_eq!(log_in(&world, ALICE, &with("config=/root/old.toml"), []), Verdict::ServiceError);
    assert_eq!(log_in(&world, ROOT, &with("config=/root/old.toml"), []), Verdict::Ignore);
    assert_eq!(log_in(&world, ALICE, &with("nullok"), []), Verdict::ServiceError);
    for service in ["", "a b", "../sudo", "kde\n", &"x".repeat(65)] {
        let attempt = Attempt { service: service.into(), ..locker(&world) };
        assert_eq!(log_in(&world, ALICE, &attempt, []), Verdict::ServiceError, "{service:?}");
    }
    assert_eq!(world.requests.get(), 0);
    let own = [b"config=/root/old.toml".to_vec()];
    let hello = hello(Wish::Login, &locker(&world));
    let said = serve(&world, ALICE, &own, &hello, &mut Person::who(&world, []), &world);
    assert_eq!(said, FromBroker::Verdict(Verdict::Ignore), "the broker's own does");
}

/// A host that answers every prompt with what it was given first, and says so.
struct Parrot;

impl Conversation for Parrot {
    fn ask(&mut self, _: &str, _: bool) -> Result<Reply, ConversationError> {
        Ok(Reply::FirstFactor)
    }
    fn error(&mut self, _: &str) {}
    fn info(&mut self, _: &str) {}
}

#[test]
fn rule_10_a_host_that_answers_with_the_first_factor_is_refused_and_nothing_is_counted() {
    let world = World::new();
    assert_eq!(asks(&world, ALICE, &locker(&world), &mut Parrot), FromBroker::Verdict(Verdict::AuthError));
    assert_eq!((world.ledger("alice").failures, world.logged("refused user=alice")), (0, 1));
}

#[test]
fn rule_9_without_evidence_a_locker_offers_to_send() {
    let world = World::new();
    let attempt = Attempt { authtok: None, ..locker(&world) };
    let mut person = Person::who(&world, [Step::Enter, Step::TheCode]);
    assert_eq!(asks(&world, ALICE, &attempt, &mut person), FromBroker::Verdict(Verdict::Success));
    let junk = Attempt { claimed: Some(Evidence::Junk), ..locker(&world) };
    assert_eq!(log_in(&world, ALICE, &junk, [types("123456")]), Verdict::AuthError);
}

#[test]
fn somebody_who_makes_their_own_phone_ring_stays_within_budget_and_lock() {
    let world = World::new();
    world.configure("[limits]\nsends = 3");
    let attempt = Attempt { claimed: Some(Evidence::Given), ..locker(&world) };
    // `r` a minute later, again and again.
    let again = (0..9).map(|_| meanwhile(|world| world.wait(MINUTE), types("r")));
    assert_ne!(log_in(&world, ALICE, &attempt, again), Verdict::Success);
    assert_eq!(world.codes().len(), 3);
    for _ in 0..3 {
        log_in(&world, ALICE, &attempt, [Step::AWrongCode, Step::AWrongCode, Step::AWrongCode]);
    }
    assert_eq!(log_in(&world, ALICE, &attempt, [Step::TheCode]), Verdict::MaxTries);
    assert_eq!(log_in(&world, BOB, &Attempt { user: b"bob".to_vec(), ..attempt }, []), Verdict::PermissionDenied);
}

#[test]
fn what_a_code_can_look_like_is_told_to_its_owner_only() {
    let world = World::new();
    with_app(&world, 1_900_000_000);
    let attempt = Attempt { authtok: None, arguments: vec![b"input=append".to_vec()], ..locker(&world) };
    let hello = hello(Wish::Shapes, &attempt);
    let shapes = |caller| serve(&world, caller, &[], &hello, &mut Person::who(&world, []), &world);
    assert_eq!(shapes(ALICE), FromBroker::Shapes(Shapes { digits: vec![6], backup: false }));
    assert_eq!(shapes(BOB), FromBroker::Verdict(Verdict::AuthError));
}
