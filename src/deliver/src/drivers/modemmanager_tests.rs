//! ModemManager on a bus of the test's own: dbus-daemon, and a service that answers as ModemManager does.

use super::super::testing::{Folder, TEXT, faulty, gateway, send, status};
use super::*;
use rustbus::standard_messages::request_name;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};

const SMS: &str = "/org/freedesktop/ModemManager1/SMS/7";
const TO: &str = "+81312345678";

/// A private bus with a ModemManager on it.
struct TestBus {
    folder: Folder,
    daemon: Child,
    heard: Receiver<String>,
}

/// How the service is.
#[derive(Clone, Copy, Default)]
struct Manner {
    state: i32,
    no_modem: bool,
    /// The method that the bus refuses to everybody.
    denied: Option<&'static str>,
    silent: bool,
}

impl Drop for TestBus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

impl TestBus {
    /// `None` where this machine has no dbus-daemon.
    fn start(name: &str, manner: Option<Manner>) -> Option<Self> {
        let folder = Folder::new(&format!("modemmanager-{name}"));
        let socket = folder.0.join("bus");
        let config = folder.0.join("bus.conf");
        let denied = manner.and_then(|manner| manner.denied);
        let denied = denied
            .map(|member| {
                let interface = if member == "Send" { "org.freedesktop.ModemManager1.Sms" } else { MESSAGING };
                format!("<deny send_interface=\"{interface}\" send_member=\"{member}\"/>")
            })
            .unwrap_or_default();
        let text = format!(
            "<busconfig><type>session</type><listen>unix:path={}</listen><policy context=\"default\">\
             <allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/>{denied}</policy></busconfig>",
            socket.display()
        );
        std::fs::write(&config, text).expect("writable");
        let mut daemon = Command::new("dbus-daemon");
        daemon.arg(format!("--config-file={}", config.display())).args(["--nofork", "--nopidfile"]);
        let daemon = daemon.stdout(Stdio::null()).stderr(Stdio::null()).spawn().ok()?;
        let (sender, heard) = channel();
        let bus = Self { folder, daemon, heard };
        let begun = Instant::now();
        let address = UnixAddr::new(&socket).expect("short enough");
        // A connection that fails would leave a descriptor behind.
        while !socket.exists() {
            assert!(begun.elapsed() < Duration::from_secs(20), "the bus does not come up");
            std::thread::yield_now();
        }
        let mut connection = loop {
            match RpcConn::connect_to_path(address, Timeout::Duration(Duration::from_secs(5))) {
                Ok(connection) => break connection,
                Err(_) => assert!(begun.elapsed() < Duration::from_secs(20), "the bus does not come up"),
            }
            std::thread::yield_now();
        };
        if let Some(manner) = manner {
            let serial = connection
                .send_message(&mut request_name(SERVICE, 0))
                .and_then(|ready| ready.write_all().map_err(force_finish_on_error))
                .expect("a name");
            connection.wait_response(serial, Timeout::Infinite).expect("the name is ours");
            connection.set_filter(Box::new(|_| true));
            std::thread::spawn(move || serve(&mut connection, manner, &sender));
        }
        Some(bus)
    }

    fn gateway(&self, more: &[(&str, &str)]) -> Gateway {
        let socket = self.folder.0.join("bus");
        let mut fields = vec![("bus", socket.to_str().expect("a path"))];
        fields.extend_from_slice(more);
        gateway("modemmanager", &fields)
    }

    fn heard(&self) -> String {
        self.heard.recv_timeout(Duration::from_secs(10)).expect("a call")
    }
}

fn serve(connection: &mut RpcConn, manner: Manner, heard: &Sender<String>) {
    while let Ok(call) = connection.wait_call(Timeout::Infinite) {
        let header = &call.dynheader;
        let object = header.object.clone().unwrap_or_default();
        let member = header.member.clone().unwrap_or_default();
        let mut shown = format!("{member} {object}");
        let mut answer = header.make_response();
        match member.as_str() {
            "GetManagedObjects" => answer.body.push_old_param(&objects(manner)).expect("objects"),
            "Create" => {
                let given = call.body.parser().get::<HashMap<&str, Variant<'_, '_>>>().expect("a{sv}");
                for key in ["number", "text"] {
                    shown.push_str(&format!(" {key}={:?}", given[key].get::<String>().expect("text")));
                }
                assert_eq!(given.len(), 2, "and nothing else");
                answer.body.push_param(ObjectPath::new(SMS).expect("a path")).expect("a path");
            }
            "Delete" => shown.push_str(call.body.parser().get::<ObjectPath<&str>>().expect("a path").as_ref()),
            _ => {}
        }
        let _ = heard.send(shown);
        if member == "Send" && manner.silent {
            continue;
        }
        let written =
            connection.send_message(&mut answer).map(|ready| ready.write_all().map_err(force_finish_on_error));
        if !matches!(written, Ok(Ok(_))) {
            return;
        }
    }
}

/// Two modems, of which the second came first, and a SIM, which is none.
fn objects(manner: Manner) -> Param<'static, 'static> {
    let text = |text: &'static str| Container::make_variant(text);
    let dict = |pairs: Vec<(&'static str, Container<'static, 'static>)>| {
        Container::make_dict("s", "v", pairs.into_iter()).expect("a dict")
    };
    let modem = |imei, model| {
        let properties = dict(vec![
            ("EquipmentIdentifier", text(imei)),
            ("Model", text(model)),
            ("State", Container::make_variant(manner.state)),
        ]);
        let interfaces = vec![(MODEM, properties), (MESSAGING, dict(Vec::new()))];
        Container::make_dict("s", "a{sv}", interfaces.into_iter()).expect("interfaces")
    };
    let sim =
        Container::make_dict("s", "a{sv}", vec![("org.freedesktop.ModemManager1.Sim", dict(Vec::new()))].into_iter());
    let path = |path: &'static str| rustbus::params::Base::ObjectPath(path.to_owned());
    let mut all = vec![(path("/org/freedesktop/ModemManager1/SIM/0"), sim.expect("interfaces"))];
    if !manner.no_modem {
        all.push((path("/org/freedesktop/ModemManager1/Modem/10"), modem("490154203237518", "Second")));
        all.push((path("/org/freedesktop/ModemManager1/Modem/2"), modem("356938035643809", "First")));
    }
    Param::Container(Container::make_dict("o", "a{sa{sv}}", all.into_iter()).expect("objects"))
}

fn well() -> Manner {
    Manner { state: 11, ..Manner::default() }
}

#[test]
fn a_message_is_created_sent_and_deleted() {
    let Some(bus) = TestBus::start("send", Some(well())) else { return };
    assert_eq!(send(&ModemManager, &bus.gateway(&[]), TO), Ok(()));
    assert_eq!(bus.heard(), "GetManagedObjects /org/freedesktop/ModemManager1");
    let first = "/org/freedesktop/ModemManager1/Modem/2";
    assert_eq!(bus.heard(), format!("Create {first} number={TO:?} text={TEXT:?}"));
    assert_eq!(bus.heard(), format!("Send {SMS}"));
    assert_eq!(bus.heard(), format!("Delete {first}{SMS}"));
}

#[test]
fn a_modem_is_chosen_by_imei_or_number() {
    let Some(bus) = TestBus::start("choose", Some(well())) else { return };
    let who = |modem| status(&ModemManager, &bus.gateway(&[("modem", modem)]));
    assert_eq!(who("490154203237518"), Ok("Second (modem 10)".into()));
    assert_eq!(who("2"), Ok("First (modem 2)".into()));
    let refused = who("3").expect_err("none");
    assert_eq!(refused.end, End::Configuration);
    assert!(refused.detail.contains("only: 2 (IMEI 356938035643809), 10 (IMEI"), "{}", refused.detail);
}

#[test]
fn who_may_not_send_is_told_so_and_what_was_created_is_deleted() {
    for (denied, calls) in [("Create", 1), ("Send", 3)] {
        let Some(bus) = TestBus::start("denied", Some(Manner { denied: Some(denied), ..well() })) else { return };
        let refused = send(&ModemManager, &bus.gateway(&[]), TO).expect_err("refused");
        assert!(refused.end == End::Configuration && refused.detail.contains("polkit"), "{refused:?}");
        let heard: Vec<String> = (0..calls).map(|_| bus.heard()).collect();
        assert_eq!(heard.last().is_some_and(|last| last.starts_with("Delete")), denied == "Send", "{heard:?}");
    }
}

#[test]
fn a_modem_that_was_pulled_out_is_the_admins_to_mend() {
    let Some(bus) = TestBus::start("none", Some(Manner { no_modem: true, ..well() })) else { return };
    let refused = send(&ModemManager, &bus.gateway(&[]), TO).expect_err("refused");
    assert!(refused.end == End::Configuration && refused.detail.contains("plugged in"), "{refused:?}");
}

#[test]
fn every_error_has_its_class_by_its_name() {
    let end = |name: &str| failure(name, "in its words").end;
    for name in ["org.freedesktop.DBus.Error.AccessDenied", "org.freedesktop.ModemManager1.Error.Core.Unauthorized"] {
        assert_eq!(end(name), End::Configuration, "{name}");
    }
    for name in ["Core.WrongState", "Core.Failed", "MobileEquipment.NoNetwork", "MobileEquipment.SimNotInserted"] {
        assert_eq!(end(&format!("{SERVICE}.Error.{name}")), End::TryAgain { after: None }, "{name}");
    }
    assert_eq!(end("org.freedesktop.ModemManager1.Error.Core.Unsupported"), End::Configuration);
    assert_eq!(end("org.freedesktop.ModemManager1.Error.Message.NetworkTimeout"), End::Unclear);
    assert_eq!(failure("x.y.Failed", "").detail, "Failed");
}

#[test]
fn a_modem_that_hangs_leaves_it_unclear_and_is_told_to_forget() {
    let Some(bus) = TestBus::start("hang", Some(Manner { silent: true, ..well() })) else { return };
    let message = super::super::testing::message();
    let envelope = Envelope { address: TO, message: &message };
    let started = Instant::now();
    let until = started + Duration::from_millis(1500);
    let refused = ModemManager.send(&bus.gateway(&[]), &envelope, &super::super::testing::client(), until);
    assert_eq!(refused.expect_err("hangs").end, End::Unclear);
    assert!(started.elapsed() < Duration::from_secs(5));
    let heard: Vec<String> = (0..4).map(|_| bus.heard()).collect();
    assert!(heard[3].starts_with("Delete"), "{heard:?}");
}

#[test]
fn a_bus_without_modemmanager_and_no_bus_at_all_are_the_admins_to_mend() {
    let nothing = gateway("modemmanager", &[("bus", "/nonexistent/bus")]);
    let refused = send(&ModemManager, &nothing, TO).expect_err("no bus");
    assert!(refused.end == End::Configuration && refused.detail.contains("no socket /nonexistent/bus"), "{refused:?}");
    let Some(bus) = TestBus::start("empty", None) else { return };
    let refused = send(&ModemManager, &bus.gateway(&[]), TO).expect_err("nobody there");
    assert!(refused.end == End::Configuration && refused.detail.contains("not running"), "{refused:?}");
}

#[test]
fn status_says_which_modem_and_that_it_must_be_registered() {
    let Some(bus) = TestBus::start("status", Some(Manner { state: 2, ..well() })) else { return };
    let unwell = ModemManager
        .status(&bus.gateway(&[]), &super::super::testing::client(), super::super::testing::soon())
        .expect_err("locked");
    assert!(unwell.refusal.detail.contains("First (modem 2) is not registered"), "{}", unwell.refusal.detail);
    assert!(unwell.mend.is_some_and(|mend| mend.contains("SIM")));
}

#[test]
fn fields_are_digits_and_a_path() {
    assert_eq!(faulty(&ModemManager, &gateway("modemmanager", &[])), [""; 0]);
    assert_eq!(
        faulty(&ModemManager, &gateway("modemmanager", &[("modem", "ttyUSB0"), ("bus", "unix:x")])),
        ["modem", "bus"]
    );
}
