//! One login through each channel, with the real herald and herald-deliver, and services on loopback that listen.

use herald_tests::world::{ALICE, World};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// Longer than any message takes, also on a busy machine.
const SOON: Duration = Duration::from_secs(30);

/// A service on loopback, and all that it was told.
struct Service {
    port: u16,
    told: Receiver<String>,
}

impl Service {
    fn start(talk: impl Fn(TcpStream, &Sender<String>) -> io::Result<()> + Send + 'static) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback");
        let port = listener.local_addr().expect("bound").port();
        let (teller, told) = channel();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // Who hangs up in the middle told nothing.
                let _ = talk(stream, &teller);
            }
        });
        Self { port, told }
    }

    /// One that answers every request with this.
    fn http(status: u16, body: &'static str) -> Self {
        Self::start(move |stream, told| {
            let mut reader = BufReader::new(stream);
            let mut request = String::new();
            while !request.ends_with("\r\n\r\n") {
                if reader.read_line(&mut request)? == 0 {
                    return Ok(());
                }
            }
            let length = |line: &str| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok();
            let mut more = vec![0; request.lines().find_map(length).unwrap_or(0)];
            reader.read_exact(&mut more)?;
            request.push_str(&String::from_utf8_lossy(&more));
            let _ = told.send(request);
            let length = body.len();
            write!(reader.get_mut(), "HTTP/1.1 {status} OK\r\nContent-Length: {length}\r\n\r\n{body}")
        })
    }

    /// A mail server that takes everything.
    fn smtp() -> Self {
        Self::start(|stream, told| {
            let mut reader = BufReader::new(stream);
            let (mut mail, mut in_mail) = (String::new(), false);
            reader.get_mut().write_all(b"220 mail.example.org\r\n")?;
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line)? == 0 {
                    return Ok(());
                }
                let answer = match line.trim_end() {
                    "." => {
                        in_mail = false;
                        let _ = told.send(std::mem::take(&mut mail));
                        "250 taken"
                    }
                    "DATA" => {
                        in_mail = true;
                        "354 go on"
                    }
                    _ if in_mail => {
                        mail.push_str(&line);
                        continue;
                    }
                    _ => "250 mail.example.org",
                };
                reader.get_mut().write_all(format!("{answer}\r\n").as_bytes())?;
            }
        })
    }

    /// The code in what it was told next: the six digits behind these words.
    fn code(&self, behind: &str) -> String {
        let told = self.told.recv_timeout(SOON).expect("a message arrives");
        code_in(&told, behind)
    }
}

fn code_in(text: &str, behind: &str) -> String {
    let (_, rest) = text.split_once(behind).unwrap_or_else(|| panic!("no {behind} in {text}"));
    let code: String = rest.chars().take(6).collect();
    assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{text}");
    code
}

fn enroll(world: &World, channel: &str, address: &str) {
    let text = format!(
        "version = 1\n[[factor]]\nid = 1\nchannel = \"{channel}\"\naddress = \"{address}\"\nstate = \"active\"\n\
         enrolled = 2026-11-22T02:00:00Z\n"
    );
    world.machine.write("/var/lib/herald/users/alice.toml", 0o600, text);
}

/// Alice logs in through this gateway, and the log says by which.
fn logs_in(world: &World, channel: &str, address: &str, gateway: &str, shown: &str, code: impl FnOnce() -> String) {
    enroll(world, channel, address);
    world.configure_with("", &format!("[[gateway]]\nname = \"own\"\nchannel = \"{channel}\"\n{gateway}\n"));
    let mut login = world.machine.terminal("root", &["herald", "try", "--user", ALICE.name]);
    login.expect(&format!("Code sent by {shown}: "));
    login.send_line(&code());
    login.expect("alice would be let in by herald: the code was right.");
    login.succeeds();
}

#[test]
fn telegram_by_phone_number() {
    let world = World::new();
    let service = Service::http(200, r#"{"ok":true,"result":{"request_id":"1"}}"#);
    let gateway = format!(
        "driver = \"telegram-gateway\"\ntoken = \"FAKE-TOKEN\"\napi_url = \"http://127.0.0.1:{}\"",
        service.port
    );
    logs_in(&world, "telegram", "+81312345678", &gateway, "Telegram to ...678", || service.code("code="));
}

#[test]
fn signal() {
    let world = World::new();
    let service = Service::http(201, r#"{"timestamp":"1790000000000"}"#);
    let gateway = format!(
        "driver = \"signal-cli-rest\"\naccount = \"+4915112345678\"\nurl = \"http://127.0.0.1:{}\"",
        service.port
    );
    logs_in(&world, "signal", "+81312345678", &gateway, "Signal to ...678", || service.code("\"message\":\""));
}

#[test]
fn a_number_that_signal_does_not_know_is_not_enrolled() {
    let world = World::new();
    let service = Service::http(400, r#"{"error":"Failed to send message: Unregistered user \"+81312345678\""}"#);
    let gateway = format!(
        "[[gateway]]\ndriver = \"signal-cli-rest\"\naccount = \"+4915112345678\"\nurl = \"http://127.0.0.1:{}\"\n",
        service.port
    );
    world.configure_with("", &gateway);
    let enroll = ["herald", "enroll", "signal", "+81312345678", "--user", ALICE.name, "--force"];
    let ended = world.machine.run("root", &enroll, "");
    assert_eq!(ended.status.code(), Some(1), "{} {}", ended.output, ended.errors);
    assert!(
        ended.errors.contains("Unregistered user") && ended.errors.contains("\ntry: look at the address"),
        "{}",
        ended.errors
    );
    assert!(!world.machine.read("/var/lib/herald/users/alice.toml").contains("signal"));
}

#[test]
fn sms() {
    let world = World::new();
    let service = Service::http(200, r#"{"data":[{"status":"OK","error":"0"}]}"#);
    let gateway = format!(
        "driver = \"playsms\"\nuser = \"admin\"\ntoken = \"FAKE-TOKEN\"\nurl = \"http://127.0.0.1:{}/index.php\"",
        service.port
    );
    logs_in(&world, "sms", "+81312345678", &gateway, "SMS to ...678", || service.code("msg="));
    let test = |address| world.machine.run("root", &["herald", "gateway", "test", "own", address], "");
    let (one, other) = (test("+81312345678"), test("0312345678"));
    assert_eq!((one.status.code(), other.status.code()), (Some(0), Some(2)), "{} {}", one.output, other.output);
    assert!(one.output.contains(" ms: 1 segment in GSM-7, "), "{}", one.output);
}

#[test]
fn whatsapp() {
    let world = World::new();
    let service = Service::http(200, r#"{"messages":[{"id":"wamid.1"}]}"#);
    let gateway = format!(
        "driver = \"whatsapp-business\"\nphone_number_id = \"1\"\naccess_token = \"FAKE-TOKEN\"\ntemplate = \"code\"\n\
         api_url = \"http://127.0.0.1:{}\"",
        service.port
    );
    logs_in(&world, "whatsapp", "+81312345678", &gateway, "WhatsApp to ...678", || service.code("\"text\":\""));
}

#[test]
fn xmpp() {
    let world = World::new();
    let service = Service::http(202, "");
    let gateway = format!(
        "driver = \"prosody-rest\"\nuser = \"herald\"\npassword = \"FAKE-PASSWORD\"\n\
         url = \"http://127.0.0.1:{}/rest/message/chat\"",
        service.port
    );
    logs_in(&world, "xmpp", "alice@example.org", &gateway, "XMPP to al...", || service.code("\r\n\r\n"));
}

#[test]
fn email() {
    let world = World::new();
    let service = Service::smtp();
    let gateway = format!(
        "driver = \"smtp\"\nhost = \"127.0.0.1\"\nport = {}\nsecurity = \"none\"\nfrom = \"herald@example.org\"",
        service.port
    );
    let shown = "e-mail to a...@example.org";
    logs_in(&world, "email", "alice@example.org", &gateway, shown, || service.code("\r\n\r\n"));
}

#[test]
fn an_admins_own_program() {
    let world = World::new();
    world.machine.folder("/var/spool/pager", 0o777);
    let script = "#!/bin/sh\nexec /bin/cat >/var/spool/pager/message\n";
    world.machine.install_script("/usr/local/bin/page", 0o755, script);
    let gateway = "driver = \"command\"\nprogram = \"/usr/local/bin/page\"";
    logs_in(&world, "pager", "alice", gateway, "pager to al...", || {
        code_in(&world.machine.read("/var/spool/pager/message"), "Code: ")
    });
}

#[test]
fn a_gateway_that_hangs_leaves_the_login_to_the_next_and_the_log_says_why() {
    let world = World::new();
    let hangs = Service::start(|mut stream, _| io::copy(&mut stream, &mut io::sink()).map(drop));
    let service = Service::http(200, r#"{"data":[{"status":"OK","error":"0"}]}"#);
    let gateway = |name: &str, port: u16| {
        format!(
            "[[gateway]]\nname = \"{name}\"\ndriver = \"playsms\"\nuser = \"admin\"\ntoken = \"FAKE-TOKEN\"\n\
             url = \"http://127.0.0.1:{port}/index.php\"\n"
        )
    };
    enroll(&world, "sms", "+81312345678");
    let deadline = Duration::from_secs(4);
    let both = gateway("first", hangs.port) + &gateway("second", service.port);
    world.configure_with("delivery.deadline = \"4s\"", &both);
    let begun = Instant::now();
    let mut login = world.machine.terminal("root", &["herald", "try", "--user", ALICE.name]);
    login.expect("SMS to ...678: ");
    let code = service.code("msg=");
    assert!(begun.elapsed() >= deadline / 2, "the first had its share");
    login.send_line(&code);
    login.expect("alice would be let in by herald: the code was right.");
    login.succeeds();
    let log = world.machine.journal().text();
    let line = |event: &str| {
        let begins = format!(": {event} user=alice ");
        log.lines().find(|line| line.contains(&begins)).unwrap_or_else(|| panic!("no {event} in {log}")).to_owned()
    };
    let failed = line("undelivered");
    assert!(failed.contains(" gateway=first ") && failed.contains(" end=unclear "), "{failed}");
    assert!(failed.contains("127.0.0.1_did_not_answer_in_time"), "{failed}");
    let sent = line("sent");
    assert!(sent.contains(" gateway=second "), "{sent}");
    let (_, took) = sent.split_once(" took=").expect("a time");
    let took: u64 = took.split("ms").next().and_then(|number| number.parse().ok()).expect("milliseconds");
    assert!(Duration::from_millis(took) < deadline, "{sent}");
}
