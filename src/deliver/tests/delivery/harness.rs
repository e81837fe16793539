//! Starting the program and talking to it.

use herald_core::courier::{
    Answer, Field, Gateway, Job, Message, Part, Request, Topic, Tried, Try, decode_answer, encode_request,
};
use herald_tests::phone::BotApi;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Long enough for anything that should happen at once, on a machine that is busy.
pub(crate) const SOON: Duration = Duration::from_secs(10);
pub(crate) const CODE: &str = "314159";
pub(crate) const CHAT: &str = "475721977";

/// A running program, and our end of its socket.
pub(crate) struct Running {
    pub(crate) child: Child,
    pub(crate) socket: UnixStream,
}

impl Running {
    /// Started the way the courier starts it: an empty environment, one socket as stdin and stdout.
    pub(crate) fn start() -> Self {
        Self::start_as(Command::new(env!("CARGO_BIN_EXE_herald-deliver")).env_clear())
    }

    pub(crate) fn start_as(command: &mut Command) -> Self {
        let (socket, theirs) = UnixStream::pair().expect("a socket pair");
        let stdin = OwnedFd::from(theirs.try_clone().expect("a descriptor"));
        let command = command.stdin(stdin).stdout(OwnedFd::from(theirs)).stderr(Stdio::null());
        let child = command.spawn().expect("it starts");
        // Or the child's end of the socket would stay open in us.
        command.stdin(Stdio::null()).stdout(Stdio::null());
        Self { child, socket }
    }

    pub(crate) fn ask(&mut self, request: &Request) {
        let frame = encode_request(request).expect("fits");
        self.socket.write_all(&frame).expect("it reads");
    }

    /// Everything it says until it ends.
    pub(crate) fn bytes(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        match self.socket.read_to_end(&mut bytes) {
            // It ended without having read everything.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            ended => assert!(ended.is_ok(), "it writes or ends: {ended:?}"),
        }
        bytes
    }

    /// Waits for its end, for a while.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        eventually(|| self.child.try_wait().expect("our own child"))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Asks again and again until there is something, for a while.
pub(crate) fn eventually<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + SOON;
    loop {
        let seen = look();
        if seen.is_some() || Instant::now() > end {
            return seen;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// One request, one answer. Rule 33 is shown with each: no answer holds a secret.
pub(crate) fn answer(request: &Request) -> Answer {
    let mut running = Running::start();
    running.ask(request);
    let bytes = running.bytes();
    let (length, payload) = bytes.split_at_checked(4).expect("an answer");
    assert_eq!(length, u32::try_from(payload.len()).expect("short").to_be_bytes(), "one frame and nothing else");
    rule_33_no_secret_in(payload);
    assert!(running.ended().is_some(), "it ends after its answer");
    decode_answer(payload).expect("well-formed")
}

fn rule_33_no_secret_in(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (id, secret) = BotApi::TOKEN.split_once(':').expect("a token");
    for hidden in [id, secret, CODE, CHAT] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
}

/// The tries of a send.
pub(crate) fn tries(request: &Request) -> Vec<Tried> {
    match answer(request) {
        Answer::Tries(tries) => tries,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn gateway(name: &str, url: &str) -> Gateway {
    Gateway {
        name: name.into(),
        channel: "telegram".into(),
        driver: "telegram-bot".into(),
        insecure: false,
        fields: vec![("token".into(), Field::Text(BotApi::TOKEN.into())), ("api_url".into(), Field::Text(url.into()))],
        definition: None,
    }
}

/// A request to send the code to these gateways and chats, in this order.
pub(crate) fn send(gateways: Vec<Gateway>, to: &[(&str, &str)]) -> Request {
    let part = |topic, text: &str| Part { topic, text: text.to_owned() };
    let tries = to.iter().map(|(gateway, to)| Try { gateway: (*gateway).into(), address: (*to).into() });
    Request {
        job: Job::Send {
            tries: tries.collect(),
            message: Message {
                code: Some(CODE.into()),
                lifetime: Duration::from_secs(300),
                language: "en".into(),
                copy_label: "Copy the code".into(),
                parts: vec![
                    part(Topic::Host, "Host: matoken"),
                    part(Topic::Origin, "From: <b>203.0.113.7</b> & friends"),
                    part(Topic::Warning, "Type it only at matoken. Nobody will ask you for it."),
                ],
            },
        },
        deadline: Duration::from_secs(10),
        proxy: String::new(),
        ca: String::new(),
        gateways,
    }
}

/// A request to send the code to one chat through this phone's server.
pub(crate) fn send_through(phone: &BotApi) -> Request {
    let mut request = send(vec![gateway("telegram", &phone.url())], &[("telegram", CHAT)]);
    request.ca = phone.ca_pem().into();
    request
}
