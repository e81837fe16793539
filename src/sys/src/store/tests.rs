use super::*;
use crate::testing::{Scratch, give_away, is_root, mode_of, set_mode};
use herald_core::clock::Timestamp;
use herald_core::enrollment::State;
use std::os::unix::fs::symlink;
use std::thread;
use std::time::Instant;

/// A store as it is after installation, with less patience.
fn installed(scratch: &Scratch) -> FileStore {
    let store = at(scratch);
    store.prepare().expect("it can be made");
    store
}

fn at(scratch: &Scratch) -> FileStore {
    FileStore { state: scratch.path("state"), runtime: scratch.path("run"), patience: Duration::from_millis(100) }
}

fn alice() -> UserName {
    UserName::new("alice")
}

fn enrolled() -> Enrollment {
    let mut enrollment = Enrollment::default();
    enrollment.enroll("telegram", "475721977", Some("phone"), State::Active, Timestamp::from_unix(1_800_000_000));
    enrollment
}

fn names(folder: PathBuf) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("text")).collect();
    names.sort();
    names
}

#[test]
fn installation_makes_the_folders_for_root_alone_and_again_changes_nothing() {
    let scratch = Scratch::new();
    installed(&scratch);
    installed(&scratch);
    for folder in ["state", "state/users", "state/totp"] {
        assert_eq!(mode_of(&scratch.path(folder)), 0o700, "{folder}");
    }
    let nowhere = FileStore { state: scratch.path("no/where"), ..at(&scratch) };
    let missing = nowhere.prepare().expect_err("the folder above is missing").to_string();
    assert!(missing.contains(&format!("{} is missing", scratch.path("no").display())), "{missing}");
}

#[test]
fn rule_3_absent_is_only_what_is_not_in_a_folder_that_is_there_and_ours() {
    let scratch = Scratch::new();
    let store = installed(&scratch);
    assert_eq!(store.enrollment(&alice()), Ok(None));
    assert_eq!(store.enrolled_users(), Ok(vec![]));
    let state_error = |what: &str| {
        let read = store.enrollment(&alice());
        assert!(matches!(&read, Err(StoreError::State(text)) if text.contains(what)), "{what}: {read:?}");
        assert!(matches!(store.enrolled_users(), Err(StoreError::State(_))), "{what}");
        assert!(matches!(store.save_enrollment(&alice(), &enrolled()), Err(StoreError::State(_))), "{what}");
    };
    let users = scratch.path("state/users");
    for mode in [0o777, 0o1777, 0o770, 0o1770] {
        set_mode(&users, mode);
        state_error("others can write into it");
    }
    set_mode(&users, 0o700);
    if give_away(&users) {
        state_error("belongs to user id 54321");
    }
    std::fs::rename(&users, scratch.path("elsewhere")).expect("it is ours");
    state_error("is missing. Make it: install -d -m 700");
    symlink(scratch.path("elsewhere"), &users).expect("a link");
    state_error("is not a folder");
    std::fs::remove_file(&users).expect("it is ours");
    std::fs::write(&users, "").expect("a file");
    state_error("is not a folder");
    std::fs::remove_dir_all(scratch.path("state")).expect("it is ours");
    state_error("is missing");
}

#[test]
fn rule_3_a_folder_that_is_removed_while_we_look_is_missing() {
    let scratch = Scratch::new();
    let path = scratch.folder("users", 0o700);
    let folder = Folder::open(&path).expect("it is there");
    assert_eq!(folder.read("alice.toml", MAX_SIZE).map(|bytes| bytes.is_none()), Ok(true));
    std::fs::remove_dir(&path).expect("it is empty");
    assert!(matches!(folder.read("alice.toml", MAX_SIZE), Err(StoreError::State(_))));
}

#[test]
fn rule_3_what_may_not_be_looked_at_is_a_failure() {
    let scratch = Scratch::new();
    let store = installed(&scratch);
    store.save_enrollment(&alice(), &enrolled()).expect("saved");
    for closed in ["state/users/alice.toml", "state/users", "state"] {
        set_mode(&scratch.path(closed), 0o000);
        let read = store.enrollment(&alice());
        if is_root() {
            assert_eq!(read, Ok(Some(enrolled())), "root may");
        } else {
            assert!(matches!(read, Err(StoreError::Failed(_))), "{closed}");
        }
        set_mode(&scratch.path(closed), 0o700);
    }
}

#[test]
fn an_enrollment_is_found_again_by_every_kind_of_name() {
    let scratch = Scratch::new();
    let store = installed(&scratch);
    let long = "x".repeat(250);
    for name in ["alice", "alice@corp.example", "CORP\\alice", "../../etc/passwd", ".", "日本", "a~tmp", &long] {
        let user = UserName::new(name);
        assert_eq!(store.enrollment(&user), Ok(None), "{name}");
        store.save_enrollment(&user, &enrolled()).expect("saved");
        assert_eq!(store.enrollment(&user), Ok(Some(enrolled())), "{name}");
    }
    let users = scratch.path("state/users");
    assert_eq!(names(users.clone()).len(), 8, "all are in one folder, and nothing else is");
    for name in names(users.clone()) {
        assert_eq!(mode_of(&users.join(name)), 0o600);
    }
    // A long name is kept as a hash and cannot be listed.
    let mut listed = ["alice", "alice@corp.example", "CORP\\alice", "../../etc/passwd", ".", "日本", "a~tmp"];
    listed.sort_unstable();
    let mut found = store.enrolled_users().expect("listed");
    found.sort();
    assert_eq!(found.iter().map(UserName::as_str).collect::<Vec<_>>(), listed);
}

#[test]
fn an_enrollment_with_nothing_in_it_is_removed() {
    let scratch = Scratch::new();
    let store = installed(&scratch);
    let nothing = Enrollment::default();
    assert_eq!(store.save_enrollment(&alice(), &nothing), Ok(()), "there was none");
    store.save_enrollment(&alice(), &enrolled()).expect("saved");
    store.save_enrollment(&alice(), &nothing).expect("removed");
    assert_eq!((store.enrollment(&alice()), names(scratch.path("state/users"))), (Ok(None), vec![]));
    let language = Enrollment { language: Some("ja".to_owned()), ..nothing };
    store.save_enrollment(&alice(), &language).expect("saved");
    assert_eq!(store.enrollment(&alice()), Ok(Some(language)));
}

#[test]
fn an_enrollment_that_we_did_not_write_is_an_error_and_not_absent() {
    let scratch = Scratch::new();
    let store = installed(&scratch);
    let name = "state/users/alice.toml";
    let state_error = |what: &str| {
        let read = store.enrollment(&alice());
        assert!(matches!(&read, Err(StoreError::State(text)) if text.contains(what)), "{what}: {read:?}");
    };
    let whole = enrolled().to_toml().expect("short");
    for (content, what) in [
        (&b""[..], "cannot be read"),
        (&whole.as_bytes()[..whole.len() / 2], "cannot be read"),
        (b"version = 9\n", "version 9"),
        (b"\xff\xff", "is not text"),
        (&[b'#'; MAX_SIZE + 1], "longer than"),
    ] {
        scratch.file(name, content, 0o600);
        state_error(what);
    }
    let path = scratch.file(name, &whole, 0o640);
    state_error("chmod 600");
    set_mode(&path, 0o602);
    state_error("chmod 600");
    set_mode(&path, 0o600);
    assert_eq!(store.enrollment(&alice()), Ok(Some(enrolled())));
    if give_away(&path) {
        state_error("chown -h root");
    }
    std::fs::remove_file(&path).expect("it is ours");
    symlink(scratch.file("elsewhere", &whole, 0o600), &path).expect("a link");
    state_error("symbolic link");
    std::fs::remove_file(&path).expect("it is ours");
    scratch.fifo(name);
    state_error("not a regular file");
    std::fs::remove_file(&path).expect("it is ours");
    scratch.folder(name, 0o700);
    state_error("is a folder");
}

#[test]
fn what_a_crash_left_behind_is_never_read_and_is_in_nobodys_way() {
    let scratch = Scratch::new();
    let store = installed(&scratch);
    let left_over = scratch.file("state/users/alice.toml~tmp", "half a fi", 0o600);
    assert_eq!((store.enrollment(&alice()), store.enrolled_users()), (Ok(None), Ok(vec![])));
    store.save_enrollment(&alice(), &enrolled()).expect("saved");
    assert_eq!(names(scratch.path("state/users")), ["alice.toml"]);

    let victim = scratch.file("victim", "untouched", 0o600);
    symlink(&victim, &left_over).expect("a link");
    store.save_enrollment(&alice(), &enrolled()).expect("saved");
    assert_eq!(std::fs::read_to_string(victim).expect("it is there"), "untouched");
    assert_eq!(store.enrollment(&alice()), Ok(Some(enrolled())));
}

#[test]
fn a_write_that_fails_leaves_what_was_there() {
    let scratch = Scratch::new();
    let store = installed(&scratch);
    store.save_enrollment(&alice(), &enrolled()).expect("saved");
    let mut ledger = store.lock_ledger(&alice()).expect("free");
    ledger.write(&Ledger { failures: 2, ..Ledger::default() }).expect("written");
    // A folder in the way cannot be unlinked: the file beside cannot be made, as on a full disk.
    scratch.folder("state/users/alice.toml~tmp", 0o700);
    scratch.folder("run/ledger/alice~tmp", 0o700);
    for empty in [Enrollment::default(), enrolled()] {
        let mut changed = empty;
        changed.language = Some("ja".to_owned());
        assert!(matches!(store.save_enrollment(&alice(), &changed), Err(StoreError::Failed(_))));
    }
    assert!(matches!(ledger.write(&Ledger::default()), Err(StoreError::Failed(_))));
    assert_eq!(store.enrollment(&alice()), Ok(Some(enrolled())));
    assert_eq!(ledger.read().map(|ledger| ledger.failures), Ok(2));
}

#[test]
fn the_runtime_folder_is_made_by_whoever_needs_it_first_and_by_nobody_who_only_looks() {
    let scratch = Scratch::new();
    let store = at(&scratch);
    assert_eq!(store.peek_ledger(&alice()), Ok(Ledger::default()));
    assert_eq!(store.retry_after("telegram"), Ok(None));
    assert_eq!(store.discard_ledger(&alice()), Ok(()));
    assert!(!scratch.path("run").exists());
    drop(store.lock_ledger(&alice()).expect("made and locked"));
    store.set_retry_after("telegram", Moment::from_millis(1)).expect("made and written");
    for folder in ["run", "run/ledger", "run/gateways"] {
        assert_eq!(mode_of(&scratch.path(folder)), 0o700, "{folder}");
    }
    set_mode(&scratch.path("run"), 0o1777);
    assert!(matches!(store.key(), Err(StoreError::State(_))));
    assert!(matches!(store.lock_ledger(&alice()), Err(StoreError::State(_))));
    assert!(matches!(store.peek_ledger(&alice()), Err(StoreError::State(_))));
    let nowhere = FileStore { runtime: scratch.path("no/where"), ..store };
    assert!(matches!(nowhere.key(), Err(StoreError::State(_))));
}

#[test]
fn a_ledger_is_read_as_it_was_written_and_tidied() {
    let scratch = Scratch::new();
    let store = at(&scratch);
    let mut locked = store.lock_ledger(&alice()).expect("free");
    assert_eq!(locked.read(), Ok(Ledger::default()));
    let now = OsClock.now();
    let mut ledger = Ledger { failures: 2, locks: 1, ..Ledger::default() };
    ledger.charge_send(now);
    locked.write(&ledger).expect("written");
    assert_eq!((locked.read(), store.peek_ledger(&alice())), (Ok(ledger.clone()), Ok(ledger)));
    assert_eq!(mode_of(&scratch.path("run/ledger/alice")), 0o600);
    assert_eq!(names(scratch.path("run/ledger")), ["alice", "alice~lock"]);

    let over = Ledger { failures: 9, locked_until: Some(1), ..Ledger::default() };
    locked.write(&over).expect("written");
    assert_eq!(locked.read().map(|ledger| (ledger.failures, ledger.locked_until)), Ok((0, None)));
}

#[test]
fn rule_18_a_ledger_of_another_boot_counts_as_absent() {
    let scratch = Scratch::new();
    let store = at(&scratch);
    let mut locked = store.lock_ledger(&alice()).expect("free");
    let text = Ledger { failures: 4, ..Ledger::default() }.to_toml("00000000-0000-0000-0000-000000000000");
    scratch.file("run/ledger/alice", text, 0o600);
    assert_eq!(locked.read(), Ok(Ledger::default()));
}

#[test]
fn a_ledger_that_cannot_be_understood_is_an_error_until_it_is_discarded() {
    let scratch = Scratch::new();
    let store = at(&scratch);
    let mut locked = store.lock_ledger(&alice()).expect("free");
    locked.write(&Ledger { failures: 4, ..Ledger::default() }).expect("written");
    let path = scratch.path("run/ledger/alice");
    let whole = std::fs::read(&path).expect("it is there");
    for (content, mode, what) in [
        (&whole[..whole.len() - 2], 0o600, "herald unlock alice"),
        (b"", 0o600, "herald unlock alice"),
        (b"\xff", 0o600, "herald unlock alice"),
        (&whole, 0o644, "chmod 600"),
    ] {
        scratch.file("run/ledger/alice", content, mode);
        for read in [locked.read(), store.peek_ledger(&alice())] {
            assert!(matches!(&read, Err(StoreError::State(text)) if text.contains(what)), "{read:?}");
        }
        store.discard_ledger(&alice()).expect("removed");
        assert_eq!(locked.read(), Ok(Ledger::default()));
    }
}

#[test]
fn rule_17_a_lock_that_is_held_names_its_holder_and_ends_with_its_owner() {
    let scratch = Scratch::new();
    let store = at(&scratch);
    let held = store.lock_ledger(&alice()).expect("free");
    let begun = Instant::now();
    let busy = store.lock_ledger(&alice()).err();
    assert_eq!(busy, Some(StoreError::Busy { holder: Some(std::process::id()) }));
    assert!(begun.elapsed() >= store.patience);
    assert!(store.lock_ledger(&UserName::new("bob")).is_ok(), "everybody has a lock of their own");
    let enrollment = store.lock_enrollment(&alice()).expect("and another one for the enrollment");
    assert!(matches!(store.lock_enrollment(&alice()), Err(StoreError::Busy { .. })));
    drop((held, enrollment));
    assert!(store.lock_ledger(&alice()).is_ok() && store.lock_enrollment(&alice()).is_ok());
    assert_eq!(mode_of(&scratch.path("run/ledger/alice~lock")), 0o600);
}

#[test]
fn rule_17_a_lock_file_that_is_not_ours_is_an_error() {
    let scratch = Scratch::new();
    let store = at(&scratch);
    drop(store.lock_ledger(&alice()).expect("free"));
    let path = scratch.path("run/ledger/alice~lock");
    set_mode(&path, 0o666);
    assert!(matches!(store.lock_ledger(&alice()).err(), Some(StoreError::State(_))));
    std::fs::remove_file(&path).expect("it is ours");
    symlink(scratch.file("victim", "untouched", 0o600), &path).expect("a link");
    assert!(matches!(store.lock_ledger(&alice()).err(), Some(StoreError::State(_))));
    assert_eq!(std::fs::read_to_string(scratch.path("victim")).expect("it is there"), "untouched");
    std::fs::remove_file(&path).expect("it is ours");
    scratch.file("run/ledger/alice~lock", "what is this", 0o600);
    let _held = store.lock_ledger(&alice()).expect("its content does not matter");
}

#[test]
fn rule_17_a_lock_file_that_was_swept_away_locks_nobody_out_and_lets_no_two_in() {
    let scratch = Scratch::new();
    let store = FileStore { patience: Duration::from_secs(30), ..at(&scratch) };
    let held = store.lock_ledger(&alice()).expect("free");
    thread::scope(|scope| {
        let waiter = scope.spawn(|| {
            drop(store.lock_ledger(&alice()).expect("free in the end"));
            let folder = store.runtime(LEDGER).expect("it is there");
            let file = folder.open_shared("alice~lock").expect("it is there again");
            rustix::fs::fstat(&file).map(|stat| stat.st_nlink)
        });
        std::fs::remove_file(scratch.path("run/ledger/alice~lock")).expect("it is ours");
        drop(held);
        assert_eq!(waiter.join().expect("no panic"), Ok(1), "the one that was waited for is the one on disk");
    });
}

#[test]
fn rule_17_nothing_that_was_written_under_the_lock_is_lost() {
    let scratch = Scratch::new();
    let store = FileStore { patience: Duration::from_secs(60), ..at(&scratch) };
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let mut locked = store.lock_ledger(&alice()).expect("free in time");
                    let mut ledger = locked.read().expect("always whole");
                    ledger.failures += 1;
                    locked.write(&ledger).expect("written");
                }
            });
        }
        // Without the lock there is always a whole ledger, old or new.
        for _ in 0..200 {
            assert!(store.peek_ledger(&alice()).is_ok());
        }
    });
    assert_eq!(store.peek_ledger(&alice()).map(|ledger| ledger.failures), Ok(200));
}

#[test]
fn writers_who_forgot_the_lock_of_an_enrollment_never_mix_their_files() {
    let scratch = Scratch::new();
    let store = FileStore { patience: Duration::from_secs(60), ..installed(&scratch) };
    let written = |number: u32| {
        let mut enrollment = enrolled();
        let address = format!("{number}").repeat(usize::try_from(number).expect("small") * 500);
        enrollment.enroll("sms", &address, None, State::Active, Timestamp::from_unix(0));
        enrollment
    };
    thread::scope(|scope| {
        for number in 1..=4 {
            let (store, enrollment) = (&store, written(number));
            scope.spawn(move || {
                for _ in 0..10 {
                    store.save_enrollment(&alice(), &enrollment).expect("saved");
                }
            });
        }
        for _ in 0..100 {
            let read = store.enrollment(&alice()).expect("always whole");
            assert!(read.is_none_or(|read| (1..=4).any(|number| read == written(number))));
        }
    });
}

#[test]
fn of_many_who_make_the_key_all_get_the_same() {
    let scratch = Scratch::new();
    let store = at(&scratch);
    let keys: Vec<Key> = thread::scope(|scope| {
        let racers: Vec<_> = (0..8).map(|_| scope.spawn(|| store.key().expect("a key"))).collect();
        racers.into_iter().map(|racer| racer.join().expect("no panic")).collect()
    });
    assert!(keys.iter().all(|key| *key == keys[0] && **key != [0; 32]));
    assert_eq!(store.key().as_ref(), Ok(&keys[0]));
    assert_eq!((names(scratch.path("run")), mode_of(&scratch.path("run/key"))), (vec!["key".to_owned()], 0o600));
}

#[test]
fn a_key_that_we_did_not_make_is_refused() {
    let scratch = Scratch::new();
    let store = at(&scratch);
    scratch.folder("run", 0o700);
    let refused = |what: &str| {
        let key = store.key();
        assert!(matches!(&key, Err(StoreError::State(text)) if text.contains(what)), "{what}: {key:?}");
    };
    for length in [0, 31, 33, 1000] {
        scratch.file("run/key", vec![7; length], 0o600);
        refused(if length <= 32 { "not a key of 32 bytes" } else { "longer than 32 bytes" });
    }
    let path = scratch.file("run/key", [7; 32], 0o600);
    assert_eq!(store.key(), Ok(Key::new([7; 32])));
    set_mode(&path, 0o604);
    refused("chmod 600");
    set_mode(&path, 0o600);
    if give_away(&path) {
        refused("belongs to user id 54321");
    }
    std::fs::remove_file(&path).expect("it is ours");
    symlink(scratch.file("known", [7; 32], 0o600), &path).expect("a link");
    refused("symbolic link");
}

#[test]
fn a_gateway_is_left_alone_until_its_time_and_only_in_this_boot() {
    let scratch = Scratch::new();
    let store = at(&scratch);
    let until = Moment::from_millis(123_456);
    assert_eq!(store.retry_after("telegram"), Ok(None));
    for gateway in ["telegram", "my.sms-gateway_2", "../../key", "~"] {
        store.set_retry_after(gateway, until).expect("written");
        store.set_retry_after(gateway, until).expect("written again");
        assert_eq!(store.retry_after(gateway), Ok(Some(until)), "{gateway}");
    }
    assert_eq!(names(scratch.path("run")), ["gateways"]);
    assert_eq!(names(scratch.path("run/gateways")), ["%2E.%2F..%2Fkey", "%7E", "my.sms-gateway_2", "telegram"]);
    let boot = OsClock.boot_id().expect("/proc");
    for (content, meaning) in [
        (format!("5 {boot}\n"), Some(Some(Moment::from_millis(5)))),
        ("5 00000000-0000-0000-0000-000000000000\n".to_owned(), Some(None)),
        (format!("5 {boot}"), None),
        (format!("-5 {boot}\n"), None),
        ("5".to_owned(), None),
        (String::new(), None),
        ("x".repeat(500), None),
    ] {
        scratch.file("run/gateways/telegram", &content, 0o600);
        let read = store.retry_after("telegram");
        match meaning {
            Some(meaning) => assert_eq!(read, Ok(meaning), "{content:?}"),
            None => assert!(matches!(read, Err(StoreError::State(_))), "{content:?}"),
        }
    }
}

#[test]
fn rule_19_the_last_step_of_every_app_is_remembered_beyond_the_boot() {
    let scratch = Scratch::new();
    let store = installed(&scratch);
    let bob = UserName::new("bob");
    assert_eq!(store.used_step(&alice(), 1), Ok(None));
    for (factor, step) in [(1, 100), (2, 200), (1, 101)] {
        store.set_used_step(&alice(), factor, step).expect("written");
    }
    store.set_used_step(&bob, 1, 7).expect("written");
    let steps = |user: &UserName| [1, 2, 3].map(|factor| store.used_step(user, factor).expect("readable"));
    assert_eq!((steps(&alice()), steps(&bob)), ([Some(101), Some(200), None], [Some(7), None, None]));
    let path = scratch.path("state/totp/alice");
    assert_eq!(
        (names(scratch.path("state/totp")), mode_of(&path)),
        (vec!["alice".to_owned(), "bob".to_owned()], 0o600)
    );

    for broken in ["1", "1 x\n", "-1 5\n", "1 5\n\n2 6\n"] {
        scratch.file("state/totp/alice", broken, 0o600);
        let read = store.used_step(&alice(), 1);
        assert!(matches!(&read, Err(StoreError::State(text)) if text.contains("Remove it: rm ")), "{read:?}");
        store.set_used_step(&alice(), 1, 9).expect("written anew");
        assert_eq!(store.used_step(&alice(), 1), Ok(Some(9)));
    }
    store.forget_used_steps(&alice()).expect("removed");
    store.forget_used_steps(&alice()).expect("already so");
    assert_eq!((steps(&alice()), steps(&bob)), ([None; 3], [Some(7), None, None]));
    std::fs::remove_dir_all(scratch.path("state/totp")).expect("it is ours");
    assert!(matches!(store.used_step(&alice(), 1), Err(StoreError::State(_))));
    assert!(matches!(store.set_used_step(&alice(), 1, 9), Err(StoreError::State(_))));
}

#[test]
fn rule_26_nothing_is_written_into_a_folder_that_others_can_write() {
    let scratch = Scratch::new();
    let store = installed(&scratch);
    for folder in [scratch.path("state/users"), scratch.path("state/totp")] {
        set_mode(&folder, 0o777);
    }
    let refused = |result: Result<(), StoreError>| assert!(matches!(result, Err(StoreError::State(_))), "{result:?}");
    refused(store.save_enrollment(&alice(), &enrolled()));
    refused(store.set_used_step(&alice(), 1, 7));
    assert_eq!(names(scratch.path("state/users")), Vec::<String>::new());
}
