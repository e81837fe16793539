//! Real parts at the other end: Gammu's daemon, a mail server, moto, ModemManager as python-dbusmock plays it.

use crate::harness::{CODE, SOON, send, tries};
use herald_core::courier::{End, Field, Gateway, Job, Part, Request, Topic};
use std::fs::{self, File, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

const NUMBER: &str = "+4915112345678";
const OTHER_NUMBER: &str = "+4915187654321";
/// Debian's, which has the packages that scripts/setup.sh installs.
const PYTHON: &str = "/usr/bin/python3";

/// A program of somebody else's, ended when this is dropped.
struct Peer {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Peer {
    fn start(program: impl AsRef<Path>, prepare: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(program.as_ref());
        // Python would write beside its scripts, into the source.
        prepare(command.env("PYTHONDONTWRITEBYTECODE", "1"));
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut child =
            child.unwrap_or_else(|error| panic!("{}: {error}; try: scripts/setup.sh test", program.as_ref().display()));
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let input = child.stdin.take();
        Self { child, input, output }
    }

    fn ask(&mut self) -> String {
        writeln!(self.input.as_mut().expect("piped")).expect("it listens");
        self.line()
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("it says something");
        assert!(!line.is_empty(), "it ended without a word; try: scripts/setup.sh test");
        line.trim_end().to_owned()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/delivery/peers").join(name)
}

/// A folder that nobody else of this run has, gone with what is in it.
struct Folder(PathBuf);

impl Folder {
    /// Sockets' paths are short, and others walk through: not below target/.
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("herald-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).expect("ours");
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("a path").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn through(driver: &str, channel: &str, fields: &[(&str, &str)], to: &str) -> Request {
    let fields = fields.iter().map(|(name, text)| ((*name).to_owned(), Field::Text((*text).into())));
    let gateway = Gateway {
        name: "one".into(),
        channel: channel.into(),
        driver: driver.into(),
        insecure: false,
        fields: fields.collect(),
        definition: None,
    };
    send(vec![gateway], &[("one", to)])
}

/// The group of the user that herald-deliver becomes; none where it stays who it is.
fn own_group() -> Option<u32> {
    let passwd = fs::read_to_string("/etc/passwd").expect("readable");
    let group = |name: &str| {
        let line = passwd.lines().find(|line| line.split(':').next() == Some(name))?;
        line.split(':').nth(3)?.parse().ok()
    };
    rustix::process::geteuid().is_root().then(|| group("_herald").or_else(|| group("nobody"))).flatten()
}

fn end_of(request: &Request) -> (End, String) {
    let tried = tries(request).remove(0);
    (tried.end, tried.detail)
}

/// Waits until a file holds this.
fn appears(path: &str, text: &str) -> String {
    let end = Instant::now() + SOON;
    loop {
        let all = fs::read_to_string(path).unwrap_or_default();
        if all.contains(text) {
            return all;
        }
        assert!(Instant::now() < end, "{text} is not in {path}: {all}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

/// Waits until the daemon moved the message to that number there, and says what is in it.
fn arrives(folder: &str, number: &str) -> Vec<u8> {
    let end = Instant::now() + SOON;
    loop {
        let mut files = fs::read_dir(folder).expect("readable").map(|entry| entry.expect("one").path());
        if let Some(file) = files.find(|path| path.to_string_lossy().contains(number)) {
            return fs::read(file).expect("readable");
        }
        assert!(Instant::now() < end, "nothing to {number} came to {folder}");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
fn gammus_daemon_takes_messages_in_both_alphabets_and_sends_them_through_its_phone() {
    let folder = Folder::new("gammu");
    let phone: Vec<PathBuf> = (0..6).map(|number| folder.0.join(format!("phone/sms/{number}"))).collect();
    let phone = phone.into_iter().chain(["in", "out", "sent", "failed"].map(|name| folder.0.join(name)));
    phone.for_each(|folder| fs::create_dir_all(folder).expect("a folder"));
    // As Herald asks for it: the folder belongs to a group that our user is in, and which may write.
    chown(folder.0.join("out"), None, own_group()).expect("root's tests");
    fs::set_permissions(folder.0.join("out"), Permissions::from_mode(0o770)).expect("ours");
    let log = folder.path("log");
    let configuration = format!(
        "[gammu]\nmodel = dummy\nconnection = none\ndevice = {0}/phone\ngammuloc = /dev/null\n[smsd]\nservice = files\n\
         logfile = {log}\ndebuglevel = 4\ncommtimeout = 1\nsendtimeout = 5\nloopsleep = 1\nchecksecurity = 0\n\
         checkbattery = 0\nchecksignal = 0\nchecknetwork = 0\ntransmitformat = auto\ninboxpath = {0}/in/\n\
         outboxpath = {0}/out/\nsentsmspath = {0}/sent/\nerrorsmspath = {0}/failed/\n",
        folder.0.display()
    );
    fs::write(folder.path("smsdrc"), configuration).expect("writable");
    let _daemon = Peer::start("/usr/bin/gammu-smsd", |command| {
        command.arg("-c").arg(folder.path("smsdrc"));
    });
    let outbox = folder.path("out");
    let (end, words) = end_of(&through("gammu-smsd", "sms", &[("outbox", &outbox)], NUMBER));
    assert_eq!(end, End::Delivered, "{words}");
    assert!(arrives(&folder.path("sent"), NUMBER).starts_with(CODE.as_bytes()));
    let said = appears(&log, &format!("to {NUMBER}, message reference"));
    assert!(said.contains("7 bit SMS") && !said.contains("Unicode SMS"), "{said}");

    let mut request = through("gammu-smsd", "sms", &[("outbox", &outbox)], OTHER_NUMBER);
    if let Job::Send { message, .. } = &mut request.job {
        message.parts = vec![Part { topic: Topic::Host, text: "日本".to_owned() }];
    }
    let (end, words) = end_of(&request);
    assert_eq!((end, words.as_str()), (End::Delivered, "1 segment in UCS-2, 9 of 70 characters"));
    let units = arrives(&folder.path("sent"), OTHER_NUMBER);
    assert!(units.ends_with(&[0x00, b'\n', 0x65, 0xe5, 0x67, 0x2c]), "{units:x?}");
    let said = appears(&log, &format!("to {OTHER_NUMBER}, message reference"));
    assert!(said.contains("Unicode SMS, length 9"), "{said}");
    assert_eq!(fs::read_dir(&outbox).expect("readable").count(), 0, "nothing is left for others to read");
}

#[test]
fn a_real_mail_server_takes_the_mail_over_starttls_after_a_login() {
    let folder = Folder::new("smtpd");
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    fs::write(folder.path("server.pem"), own.cert.pem()).expect("writable");
    fs::write(folder.path("server.key"), own.signing_key.serialize_pem()).expect("writable");
    let mut server = Peer::start(PYTHON, |command| {
        command.arg(script("smtpd.py")).args([folder.path("server.pem"), folder.path("server.key")]);
    });
    let port = server.line();
    let mail = |password: &str, to: &str| {
        let fields = [
            ("host", "localhost"),
            ("port", port.as_str()),
            ("from", "Herald <herald@example.org>"),
            ("user", "herald"),
            ("password", password),
        ];
        let mut request = through("smtp", "email", &fields, to);
        request.ca = own.cert.pem();
        end_of(&request)
    };
    assert_eq!(mail("FAKE-PASSWORD", "alice@example.org"), (End::Delivered, String::new()));
    let taken = server.line();
    assert!(taken.contains("\"to\": [\"alice@example.org\"]") && taken.contains(CODE), "{taken}");
    assert_eq!(mail("FAKE-PASSWORD", "nobody@example.org").0, End::Permanent);
    let (end, words) = mail("FAKE-OTHER", "alice@example.org");
    assert!(end == End::Configuration && words.starts_with("login: 535"), "{words}");
}

#[test]
fn moto_takes_what_is_signed_by_the_key_and_nothing_else() {
    let mut moto = Peer::start(python_of_the_tests(), |command| {
        command.arg(script("sns.py"));
    });
    let first = moto.line();
    let [port, id, secret] = first.split(' ').collect::<Vec<_>>()[..] else { panic!("{first}") };
    let url = format!("http://127.0.0.1:{port}");
    let publish = |secret: &str| {
        let fields =
            [("region", "eu-central-1"), ("access_key_id", id), ("secret_access_key", secret), ("api_url", &url)];
        let mut request = through("aws-sns", "sms", &fields, NUMBER);
        // moto checks the signature of the form as Python would have written it, which has another sign for a space.
        if let Job::Send { message, .. } = &mut request.job {
            message.parts = vec![Part { topic: Topic::Host, text: "Host:é&<matoken>".to_owned() }];
        }
        end_of(&request)
    };
    let (end, words) = publish(secret);
    assert_eq!(end, End::Delivered, "{words}");
    let sent = moto.ask();
    assert!(sent.contains(&format!("[\"{NUMBER}\", \"{CODE}")), "{sent}");
    let (end, words) = publish("FAKE-OTHER-SECRET");
    assert!(end == End::Configuration && words.contains("signature"), "{end:?} {words}");
    assert_eq!(moto.ask(), sent, "nothing more was sent");
}

/// Where scripts/setup.sh puts what Debian does not have.
fn python_of_the_tests() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("target/tmp is below target");
    target.join("python/bin/python")
}

#[test]
fn modemmanager_is_told_to_send_and_then_to_forget() {
    let folder = Folder::new("bus");
    let (socket, log) = (folder.path("bus"), folder.path("log"));
    // Everybody may come in, as on the system's bus: herald-deliver is another user.
    let configuration = format!(
        "<busconfig><type>session</type><listen>unix:path={socket}</listen><policy context=\"default\"><allow user=\"*\"/>\
         <allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/><allow own=\"*\"/></policy>\
         </busconfig>"
    );
    fs::write(folder.path("bus.conf"), configuration).expect("writable");
    let mut bus = Peer::start("/usr/bin/dbus-daemon", |command| {
        command.arg(format!("--config-file={}/bus.conf", folder.0.display()));
        command.args(["--nofork", "--nopidfile", "--print-address=1"]);
    });
    bus.line();
    fs::set_permissions(&socket, Permissions::from_mode(0o666)).expect("ours");
    File::create(&log).expect("writable");
    let _mock = Peer::start(PYTHON, |command| {
        command.env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={socket}"));
        command.args(["-m", "dbusmock", "--session", "--logfile", &log, "--template"]);
        command.arg(script("modemmanager.py"));
    });
    let request = through("modemmanager", "sms", &[("bus", &socket)], NUMBER);
    let end = Instant::now() + SOON;
    // Until it is there, nobody of that name is.
    let mut tried = end_of(&request);
    while tried.0 == End::Configuration && tried.1.contains("not running") && Instant::now() < end {
        tried = end_of(&request);
    }
    assert_eq!(tried.0, End::Delivered, "{} {}", tried.1, fs::read_to_string(&log).unwrap_or_default());
    let said = appears(&log, " Delete ");
    let place = |what: &str| said.find(what).unwrap_or_else(|| panic!("{what} in {said}"));
    assert!(place(" Create ") < place(" Send") && place(" Send") < place(" Delete "), "{said}");
    assert!(said.contains(NUMBER) && said.contains(CODE), "{said}");
}
