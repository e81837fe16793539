//! signal-cli's answers over HTTP, a UNIX socket and TCP.

use super::super::testing::{Folder, Service, TEXT, faulty, gateway, send, status};
use super::*;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixListener;

const SENT: &str = r#"{"jsonrpc":"2.0","id":"herald","result":{"timestamp":1790000000000,"results":[{"recipientAddress":{"uuid":null,"number":"+4915100000000"},"type":"SUCCESS"}]}}"#;
const TO: &str = "+4915100000000";

fn request(recipient: &str) -> String {
    let text = json!(TEXT).to_string();
    format!(
        r#"{{"id":"herald","jsonrpc":"2.0","method":"send","params":{{"account":"+4930000000","message":{text},{recipient}}}}}"#
    )
}

fn daemon(url: &str) -> Gateway {
    gateway("signal-cli", &[("url", url), ("account", "+4930000000")])
}

fn end_of(answer: &str) -> End {
    let service = Service::http(&[(200, answer)]);
    send(&SignalCli, &daemon(&service.url()), TO).expect_err("refused").end
}

fn failed(kind: &str, more: &str) -> End {
    let response =
        format!(r#"{{"timestamp":1,"results":[{{"recipientAddress":{{"number":"{TO}"}},"type":"{kind}"{more}}}]}}"#);
    end_of(&format!(
        r#"{{"jsonrpc":"2.0","id":"herald","error":{{"code":-1,"message":"Failed to send message","data":{{"response":{response}}}}}}}"#
    ))
}

#[test]
fn over_http_one_post_sends_to_a_number_a_uuid_or_a_username() {
    let uuid = "b3b5c7d1-0000-0000-0000-000000000000";
    for (to, recipient) in [
        (TO, format!(r#""recipient":["{TO}"]"#)),
        (uuid, format!(r#""recipient":["{uuid}"]"#)),
        ("alice.42", r#""username":["alice.42"]"#.to_owned()),
    ] {
        let service = Service::http(&[(200, SENT)]);
        assert_eq!(send(&SignalCli, &daemon(&service.url()), to), Ok(()));
        let mut params: Vec<String> = vec![recipient];
        params.sort();
        assert_eq!(
            service.request(),
            format!("POST /api/v1/rpc HTTP/1.1\ncontent-type: application/json\n\n{}", request(&params[0]))
        );
    }
}

#[test]
fn over_tcp_one_line_and_notifications_in_between_are_skipped() {
    let note = r#"{"jsonrpc":"2.0","method":"receive","params":{"envelope":{"source":"+4915"}}}"#;
    let other = r#"{"jsonrpc":"2.0","id":"7","result":{}}"#;
    let service = Service::lines(&[&format!("{note}\nnot json\n{other}\n{SENT}\n")]);
    assert_eq!(send(&SignalCli, &daemon(&format!("tcp://127.0.0.1:{}", service.port())), TO), Ok(()));
    assert_eq!(service.request(), format!("{}\n", request(&format!(r#""recipient":["{TO}"]"#))));
}

#[test]
fn over_a_unix_socket_as_well_and_its_failures_are_told_apart() {
    let folder = Folder::new("signal");
    let path = folder.0.join("socket");
    let url = format!("unix:{}", path.display());
    let refused = |url: &str| send(&SignalCli, &daemon(url), TO).expect_err("refused");
    let missing = refused(&url);
    assert!(missing.end == End::Configuration && missing.detail.contains("there is no socket"), "{missing:?}");

    let listener = UnixListener::bind(&path).expect("a socket");
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut line = String::new();
        BufReader::new(&stream).read_line(&mut line).expect("a line");
        stream.write_all(format!("{SENT}\n").as_bytes()).expect("an answer");
        // The second one hangs up.
        listener.accept().expect("another connection");
        line
    });
    assert_eq!(send(&SignalCli, &daemon(&url), TO), Ok(()));
    assert!(matches!(refused(&url).end, End::Unclear | End::TryAgain { .. }));
    assert!(answering.join().expect("no panic").contains("\"method\":\"send\""));

    let gone = refused(&url);
    assert!(gone.end == End::Unreachable && gone.detail.contains("nothing listens"), "{gone:?}");
}

#[test]
fn a_daemon_that_says_nothing_is_unclear_at_the_deadline() {
    let service = Service::lines(&[""]);
    let gateway = daemon(&format!("tcp://127.0.0.1:{}", service.port()));
    let message = super::super::testing::message();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let silent = daemon(&format!("tcp://{}", listener.local_addr().expect("bound")));
    for gateway in [gateway, silent] {
        let until = Instant::now() + Duration::from_millis(300);
        let envelope = Envelope { address: TO, message: &message };
        let refused =
            SignalCli.send(&gateway, &envelope, &super::super::testing::client(), until).expect_err("refused");
        assert_eq!(refused.end, End::Unclear, "{}", refused.detail);
        assert!(Instant::now() < until + Duration::from_secs(5));
    }
}

#[test]
fn every_kind_of_failure_has_its_class() {
    assert_eq!(failed("UNREGISTERED_FAILURE", ""), End::Permanent);
    assert_eq!(failed("IDENTITY_FAILURE", ""), End::Permanent);
    assert_eq!(failed("NETWORK_FAILURE", ""), End::TryAgain { after: None });
    assert_eq!(failed("INVALID_PRE_KEY_FAILURE", ""), End::TryAgain { after: None });
    let limited = failed("RATE_LIMIT_FAILURE", r#","token":"x","retryAfterSeconds":86400"#);
    assert_eq!(limited, End::TryAgain { after: Some(Duration::from_secs(3600)) });
    assert_eq!(failed("SOMETHING_NEW", ""), End::Unclear);
    // An error is told even where it comes as a result.
    assert_eq!(end_of(r#"{"result":{"timestamp":1,"results":[{"type":"UNREGISTERED_FAILURE"}]}}"#), End::Permanent);
}

#[test]
fn every_error_code_has_its_class() {
    let code = |code: i64, message: &str| {
        let error = json!({ "jsonrpc": "2.0", "id": "herald", "error": { "code": code, "message": message } });
        let service = Service::http(&[(200, error.to_string().as_str())]);
        let refused = send(&SignalCli, &daemon(&service.url()), TO).expect_err("refused");
        let words = if code == -4 { "safety number" } else { message };
        assert!(refused.detail.contains(words), "{code}: {}", refused.detail);
        refused.end
    };
    assert_eq!(code(-1, "Unregistered user \"+49\""), End::Permanent);
    assert_eq!(code(-1, "Invalid recipient: x"), End::Permanent);
    assert_eq!(code(-1, "User +4930000000 is not registered."), End::Configuration, "that is our own account");
    assert_eq!(code(-1, "Failed to send message"), End::Configuration);
    assert_eq!(code(-3, "Failed to send"), End::TryAgain { after: None });
    assert_eq!(code(-4, "Untrusted identity"), End::Permanent);
    assert_eq!(code(-5, "Rate limited"), End::TryAgain { after: None });
    assert_eq!(code(-6, "Captcha rejected"), End::Configuration);
    assert_eq!(code(-32700, "Parse error"), End::Configuration);
    assert_eq!(code(-32600, "Invalid request"), End::Configuration);
    assert_eq!(code(-32602, "Method requires valid account parameter"), End::Configuration);
    assert_eq!(code(-32602, "Specified account does not exist"), End::Configuration);
    assert_eq!(code(-32601, "Method not found"), End::Configuration);
    assert_eq!(code(-32603, "Internal error"), End::Unclear);
}

#[test]
fn only_a_daemon_of_signal_cli_counts_as_one() {
    for (status, body, end) in [
        (200, "{}", End::Unclear),
        (200, "<html>", End::Unclear),
        (201, "", End::Unclear),
        (404, "", End::Configuration),
        (415, "", End::Configuration),
        (421, "", End::Configuration),
        (302, "", End::Configuration),
        (502, "", End::Unreachable),
        (429, "Retry-After: 7\r\n\r\n", End::TryAgain { after: Some(Duration::from_secs(7)) }),
    ] {
        let service = Service::http(&[(status, body)]);
        let refused = send(&SignalCli, &daemon(&service.url()), TO).expect_err("refused");
        assert_eq!(refused.end, end, "{status} {body}: {}", refused.detail);
    }
}

#[test]
fn status_says_version_and_account_and_what_is_missing() {
    let version = r#"{"id":"herald","result":{"version":"0.14.6"}}"#;
    let listed = r#"{"id":"herald","result":[{"number":"+4930000000"}]}"#;
    let single = r#"{"id":"herald","error":{"code":-32601,"message":"Method not implemented"}}"#;
    let user = |registered| {
        format!(
            r#"{{"id":"herald","result":[{{"recipient":"+4930000000","number":"+4930000000","uuid":null,"isRegistered":{registered}}}]}}"#
        )
    };
    for accounts in [listed, single] {
        let service = Service::http(&[(200, version), (200, accounts), (200, &user(true))]);
        assert_eq!(status(&SignalCli, &daemon(&service.url())), Ok("signal-cli 0.14.6, +4930000000".into()));
        assert!(service.request().ends_with(r#"{"id":"herald","jsonrpc":"2.0","method":"version","params":{}}"#));
        assert!(service.request().ends_with(r#"{"id":"herald","jsonrpc":"2.0","method":"listAccounts","params":{}}"#));
        assert!(
            service.request().ends_with(
                r#""method":"getUserStatus","params":{"account":"+4930000000","recipient":["+4930000000"]}}"#
            )
        );
    }
    let service = Service::http(&[(200, version)]);
    let without = gateway("signal-cli", &[("url", service.url().as_str())]);
    assert_eq!(status(&SignalCli, &without), Ok("signal-cli 0.14.6".into()));

    let nobody = Service::http(&[(200, version), (200, r#"{"id":"herald","result":[]}"#)]);
    let refused = status(&SignalCli, &daemon(&nobody.url())).expect_err("no account");
    assert!(refused.detail.contains("no account"), "{}", refused.detail);
    let lapsed = Service::http(&[(200, version), (200, listed), (200, &user(false))]);
    let refused = status(&SignalCli, &daemon(&lapsed.url())).expect_err("not registered");
    assert!(refused.detail.contains("does not know"), "{}", refused.detail);
}

#[test]
fn fields_are_a_url_of_three_kinds_and_a_number() {
    for good in ["http://127.0.0.1:8080", "unix:/run/signal-cli/socket", "tcp://localhost:7583"] {
        assert_eq!(faulty(&SignalCli, &daemon(good)), [""; 0], "{good}");
    }
    for bad in ["", "/run/signal-cli/socket", "tcp://192.0.2.1:7583", "http://192.0.2.1:8080", "ftp://x"] {
        assert_eq!(faulty(&SignalCli, &daemon(bad)), ["url"], "{bad}");
    }
    let bad = gateway("signal-cli", &[("account", "0301234"), ("number", "x")]);
    assert_eq!(faulty(&SignalCli, &bad), ["number", "url", "account"]);
}

#[test]
fn addresses_are_numbers_uuids_and_usernames() {
    for good in [TO, "b3b5c7d1-0000-0000-0000-000000000000", "alice.42"] {
        assert!(SignalCli.takes(good), "{good}");
    }
    for other in ["alice@example.org", "", "a b", "+49 151"] {
        assert!(!SignalCli.takes(other), "{other}");
    }
}
