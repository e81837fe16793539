//! Every way to fail, and what it counts as (rule 5).

use crate::harness::{CHAT, CODE, SOON, answer, gateway, send, send_through, tries};
use herald_core::courier::{Answer, End, Field, Request, Tried};
use herald_tests::phone::{BotApi, Button, Fault};
use std::net::TcpListener;
use std::time::Duration;

const AGAIN: End = End::TryAgain { after: None };

fn failed(request: &Request) -> Tried {
    let tries = tries(request);
    assert_eq!(tries.len(), 1, "{tries:?}");
    assert!(tries[0].end == End::Delivered || !tries[0].detail.is_empty(), "a failure says why: {tries:?}");
    tries.into_iter().next().expect("one")
}

fn end_with(phone: &BotApi, fault: Fault, deadline: Duration) -> End {
    phone.set_fault(fault);
    let mut request = send_through(phone);
    request.deadline = deadline;
    failed(&request).end
}

#[test]
fn a_code_arrives_on_the_phone() {
    let phone = BotApi::start();
    let tries = tries(&send_through(&phone));
    assert_eq!((tries.len(), tries[0].end, tries[0].detail.as_str()), (1, End::Delivered, ""));
    let message = phone.next_message(SOON).expect("a message");
    assert_eq!(message.chat.to_string(), CHAT);
    assert_eq!(message.code.as_deref(), Some(CODE));
    assert_eq!(
        message.text,
        "314159\nHost: matoken\nFrom: <b>203.0.113.7</b> & friends\n\
         Type it only at matoken. Nobody will ask you for it."
    );
    assert_eq!(message.button, Some(Button { label: "Copy the code".into(), copies: CODE.into() }));
    assert!(message.preview_off);
    assert_eq!((phone.requests(), phone.connections()), (1, 1));
}

#[test]
fn a_code_arrives_over_plain_http_on_loopback() {
    let phone = BotApi::start_plain();
    assert_eq!(failed(&send_through(&phone)).end, End::Delivered);
    assert_eq!(phone.next_message(SOON).and_then(|message| message.code).as_deref(), Some(CODE));
}

#[test]
fn every_answer_of_the_service_has_its_class() {
    let phone = BotApi::start();
    let after = |seconds| End::TryAgain { after: Some(Duration::from_secs(seconds)) };
    for (fault, end) in [
        (Fault::Blocked, End::Permanent),
        (Fault::Deactivated, End::Permanent),
        (Fault::ChatNotFound, End::Permanent),
        (Fault::Upgraded, End::Permanent),
        (Fault::Unauthorized, End::Configuration),
        (Fault::NotFound, End::Configuration),
        (Fault::Conflict, End::Configuration),
        (Fault::Redirect, End::Configuration),
        (Fault::TooMany { retry_after: 17 }, after(17)),
        (Fault::TooMany { retry_after: 86_400 }, after(3600)),
        (Fault::TooManyByHeader { retry_after: 5 }, after(5)),
        (Fault::Broken, End::Unreachable),
        (Fault::BadGateway, End::Unreachable),
        (Fault::Garbage, End::Unclear),
        (Fault::Oversized, End::Unclear),
        (Fault::NotHttp, End::Unclear),
        (Fault::CloseAfterRequest, End::Unclear),
        (Fault::Reset, End::Unclear),
    ] {
        assert_eq!(end_with(&phone, fault, SOON), end, "{fault:?}");
    }
    assert_eq!(phone.next_message(Duration::ZERO), None, "nothing of this arrived");
}

#[test]
fn the_services_own_words_are_kept() {
    let phone = BotApi::start();
    phone.set_fault(Fault::Blocked);
    assert_eq!(failed(&send_through(&phone)).detail, "Forbidden: bot was blocked by the user");
}

#[test]
fn rule_33_a_service_that_repeats_everything_reveals_nothing() {
    let phone = BotApi::start();
    phone.set_fault(Fault::Echo);
    let tried = failed(&send_through(&phone));
    assert_eq!(tried.end, End::Permanent);
    assert!(tried.detail.contains("POST /bot***"), "what is left is still of use: {}", tried.detail);
}

#[test]
fn rule_5_a_wrong_certificate_is_not_unreachable() {
    let phone = BotApi::start();
    for (fault, words) in [
        (Fault::WrongHost, "is not for 127.0.0.1"),
        (Fault::Expired, "has expired"),
        (Fault::SelfSigned, "does not trust"),
    ] {
        phone.set_fault(fault);
        let tried = failed(&send_through(&phone));
        assert_eq!(tried.end, AGAIN, "{fault:?}");
        assert!(tried.detail.contains(words), "{fault:?}: {}", tried.detail);
    }
    assert_eq!(phone.requests(), 0, "the token was shown to none of them");
}

#[test]
fn the_systems_certificates_are_read_without_root_and_vouch_for_no_stranger() {
    let phone = BotApi::start();
    let mut request = send_through(&phone);
    request.ca = String::new();
    let tried = failed(&request);
    let bundles = ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"];
    if bundles.iter().any(|path| std::path::Path::new(path).exists()) {
        assert!(tried.end == AGAIN && tried.detail.contains("does not trust"), "{tried:?}");
    } else {
        assert!(tried.end == End::Configuration && tried.detail.contains("ca-certificates"), "{tried:?}");
    }
    assert_eq!(phone.requests(), 0);
}

#[test]
fn rule_5_no_connection_and_no_handshake_are_unreachable() {
    let phone = BotApi::start();
    assert_eq!(end_with(&phone, Fault::ResetBeforeTls, SOON), End::Unreachable);
    assert_eq!(end_with(&phone, Fault::NotTls, SOON), End::Unreachable);
    assert_eq!(end_with(&phone, Fault::HangBeforeTls, Duration::from_secs(2)), End::Unreachable);
    assert_eq!(phone.requests(), 0);
}

#[test]
fn rule_5_a_refused_connection_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("https://{}", listener.local_addr().expect("bound"));
    drop(listener);
    let tried = failed(&send(vec![gateway("telegram", &url)], &[("telegram", CHAT)]));
    assert_eq!((tried.end, tried.detail.as_str()), (End::Unreachable, "no connection to 127.0.0.1: refused"));
}

#[test]
fn rule_5_a_name_that_does_not_resolve_is_unreachable() {
    // A label of 64 characters cannot be asked for (RFC 1035 §2.3.4): no resolver is needed to know that.
    let url = format!("http://{}.test", "a".repeat(64));
    let mut insecure = gateway("telegram", &url);
    insecure.insecure = true;
    let tried = failed(&send(vec![insecure], &[("telegram", CHAT)]));
    assert!(tried.end == End::Unreachable && tried.detail.contains("could not be resolved"), "{tried:?}");
}

#[test]
fn rule_5_silence_after_the_request_is_unclear_not_unreachable() {
    let phone = BotApi::start();
    let deadline = Duration::from_secs(2);
    assert_eq!(end_with(&phone, Fault::Hang, deadline), End::Unclear);
    assert_eq!(end_with(&phone, Fault::Drip { pause: Duration::from_millis(100) }, deadline), End::Unclear);
    assert_eq!(phone.requests(), 2);
}

#[test]
fn a_slow_service_that_keeps_the_deadline_delivers() {
    let phone = BotApi::start();
    phone.set_latency(Duration::from_millis(300));
    assert_eq!(end_with(&phone, Fault::Drip { pause: Duration::from_millis(1) }, SOON), End::Delivered);
}

#[test]
fn a_token_that_the_service_does_not_know_is_configuration() {
    let phone = BotApi::start();
    for token in ["110000001:FAKE-TOKEN-OF-SOME-OTHER-BOT-THAT-NEVER-WAS", "FAKE-TOKEN-OF-THE-TEST-PHONE-ONLY"] {
        let mut request = send_through(&phone);
        request.gateways[0].fields[0].1 = Field::Text(token.into());
        assert_eq!(failed(&request).end, End::Configuration, "{token}");
    }
    assert_eq!(phone.requests(), 1, "the half token was not even sent");
}

#[test]
fn plain_http_leaves_this_machine_for_nobody_who_did_not_say_so() {
    let request = send(vec![gateway("telegram", "http://bots.example.org")], &[("telegram", CHAT)]);
    let tried = failed(&request);
    assert_eq!(tried.end, End::Configuration);
    assert!(tried.detail.contains("loopback"), "{}", tried.detail);
}

#[test]
fn a_bad_ca_file_or_proxy_is_configuration() {
    let phone = BotApi::start();
    let mut request = send_through(&phone);
    request.ca = "-----BEGIN NONSENSE-----".into();
    assert!(failed(&request).detail.contains("delivery.ca_file"));
    let mut request = send(vec![gateway("telegram", "https://bot-api.test")], &[("telegram", CHAT)]);
    request.proxy = "gopher://127.0.0.1".into();
    let tried = failed(&request);
    assert!(tried.end == End::Configuration && tried.detail.contains("delivery.proxy"), "{tried:?}");
}

#[test]
fn a_notice_arrives_without_a_code_and_without_a_button() {
    let phone = BotApi::start();
    let mut request = send_through(&phone);
    if let herald_core::courier::Job::Send { message, .. } = &mut request.job {
        message.code = None;
    }
    assert!(matches!(answer(&request), Answer::Tries(tries) if tries[0].end == End::Delivered));
    let message = phone.next_message(SOON).expect("a message");
    assert_eq!((message.code, message.button), (None, None));
    assert!(message.text.starts_with("Host: matoken\n"));
}
