//! Which gateway comes after which, and what time each has.

use crate::harness::{CHAT, CODE, SOON, gateway, send, tries};
use herald_core::courier::{End, Request};
use herald_tests::phone::{BotApi, Fault};
use std::time::{Duration, Instant};

/// Two phones; what the first does not take goes to the second.
fn through_both(first: &BotApi, second: &BotApi) -> Request {
    let gateways = vec![gateway("first", &first.url()), gateway("second", &second.url())];
    let mut request = send(gateways, &[("first", CHAT), ("second", CHAT)]);
    request.ca = format!("{}{}", first.ca_pem(), second.ca_pem());
    request
}

fn ends(request: &Request) -> Vec<(String, End)> {
    tries(request).into_iter().map(|tried| (tried.gateway, tried.end)).collect()
}

#[test]
fn a_gateway_that_delivers_is_the_last_one_asked() {
    let (first, second) = (BotApi::start(), BotApi::start());
    assert_eq!(ends(&through_both(&first, &second)), [("first".into(), End::Delivered)]);
    assert_eq!(second.connections(), 0);
}

#[test]
fn what_one_gateway_does_not_take_the_next_one_gets() {
    let (first, second) = (BotApi::start(), BotApi::start());
    for (fault, end) in [
        (Fault::Broken, End::Unreachable),
        (Fault::TooMany { retry_after: 7 }, End::TryAgain { after: Some(Duration::from_secs(7)) }),
        (Fault::Expired, End::TryAgain { after: None }),
        (Fault::Garbage, End::Unclear),
        (Fault::Unauthorized, End::Configuration),
    ] {
        first.set_fault(fault);
        let both = [("first".to_owned(), end), ("second".to_owned(), End::Delivered)];
        assert_eq!(ends(&through_both(&first, &second)), both);
        assert_eq!(second.next_message(SOON).and_then(|message| message.code).as_deref(), Some(CODE), "the same code");
    }
}

#[test]
fn a_gateway_that_hangs_leaves_time_for_the_next() {
    let (first, second) = (BotApi::start(), BotApi::start());
    for (fault, end) in [(Fault::Hang, End::Unclear), (Fault::HangBeforeTls, End::Unreachable)] {
        first.set_fault(fault);
        let mut request = through_both(&first, &second);
        request.deadline = Duration::from_secs(3);
        let started = Instant::now();
        assert_eq!(ends(&request), [("first".into(), end), ("second".into(), End::Delivered)]);
        assert!(started.elapsed() < request.deadline, "inside the deadline");
        assert!(second.next_message(SOON).is_some());
    }
}

#[test]
fn who_cannot_be_reached_on_a_channel_is_not_tried_there_again() {
    let phone = BotApi::start();
    phone.set_fault_for(5, Fault::Blocked);
    let mut other = gateway("other", &phone.url());
    other.channel = "elsewhere".into();
    let gateways = vec![gateway("a", &phone.url()), gateway("b", &phone.url()), other];
    let mut request = send(gateways, &[("a", "5"), ("b", "5"), ("other", CHAT)]);
    request.ca = phone.ca_pem().into();
    assert_eq!(ends(&request), [("a".into(), End::Permanent), ("other".into(), End::Delivered)]);
    assert_eq!(phone.requests(), 2);
}

#[test]
fn an_address_of_another_form_is_passed_over_and_costs_nothing() {
    let phone = BotApi::start();
    let mut request =
        send(vec![gateway("telegram", &phone.url())], &[("telegram", "+81312345678"), ("telegram", CHAT)]);
    request.ca = phone.ca_pem().into();
    assert_eq!(ends(&request), [("telegram".into(), End::PassedOver), ("telegram".into(), End::Delivered)]);
    assert_eq!(phone.connections(), 1);
}
