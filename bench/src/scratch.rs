//! The folder that a run works in: the modules, the stacks that stand in for /etc/pam.d, configurations, one
//! enrollment, and the script that pam_exec runs.

use crate::Failure;
use crate::contestant::Contestant;
use crate::gateway::Gateway;
use crate::pam::Login;
use crate::person::AppOwner;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// An account that every machine has.
const USER: &str = "root";
const CHAT: &str = "110000977";
/// Of a range that nobody has (a country code that is spare).
const PHONE: &str = "+210000000977";
/// Has the form of a bot's token, and is none.
const TOKEN: &str = "110000000:BENCH-BENCH-BENCH-BENCH-BENCH-BENCH";

/// The folders, and the server.
pub(crate) struct Scratch {
    folder: String,
    runtime: String,
    url: String,
    pub(crate) gateway: Gateway,
}

impl Scratch {
    /// `folder` holds the built files already, `runtime` is empty and on tmpfs, `url` is the server's.
    pub(crate) fn new(folder: &str, runtime: &str, url: &str) -> Self {
        let gateway = Gateway::new(Path::new(folder).join("gateway.log"));
        Self { folder: folder.to_owned(), runtime: runtime.to_owned(), url: url.to_owned(), gateway }
    }

    /// The words that lead another process of this program to the same folders.
    pub(crate) fn words(&self) -> [&str; 3] {
        [&self.folder, &self.runtime, &self.url]
    }

    /// A file in the folder.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        Path::new(&self.folder).join(name)
    }

    /// Writes everything that the logins need.
    pub(crate) fn lay_out(&self) -> Result<(), Failure> {
        for (folder, mode) in [
            ("pam.d", 0o755),
            ("state", 0o700),
            ("state/users", 0o700),
            ("empty", 0o700),
            ("empty/users", 0o700),
            ("phone", 0o700),
            ("phone/users", 0o700),
        ] {
            let folder = self.file(folder);
            fs::create_dir(&folder)
                .and_then(|()| fs::set_permissions(&folder, Permissions::from_mode(mode)))
                .map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        for contestant in Contestant::ALL.into_iter().filter(|one| one.is_login()) {
            self.write(&format!("pam.d/{}", contestant.service()), 0o644, &self.stack(contestant))?;
        }
        // libpam loads what stands here as well, in every login alike.
        self.write("pam.d/other", 0o644, "auth required pam_deny.so\n")?;
        let bot = format!("driver = \"telegram-bot\"\ntoken = \"{TOKEN}\"\napi_url = \"{}\"", self.url);
        let service = format!("driver = \"gowhatsapp\"\nurl = \"{}\"", self.url);
        self.write("herald.toml", 0o600, &self.config("state", "", "refuse", &bot))?;
        self.write("exempt.toml", 0o600, &self.config("state", "\"backup\", \"root\"", "refuse", &bot))?;
        self.write("unenrolled.toml", 0o600, &self.config("empty", "", "skip", &bot))?;
        self.write("catalogue.toml", 0o600, &self.config("phone", "", "refuse", &service))?;
        for (state, channel, address) in [("state", "telegram", CHAT), ("phone", "whatsapp", PHONE)] {
            let enrollment = format!(
                "version = 1\n\n[[factor]]\nid = 1\nchannel = \"{channel}\"\naddress = \"{address}\"\n\
                 state = \"active\"\nenrolled = 2026-11-22T02:00:00Z\n"
            );
            self.write(&format!("{state}/users/{USER}.toml"), 0o600, &enrollment)?;
        }
        self.write("message.json", 0o644, &message())?;
        for contestant in [Contestant::ExecCurl, Contestant::LightExecCurl] {
            self.write(&script_of(contestant), 0o755, &self.script(contestant.trust()))?;
        }
        Ok(())
    }

    /// The first factor, which is the same for all, and then the module.
    fn stack(&self, contestant: Contestant) -> String {
        let folder = &self.folder;
        let herald = |config: &str| format!("{folder}/pam_herald.so config={folder}/{config}.toml");
        let google = |rest: &str| format!("pam_google_authenticator.so secret={folder}/{rest}");
        let module = match contestant {
            Contestant::Permit => "pam_permit.so".to_owned(),
            Contestant::Warn => "pam_warn.so".to_owned(),
            Contestant::GoogleNullok => google("no-such-file nullok"),
            Contestant::HeraldExempt => herald("exempt"),
            Contestant::HeraldUnenrolled => herald("unenrolled"),
            Contestant::GoogleCode => google("app"),
            Contestant::HeraldCode | Contestant::HeraldBroker => herald("herald"),
            Contestant::HeraldCatalogue => herald("catalogue"),
            Contestant::ExecCurl | Contestant::LightExecCurl => {
                format!("pam_exec.so quiet {folder}/{}", script_of(contestant))
            }
            Contestant::Curl | Contestant::LightCurl => "pam_deny.so".to_owned(),
        };
        format!("auth required {folder}/pam_set_items.so\nauth required {module}\n")
    }

    fn config(&self, state: &str, exempt: &str, unenrolled: &str, gateway: &str) -> String {
        let Self { folder, runtime, .. } = self;
        format!(
            "# As `herald gateway add telegram-bot` leaves it, with folders of its own.\n\
             language = \"en\"\n\n\
             [limits]\nsends = 1000\n\n\
             [delivery]\nca_file = \"{folder}/ca.pem\"\n\n\
             [paths]\nstate = \"{folder}/{state}\"\nruntime = \"{runtime}\"\n\
             deliver = \"{folder}/herald-deliver\"\n\n\
             [policy]\nunenrolled = \"{unenrolled}\"\nexempt = [{exempt}]\n\n\
             [[gateway]]\nname = \"own\"\n{gateway}\n"
        )
    }

    /// As short as such a script can be.
    fn script(&self, trust: &str) -> String {
        let arguments: Vec<String> =
            self.curl_arguments(trust).iter().map(|argument| format!("'{argument}'")).collect();
        format!("#!/bin/sh\n{} {}\n", self.curl(), arguments.join(" "))
    }

    /// Where curl is.
    pub(crate) fn curl(&self) -> &'static str {
        "/usr/bin/curl"
    }

    /// The same request as Herald's, with the same deadline. `trust` is `bundle.pem` for what Herald trusts, the
    /// system's certificates and the server's own authority, or `ca.pem` for the latter only.
    pub(crate) fn curl_arguments(&self, trust: &str) -> Vec<String> {
        let Self { folder, url, .. } = self;
        [
            "--disable",
            "--silent",
            "--fail",
            "--output",
            "/dev/null",
            "--max-time",
            "10",
            "--cacert",
            &format!("{folder}/{trust}"),
            "--header",
            "Content-Type: application/json",
            "--data-binary",
            &format!("@{folder}/message.json"),
            &format!("{url}/bot{TOKEN}/sendMessage"),
        ]
        .map(str::to_owned)
        .to_vec()
    }

    /// A login of this run's user.
    pub(crate) fn login(&self, contestant: Contestant, rhost: &str) -> Result<Login, Failure> {
        Login::new(&format!("{}/pam.d", self.folder), contestant.service(), USER, rhost)
    }

    /// Puts the file of pam_google_authenticator back, as its own program writes it when all questions are answered
    /// as it advises: else the next login in the same half minute would be refused.
    pub(crate) fn fresh_app(&self) -> Result<(), Failure> {
        let text = format!("{}\n\" RATE_LIMIT 3 30\n\" DISALLOW_REUSE\n\" TOTP_AUTH\n", AppOwner::SECRET);
        self.write("app", 0o600, &text)
    }

    /// Forgets the logins so far: a ledger remembers some thirty codes of the last hour, and few people log in as
    /// often as a benchmark.
    pub(crate) fn forget_logins(&self) -> Result<(), Failure> {
        match fs::remove_file(Path::new(&self.runtime).join("ledger").join(USER)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(format!("{}: {error}", self.runtime)),
            _ => Ok(()),
        }
    }

    fn write(&self, name: &str, mode: u32, text: &str) -> Result<(), Failure> {
        let path = self.file(name);
        fs::write(&path, text)
            .and_then(|()| fs::set_permissions(&path, Permissions::from_mode(mode)))
            .map_err(|error| format!("{}: {error}", path.display()))
    }
}

fn script_of(contestant: Contestant) -> String {
    format!("{}.sh", contestant.service())
}

/// What curl sends: as long as a message of Herald's.
fn message() -> String {
    format!(
        "{{\"chat_id\":{CHAT},\"link_preview_options\":{{\"is_disabled\":true}},\"parse_mode\":\"HTML\",\
         \"reply_markup\":{{\"inline_keyboard\":[[{{\"copy_text\":{{\"text\":\"000000\"}},\"text\":\"Copy code\"}}]]}},\
         \"text\":\"<code>000000</code>\\n\\nCode for root on bench (exec-curl), from 198.51.100.7. Good for 5 minutes. \
         Type it only at bench. Nobody will ask you for it. If this was not you, somebody knows your password: change \
         it.\"}}"
    )
}
