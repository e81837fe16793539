//! `signal-cli`: the JSON-RPC interface of signal-cli's daemon, over HTTP, a UNIX socket or TCP.
//!
//! `signal-cli daemon --http`, `--socket` or `--tcp`. Over HTTP one POST to `/api/v1/rpc`; over sockets one JSON object
//! in each line, with notifications of received messages in between. Errors are JSON-RPC errors, over HTTP with status
//! 200. Names and numbers are those of signal-cli 0.14 (its manual page signal-cli-jsonrpc(5) and its source).

use super::fields::{Fields, optional, refusal, required};
use super::socket::{Endpoint, Line};
use super::{Driver, Envelope, Unwell};
use crate::cage::Reach;
use crate::http::{Base, Body, Call, Client, wait};
use crate::layout;
use crate::refusal::Refusal;
use herald_core::address::Form;
use herald_core::courier::{End, Fault, FieldHelp, Gateway};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The driver.
pub(crate) struct SignalCli;

/// Longer texts travel as attachments, which clients show differently.
pub(super) const LONGEST_TEXT: usize = 1500;
/// The forms of address that Signal knows.
pub(super) const FORMS: [Form; 3] = [Form::E164, Form::Uuid, Form::Username];
/// We ask one question on each connection.
const ID: &str = "herald";
/// What a daemon may send before its answer: messages that it received.
const MOST_BYTES: usize = 1024 * 1024;

impl Driver for SignalCli {
    fn name(&self) -> &str {
        "signal-cli"
    }

    fn channel(&self) -> &str {
        "signal"
    }

    fn addresses(&self) -> Vec<&str> {
        vec!["e164", "uuid", "username"]
    }

    fn fields(&self) -> Vec<FieldHelp> {
        vec![
            required(
                "url",
                "where the daemon of signal-cli listens: \"http://127.0.0.1:8080\" (signal-cli daemon --http), \
                 \"unix:/run/signal-cli/socket\" (--socket; the user _herald must be in the group that the socket and \
                 its folder belong to) or \"tcp://127.0.0.1:7583\" (--tcp). It asks nobody for a password: let it \
                 listen on this machine only",
            ),
            optional(
                "account",
                "the number that sends, like +81312345678: needed where the daemon was started without -a and has more \
                 than one account (signal-cli listAccounts)",
            ),
        ]
    }

    fn takes(&self, address: &str) -> bool {
        is_signal_address(address)
    }

    fn check(&self, gateway: &Gateway) -> Vec<Fault> {
        Daemon::of(gateway).err().unwrap_or_default()
    }

    fn reach(&self, gateway: &Gateway) -> Reach {
        match Daemon::of(gateway) {
            Ok(Daemon { door: Door::Socket(Endpoint::Unix(path)), .. }) => Reach::socket(path),
            Ok(Daemon { door: Door::Socket(Endpoint::Tcp(_, port)), .. }) => Reach::tcp([port]),
            Ok(Daemon { door: Door::Http(_), .. }) => Reach::web(gateway),
            Err(_) => Reach::default(),
        }
    }

    fn send(&self, gateway: &Gateway, envelope: &Envelope<'_>, client: &Client, until: Instant) -> Result<(), Refusal> {
        let daemon = Daemon::of(gateway).map_err(|faults| refusal(&faults))?;
        let mut params = json!({ "message": *layout::plain(envelope.message, LONGEST_TEXT) });
        let recipient = if is_username(envelope.address) { "username" } else { "recipient" };
        if let Some(params) = params.as_object_mut() {
            params.insert(recipient.to_owned(), json!([envelope.address]));
        }
        match daemon.call("send", params, client, until)? {
            Ok(result) => judge_results(&result),
            Err(error) => Err(error.refusal(daemon.account.as_deref())),
        }
    }

    /// Version, then whether the daemon has the account, then whether Signal still knows it.
    fn status(&self, gateway: &Gateway, client: &Client, until: Instant) -> Result<String, Unwell> {
        let plain = |refusal| Unwell { refusal, mend: None };
        let daemon = Daemon::of(gateway).map_err(|faults| plain(refusal(&faults)))?;
        let ask = |method, params| daemon.call(method, params, client, until).map_err(plain);
        let version = ask("version", json!({}))?.map_err(|error| plain(error.refusal(None)))?;
        let version = version.get("version").and_then(Value::as_str).unwrap_or("of unknown version");
        let Some(account) = &daemon.account else {
            return Ok(format!("signal-cli {version}"));
        };
        let missing = |problem: String, mend: &str| Unwell {
            refusal: Refusal::new(End::Configuration, problem),
            mend: Some(mend.to_owned()),
        };
        // A daemon that was started for one account knows no such method.
        if let Ok(Value::Array(accounts)) = ask("listAccounts", json!({}))? {
            let known = accounts.iter().any(|known| known.get("number").and_then(Value::as_str) == Some(account));
            if !known {
                return Err(missing(
                    format!("the daemon has no account {account}"),
                    "register or link it with signal-cli, then start the daemon anew",
                ));
            }
        }
        let registered = match ask("getUserStatus", json!({ "recipient": [account] }))? {
            Ok(users) => users.pointer("/0/isRegistered").and_then(Value::as_bool),
            Err(error) => return Err(plain(error.refusal(None))),
        };
        match registered {
            Some(false) => Err(missing(
                format!("Signal does not know {account} any more"),
                "register the number anew: signal-cli -a NUMBER register",
            )),
            _ => Ok(format!("signal-cli {version}, {account}")),
        }
    }
}

/// Whether Signal has addresses of this shape.
pub(super) fn is_signal_address(address: &str) -> bool {
    FORMS.iter().any(|form| form.normalise(address).as_deref() == Some(address)) && !address.contains('@')
}

fn is_username(address: &str) -> bool {
    !address.starts_with('+') && Form::Uuid.normalise(address).is_none()
}

/// A gateway of this driver whose fields are in order.
struct Daemon {
    door: Door,
    account: Option<String>,
}

enum Door {
    Http(Base),
    Socket(Endpoint),
}

/// An error as JSON-RPC has it.
struct RpcError {
    code: i64,
    message: String,
    /// The same object as in a result, where sending failed.
    response: Value,
}

impl Daemon {
    fn of(gateway: &Gateway) -> Result<Self, Vec<Fault>> {
        let mut fields = Fields::open(&SignalCli, gateway);
        let account = fields.text("account").map(|account| account.expose().to_owned());
        if account.as_ref().is_some_and(|account| Form::E164.normalise(account).as_ref() != Some(account)) {
            fields
                .complain("account", "a phone number with its country code, like +81312345678, is accepted".to_owned());
        }
        let door = door(&mut fields);
        fields.close(door.map(|door| Self { door, account }))
    }

    /// Calls a method; the outer error is that of the way, the inner one the daemon's own.
    fn call(
        &self,
        method: &str,
        mut params: Value,
        client: &Client,
        until: Instant,
    ) -> Result<Result<Value, RpcError>, Refusal> {
        // In daemons of one account these two want none, and in others they are about all of them.
        let for_an_account = !matches!(method, "version" | "listAccounts");
        if let (Some(account), Some(params), true) = (&self.account, params.as_object_mut(), for_an_account) {
            params.insert("account".to_owned(), json!(account));
        }
        let request = json!({ "jsonrpc": "2.0", "id": ID, "method": method, "params": params });
        let answer = match &self.door {
            Door::Http(base) => over_http(base, request, client, until)?,
            Door::Socket(endpoint) => over_socket(&mut endpoint.connect(until)?, &request)?,
        };
        if let Some(error) = answer.get("error") {
            return Ok(Err(RpcError {
                code: error.get("code").and_then(Value::as_i64).unwrap_or_default(),
                message: error.get("message").and_then(Value::as_str).unwrap_or_default().to_owned(),
                response: error.pointer("/data/response").cloned().unwrap_or_default(),
            }));
        }
        match answer.get("result") {
            Some(result) => Ok(Ok(result.clone())),
            None => Err(Refusal::new(End::Unclear, "the answer is none of signal-cli's")),
        }
    }
}

fn door(fields: &mut Fields<'_>) -> Option<Door> {
    let url = fields.text("url")?.expose();
    if url.starts_with("http") {
        return fields.base("url", "").map(Door::Http);
    }
    let Some(endpoint) = Endpoint::parse(url) else {
        let accepted =
            "\"http://127.0.0.1:8080\", \"unix:/run/signal-cli/socket\" or \"tcp://127.0.0.1:7583\" is accepted";
        fields.complain("url", accepted.to_owned());
        return None;
    };
    if !endpoint.is_local() && !fields.insecure() {
        fields.complain(
            "url",
            "tcp:// is accepted for loopback addresses only: it has no encryption. Set insecure = true to let everybody \
             on the way read the codes"
                .to_owned(),
        );
        return None;
    }
    Some(Door::Socket(endpoint))
}

fn over_http(base: &Base, request: Value, client: &Client, until: Instant) -> Result<Value, Refusal> {
    let url = base.join("api/v1/rpc").map_err(|problem| Refusal::new(End::Configuration, format!("url: {problem}")))?;
    let reply = client.exchange(Call::post(url, Body::Json(request)), until)?;
    if let Some(refusal) = reply.refusal_by_status(None) {
        return Err(refusal);
    }
    match (reply.status.as_u16(), reply.json()) {
        (200, Some(answer)) => Ok(answer),
        (421, _) => Err(Refusal::new(
            End::Configuration,
            "the daemon refuses the name in url (421): give the address that it was told to listen on",
        )),
        (status @ 400..=499, _) => {
            Err(Refusal::new(End::Configuration, format!("refused ({status}): is this a daemon of signal-cli?")))
        }
        (status, _) => Err(Refusal::new(End::Unclear, format!("the answer ({status}) is none of signal-cli's"))),
    }
}

/// One line out, then lines in until one carries our id.
pub(crate) fn over_socket(line: &mut Line, request: &Value) -> Result<Value, Refusal> {
    let again = |detail: &str| Refusal::new(End::TryAgain { after: None }, detail);
    let mut text = Zeroizing::new(request.to_string());
    text.push('\n');
    // Half a line is not acted upon, so nothing was sent.
    line.write_all(text.as_bytes()).map_err(|_| again("signal-cli did not take the request"))?;
    let mut waiting: Vec<u8> = Vec::new();
    let mut taken = 0;
    let mut chunk = [0; 4096];
    loop {
        while let Some(end) = waiting.iter().position(|byte| *byte == b'\n') {
            let one: Vec<u8> = waiting.drain(..=end).collect();
            match serde_json::from_slice::<Value>(&one) {
                Ok(answer) if answer.get("id").and_then(Value::as_str) == Some(ID) => return Ok(answer),
                _ => {}
            }
        }
        match line.read(&mut chunk) {
            Ok(0) => return Err(Refusal::new(End::Unclear, "signal-cli hung up before it answered")),
            Ok(read) => {
                waiting.extend_from_slice(chunk.get(..read).unwrap_or_default());
                taken += read;
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => {
                return Err(Refusal::new(End::Unclear, "the request went out, and signal-cli did not answer in time"));
            }
        }
        if taken > MOST_BYTES {
            return Err(Refusal::new(End::Unclear, "signal-cli sends everything but an answer"));
        }
    }
}

impl RpcError {
    fn refusal(&self, account: Option<&str>) -> Refusal {
        if self.response.pointer("/results/0").is_some() {
            if let Err(refusal) = judge_results(&self.response) {
                return refusal;
            }
        }
        let end = match self.code {
            -1 if is_about_the_person(&self.message, account) => End::Permanent,
            -3 => End::TryAgain { after: None },
            -4 => return untrusted(),
            -5 => End::TryAgain { after: None },
            -32603 => End::Unclear,
            _ => End::Configuration,
        };
        let words =
            if self.message.is_empty() { format!("error {} of signal-cli", self.code) } else { self.message.clone() };
        Refusal::new(end, words)
    }
}

pub(super) fn untrusted() -> Refusal {
    Refusal::new(
        End::Permanent,
        "the safety number of this person has changed: ask them, then trust it anew (signal-cli trust -a NUMBER)",
    )
}

/// `{"timestamp":…,"results":[{"type":"SUCCESS"}]}`: a message to one person has one result.
fn judge_results(result: &Value) -> Result<(), Refusal> {
    let results = result.get("results").and_then(Value::as_array);
    let Some(one) = results.and_then(|results| results.first()) else {
        // Versions that tell no more than when they sent it.
        return match result.get("timestamp") {
            Some(Value::Number(_)) => Ok(()),
            _ => Err(Refusal::new(End::Unclear, "the answer does not say whether the message went out")),
        };
    };
    let after = one.get("retryAfterSeconds").and_then(Value::as_u64).map(wait);
    of_kind(one.get("type").and_then(Value::as_str).unwrap_or_default(), after)
}

/// What signal-cli's name for how it went with one person means.
pub(super) fn of_kind(kind: &str, after: Option<Duration>) -> Result<(), Refusal> {
    Err(match kind {
        "SUCCESS" => return Ok(()),
        "UNREGISTERED_FAILURE" => Refusal::new(End::Permanent, "this address is not registered with Signal"),
        "IDENTITY_FAILURE" => untrusted(),
        "RATE_LIMIT_FAILURE" => Refusal::new(End::TryAgain { after }, "Signal limits the rate: too many messages"),
        "NETWORK_FAILURE" => Refusal::new(End::TryAgain { after }, "signal-cli does not reach Signal's servers"),
        "INVALID_PRE_KEY_FAILURE" => Refusal::new(End::TryAgain { after }, "the person's keys could not be used"),
        other => Refusal::new(End::Unclear, format!("signal-cli says {other}")),
    })
}

/// Whether an error text of signal-cli is about the person who was to get the message, and not about our own account.
pub(super) fn is_about_the_person(words: &str, account: Option<&str>) -> bool {
    let lower = words.to_lowercase();
    if account.is_some_and(|account| lower.contains(account)) {
        return false;
    }
    let known = ["unregistered", "not registered", "invalid recipient", "invalid phone number", "unknown recipient"];
    known.iter().any(|words| lower.contains(words))
}

#[cfg(test)]
#[path = "signal_cli_tests.rs"]
mod tests;
