//! The real dovecot as Debian sets it up, and somebody who reads their mail by IMAP: password and code in one field.

use herald_tests::world::{ALICE, Running, World, another, example};
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// Nothing takes so long.
const PATIENCE: Duration = Duration::from_secs(60);
/// Debian's files read it last. Who failed is not made to wait, and there is nothing but IMAP on loopback.
const LOCAL: &str = "listen = 127.0.0.1
mail_location = maildir:~/Maildir
auth_failure_delay = 0
auth_verbose = yes
service imap-login {
  inet_listener imap {
    port = PORT
  }
  inet_listener imaps {
    port = 0
  }
}
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
";

struct Mail<'a> {
    world: &'a World,
    port: u16,
    _dovecot: Running,
}

impl<'a> Mail<'a> {
    fn start(world: &'a World) -> Self {
        let machine = &world.machine;
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|free| free.local_addr()).expect("loopback");
        for (name, id) in [("dovecot", 104), ("dovenull", 105)] {
            machine.append("/etc/passwd", &format!("{name}:x:{id}:{id}::/nonexistent:/usr/sbin/nologin"));
            machine.append("/etc/group", &format!("{name}:x:{id}:"));
        }
        machine.write("/etc/pam.d/dovecot", 0o644, example("one-field"));
        // The certificate that Debian makes for it is not here.
        machine.write("/etc/dovecot/conf.d/10-ssl.conf", 0o644, "ssl = no\n");
        machine.write("/etc/dovecot/local.conf", 0o644, LOCAL.replace("PORT", &free.port().to_string()));
        machine.folder("/var/lib/dovecot", 0o755);
        machine.folder("/run/dovecot", 0o755);
        Self { world, port: free.port(), _dovecot: machine.start(&["dovecot", "-F"]) }
    }

    /// One try to log in; what the server says to it.
    fn log_in(&self, typed: &str) -> String {
        let give_up = Instant::now() + PATIENCE;
        let stream = loop {
            match TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)) {
                Ok(stream) => break stream,
                Err(_) if Instant::now() < give_up => thread::sleep(Duration::from_millis(10)),
                Err(error) => panic!("{error}:\n{}", self.world.machine.journal().text()),
            }
        };
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let mut lines = BufReader::new(stream.try_clone().expect("a socket")).lines();
        let mut until = |start: &str| {
            let mut lines = lines.by_ref().map(|line| line.expect("an answer"));
            lines.find(|line| line.starts_with(start)).expect("an answer")
        };
        until("* OK ");
        (&stream).write_all(format!("a LOGIN {} \"{typed}\"\r\n", ALICE.name).as_bytes()).expect("a connection");
        until("a ")
    }
}

#[test]
fn the_password_sends_a_code_and_with_it_the_mailbox_opens() {
    let world = World::new();
    let mail = Mail::start(&world);
    let wrong = mail.log_in("wrong");
    assert!(wrong.starts_with("a NO "), "{wrong}");
    assert!(world.phone.messages().is_empty(), "a wrong password sends nothing");

    let first = mail.log_in(ALICE.password);
    assert!(first.starts_with("a NO "), "{first}");
    let code = world.phone.code();
    let guess = mail.log_in(&format!("{}{}", ALICE.password, another(&code)));
    assert!(guess.starts_with("a NO "), "{guess}");
    let second = mail.log_in(&format!("{}{code}", ALICE.password));
    assert!(second.starts_with("a OK "), "{second}");
    let again = mail.log_in(&format!("{}{code}", ALICE.password));
    assert!(again.starts_with("a NO "), "good once: {again}");
    assert_eq!((world.logged("wrong"), world.logged("verified")), (1, 1), "{:?}", world.log());
}
