//! The scratch folder of one story, and what is done in it.

use crate::phone;
use crate::script::{Head, Step};
use std::cell::RefCell;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::net::UnixDatagram;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, UNIX_EPOCH};
use unicode_width::UnicodeWidthStr;

/// Who types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Actor {
    Root,
    Anybody,
}

/// Somebody who is not root.
const ANYBODY: u32 = 65534;
/// As sshd says its effective settings: in general, and for one person.
const SSHD: &str = "#!/bin/sh\n\
    who=$(echo \"${3:-}\" | sed -n 's/^user=\\([^,]*\\).*/\\1/p')\n\
    [ ! -e \"/etc/ssh/effective-$who\" ] || exec cat \"/etc/ssh/effective-$who\"\n\
    exec cat /etc/ssh/effective\n";
/// When log files of stories were last written to: 2026-11-22T12:00:00Z.
const LOG_ENDS: u64 = 1_795_348_800;
/// How long a code may take to reach the phone. Only a broken test waits this long.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// One story's folder: the programs, `etc` with the configuration, `state`, `run`; and perhaps a `machine`.
pub(crate) struct Stage {
    actor: Actor,
    folder: PathBuf,
    /// Where this machine keeps its PAM modules, once the story has a machine of its own.
    modules: RefCell<Option<PathBuf>>,
    phone: UnixDatagram,
    seen: RefCell<Vec<String>>,
    /// LANG of the commands.
    locale: RefCell<Option<String>>,
}

impl Stage {
    pub(crate) fn set(actor: Actor) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("herald-cli-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).expect("a scratch folder");
        let folder = folder.canonicalize().expect("it was just made");
        set_mode(&folder, 0o755);
        for (program, from) in [
            ("herald", PathBuf::from(env!("CARGO_BIN_EXE_herald"))),
            ("herald-deliver", std::env::current_exe().expect("this program's path")),
        ] {
            fs::copy(from, folder.join(program)).expect("a copy of a program");
            set_mode(&folder.join(program), 0o755);
        }
        fs::create_dir(folder.join("etc")).expect("a folder");
        set_mode(&folder.join("etc"), 0o755);
        let phone = UnixDatagram::bind(folder.join(phone::SOCKET)).expect("a socket");
        set_mode(&folder.join(phone::SOCKET), 0o666);
        let stage = Self {
            actor,
            folder,
            modules: RefCell::default(),
            phone,
            seen: RefCell::default(),
            locale: RefCell::default(),
        };
        stage.write("herald.toml", "600", &stage.paths());
        stage
    }

    /// The configuration with which every story begins.
    fn paths(&self) -> String {
        let here = self.folder.display();
        format!("[paths]\nstate = \"{here}/state\"\nruntime = \"{here}/run\"\ndeliver = \"{here}/herald-deliver\"\n")
    }

    /// Plays one step and fills in what came of it.
    ///
    /// # Errors
    /// What holds for every command did not hold for this one.
    pub(crate) fn play(&self, step: &mut Step) -> Result<(), String> {
        let (head, input) = (&step.head, &step.input);
        match head {
            Head::Nothing => {}
            Head::Prop(prop) => step.stdout = self.common(&self.prop(prop, input)),
            Head::Command(command) => {
                let (stdout, stderr, status) = self.run(command, input);
                (step.stdout, step.stderr, step.status) = (self.common(&stdout), self.common(&stderr), status);
                return check(command, &stdout, &stderr, status);
            }
        }
        Ok(())
    }

    fn prop(&self, prop: &str, input: &[String]) -> String {
        let words: Vec<&str> = prop.split(' ').collect();
        match words.as_slice() {
            ["write", file, mode] => {
                let text: String = input.iter().map(|line| format!("{line}\n")).collect();
                self.write(file, mode, &text.replace("{paths}\n", &self.paths()).replace("HERE", &self.here()));
                if file.starts_with("/var/log/") {
                    // Lines of syslog name no year: it is that of the file.
                    let written = fs::File::options().append(true).open(self.file(file)).expect("it was just written");
                    written.set_modified(UNIX_EPOCH + Duration::from_secs(LOG_ENDS)).expect("it is ours");
                }
                String::new()
            }
            ["show", file] => fs::read_to_string(self.file(file)).unwrap_or_else(|error| error.to_string()),
            ["mode", file] => match fs::metadata(self.file(file)) {
                Ok(found) => format!("{:04o}\n", found.permissions().mode() & 0o7777),
                Err(error) => error.to_string(),
            },
            ["remove", file] => {
                let path = self.file(file);
                let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
                removed.expect("it is there");
                String::new()
            }
            ["phone"] => self.phone(),
            ["locale", locale] => {
                *self.locale.borrow_mut() = Some((*locale).to_owned());
                String::new()
            }
            ["machine"] => {
                self.make_machine();
                String::new()
            }
            _ => panic!("no such prop: {prop}"),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        match name.strip_prefix('/') {
            Some(path) => self.folder.join("machine").join(path),
            None => self.folder.join("etc").join(name),
        }
    }

    /// A machine whose /etc and PAM modules are the story's, and in which the story's `etc` is /etc/herald: `machine.sh` puts them in their places, in a namespace of
    /// its own for each command.
    fn make_machine(&self) {
        for folder in
            ["etc/herald", "etc/pam.d", "etc/ssh", "etc/sudoers.d", "modules", "sbin", "kernel", "var/log", "nothing"]
        {
            fs::create_dir_all(self.folder.join("machine").join(folder)).expect("a folder");
        }
        for (file, mode, text) in [
            ("/etc/nsswitch.conf", "644", "passwd: files\ngroup: files\n"),
            ("/etc/passwd", "644", "root:x:0:0::/root:/bin/sh\nalice:x:1000:1000::/home/alice:/bin/sh\n"),
            ("/etc/group", "644", "root:x:0:\nsudo:x:27:alice\nalice:x:1000:\n"),
            ("/modules/pam_unix.so", "644", ""),
            ("/sbin/sshd", "755", SSHD),
            ("/journalctl", "755", "#!/bin/sh\n[ ! -s /etc/journal ] || exec cat /etc/journal\n"),
            ("/timedatectl", "755", "#!/bin/sh\necho yes\n"),
            ("/kernel/lsm", "644", "capability,landlock,yama"),
        ] {
            self.write(file, mode, text);
        }
        let libraries = ["/usr/lib64", "/usr/lib"].map(PathBuf::from).into_iter().flat_map(|library| {
            let within = fs::read_dir(&library).into_iter().flatten().flatten().map(|entry| entry.path());
            within.chain([library.clone()]).collect::<Vec<_>>()
        });
        let modules = libraries.map(|library| library.join("security")).find(|path| path.join("pam_unix.so").exists());
        *self.modules.borrow_mut() = Some(modules.expect("libpam has modules"));
    }

    fn here(&self) -> String {
        self.folder.display().to_string()
    }

    fn write(&self, file: &str, mode: &str, text: &str) {
        let path = self.file(file);
        if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
            fs::create_dir(folder).expect("a folder");
            set_mode(folder, 0o755);
        }
        fs::write(&path, text).expect("a file");
        set_mode(&path, u32::from_str_radix(mode, 8).expect("an octal mode"));
        if self.actor == Actor::Anybody && is_root() {
            chown(&path, Some(ANYBODY), Some(ANYBODY)).expect("root may");
        }
    }

    fn run(&self, line: &str, input: &[String]) -> (String, String, i32) {
        let mut command = match self.modules.borrow().as_ref() {
            None => Command::new(self.folder.join("herald")),
            Some(modules) => {
                let mut command = Command::new("unshare");
                let script = include_str!("machine.sh");
                command.args(["--mount", "--propagation", "private", "--", "/bin/sh", "-c", script, "machine.sh"]);
                command.arg(&self.folder).arg(modules).arg(self.folder.join("herald"));
                command
            }
        };
        command.env_clear().current_dir(self.folder.join("etc"));
        command.envs(self.locale.borrow().as_ref().map(|locale| ("LANG", locale)));
        let mut words = words(line).into_iter();
        for word in words.by_ref() {
            match word.split_once('=') {
                Some((name, value)) => drop(command.env(name, value)),
                None => break,
            }
        }
        if self.modules.borrow().is_some() {
            // Its configuration is where it belongs.
        } else if self.actor == Actor::Root {
            command.arg("--config").arg(self.file("herald.toml"));
        } else if is_root() {
            command.uid(ANYBODY).gid(ANYBODY);
        }
        command.args(words.map(|word| word.replace("HERE", &self.here())));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("herald starts");
        self.feed(child.stdin.take().expect("a pipe"), input);
        let output = child.wait_with_output().expect("herald ends");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        (text(output.stdout), text(output.stderr), output.status.code().expect("no signal"))
    }

    /// `{wrong}` is another code than the one that reached the phone, `{code}` is that one.
    fn feed(&self, mut stdin: ChildStdin, input: &[String]) {
        let mut waiting: Option<String> = None;
        for line in input {
            let line = match line.as_str() {
                "{code}" => waiting.take().unwrap_or_else(|| self.code()),
                "{wrong}" => {
                    let code = waiting.take().unwrap_or_else(|| self.code());
                    let wrong = code.chars().map(|digit| if digit == '0' { '1' } else { '0' }).collect();
                    waiting = Some(code);
                    wrong
                }
                other => match other.strip_prefix("{app ").and_then(|rest| rest.strip_suffix('}')) {
                    Some(secret) => shown_by_app(secret),
                    None => other.to_owned(),
                },
            };
            // A command that refuses before it asks does not read.
            let _ = stdin.write_all(format!("{line}\n").as_bytes());
        }
    }

    /// The next code that reaches a phone.
    fn code(&self) -> String {
        self.phone.set_nonblocking(false).expect("a socket");
        self.phone.set_read_timeout(Some(PATIENCE)).expect("a socket");
        let mut buffer = [0; 2048];
        loop {
            let length = self.phone.recv(&mut buffer).expect("a code reaches the phone");
            let message = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let code = message.split_once("\tcode\t").map(|(_, code)| code.to_owned());
            self.seen.borrow_mut().push(message);
            if let Some(code) = code {
                return code;
            }
        }
    }

    /// Everything that reached phones since the last look.
    fn phone(&self) -> String {
        self.phone.set_nonblocking(true).expect("a socket");
        let mut buffer = [0; 2048];
        while let Ok(length) = self.phone.recv(&mut buffer) {
            self.seen.borrow_mut().push(String::from_utf8_lossy(&buffer[..length]).into_owned());
        }
        let shown = |message: &String| match message.split_once("\tcode\t") {
            Some((address, _)) => format!("{address}: code\n"),
            None => format!("{}\n", message.replace('\t', ": ")),
        };
        self.seen.borrow_mut().drain(..).collect::<Vec<_>>().iter().map(shown).collect()
    }

    /// What differs from run to run, put to one value.
    fn common(&self, text: &str) -> String {
        let text = text.replace(&self.here(), "HERE");
        let text = match self.modules.borrow().as_ref() {
            Some(modules) => text.replace(&modules.display().to_string(), "MODULES"),
            None => text,
        };
        let versions = concat!("herald ", env!("CARGO_PKG_VERSION"), ",");
        let text = one_value(&text, versions, |byte| byte != b'\n' && byte != b'"', " …");
        let text = ["秒前", " s ago"].iter().fold(text, |text, behind| one_second(&text, behind));
        let text = one_value(&text, "?start=", |byte| byte.is_ascii_hexdigit(), "NONCE");
        let text = one_value(&text, "?secret=", |byte| byte.is_ascii_alphanumeric(), "SECRET");
        let text = without_host(&text);
        let text: String = text.split_inclusive('\n').map(unlike_codes).collect();
        one_value(&dated(&text), "\"locked_seconds\":", |byte| byte.is_ascii_digit(), "86400")
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// What holds for every command: with `--json` one document with `ok`, which agrees with the exit status, and nothing
/// else; never a secret.
fn check(command: &str, stdout: &str, stderr: &str, status: i32) -> Result<(), String> {
    if format!("{stdout}{stderr}").contains("FAKE") {
        return Err(format!("  {command}: a secret was shown"));
    }
    if !command.contains("--json") {
        return Ok(());
    }
    let document: serde_json::Value =
        serde_json::from_str(stdout).map_err(|error| format!("  {command}: not one JSON document: {error}"))?;
    if !stderr.is_empty() {
        return Err(format!("  {command}: --json, and yet on stderr: {stderr}"));
    }
    match document.get("ok").and_then(serde_json::Value::as_bool) {
        Some(ok) if ok == (status == 0) => Ok(()),
        _ => Err(format!("  {command}: \"ok\" does not say what the exit status {status} says")),
    }
}

/// Words as a shell has them; single quotes only.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (position, part) in line.split('\'').enumerate() {
        if position % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// Every date becomes one, and so does every time of day behind a date.
fn dated(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for pattern in ["2026-11-22T02:00:00Z", "2026-11-22 02:00 UTC", "2026-11-22"] {
        let pattern = pattern.as_bytes();
        let fits = |window: &[u8]| {
            let alike =
                |(found, wanted): (&u8, &u8)| (found.is_ascii_digit() && wanted.is_ascii_digit()) || found == wanted;
            window.iter().zip(pattern).all(alike)
        };
        for start in 0..bytes.len().saturating_sub(pattern.len() - 1) {
            let window = &mut bytes[start..start + pattern.len()];
            if fits(window) {
                window.copy_from_slice(pattern);
            }
        }
    }
    String::from_utf8(bytes).expect("only digits were replaced")
}

/// The name of this machine, where it is a word of its own.
fn without_host(text: &str) -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let mut parts = text.split(&host);
    let mut result = parts.next().unwrap_or_default().to_owned();
    let within = |character: Option<char>| character.is_some_and(|character| character.is_ascii_alphanumeric());
    for part in parts {
        let is_word = !within(result.chars().last()) && !within(part.chars().next());
        result.push_str(if is_word { "HOST" } else { &host });
        result.push_str(part);
    }
    result
}

/// However many seconds stand before this, it becomes one.
fn one_second(text: &str, behind: &str) -> String {
    let parts: Vec<&str> = text.split(behind).collect();
    let (last, before) = parts.split_last().expect("a part");
    let counted = before.iter().map(|part| format!("{}1{behind}", part.trim_end_matches(|c: char| c.is_ascii_digit())));
    counted.collect::<String>() + last
}

fn one_value(text: &str, behind: &str, belongs: impl Fn(u8) -> bool, value: &str) -> String {
    let mut parts = text.split(behind);
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let length = part.bytes().take_while(|byte| belongs(*byte)).count();
        result.push_str(behind);
        result.push_str(value);
        result.push_str(&part[length..]);
    }
    result
}

/// A line without backup codes and secrets of apps, of which no two are alike.
fn unlike_codes(line: &str) -> String {
    let is_code = |word: &str| {
        let characters =
            |part: &str| part.len() == 5 && part.bytes().all(|byte| b"23456789abcdefghjkmnpqrstuvwxyz".contains(&byte));
        word.split_once('-').is_some_and(|(one, other)| characters(one) && characters(other))
    };
    let words = line.split_inclusive([' ', '"', '\n']);
    let plain = words.map(|word| {
        let bare = word.trim_end_matches([' ', '"', '\n']);
        if is_code(bare) { word.replace(bare, "CODE1-CODE2") } else { word.to_owned() }
    });
    let line: String = plain.collect();
    let groups = line.split_whitespace();
    let secret = groups.clone().count() == 8
        && groups.clone().all(|group| {
            group.len() == 4 && group.bytes().all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b))
        });
    if secret {
        return "  SECRET\n".to_owned();
    }
    // A row of a card, whose names are longer or shorter here.
    match line.strip_prefix("| ").and_then(|row| row.strip_suffix(" |\n")) {
        Some(row) => {
            let row = row.trim_end();
            format!("| {row}{} |\n", " ".repeat(28_usize.saturating_sub(row.width())))
        }
        None => line,
    }
}

fn shown_by_app(secret: &str) -> String {
    let bytes = totp_rs::Secret::Encoded(secret.to_owned()).to_bytes().expect("base32");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("the clock is right");
    totp_rs::TOTP::new_unchecked(totp_rs::Algorithm::SHA1, 6, 0, 30, bytes).generate(now.as_secs())
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
}
