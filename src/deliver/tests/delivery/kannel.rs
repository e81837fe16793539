//! A real Kannel: bearerbox, smsbox, and the SMS centre that comes with it. The code comes out at the other end.

use crate::harness::{CODE, SOON, send, tries};
use herald_core::courier::{End, Field, Gateway, Job, Part, Request, Topic};
use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const NUMBER: &str = "+4915112345678";
/// The package kannel-extras has it there.
const FAKE_SMSC: &str = "/usr/lib/kannel/test/fakesmsc";

struct Kannel {
    /// Ended in this order: nobody connects to what is gone.
    children: Vec<Child>,
    sendsms: u16,
    /// What the SMS centre has been told.
    heard: PathBuf,
}

impl Kannel {
    fn start() -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kannel-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let [admin, boxes, smsc, sendsms] = free_ports();
        let configuration = folder.join("kannel.conf");
        let text = format!(
            "group = core\nadmin-port = {admin}\nadmin-interface = 127.0.0.1\nadmin-password = FAKE-ADMIN\n\
             smsbox-port = {boxes}\nsmsbox-interface = 127.0.0.1\n\n\
             group = smsc\nsmsc = fake\nhost = 127.0.0.1\nport = {smsc}\nconnect-allow-ip = 127.0.0.1\n\n\
             group = smsbox\nbearerbox-host = 127.0.0.1\nbearerbox-port = {boxes}\nsendsms-port = {sendsms}\n\
             sendsms-interface = 127.0.0.1\n\n\
             group = sendsms-user\nusername = FAKE-USER\npassword = FAKE-PASSWORD\n"
        );
        std::fs::write(&configuration, text).expect("a configuration");
        let heard = folder.join("heard");
        let mut kannel = Self { children: Vec::new(), sendsms, heard };
        kannel.run("/usr/sbin/bearerbox", &[configuration.as_os_str()], Stdio::null());
        listening(smsc);
        listening(boxes);
        let out = Stdio::from(File::create(&kannel.heard).expect("a file"));
        let port = smsc.to_string();
        // It wants something to say, and is told to say it no times.
        let words = ["-H", "127.0.0.1", "-r", &port, "-i", "0.1", "-m", "0", "1 2 text x"].map(std::ffi::OsStr::new);
        kannel.run(FAKE_SMSC, &words, out);
        kannel.run("/usr/sbin/smsbox", &[configuration.as_os_str()], Stdio::null());
        listening(sendsms);
        kannel
    }

    fn run(&mut self, program: &str, words: &[&std::ffi::OsStr], err: Stdio) {
        let child = Command::new(program).args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(err).spawn();
        let child = child.unwrap_or_else(|error| panic!("{program}: {error}; try: scripts/setup.sh test"));
        self.children.insert(0, child);
    }

    fn request(&self, sender: Option<&str>) -> Request {
        let text = |name: &str, value: &str| (name.to_owned(), Field::Text(value.into()));
        let mut fields = vec![
            text("url", &format!("http://127.0.0.1:{}/cgi-bin/sendsms", self.sendsms)),
            text("user", "FAKE-USER"),
            text("password", "FAKE-PASSWORD"),
        ];
        fields.extend(sender.map(|sender| text("from", sender)));
        let gateway = Gateway {
            name: "kannel".into(),
            channel: "sms".into(),
            driver: "kannel".into(),
            insecure: false,
            fields,
            definition: None,
        };
        send(vec![gateway], &[("kannel", NUMBER)])
    }

    /// Waits until the SMS centre was told all of this, in this order.
    fn heard(&self, all: &[&str]) {
        let end = Instant::now() + SOON;
        loop {
            let heard = std::fs::read_to_string(&self.heard).unwrap_or_default();
            let mut rest = heard.as_str();
            let found = all.iter().all(|part| match rest.split_once(part) {
                Some((_, behind)) => {
                    rest = behind;
                    true
                }
                None => false,
            });
            if found {
                return;
            }
            assert!(Instant::now() < end, "{all:?} was not heard: {heard}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Kannel {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn free_ports() -> [u16; 4] {
    let listeners = [(); 4].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    listeners.map(|listener| listener.local_addr().expect("bound").port())
}

fn listening(port: u16) {
    let end = Instant::now() + SOON;
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < end, "nobody listens on {port}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn with_host(mut request: Request, host: &str) -> Request {
    if let Job::Send { message, .. } = &mut request.job {
        message.parts = vec![Part { topic: Topic::Host, text: host.to_owned() }];
    }
    request
}

#[test]
fn a_code_travels_through_kannel_in_both_alphabets_and_refusals_are_told() {
    let kannel = Kannel::start();
    let tried = tries(&with_host(kannel.request(Some("100")), "for é € & matoken"));
    assert_eq!((tried[0].end, tried[0].detail.as_str()), (End::Delivered, "1 segment in GSM-7, 25 of 160 characters"));
    kannel.heard(&[&format!("<100 {NUMBER} text {CODE}"), "for é € & matoken>"]);

    let tried = tries(&with_host(kannel.request(Some("100")), "日本"));
    assert_eq!((tried[0].end, tried[0].detail.as_str()), (End::Delivered, "1 segment in UCS-2, 9 of 70 characters"));
    // UTF-16 as the SMS centre writes it: the digits of the code, a line feed, 65E5 672C.
    kannel.heard(&[&format!("<100 {NUMBER} ucs-2 %003%001%004%001%005%009%00%0Ae%E5g%2C>")]);

    let tried = tries(&kannel.request(None));
    let missing = "Sender missing and no global set, rejected";
    assert_eq!((tried[0].end, tried[0].detail.as_str()), (End::Configuration, missing));
    let mut stranger = kannel.request(Some("100"));
    stranger.gateways[0].fields[2].1 = Field::Text("FAKE-OTHER".into());
    let tried = tries(&stranger);
    assert_eq!((tried[0].end, tried[0].detail.as_str()), (End::Configuration, "Authorization failed for sendsms"));
}
