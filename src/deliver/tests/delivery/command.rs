//! An admin's own program, started from inside the cage.

use crate::harness::{CODE, gateway, send, tries};
use herald_core::courier::{End, Field, Gateway, Request, Tried};
use std::time::{Duration, Instant};

fn through(program: &str) -> Request {
    let gateway = Gateway {
        channel: "pager".into(),
        driver: "command".into(),
        fields: vec![("program".into(), Field::Text(program.into()))],
        ..gateway("own", "")
    };
    send(vec![gateway], &[("own", "alice")])
}

fn only(request: &Request) -> Tried {
    let mut tries = tries(request);
    assert_eq!(tries.len(), 1, "{tries:?}");
    tries.remove(0)
}

#[test]
fn a_program_of_the_system_runs_as_nobody_in_particular() {
    assert_eq!(only(&through("/bin/cat")).end, End::Delivered, "it reads what it gets");
    let refused = only(&through("/bin/false"));
    assert_eq!((refused.end, refused.detail.as_str()), (End::Configuration, "the program ended with exit status 1"));
    let missing = only(&through("/nonexistent/program"));
    assert!(missing.end == End::Configuration && missing.detail.contains("no such program"), "{}", missing.detail);
}

#[test]
fn rule_33_what_it_says_is_shown_without_the_code() {
    // A shell reads its commands from standard input, and complains about what it reads.
    let refused = only(&through("/bin/sh"));
    assert_ne!(refused.end, End::Delivered);
    assert!(!refused.detail.is_empty() && !refused.detail.contains(CODE), "{}", refused.detail);
}

#[test]
fn a_program_that_does_not_end_is_ended_inside_the_deadline() {
    let mut request = through("/usr/bin/yes");
    request.deadline = Duration::from_secs(2);
    let begun = Instant::now();
    assert_eq!(only(&request).end, End::Unclear);
    assert!(begun.elapsed() < Duration::from_secs(10));
}
