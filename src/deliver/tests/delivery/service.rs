//! The jobs that send nothing: describe, check, status.

use crate::harness::{answer, gateway, send_through};
use herald_core::courier::{Answer, Condition, Field, Job, Request};
use herald_tests::phone::{BotApi, Fault};

fn status(phone: &BotApi) -> Condition {
    let mut request = send_through(phone);
    request.job = Job::Status;
    match answer(&request) {
        Answer::Status(conditions) if conditions.len() == 1 => conditions.into_iter().next().expect("one"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn status_says_which_bot_it_is() {
    let phone = BotApi::start();
    let condition = status(&phone);
    assert!(condition.ok && condition.mend.is_empty());
    assert_eq!(condition.detail, format!("@{}", BotApi::NAME));
}

#[test]
fn status_says_what_is_wrong_and_what_to_do() {
    let phone = BotApi::start();
    for (fault, detail, mend) in [
        (Fault::Unauthorized, "Unauthorized", "herald gateway set telegram token=-"),
        (Fault::NotFound, "Not Found", "@BotFather"),
        (Fault::SelfSigned, "does not trust", "delivery.ca_file"),
        (Fault::Broken, "Internal Server Error", "firewall"),
        (Fault::TooMany { retry_after: 9 }, "Too Many Requests", "wait 9 s"),
        (Fault::Garbage, "none of the Bot API's", "base URL"),
        (Fault::Redirect, "redirect (302)", "herald gateway set telegram"),
    ] {
        phone.set_fault(fault);
        let condition = status(&phone);
        assert!(!condition.ok, "{fault:?}");
        assert!(condition.detail.contains(detail), "{fault:?}: {}", condition.detail);
        assert!(condition.mend.contains(mend), "{fault:?}: {}", condition.mend);
    }
}

#[test]
fn check_and_describe_open_no_connection() {
    let phone = BotApi::start();
    let mut bad = gateway("bad", &phone.url());
    bad.fields[0].1 = Field::Text("FAKE-TOKEN-OF-THE-TEST-PHONE-ONLY".into());
    let request =
        |job| Request { job, gateways: vec![gateway("good", &phone.url()), bad.clone()], ..send_through(&phone) };
    match answer(&request(Job::Check)) {
        Answer::Faults(faults) => {
            assert_eq!(faults.len(), 1, "{faults:?}");
            assert_eq!((faults[0].gateway.as_str(), faults[0].field.as_str()), ("bad", "token"));
            assert!(faults[0].problem.contains("the digits before it are missing"));
        }
        other => panic!("{other:?}"),
    }
    match answer(&request(Job::Describe(Some("telegram-bot".into())))) {
        Answer::Drivers(drivers) => assert_eq!(drivers[0].fields.len(), 2),
        other => panic!("{other:?}"),
    }
    assert_eq!(phone.connections(), 0);
}
