//! What herald-deliver reads from services and from admins, for `fuzz/` and for the replay of its seeds: bytes in, nothing
//! out, and a panic where something is not as it must be.

mod accounts;
mod bus;
#[cfg(test)]
#[path = "../../../../fuzz/replay.rs"]
mod replay;

use crate::drivers::arrivals;
use crate::drivers::socket::Line;
use crate::http::{Client, Reply, told};
use crate::refusal::Refusal;
use crate::services;
use accounts::{Account, CODE};
use herald_core::courier::{ChatSearch, Definition, Gateway};
use serde_json::json;
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

/// Stands between the replies of a script (ASCII's record separator): JSON and XML may not hold it.
const BETWEEN: u8 = 0x1e;
/// What somebody writes to a bot who pressed START.
const NONCE: &str = "FAKE-NONCE-OF-THE-FUZZER";

/// The replies of a service that speaks HTTP, to a message and to whatever else a driver asks: a line with the driver's
/// name, and the replies (see [`told::reply`]) one behind the other.
pub fn reply(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n');
    let Some((name, [_, replies @ ..])) = end.and_then(|end| bytes.split_at_checked(end)) else { return };
    let Some(account) = accounts::of_http(name) else { return };
    let _ = tell(account, &script(replies));
}

fn script(replies: &[u8]) -> Vec<Reply> {
    replies.split(|byte| *byte == BETWEEN).map(told::reply).collect()
}

/// How a message ended that was answered like this, and how often the service was asked. Everything else that a driver
/// can be asked for is asked for as well.
fn tell(account: &Account, replies: &[Reply]) -> (Result<(), Refusal>, usize) {
    let Account { driver, gateway, .. } = account;
    let client = || Client::told(replies.to_vec());
    let until = soon();
    let asked = client();
    let sent = driver.send(gateway, &account.envelope(), &asked, until);
    account.check(&sent);
    match driver.status(gateway, &client(), until) {
        Ok(who) => account.clean(&who),
        Err(unwell) => account.check(&Err(unwell.refusal)),
    }
    for drop_pending in [false, true] {
        match driver.find_chat(gateway, &NONCE.into(), drop_pending, &client(), until) {
            Ok(ChatSearch::Found { address, name }) => {
                assert!(driver.takes(&address) && !name.chars().any(char::is_control), "{address} {name:?}");
            }
            Ok(_) => {}
            Err(refusal) => account.check(&Err(refusal)),
        }
    }
    let asked = asked.told.map_or(0, |told| told.asked());
    (sent, asked)
}

/// What a mail server says, from its greeting to the end of a mail.
pub fn mail(bytes: &[u8]) {
    let _ = mailed(bytes);
}

fn mailed(bytes: &[u8]) -> Option<bool> {
    let (line, _theirs) = line_with(bytes)?;
    let account = accounts::of_other("smtp")?;
    let sent = arrivals::of_a_mail_server(line, &account.gateway, &account.envelope());
    account.check(&sent);
    Some(sent.is_ok())
}

/// What signal-cli says over a socket.
pub fn signal(bytes: &[u8]) {
    let _ = signalled(bytes);
}

fn signalled(bytes: &[u8]) -> Option<bool> {
    let (mut line, _theirs) = line_with(bytes)?;
    let answer = arrivals::of_signal_cli(&mut line, &json!({}));
    Some(answer.is_ok_and(|answer| answer.get("result").is_some()))
}

/// What D-Bus and ModemManager say, once the bus has let us in.
pub fn modem(bytes: &[u8]) {
    let _ = sent_by_modem(bytes);
}

fn sent_by_modem(bytes: &[u8]) -> Option<bool> {
    let account = accounts::of_other("modemmanager")?;
    let address = account.envelope().address;
    let sent = bus::says(bytes, |name| arrivals::of_a_modem(name, address, CODE, soon()))?;
    match &sent {
        Ok(modem) => account.clean(modem),
        Err(refusal) => account.check(&Err(refusal.clone())),
    }
    Some(sent.is_ok())
}

/// How an admin's program ended (two bytes: a status as of wait(2)), and what it wrote to standard error. Whoever waits
/// for it in the cage is told just that.
pub fn program(bytes: &[u8]) {
    let _ = ended(bytes);
}

fn ended(bytes: &[u8]) -> Option<bool> {
    let [high, low, said @ ..] = bytes else { return None };
    let status = ExitStatus::from_raw(i32::from(u16::from_be_bytes([*high, *low])));
    let ended = arrivals::of_a_program(status, said);
    accounts::of_other("command")?.check(&ended);
    match arrivals::passed_on(ended.clone()) {
        Ok(arrived) => assert_eq!(arrived, ended),
        // It does not fit: drivers::command reads far less of it.
        Err(error) => assert!(said.len() > 16 * 1024, "{error}"),
    }
    assert_eq!(ended.is_ok(), status.success());
    Some(ended.is_ok())
}

/// A definition of an admin's own, and the replies of the service that it describes.
pub fn definition(bytes: &[u8]) {
    let mut parts = bytes.splitn(2, |byte| *byte == BETWEEN);
    let text = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let definition = Definition { file: "fuzz.toml".to_owned(), text };
    let Ok(driver) = services::of_admin("fuzz", &definition) else { return };
    let gateway = Gateway { definition: Some(definition), ..accounts::gateway_of(&driver) };
    let replies = script(parts.next().unwrap_or(b"200\n{\"a\":[1]}"));
    let account = Account::new(Box::new(driver), gateway);
    if account.driver.takes(account.envelope().address) {
        let _ = tell(&account, &replies);
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

/// A line whose other end has said this, and then nothing more. What we say stays in the socket's buffer, as long as that
/// end is kept.
fn line_with(bytes: &[u8]) -> Option<(Line, UnixStream)> {
    let (ours, mut theirs) = UnixStream::pair().ok()?;
    // More than fits into the buffer would wait for a reader.
    theirs.write_all(bytes.get(..bytes.len().min(64 * 1024))?).ok()?;
    theirs.shutdown(std::net::Shutdown::Write).ok()?;
    Some((Line::over(ours, soon()), theirs))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drivers;

    #[test]
    fn the_seeds_of_every_target_are_replayed() {
        replay::replay("reply", 20, reply);
        replay::replay("definition", 60, definition);
        replay::replay("mail", 20, mail);
        replay::replay("signal", 20, signal);
        replay::replay("modem", 20, modem);
        replay::replay("program", 60, program);
    }

    #[test]
    fn every_driver_has_seeds_with_a_message_taken_and_one_refused() {
        let seeds = replay::seeds("reply");
        let others = accounts::OTHERS.map(|(name, _)| name);
        for driver in drivers::all().into_iter().filter(|driver| !others.contains(&driver.name())) {
            let name = driver.name();
            let account = accounts::of_http(name.as_bytes()).expect("an account");
            let faults = account.driver.check(&account.gateway);
            assert!(account.driver.name() == name && faults.is_empty(), "{name}: {faults:?}");
            let its_own = seeds.iter().filter_map(|(_, seed)| seed.strip_prefix(name.as_bytes())?.strip_prefix(b"\n"));
            let ends: Vec<bool> = its_own
                .map(|replies| {
                    let (sent, asked) = tell(account, &script(replies));
                    assert!(asked > 0, "{name} asks nobody over HTTP: it needs a target of its own");
                    sent.is_ok()
                })
                .collect();
            assert!(
                ends.contains(&true) && ends.contains(&false),
                "fuzz/seeds/reply has too little of {name}: {ends:?}"
            );
        }
    }

    #[test]
    fn of_every_other_driver_too() {
        type Ends = fn(&[u8]) -> Option<bool>;
        let targets: [(&str, &str, Ends); 4] = [
            ("smtp", "mail", mailed),
            ("modemmanager", "modem", sent_by_modem),
            ("command", "program", ended),
            ("signal-cli", "signal", signalled),
        ];
        for (driver, target, run) in targets {
            let ends: Vec<Option<bool>> = replay::seeds(target).iter().map(|(_, seed)| run(seed)).collect();
            assert!(ends.contains(&Some(true)) && ends.contains(&Some(false)), "{driver}: {ends:?}");
        }
        for (name, _) in accounts::OTHERS {
            let faults = accounts::of_other(name).map(|account| account.driver.check(&account.gateway));
            assert!(faults.is_some_and(|faults| faults.is_empty()), "{name}");
            assert!(name == "gammu-smsd" || targets.iter().any(|(driver, ..)| *driver == name), "{name}");
        }
    }
}
