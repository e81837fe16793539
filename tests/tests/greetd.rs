//! The real greetd: agreety, its own greeter, at a terminal; and a greeter of ours on its socket, which shows what gtkgreet
//! and tuigreet are told to ask (greetd-ipc(7)).

use herald_tests::world::{ALICE, BOB, Terminal, World, another, example};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may take to start. Nothing takes so long.
const PATIENCE: Duration = Duration::from_secs(60);
/// A session that says whose it is.
const DESKTOP: &str = "id -un >/run/desktop/opened && exec sleep infinity";

/// Starts greetd without a console, with this greeter.
fn greetd(world: &World, greeter: &str) -> Terminal {
    world.machine.write("/etc/pam.d/greetd", 0o644, example("greetd"));
    world.machine.add_user("greeter", 2100, ALICE);
    world.machine.folder("/run/desktop", 0o1777);
    world.machine.install_script("/usr/local/bin/desktop", 0o755, DESKTOP);
    let session = format!("[default_session]\ncommand = \"{greeter}\"\nuser = \"greeter\"\n");
    world.machine.write("/etc/greetd.toml", 0o644, format!("[terminal]\nvt = \"none\"\n{session}"));
    world.machine.terminal("root", &["greetd", "--config", "/etc/greetd.toml"])
}

/// Waits for what a program writes there.
fn written(world: &World, path: &str) -> String {
    let give_up = Instant::now() + PATIENCE;
    loop {
        match std::fs::read_to_string(world.machine.path(path)) {
            Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
            _ => assert!(Instant::now() < give_up, "{path} is not written"),
        }
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn agreety_asks_for_password_and_code_and_the_session_opens() {
    let world = World::new();
    // It asks at its controlling terminal, which on a console is its own.
    let agreety = "script --quiet --command '/usr/sbin/agreety --cmd /usr/local/bin/desktop' /dev/null";
    let mut terminal = greetd(&world, agreety);
    terminal.answer("login: ", ALICE.name);
    terminal.answer("Password: ", ALICE.password);
    terminal.expect("Code sent by Telegram to ...977: ");
    let code = world.phone.code();
    terminal.send_line(&another(&code));
    terminal.answer("Wrong, 2 tries left. Code sent by Telegram to ...977: ", &code);
    assert_eq!(written(&world, "/run/desktop/opened"), "alice");
    assert_eq!((world.logged("wrong"), world.logged("verified")), (1, 1));
}

/// A greeter's end of the socket.
struct Greeter(UnixStream);

impl Greeter {
    /// greetd, and a greeter that only says where the socket is.
    fn start(world: &World) -> (Terminal, Self) {
        world.machine.install_script(
            "/usr/local/bin/greeter",
            0o755,
            "echo $GREETD_SOCK >/run/desktop/socket; read -r _",
        );
        let terminal = greetd(world, "/usr/local/bin/greeter");
        let socket = written(world, "/run/desktop/socket");
        let stream = UnixStream::connect(world.machine.path(&socket)).expect("greetd listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a socket");
        (terminal, Self(stream))
    }

    /// Says something, and gives back what greetd answers.
    fn say(&mut self, request: &Value) -> Value {
        let text = request.to_string();
        self.0.write_all(&u32::try_from(text.len()).expect("short").to_ne_bytes()).expect("greetd");
        self.0.write_all(text.as_bytes()).expect("greetd");
        let mut length = [0; 4];
        self.0.read_exact(&mut length).expect("an answer");
        let mut answer = vec![0; usize::try_from(u32::from_ne_bytes(length)).expect("short")];
        self.0.read_exact(&mut answer).expect("an answer");
        serde_json::from_slice(&answer).expect("JSON")
    }

    fn begin(&mut self, user: &str) -> Value {
        self.say(&json!({"type": "create_session", "username": user}))
    }

    fn answer(&mut self, text: &str) -> Value {
        self.say(&json!({"type": "post_auth_message_response", "response": text}))
    }
}

fn secret(text: &str) -> Value {
    json!({"type": "auth_message", "auth_message_type": "secret", "auth_message": text})
}

#[test]
fn every_question_reaches_a_greeter_as_it_is_and_is_secret() {
    let world = World::new();
    let (mut terminal, mut greeter) = Greeter::start(&world);
    assert_eq!(greeter.begin("alice"), secret("Password: "));
    assert_eq!(greeter.answer(ALICE.password), secret("Code sent by Telegram to ...977: "));
    let help = "Type the code you were sent. r sends a new one.\n1 Telegram ...977: sends a code by Telegram\n";
    assert_eq!(greeter.answer("?"), secret(&format!("{help}Code sent by Telegram to ...977: ")));
    let code = world.phone.code();
    assert_eq!(greeter.answer(&code), json!({"type": "success"}));
    let session = json!({"type": "start_session", "cmd": ["/usr/local/bin/desktop"], "env": []});
    assert_eq!(greeter.say(&session), json!({"type": "success"}));
    // The session begins where the greeter ends.
    terminal.send_line("");
    assert_eq!(written(&world, "/run/desktop/opened"), "alice");
}

#[test]
fn a_greeter_is_told_why_somebody_is_refused_and_may_give_up() {
    let world = World::new();
    let (_terminal, mut greeter) = Greeter::start(&world);
    greeter.begin("bob");
    let why = "No second factor for bob. On scratch, root can run: herald enroll telegram --user bob";
    let told = json!({"type": "auth_message", "auth_message_type": "error", "auth_message": why});
    assert_eq!(greeter.answer(BOB.password), told);
    let end = greeter.say(&json!({"type": "post_auth_message_response"}));
    assert_eq!((&end["type"], &end["error_type"]), (&json!("error"), &json!("auth_error")), "{end}");
    greeter.say(&json!({"type": "cancel_session"}));

    // Given up at the code: the next one finds it still good, and no further one is sent.
    greeter.begin("alice");
    greeter.answer(ALICE.password);
    let code = world.phone.code();
    assert_eq!(greeter.say(&json!({"type": "cancel_session"})), json!({"type": "success"}));
    greeter.begin("alice");
    let asked = greeter.answer(ALICE.password);
    assert!(asked["auth_message"].as_str().expect("text").contains(" ago: "), "{asked}");
    assert_eq!(greeter.answer(&code), json!({"type": "success"}));
    assert_eq!(world.phone.messages().len(), 1);
}
