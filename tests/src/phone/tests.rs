//! The phone itself, asked over plain HTTP.

use super::*;
use std::io::{Read, Write};
use std::net::TcpStream;

const SOON: Duration = Duration::from_secs(10);

fn ask(phone: &BotApi, token: &str, method: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", phone.port())).expect("it listens");
    write!(
        stream,
        "POST /bot{token}/{method} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("it reads");
    stream.shutdown(std::net::Shutdown::Write).expect("open");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

#[test]
fn a_message_arrives_as_the_person_sees_it() {
    let phone = BotApi::start_plain();
    let body = r#"{"chat_id":475721977,"text":"<code>314159</code>\nHost: a&lt;b","parse_mode":"HTML",
        "link_preview_options":{"is_disabled":true},
        "reply_markup":{"inline_keyboard":[[{"text":"Copy","copy_text":{"text":"314159"}}]]}}"#;
    assert!(ask(&phone, BotApi::TOKEN, "sendMessage", body).starts_with("HTTP/1.1 200"));
    let message = phone.next_message(SOON).expect("a message");
    assert_eq!((message.chat, message.code.as_deref()), (475_721_977, Some("314159")));
    assert_eq!(message.text, "314159\nHost: a<b");
    assert_eq!(message.button, Some(Button { label: "Copy".into(), copies: "314159".into() }));
    assert!(message.preview_off);
    let screen = message.to_string();
    let widths: Vec<usize> = screen.lines().map(|line| line.chars().count()).collect();
    assert!(screen.contains("Telegram") && screen.contains("│ 314159 ") && screen.contains("[ Copy ]"), "{screen}");
    assert!(widths.iter().all(|width| *width == widths[0]), "{screen}");
}

#[test]
fn tokens_are_told_apart_as_telegram_does() {
    let phone = BotApi::start_plain();
    assert!(ask(&phone, BotApi::TOKEN, "getMe", "{}").contains(BotApi::NAME));
    assert!(ask(&phone, "110000001:SOME-OTHER-TOKEN-THAT-LOOKS-GOOD", "getMe", "{}").starts_with("HTTP/1.1 401"));
    assert!(ask(&phone, "nonsense", "getMe", "{}").starts_with("HTTP/1.1 404"));
    assert!(ask(&phone, BotApi::TOKEN, "getYou", "{}").starts_with("HTTP/1.1 404"));
    assert_eq!(phone.requests(), 4);
}

#[test]
fn faults_are_chosen_by_chat_or_set() {
    let phone = BotApi::start_plain();
    let send = |chat: i64| ask(&phone, BotApi::TOKEN, "sendMessage", &format!(r#"{{"chat_id":{chat},"text":"x"}}"#));
    assert!(send(9_000_403).contains("blocked by the user"));
    assert!(send(9_000_429).contains(r#""retry_after":7"#));
    phone.set_fault_for(5, Fault::ChatNotFound);
    assert!(send(5).contains("chat not found"));
    phone.set_fault(Fault::Broken);
    assert!(send(1).starts_with("HTTP/1.1 500"));
    phone.set_fault(Fault::None);
    assert!(send(1).starts_with("HTTP/1.1 200"));
    assert_eq!(phone.next_message(SOON).map(|message| message.text), Some("x".into()));
}

#[test]
fn what_telegram_would_refuse_never_arrives() {
    let phone = BotApi::start_plain();
    for (body, description) in [
        (r#"{"text":"x"}"#, "chat_id is empty"),
        (r#"{"chat_id":1}"#, "message text is empty"),
        (r#"{"chat_id":1,"text":"a<b","parse_mode":"HTML"}"#, "can't parse entities"),
        (r#"{"chat_id":1,"text":"x","reply_markup":{"inline_keyboard":[[{"text":"x"}]]}}"#, "inline keyboard"),
    ] {
        let answer = ask(&phone, BotApi::TOKEN, "sendMessage", body);
        assert!(answer.starts_with("HTTP/1.1 400") && answer.contains(description), "{answer}");
    }
    assert_eq!(phone.next_message(Duration::ZERO), None);
}

#[test]
fn the_end_waits_for_no_hanging_client() {
    let phone = BotApi::start_plain();
    phone.set_fault(Fault::Hang);
    let mut stream = TcpStream::connect(("127.0.0.1", phone.port())).expect("it listens");
    stream.write_all(b"POST / HTTP/1.1\r\n\r\n").expect("it reads");
    while phone.requests() == 0 {
        std::thread::yield_now();
    }
    drop(phone);
    assert_eq!(stream.read(&mut [0; 16]).unwrap_or(0), 0, "the connection is over");
}
