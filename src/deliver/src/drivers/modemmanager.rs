//! `modemmanager`: a SIM in this machine, through ModemManager on the system's D-Bus.
//!
//! `Messaging.Create` on a modem, `Sms.Send` on what comes back, and `Messaging.Delete`, or the code would stay on the SIM
//! (ModemManager's D-Bus reference, org.freedesktop.ModemManager1). polkit decides who may: the action is
//! `org.freedesktop.ModemManager1.Messaging`.

use super::apart::{Progress, apart, late};
use super::fields::{Fields, optional, refusal};
use super::socket::unix_refusal;
use super::{Driver, Envelope, Unwell};
use crate::cage::Reach;
use crate::http::Client;
use crate::layout;
use crate::refusal::Refusal;
use herald_core::address::Form;
use herald_core::courier::{End, Fault, FieldHelp, Gateway};
use nix::sys::socket::UnixAddr;
use rustbus::connection::{Error, Timeout, ll_conn::force_finish_on_error};
use rustbus::message_builder::{MarshalledMessage, MessageBuilder};
use rustbus::params::{Container, Param};
use rustbus::wire::ObjectPath;
use rustbus::wire::unmarshal::traits::Variant;
use rustbus::{MessageType, RpcConn};
use rustix::io::Errno;
use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};
use zeroize::Zeroizing;

/// The driver.
pub(crate) struct ModemManager;

const BUS: &str = "/run/dbus/system_bus_socket";
const SERVICE: &str = "org.freedesktop.ModemManager1";
const MODEM: &str = "org.freedesktop.ModemManager1.Modem";
const MESSAGING: &str = "org.freedesktop.ModemManager1.Modem.Messaging";
const WHOM: &str = "ModemManager";
/// The time that a modem that already hangs is given to forget the message.
const FORGET: Duration = Duration::from_millis(200);

impl Driver for ModemManager {
    fn name(&self) -> &str {
        "modemmanager"
    }

    fn channel(&self) -> &str {
        "sms"
    }

    fn addresses(&self) -> Vec<&str> {
        vec!["e164"]
    }

    fn fields(&self) -> Vec<FieldHelp> {
        vec![
            optional(
                "modem",
                "which modem: its IMEI (mmcli -m any, equipment id), or its number in mmcli -L, which changes when it is \
                 plugged in anew; default: the first",
            ),
            optional(
                "bus",
                format!(
                    "the socket of the system's D-Bus; default {BUS}. polkit must allow the user _herald the action \
                     org.freedesktop.ModemManager1.Messaging: an example of a rule comes with Herald"
                ),
            ),
        ]
    }

    fn takes(&self, address: &str) -> bool {
        Form::E164.normalise(address).as_deref() == Some(address)
    }

    fn check(&self, gateway: &Gateway) -> Vec<Fault> {
        Wanted::of(gateway).err().unwrap_or_default()
    }

    fn reach(&self, gateway: &Gateway) -> Reach {
        Wanted::of(gateway).map(|wanted| Reach::socket(wanted.bus)).unwrap_or_default()
    }

    fn send(&self, gateway: &Gateway, envelope: &Envelope<'_>, _: &Client, until: Instant) -> Result<(), Refusal> {
        let wanted = Wanted::of(gateway).map_err(|faults| refusal(&faults))?;
        let text = layout::sms(envelope.message).text;
        let number = envelope.address.to_owned();
        apart(until, WHOM, move |progress| {
            let mut bus = Bus::connect(&wanted.bus, until)?;
            let modem = bus.modem(wanted.modem.as_deref())?;
            bus.hand_over(&modem, &number, &text, progress)
        })
    }

    fn status(&self, gateway: &Gateway, _: &Client, until: Instant) -> Result<String, Unwell> {
        let plain = |refusal| Unwell { refusal, mend: None };
        let wanted = Wanted::of(gateway).map_err(|faults| plain(refusal(&faults)))?;
        let modem = apart(until, WHOM, move |_| Bus::connect(&wanted.bus, until)?.modem(wanted.modem.as_deref()));
        let modem = modem.map_err(plain)?;
        match modem.state {
            Some(state) if state < REGISTERED => Err(Unwell {
                refusal: Refusal::new(
                    End::TryAgain { after: None },
                    format!("{} is not registered with a network (state {state})", modem.shown()),
                ),
                mend: Some(
                    "see mmcli -m any: is there a SIM, is its PIN entered (mmcli -i any --pin=…), is it enabled (-e)?"
                        .to_owned(),
                ),
            }),
            _ => Ok(modem.shown()),
        }
    }
}

/// MM_MODEM_STATE_REGISTERED; less is failed, locked, disabled, enabled, searching (ModemManager's MMModemState).
const REGISTERED: i32 = 8;

/// What a gateway's fields say.
struct Wanted {
    modem: Option<String>,
    bus: String,
}

impl Wanted {
    fn of(gateway: &Gateway) -> Result<Self, Vec<Fault>> {
        let mut fields = Fields::open(&ModemManager, gateway);
        let modem = fields.scalar("modem").map(|modem| modem.expose().to_owned());
        if modem.as_ref().is_some_and(|modem| modem.is_empty() || !modem.bytes().all(|byte| byte.is_ascii_digit())) {
            fields.complain("modem", "an IMEI or a modem's number is accepted, digits only".to_owned());
        }
        let given = gateway.fields.iter().any(|(name, _)| name == "bus");
        let bus = if given { fields.path("bus") } else { Some(BUS) };
        fields.close(bus.map(|bus| Self { modem, bus: bus.to_owned() }))
    }
}

/// One of ModemManager's modems.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Modem {
    path: String,
    imei: String,
    model: String,
    own_number: String,
    state: Option<i32>,
}

impl Modem {
    fn number(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    fn shown(&self) -> String {
        let model = if self.model.is_empty() { "modem" } else { &self.model };
        let own = if self.own_number.is_empty() { String::new() } else { format!(", {}", self.own_number) };
        format!("{model} (modem {}){own}", self.number())
    }
}

/// A connection to the bus.
struct Bus {
    connection: RpcConn,
    until: Instant,
}

impl Bus {
    fn connect(path: &str, until: Instant) -> Result<Self, Refusal> {
        let path = Path::new(path);
        let address = UnixAddr::new(path).map_err(|_| unix_refusal(path, Errno::NAMETOOLONG))?;
        Self::at(address, path, until)
    }

    fn at(address: UnixAddr, path: &Path, until: Instant) -> Result<Self, Refusal> {
        let connection = RpcConn::connect_to_path(address, left(until)?).map_err(|error| match error {
            Error::NixError(code) => unix_refusal(path, Errno::from_raw_os_error(errno(code))),
            Error::AuthFailed => {
                Refusal::new(End::Configuration, format!("{} does not let the user _herald in", path.display()))
            }
            Error::TimedOut => late("D-Bus"),
            _ => Refusal::new(End::TryAgain { after: None }, format!("{} is no D-Bus that answers", path.display())),
        })?;
        Ok(Self { connection, until })
    }

    /// Calls a method and waits for its answer; the inner error is the other side's, by name and words.
    fn call(&mut self, mut call: MarshalledMessage) -> Result<Result<MarshalledMessage, (String, String)>, Error> {
        let timeout = left(self.until).map_err(|_| Error::TimedOut)?;
        let serial = self.connection.send_message(&mut call)?.write(timeout).map_err(force_finish_on_error)?;
        let answer = self.connection.wait_response(serial, left(self.until).map_err(|_| Error::TimedOut)?)?;
        if answer.typ != MessageType::Error {
            return Ok(Ok(answer));
        }
        let words = answer.body.parser().get::<String>().unwrap_or_default();
        Ok(Err((answer.dynheader.error_name.unwrap_or_default(), words)))
    }

    /// The same, for calls that send nothing.
    fn ask(&mut self, call: MarshalledMessage) -> Result<MarshalledMessage, Refusal> {
        match self.call(call) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err((name, words))) => Err(match failure(&name, &words) {
                Refusal { end: End::Unclear, detail } => Refusal::new(End::TryAgain { after: None }, detail),
                refusal => refusal,
            }),
            Err(Error::TimedOut) => Err(late(WHOM)),
            Err(_) => Err(Refusal::new(End::TryAgain { after: None }, "D-Bus broke off the conversation")),
        }
    }

    fn modem(&mut self, wanted: Option<&str>) -> Result<Modem, Refusal> {
        let call = method("/org/freedesktop/ModemManager1", "org.freedesktop.DBus.ObjectManager", "GetManagedObjects");
        let answer = self.ask(call)?;
        let modems =
            modems(&answer).ok_or_else(|| Refusal::new(End::Unclear, "the answer is none of ModemManager's"))?;
        choose(modems, wanted)
    }

    /// One message by that modem, of which nothing stays.
    fn hand_over(&mut self, modem: &Modem, number: &str, text: &str, progress: &Progress) -> Result<(), Refusal> {
        let sms = self.create(&modem.path, number, text)?;
        let sent = self.send(&sms, progress);
        self.delete(&modem.path, &sms);
        sent
    }

    fn create(&mut self, modem: &str, number: &str, text: &str) -> Result<String, Refusal> {
        let unusable = || Refusal::new(End::Configuration, "the message could not be written for D-Bus");
        let call = create_call(modem, number, text).ok_or_else(unusable)?;
        let answer = self.ask(call)?;
        let path = answer.body.parser().get::<ObjectPath<&str>>().map(|path| path.as_ref().to_owned());
        path.map_err(|_| Refusal::new(End::Unclear, "the answer is none of ModemManager's"))
    }

    /// From here on the message may be out, whatever goes wrong with the answer.
    fn send(&mut self, sms: &str, progress: &Progress) -> Result<(), Refusal> {
        if !progress.begin_message() {
            return Err(late(WHOM));
        }
        match self.call(method(sms, "org.freedesktop.ModemManager1.Sms", "Send")) {
            Ok(Ok(_)) => Ok(()),
            Ok(Err((name, words))) => Err(failure(&name, &words)),
            Err(_) => Err(Refusal::new(End::Unclear, "ModemManager did not say in time that the message went out")),
        }
    }

    /// Whatever became of it, the code shall not stay on the SIM. Nobody can do anything if this fails.
    fn delete(&mut self, modem: &str, sms: &str) {
        let mut call = method(modem, MESSAGING, "Delete");
        if let Ok(path) = ObjectPath::new(sms) {
            if call.body.push_param(path).is_ok() {
                let written =
                    self.connection.send_message(&mut call).map(|ready| ready.write(Timeout::Duration(FORGET)));
                if let Ok(Err(failed)) = written {
                    force_finish_on_error(failed);
                }
            }
        }
    }
}

/// A message through a bus at that name in the abstract namespace (unix(7)); by which modem.
#[cfg(any(test, fuzzing))]
pub(crate) fn through(name: &[u8], number: &str, text: &str, until: Instant) -> Result<String, Refusal> {
    let address = UnixAddr::new_abstract(name).map_err(|_| unix_refusal(Path::new(BUS), Errno::NAMETOOLONG))?;
    let mut bus = Bus::at(address, Path::new(BUS), until)?;
    let modem = bus.modem(None)?;
    bus.hand_over(&modem, number, text, &Progress::default())?;
    Ok(modem.shown())
}

fn left(until: Instant) -> Result<Timeout, Refusal> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(late(WHOM)) } else { Ok(Timeout::Duration(left)) }
}

/// The number of an error as the system has it.
fn errno(error: nix::Error) -> i32 {
    std::io::Error::from(error).raw_os_error().unwrap_or_default()
}

fn method(object: &str, interface: &str, member: &str) -> MarshalledMessage {
    MessageBuilder::new().call(member).with_interface(interface).on(object).at(SERVICE).build()
}

/// `Create(a{sv})` with `number` and `text`.
fn create_call(modem: &str, number: &str, text: &str) -> Option<MarshalledMessage> {
    let mut call = method(modem, MESSAGING, "Create");
    let text = Zeroizing::new(text.to_owned());
    let pairs = [("number", number), ("text", text.as_str())];
    let variants = pairs.map(|(key, value)| (key, Container::make_variant(value)));
    let dict = Container::make_dict("s", "v", variants.into_iter()).ok()?;
    call.body.push_old_param(&Param::Container(dict)).ok()?;
    Some(call)
}

/// The objects that are modems which send messages.
fn modems(answer: &MarshalledMessage) -> Option<Vec<Modem>> {
    type Properties<'a> = HashMap<&'a str, Variant<'a, 'a>>;
    let mut parser = answer.body.parser();
    let objects = parser.get::<HashMap<ObjectPath<&str>, HashMap<&str, Properties<'_>>>>().ok()?;
    let mut all: Vec<Modem> = objects
        .iter()
        .filter(|(_, interfaces)| interfaces.contains_key(MESSAGING))
        .filter_map(|(path, interfaces)| {
            let properties = interfaces.get(MODEM)?;
            let text = |key| properties.get(key).and_then(|value| value.get::<String>().ok()).unwrap_or_default();
            let own = properties.get("OwnNumbers").and_then(|value| value.get::<Vec<String>>().ok());
            Some(Modem {
                path: path.as_ref().to_owned(),
                imei: text("EquipmentIdentifier"),
                model: text("Model"),
                own_number: own.and_then(|own| own.into_iter().next()).unwrap_or_default(),
                state: properties.get("State").and_then(|value| value.get::<i32>().ok()),
            })
        })
        .collect();
    // In the order of their numbers.
    all.sort_by(|one, other| (one.path.len(), &one.path).cmp(&(other.path.len(), &other.path)));
    Some(all)
}

fn choose(modems: Vec<Modem>, wanted: Option<&str>) -> Result<Modem, Refusal> {
    let known: Vec<String> = modems.iter().map(|modem| format!("{} (IMEI {})", modem.number(), modem.imei)).collect();
    let fits = |modem: &Modem| wanted.is_none_or(|wanted| modem.imei == wanted || modem.number() == wanted);
    modems.into_iter().find(fits).ok_or_else(|| {
        let detail = match wanted {
            Some(wanted) if !known.is_empty() => format!("there is no modem {wanted}, only: {}", known.join(", ")),
            _ => "ModemManager has no modem that sends messages: is it plugged in (mmcli -L)?".to_owned(),
        };
        Refusal::new(End::Configuration, detail)
    })
}

/// Errors by their names (ModemManager's D-Bus reference, "Errors"; D-Bus specification).
fn failure(name: &str, words: &str) -> Refusal {
    let last = name.rsplit('.').next().unwrap_or_default();
    let said = if words.is_empty() { last.to_owned() } else { words.to_owned() };
    match last {
        "AccessDenied" | "Unauthorized" => Refusal::new(
            End::Configuration,
            "polkit does not allow the user _herald the action org.freedesktop.ModemManager1.Messaging: add a rule",
        ),
        "ServiceUnknown" | "NameHasNoOwner" => Refusal::new(End::Configuration, "ModemManager is not running"),
        "NoReply" | "Timeout" | "NetworkTimeout" => Refusal::new(End::Unclear, said),
        "Unsupported" | "UnknownMethod" | "UnknownInterface" | "InvalidArgs" => Refusal::new(End::Configuration, said),
        _ => Refusal::new(End::TryAgain { after: None }, said),
    }
}

#[cfg(test)]
#[path = "modemmanager_tests.rs"]
mod tests;
