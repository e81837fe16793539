//! The Bot API's answers and their classes, as its documentation and its server's source have them.

use super::*;
use herald_core::courier::{Field, Message, Part, Topic};
use reqwest::StatusCode;
use std::time::Duration;

const TOKEN: &str = "110000000:FAKE-TOKEN-OF-THE-UNIT-TESTS-ONLY";

fn gateway(fields: &[(&str, Field)]) -> Gateway {
    Gateway {
        name: "telegram".into(),
        channel: "telegram".into(),
        driver: "telegram-bot".into(),
        insecure: false,
        fields: fields.iter().map(|(name, field)| ((*name).to_owned(), field.clone())).collect(),
        definition: None,
    }
}

fn faults(fields: &[(&str, Field)]) -> Vec<(String, String)> {
    TelegramBot.check(&gateway(fields)).into_iter().map(|fault| (fault.field, fault.problem)).collect()
}

fn end(status: u16, body: &str) -> Result<Value, End> {
    let status = StatusCode::from_u16(status).expect("a status");
    judge(&Reply { status, retry_after: None, body: Ok(body.into()) }).map_err(|refusal| refusal.end)
}

fn refused(status: u16, description: &str) -> End {
    let body = json!({ "ok": false, "error_code": status, "description": description }).to_string();
    let status = StatusCode::from_u16(status).expect("a status");
    let refusal = judge(&Reply { status, retry_after: None, body: Ok(body.into()) }).expect_err("refused");
    assert_eq!(refusal.detail, description, "the Bot API's own words");
    refusal.end
}

fn message(code: Option<&str>) -> Message {
    Message {
        code: code.map(Into::into),
        lifetime: Duration::from_secs(300),
        language: "en".into(),
        copy_label: "Copy the code".into(),
        parts: vec![Part { topic: Topic::Host, text: "Host: a<b".into() }],
    }
}

#[test]
fn a_whole_token_is_all_it_takes() {
    assert_eq!(faults(&[("token", Field::Text(TOKEN.into()))]), []);
}

#[test]
fn a_token_without_its_digits_is_told_so() {
    for half in ["FAKE-TOKEN-OF-THE-UNIT-TESTS-ONLY", ":FAKE-TOKEN-OF-THE-UNIT-TESTS-ONLY"] {
        let problem = token_problem(half).expect("a problem");
        assert!(problem.contains("digits before") && problem.contains("123456789:AA…"), "{problem}");
    }
}

#[test]
fn other_bad_tokens_are_told_apart_and_never_repeated() {
    for (token, part) in [
        ("110000000:FAKE-TOKEN-OF THE-UNIT-TESTS-ONLY", "space"),
        ("110000000:FAKE-TOKEN-OF-THE-UNIT-TESTS-ONLY\n", "line break"),
        ("bot110000000:FAKE-TOKEN-OF-THE-UNIT-TESTS-ONLY", "without the word \"bot\""),
        ("110000000:FAKE", "cut off"),
        ("110000000:FAKE-TOKEN-OF/../THE-UNIT-TESTS-ONLY", "cut off"),
        ("110000000", "as BotFather prints it"),
        ("secret", "as BotFather prints it"),
    ] {
        let problem = token_problem(token).expect("a problem");
        assert!(problem.contains(part), "{token}: {problem}");
        assert!(
            !problem.contains("FAKE") && !problem.contains("110000000") && !problem.contains("secret"),
            "{problem}"
        );
    }
}

#[test]
fn fields_are_checked_all_at_once() {
    let all =
        faults(&[("api_url", Field::Text("http://bots.example.org".into())), ("tokn", Field::Text(TOKEN.into()))]);
    let named: Vec<&str> = all.iter().map(|(field, _)| field.as_str()).collect();
    assert_eq!(named, ["tokn", "token", "api_url"]);
    assert!(
        all[0].1.contains("`token`, `api_url`") && all[1].1.contains("@BotFather") && all[2].1.contains("insecure")
    );
    assert_eq!(faults(&[("token", Field::Integer(7))]), [("token".into(), "a text in quotes is accepted".into())]);
    assert_eq!(faults(&[("token", Field::Text("".into()))]), [("token".into(), "empty".into())]);
}

#[test]
fn addresses_are_chat_ids() {
    for good in ["475721977", "1", "-1001234567890"] {
        assert!(TelegramBot.takes(good), "{good}");
    }
    for other in ["", "-", "+491521234567", "@alice", "0123", "4757 21977", "99999999999999999999", "alice@example.org"]
    {
        assert!(!TelegramBot.takes(other), "{other}");
    }
}

#[test]
fn the_message_has_a_code_to_tap_a_button_and_no_preview() {
    let message = message(Some("314159"));
    assert_eq!(
        message_body(475_721_977, &Envelope { address: "475721977", message: &message }),
        json!({
            "chat_id": 475_721_977,
            "text": "<code>314159</code>\nHost: a&lt;b",
            "parse_mode": "HTML",
            "link_preview_options": { "is_disabled": true },
            "reply_markup": { "inline_keyboard": [[{ "text": "Copy the code", "copy_text": { "text": "314159" } }]] },
        })
    );
}

#[test]
fn a_notice_has_no_button() {
    let message = message(None);
    let body = message_body(1, &Envelope { address: "1", message: &message });
    assert_eq!(body.get("reply_markup"), None);
    assert_eq!(body.get("text"), Some(&json!("Host: a&lt;b")));
}

#[test]
fn only_an_ok_in_the_envelope_is_delivered() {
    assert_eq!(end(200, r#"{"ok":true,"result":{"message_id":7}}"#), Ok(json!({ "message_id": 7 })));
    for nonsense in ["", "ok", "<html>", "{}", "[]", "null", r#"{"ok":"true"}"#, r#"{"ok":false}"#, "\u{0}\u{1}"] {
        assert_eq!(end(200, nonsense), Err(End::Unclear), "{nonsense}");
    }
    assert_eq!(end(200, &"[".repeat(60_000)), Err(End::Unclear), "nested too deeply");
    assert_eq!(end(201, r#"{"ok":true}"#), Err(End::Unclear));
    assert_eq!(end(204, ""), Err(End::Unclear));
}

#[test]
fn what_is_wrong_with_the_person_is_permanent() {
    for (status, description) in [
        (400, "Bad Request: chat not found"),
        (400, "Bad Request: chat_id is empty"),
        (400, "Bad Request: group chat was upgraded to a supergroup chat"),
        (403, "Forbidden: bot was blocked by the user"),
        (403, "Forbidden: user is deactivated"),
        (403, "Forbidden: bot was kicked from the group chat"),
        (403, "Forbidden: bot is not a member of the group chat"),
        (403, "Forbidden: bots can't send messages to bots"),
        (403, "Forbidden: bot can't initiate conversation with a user"),
    ] {
        assert_eq!(refused(status, description), End::Permanent, "{description}");
    }
    let moved = r#"{"ok":false,"error_code":400,"description":"Bad Request","parameters":{"migrate_to_chat_id":-100}}"#;
    assert_eq!(end(400, moved), Err(End::Permanent));
}

#[test]
fn what_is_wrong_with_the_gateway_is_configuration() {
    for (status, description) in [
        (400, "Bad Request: can't parse entities: unsupported start tag"),
        (400, "Bad Request: message text is empty"),
        (401, "Unauthorized"),
        (401, "Unauthorized: invalid token specified"),
        (404, "Not Found"),
        (409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"),
        (409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook first"),
        (421, "Misdirected Request"),
    ] {
        assert_eq!(refused(status, description), End::Configuration, "{description}");
    }
    for status in [400, 403, 404, 407] {
        assert_eq!(end(status, "<html>no</html>"), Err(End::Configuration), "not the Bot API: {status}");
    }
    assert_eq!(end(302, ""), Err(End::Configuration));
}

#[test]
fn too_many_requests_say_when_to_come_back_and_an_hour_is_the_most() {
    let asked = |seconds: u64| {
        let body = json!({ "ok": false, "error_code": 429, "description": format!("Too Many Requests: retry after {seconds}"),
                           "parameters": { "retry_after": seconds } });
        end(429, &body.to_string())
    };
    let after = |seconds| Err(End::TryAgain { after: Some(Duration::from_secs(seconds)) });
    assert_eq!(asked(17), after(17));
    assert_eq!(asked(9_999_999), after(3600));
    assert_eq!(end(429, "slow down"), Err(End::TryAgain { after: None }));
    let by_header =
        Reply { status: StatusCode::TOO_MANY_REQUESTS, retry_after: Some(wait(5)), body: Err("the answer broke off") };
    assert_eq!(judge(&by_header).map_err(|refusal| refusal.end), after(5));
}

#[test]
fn a_service_that_is_out_of_order_is_unreachable_whatever_it_says() {
    for status in [500, 502, 503, 504] {
        assert_eq!(end(status, "<html>"), Err(End::Unreachable));
        assert_eq!(refused(status, "Internal Server Error"), End::Unreachable);
    }
}

#[test]
fn an_answer_that_broke_off_is_unclear_even_with_a_good_status() {
    let reply = Reply { status: StatusCode::OK, retry_after: None, body: Err("the answer is longer than 64 KiB") };
    let refusal = judge(&reply).expect_err("unclear");
    assert_eq!((refusal.end, refusal.detail.as_str()), (End::Unclear, "the answer is longer than 64 KiB"));
}
