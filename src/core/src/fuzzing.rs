//! What core reads from outside, for `fuzz/` and for the replay of its seeds: bytes in, nothing out, and a panic where
//! something is not as it must be.

use crate::answer::Answer;
use crate::broker::{
    decode_errand, decode_from_broker, decode_from_host, encode_errand, encode_from_broker, encode_from_host,
};
use crate::config::Config;
use crate::courier::{decode_answer, decode_request, encode_answer, encode_request};
use crate::enrollment::Enrollment;
use crate::ledger::Ledger;
use crate::login::Arguments;
use crate::secret::SecretBytes;
use std::path::Path;

/// The arguments of the module, as pam.d has them: zero bytes stand between them.
pub fn arguments(bytes: &[u8]) {
    let words: Vec<Vec<u8>> = bytes.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect();
    if let Err(problem) = Arguments::parse(&words) {
        assert!(problem.len() < 4096 && problem.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{problem:?}");
    }
}

/// `herald.toml`.
pub fn config(bytes: &[u8]) {
    let _ = Config::parse(&String::from_utf8_lossy(bytes), Path::new("/etc/herald/herald.toml"));
}

/// An enrollment file: what is read is written so that it is read again.
pub fn enrollment(bytes: &[u8]) {
    let Ok(enrollment) = Enrollment::parse(&String::from_utf8_lossy(bytes)) else { return };
    let Ok(text) = enrollment.to_toml() else { return };
    assert_eq!(Enrollment::parse(&text).as_ref(), Ok(&enrollment), "{}", *text);
}

/// A ledger: the same.
pub fn ledger(bytes: &[u8]) {
    const BOOT: &str = "0";
    let Ok(ledger) = Ledger::parse(&String::from_utf8_lossy(bytes), BOOT) else { return };
    let text = ledger.to_toml(BOOT);
    assert_eq!(Ledger::parse(&text, BOOT), Ok(ledger), "{text}");
}

/// A frame between the module and herald-deliver: what is read is written as the same bytes.
pub fn frame(bytes: &[u8]) {
    if let Ok(request) = decode_request(bytes) {
        if let Ok(frame) = encode_request(&request) {
            assert_eq!(frame.get(4..), Some(bytes));
        }
    }
    if let Ok(answer) = decode_answer(bytes) {
        if let Ok(frame) = encode_answer(&answer) {
            assert_eq!(frame.get(4..), Some(bytes));
        }
    }
}

/// A frame between a host and the broker, either way: the same.
pub fn broker(bytes: &[u8]) {
    if let Ok(said) = decode_from_host(bytes) {
        if let Ok(frame) = encode_from_host(&said) {
            assert_eq!(frame.get(4..), Some(bytes));
        }
    }
    if let Ok(said) = decode_from_broker(bytes) {
        if let Ok(frame) = encode_from_broker(&said) {
            assert_eq!(frame.get(4..), Some(bytes));
        }
    }
    if let Ok(errand) = decode_errand(bytes) {
        if let Ok(frame) = encode_errand(&errand) {
            assert_eq!(frame.get(4..), Some(bytes));
        }
        assert!(errand.environment().all(|(_, value)| value.bytes().all(|byte| byte.is_ascii_graphic())));
    }
}

/// What somebody types: folded once is folded for good.
pub fn answer(bytes: &[u8]) {
    let folded = Answer::of(&SecretBytes::new(bytes.to_vec()));
    let again = Answer::of(&SecretBytes::new(folded.text().as_bytes().to_vec()));
    assert_eq!((again.text(), again.code()), (folded.text(), folded.code()));
    let _ = (folded.wish(), folded.has_digits(6));
}

#[cfg(test)]
#[path = "../../../fuzz/replay.rs"]
mod replay;

#[test]
fn the_seeds_of_every_target_are_replayed() {
    for (target, run) in [
        ("arguments", arguments as fn(&[u8])),
        ("config", config),
        ("enrollment", enrollment),
        ("ledger", ledger),
        ("frame", frame),
        ("broker", broker),
        ("answer", answer),
    ] {
        replay::replay(target, 200, run);
    }
}

#[test]
fn of_what_can_be_refused_a_seed_is_read() {
    let text = |seed: &[u8]| String::from_utf8_lossy(seed).into_owned();
    let words = |seed: &[u8]| seed.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect::<Vec<_>>();
    let reads = |target: &str, reads: &dyn Fn(&[u8]) -> bool| {
        assert!(replay::seeds(target).iter().any(|(_, seed)| reads(seed)), "no seed of {target} is read");
    };
    reads("arguments", &|seed| Arguments::parse(&words(seed)).is_ok());
    reads("config", &|seed| Config::parse(&text(seed), Path::new("/etc/herald/herald.toml")).is_ok());
    reads("enrollment", &|seed| Enrollment::parse(&text(seed)).is_ok_and(|read| read.factors.len() > 2));
    reads("ledger", &|seed| Ledger::parse(&text(seed), "0").is_ok_and(|read| !read.remembered.is_empty()));
    reads("frame", &|seed| decode_request(seed).is_ok());
    reads("frame", &|seed| decode_answer(seed).is_ok());
    reads("broker", &|seed| decode_from_host(seed).is_ok());
    reads("broker", &|seed| decode_from_broker(seed).is_ok());
    reads("broker", &|seed| decode_errand(seed).is_ok());
}
