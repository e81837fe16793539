//! `herald.toml`: what it may say, its defaults, and what is wrong with it (interface §2).

mod duration;
mod gateway;
mod network;

pub use crate::document::{Problem, Section, Tree, read_document};
pub use duration::{format_duration, parse_duration};
pub use gateway::{Gateway, GatewayField, channel_of_driver};
pub use network::Network;

use crate::clock::Timestamp;
use crate::document::quoted;
use crate::phrases;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the configuration is unless `config=PATH` or `--config PATH` says otherwise.
pub const DEFAULT_PATH: &str = "/etc/herald/herald.toml";

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// A whole `herald.toml`, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Language of prompts and messages; a user's own choice wins.
    pub language: Option<String>,
    /// ISO 3166 code whose national numbers are accepted; empty for none.
    pub default_country: String,
    /// What holds where no service says otherwise.
    pub rules: Rules,
    /// What holds for one PAM service, whole.
    pub services: Vec<(String, Rules)>,
    /// Where things are.
    pub paths: Paths,
    /// In file order: the first of a channel is tried first.
    pub gateways: Vec<Gateway>,
    /// Where admins put services of their own: the folder `providers.d` beside the file.
    pub definitions: PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self::at(Path::new(DEFAULT_PATH))
    }
}

/// The tables that a service may override.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rules {
    /// `[code]`
    pub code: CodeRules,
    /// `[limits]`
    pub limits: Limits,
    /// `[delivery]`
    pub delivery: Delivery,
    /// `[policy]`
    pub policy: Policy,
}

/// `[code]`: what a code is like.
#[derive(Clone, Debug, PartialEq)]
pub struct CodeRules {
    /// How many digits: 6 to 10.
    pub digits: u32,
    /// How long it is good: 30 s to 1 h.
    pub lifetime: Duration,
    /// How many wrong answers end it: 1 to 10.
    pub attempts: u32,
}

impl Default for CodeRules {
    fn default() -> Self {
        Self { digits: 6, lifetime: 5 * MINUTE, attempts: 3 }
    }
}

/// `[limits]`: what guessing and sending cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Wrong answers in a row that lock the user: 3 to 100.
    pub failures: u32,
    /// The first lock: 1 min to 24 h.
    pub lockout: Duration,
    /// Codes sent in vain within the window: 1 to 1000.
    pub sends: u32,
    /// 1 min to 24 h.
    pub window: Duration,
    /// How soon `r` sends again: 0 s to 10 min.
    pub resend_after: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { failures: 5, lockout: 10 * MINUTE, sends: 5, window: 15 * MINUTE, resend_after: 30 * SECOND }
    }
}

/// `[delivery]`: how a message leaves the machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Delivery {
    /// For everything together: 2 s to 60 s.
    pub deadline: Duration,
    /// `http://…` or `socks5://…`; empty for none.
    pub proxy: String,
    /// Extra trusted CA certificates, PEM.
    pub ca_file: Option<PathBuf>,
}

impl Default for Delivery {
    fn default() -> Self {
        Self { deadline: 10 * SECOND, proxy: String::new(), ca_file: None }
    }
}

/// Where the network side is. A distribution without `/usr/libexec` says where else when it builds Herald.
pub const DELIVER: &str = match option_env!("HERALD_DELIVER_PATH") {
    Some(path) => path,
    None => "/usr/libexec/herald/herald-deliver",
};

/// `[paths]`
#[derive(Clone, Debug, PartialEq)]
pub struct Paths {
    /// Enrollments: `/var/lib/herald`.
    pub state: PathBuf,
    /// Ledgers, the key: `/run/herald`.
    pub runtime: PathBuf,
    /// The network side: [`DELIVER`].
    pub deliver: PathBuf,
}

impl Default for Paths {
    fn default() -> Self {
        Self { state: "/var/lib/herald".into(), runtime: "/run/herald".into(), deliver: DELIVER.into() }
    }
}

/// `[policy]`: who is asked, and what happens when asking is not possible.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// A user without an active factor.
    pub unenrolled: Unenrolled,
    /// With `unenrolled = "enroll"`: who has not enrolled yet is let in, with a notice, until this day begins (UTC).
    pub enroll_until: Option<Timestamp>,
    /// Every gateway unreachable and no offline factor (rule 5).
    pub undelivered: Undelivered,
    /// Users, and `@groups`, that are never asked.
    pub exempt: Vec<String>,
    /// Peers that are never asked (rule 6).
    pub exempt_networks: Vec<Network>,
    /// Services whose PAM_RHOST is a peer's address.
    pub remote_services: Vec<String>,
    /// Send to a remote peer without evidence of a first factor (rule 9).
    pub code_alone: bool,
    /// For how long after a success the same user is not asked again by the same service at the same place: 0 s, which
    /// is never, to 30 days.
    pub remember: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            unenrolled: Unenrolled::Refuse,
            enroll_until: None,
            undelivered: Undelivered::Refuse,
            exempt: Vec::new(),
            exempt_networks: Vec::new(),
            remote_services: vec!["sshd".to_owned()],
            code_alone: false,
            remember: Duration::ZERO,
        }
    }
}

/// What happens to a user without an active factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unenrolled {
    /// PAM_PERM_DENIED, and a line that says how to enroll.
    Refuse,
    /// Not asked.
    Skip,
    /// Enrolled inside the login.
    Enroll,
}

impl Unenrolled {
    /// The words of the configuration and of the module argument.
    pub(crate) const WORDS: [(&'static str, Self); 3] =
        [("refuse", Self::Refuse), ("skip", Self::Skip), ("enroll", Self::Enroll)];
}

/// What happens when nothing can be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Undelivered {
    /// The login fails.
    Refuse,
    /// Not asked, under the conditions of rule 5.
    Skip,
}

/// A configuration that cannot be used: everything that is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// The file.
    pub file: PathBuf,
    /// At least one.
    pub problems: Vec<Problem>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, problem) in self.problems.iter().enumerate() {
            if position > 0 {
                formatter.write_str("\n")?;
            }
            write!(formatter, "{}{problem}", self.file.display())?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

impl Config {
    /// Reads the text of a configuration file. What is wrong inside a `[[gateway]]` disables that gateway only and
    /// is found in [`Gateway::problems`]; everything else is strict.
    ///
    /// # Errors
    /// Everything that is wrong, each with its line and key.
    pub fn parse(text: &str, file: &Path) -> Result<Self, ConfigError> {
        let mut config = Self::at(file);
        let problems = read_document(text, |root| config.read(root));
        if problems.is_empty() { Ok(config) } else { Err(ConfigError { file: file.to_owned(), problems }) }
    }

    /// The defaults, for a file of this path.
    fn at(file: &Path) -> Self {
        Self {
            language: None,
            default_country: String::new(),
            rules: Rules::default(),
            services: Vec::new(),
            paths: Paths::default(),
            gateways: Vec::new(),
            definitions: file.with_file_name("providers.d"),
        }
    }

    fn read(&mut self, root: &mut Section<'_>) {
        root.text("language", &mut |text| {
            let known = phrases::LANGUAGES.contains(&text);
            if known {
                self.language = Some(text.to_owned());
            }
            known.then_some(()).ok_or_else(|| format!("one of {}", quoted(phrases::LANGUAGES)))
        });
        root.text("default_country", &mut |text| {
            let country = text.is_empty() || (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase()));
            self.default_country = text.to_owned();
            country.then_some(()).ok_or_else(|| "a country code of two capital letters, like \"JP\"".to_owned())
        });
        root.table("paths", &mut |section| self.paths.read(section));
        self.rules.read(root);
        let base = &self.rules;
        let services = &mut self.services;
        root.tables("service", &mut |name, section| {
            let mut rules = base.clone();
            rules.read(section);
            if rules.limits.failures > base.limits.failures {
                let accepted =
                    format!("at most {}, as in [limits]: a service may only tighten it", base.limits.failures);
                section.complain("limits.failures", &accepted);
            }
            services.push((name.to_owned(), rules));
        });
        let definitions = &self.definitions;
        root.list_of_tables("gateway", &mut |section| self.gateways.push(Gateway::read(section, definitions)));
        for (position, gateway) in self.gateways.iter().enumerate() {
            if self.gateways.iter().take(position).any(|other| other.name == gateway.name) {
                root.complain_at(
                    gateway.line,
                    "gateway.name",
                    &format!("\"{}\" is already the name of another gateway: give each its own `name`", gateway.name),
                );
            }
        }
    }

    /// What holds for one PAM service.
    pub fn for_service(&self, service: &str) -> &Rules {
        let own = self.services.iter().find(|(name, _)| name == service);
        own.map_or(&self.rules, |(_, rules)| rules)
    }

    /// The gateways of a channel that can be used, in file order.
    pub fn gateways_of<'a>(&'a self, channel: &'a str) -> impl Iterator<Item = &'a Gateway> {
        self.gateways.iter().filter(move |gateway| gateway.channel == channel && gateway.problems.is_empty())
    }

    /// The channels that gateways serve, each once, in file order.
    pub fn channels(&self) -> Vec<&str> {
        let mut channels: Vec<&str> = Vec::new();
        for gateway in &self.gateways {
            if !channels.contains(&gateway.channel.as_str()) {
                channels.push(&gateway.channel);
            }
        }
        channels
    }
}

impl Rules {
    fn read(&mut self, section: &mut Section<'_>) {
        section.table("code", &mut |section| {
            section.integer("digits", 6..=10, &mut self.code.digits);
            section.duration("lifetime", 30 * SECOND..=HOUR, &mut self.code.lifetime);
            section.integer("attempts", 1..=10, &mut self.code.attempts);
        });
        section.table("limits", &mut |section| {
            section.integer("failures", 3..=100, &mut self.limits.failures);
            section.duration("lockout", MINUTE..=24 * HOUR, &mut self.limits.lockout);
            section.integer("sends", 1..=1000, &mut self.limits.sends);
            section.duration("window", MINUTE..=24 * HOUR, &mut self.limits.window);
            section.duration("resend_after", Duration::ZERO..=10 * MINUTE, &mut self.limits.resend_after);
        });
        section.table("delivery", &mut |section| self.delivery.read(section));
        section.table("policy", &mut |section| self.policy.read(section));
    }
}

impl Delivery {
    fn read(&mut self, section: &mut Section<'_>) {
        section.duration("deadline", 2 * SECOND..=60 * SECOND, &mut self.deadline);
        section.text("proxy", &mut |text| {
            self.proxy = text.to_owned();
            let known = text.is_empty() || text.starts_with("http://") || text.starts_with("socks5://");
            known.then_some(()).ok_or_else(|| "\"http://…\", \"socks5://…\" or \"\"".to_owned())
        });
        section.text("ca_file", &mut |text| {
            self.ca_file = (!text.is_empty()).then(|| PathBuf::from(text));
            let usable = text.is_empty() || text.starts_with('/');
            usable.then_some(()).ok_or_else(|| "an absolute path".to_owned())
        });
    }
}

impl Paths {
    fn read(&mut self, section: &mut Section<'_>) {
        for (key, path) in [("state", &mut self.state), ("runtime", &mut self.runtime), ("deliver", &mut self.deliver)]
        {
            section.text(key, &mut |text| {
                *path = PathBuf::from(text);
                text.starts_with('/').then_some(()).ok_or_else(|| "an absolute path".to_owned())
            });
        }
    }
}

impl Policy {
    fn read(&mut self, section: &mut Section<'_>) {
        section.word("unenrolled", &Unenrolled::WORDS, &mut self.unenrolled);
        section.date("enroll_until", &mut self.enroll_until);
        let words = [("refuse", Undelivered::Refuse), ("skip", Undelivered::Skip)];
        section.word("undelivered", &words, &mut self.undelivered);
        section.list("exempt", &mut self.exempt, |text| {
            let name = text.strip_prefix('@').unwrap_or(text);
            (!name.is_empty()).then(|| text.to_owned()).ok_or_else(|| "user names and \"@group\" names".to_owned())
        });
        section.list("exempt_networks", &mut self.exempt_networks, Network::parse);
        section.list("remote_services", &mut self.remote_services, |text| {
            (!text.is_empty()).then(|| text.to_owned()).ok_or_else(|| "names of PAM services".to_owned())
        });
        section.flag("code_alone", &mut self.code_alone);
        section.duration("remember", Duration::ZERO..=30 * 24 * HOUR, &mut self.remember);
    }
}

#[cfg(test)]
mod tests;
