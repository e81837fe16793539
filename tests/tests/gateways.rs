//! Gateways that fail in every way: what the person sees, what is logged, and what `undelivered = "skip"` makes of it.

use herald_tests::pam::{Code, Outcome};
use herald_tests::phone::Fault;
use herald_tests::world::{BEHIND_PASSWORD, Typed, World};
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

const SENT: &str = "Code sent by Telegram to ...977: ";
const UNDELIVERED: &str =
    "No code could be delivered. Try again in a minute. On scratch, root can run: herald gateway status";
/// The deadline of these stories is 2 s; the rest is for slow machines.
const LONGEST: Duration = Duration::from_secs(10);

/// Alice's login where nothing is remembered of earlier ones, under this policy.
fn log_in(world: &World, policy: &str) -> Outcome {
    // Nothing is there after a boot.
    let _ = fs::remove_dir_all(world.machine.path("/run/herald"));
    world.configure(&format!("delivery.deadline = \"2s\"\npolicy.undelivered = \"{policy}\""));
    let begun = Instant::now();
    let outcome = world.log_in("sshd", &format!("{BEHIND_PASSWORD}\nauth required pam_permit.so"), &[]);
    assert!(begun.elapsed() < LONGEST, "it took {:?}", begun.elapsed());
    outcome
}

/// Nobody gets in, the person reads why, and the log has one line for the gateway and one for the login.
fn is_refused(outcome: &Outcome, end: &str) {
    assert_eq!((outcome.code, outcome.errors()), (Code::AUTHINFO_UNAVAIL, vec![UNDELIVERED]), "{outcome:?}");
    assert_eq!(outcome.prompts(), ["Password: "]);
    let log = outcome.log_lines();
    assert_eq!(log.len(), 2, "{log:?}");
    let expected = format!("undelivered user=alice channel=telegram gateway=telegram-bot to=...977 end={end} ");
    assert!(log[0].starts_with(&expected) && log[0].contains(" reason="), "{expected}: {log:?}");
    assert_eq!(log[1], "refused user=alice rhost=203.0.113.7 tty=ssh reason=undelivered");
}

fn is_skipped(outcome: &Outcome) {
    assert_eq!((outcome.code, outcome.errors()), (Code::SUCCESS, vec![]), "{outcome:?}");
    let log = outcome.log_lines();
    assert!(log[0].contains(" end=unreachable "), "{log:?}");
    assert_eq!(log[1], "skipped user=alice rhost=203.0.113.7 tty=ssh reason=undelivered");
}

#[test]
fn rule_5_down_and_broken_gateways_are_unreachable_and_only_they_are_skipped() {
    let world = World::new();
    for fault in [Fault::Broken, Fault::BadGateway, Fault::ResetBeforeTls, Fault::HangBeforeTls, Fault::NotTls] {
        world.phone.set_fault(fault);
        is_refused(&log_in(&world, "refuse"), "unreachable");
        is_skipped(&log_in(&world, "skip"));
    }
    assert_eq!(world.phone.messages().len(), 0);
}

#[test]
fn rule_5_a_gateway_that_may_have_sent_or_refused_is_never_skipped() {
    let world = World::new();
    for (fault, end) in [
        (Fault::Hang, "unclear"),
        (Fault::Drip { pause: Duration::from_millis(50) }, "unclear"),
        (Fault::Garbage, "unclear"),
        (Fault::NotHttp, "unclear"),
        (Fault::Oversized, "unclear"),
        (Fault::CloseAfterRequest, "unclear"),
        (Fault::Reset, "unclear"),
        (Fault::Redirect, "configuration"),
        (Fault::TooMany { retry_after: 7 }, "try-again"),
        (Fault::TooManyByHeader { retry_after: 7 }, "try-again"),
        (Fault::WrongHost, "try-again"),
        (Fault::Expired, "try-again"),
        (Fault::SelfSigned, "try-again"),
        (Fault::Blocked, "permanent"),
        (Fault::Deactivated, "permanent"),
        (Fault::ChatNotFound, "permanent"),
        (Fault::Unauthorized, "configuration"),
        (Fault::NotFound, "configuration"),
    ] {
        world.phone.set_fault(fault);
        for policy in ["refuse", "skip"] {
            is_refused(&log_in(&world, policy), end);
        }
    }
    assert_eq!(world.phone.messages().len(), 0);
}

#[test]
fn rule_33_a_gateway_that_repeats_the_request_brings_no_secret_into_the_log() {
    let world = World::new();
    world.phone.set_fault(Fault::Echo);
    // The world looks for token, address and codes in every log.
    let outcome = log_in(&world, "refuse");
    assert_eq!(outcome.code, Code::AUTHINFO_UNAVAIL);
    assert!(!outcome.log_lines().concat().contains("475721977"), "{outcome:?}");
}

#[test]
fn a_gateway_that_is_not_there_at_all() {
    let world = World::new();
    let closed = {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
        format!("https://127.0.0.1:{}", free.local_addr().expect("bound").port())
    };
    for url in [closed.as_str(), "https://bot-api.invalid"] {
        for (policy, code) in [("refuse", Code::AUTHINFO_UNAVAIL), ("skip", Code::SUCCESS)] {
            let gateway = format!(
                "[[gateway]]\ndriver = \"telegram-bot\"\ntoken_file = \"/etc/herald/telegram.token\"\napi_url = \"{url}\""
            );
            world.configure_with(&format!("delivery.deadline = \"2s\"\npolicy.undelivered = \"{policy}\""), &gateway);
            let outcome = world.log_in("sshd", &format!("{BEHIND_PASSWORD}\nauth required pam_permit.so"), &[]);
            assert_eq!(outcome.code, code, "{url}: {outcome:?}");
            assert!(outcome.log_lines()[0].contains(" end=unreachable "), "{url}: {outcome:?}");
        }
    }
}

#[test]
fn rule_5_a_gateway_that_asked_to_be_left_alone_is_and_that_is_no_outage() {
    let world = World::new();
    world.configure("policy.undelivered = \"skip\"");
    world.phone.set_fault(Fault::TooMany { retry_after: 60 });
    let stack = format!("{BEHIND_PASSWORD}\nauth required pam_permit.so");
    assert_eq!(world.log_in("sshd", &stack, &[]).code, Code::AUTHINFO_UNAVAIL);
    assert_eq!(world.phone.requests(), 1);
    world.phone.set_fault(Fault::None);
    let outcome = world.log_in("sshd", &stack, &[]);
    assert_eq!((outcome.code, outcome.errors()), (Code::AUTHINFO_UNAVAIL, vec![UNDELIVERED]), "{outcome:?}");
    assert_eq!(world.phone.requests(), 1, "not asked again before its time");
}

#[test]
fn the_second_gateway_of_a_channel_takes_over_with_the_same_code() {
    let world = World::new();
    let gateway = |name: &str, url: &str| {
        format!(
            "[[gateway]]\nname = \"{name}\"\ndriver = \"telegram-bot\"\ntoken_file = \"/etc/herald/telegram.token\"\n\
             api_url = \"{url}\"\n"
        )
    };
    let both = gateway("first", "https://bot-api.invalid") + &gateway("second", &world.phone.url());
    world.configure_with("", &both);
    let outcome = world.log_in("sshd", BEHIND_PASSWORD, &[Typed::Right]);
    assert_eq!((outcome.code, outcome.prompts()), (Code::SUCCESS, vec!["Password: ", SENT]), "{outcome:?}");
    let log = outcome.log_lines();
    assert!(log[0].starts_with("undelivered user=alice channel=telegram gateway=first "), "{log:?}");
    assert!(log[1].starts_with("sent user=alice channel=telegram gateway=second "), "{log:?}");
    assert!(log[2].starts_with("verified user=alice channel=telegram gateway=second "), "{log:?}");
    assert_eq!(world.phone.messages().len(), 1);
}

#[test]
fn a_gateway_with_a_bad_field_is_passed_over_loudly() {
    let world = World::new();
    fs::remove_file(world.machine.path("/etc/herald/telegram.token")).expect("a file");
    let outcome = log_in(&world, "skip");
    assert_eq!((outcome.code, outcome.errors()), (Code::AUTHINFO_UNAVAIL, vec![UNDELIVERED]), "{outcome:?}");
    let log = outcome.log_lines();
    assert!(log[0].starts_with("error gateway=telegram-bot ") && log[0].contains("telegram.token"), "{log:?}");
    assert_eq!(outcome.log[0].priority & 7, 3, "LOG_ERR (syslog(3)): {outcome:?}");
    assert_eq!(world.phone.requests(), 0);
}
