//! `smtp`: a mail through a submission server (RFC 6409), with STARTTLS or TLS and a login.
//!
//! lettre writes the mail and knows the protocol; [`smtp_conversation`](super::smtp_conversation) holds it to time and size.
//! `delivery.proxy` is not used.

use super::apart::{Progress, apart, late};
use super::fields::{Fields, optional, refusal, required, secret};
use super::smtp_conversation::{Broken, Conversation};
use super::socket::tcp_refusal;
use super::{Driver, Envelope, Unwell};
use crate::cage::Reach;
use crate::http::{Client, chain, distrust, is_loopback_name};
use crate::layout;
use crate::refusal::Refusal;
use herald_core::address::Form;
use herald_core::courier::{End, Fault, FieldHelp, Gateway};
use herald_core::secret::Secret;
use lettre::Address;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message as Mail};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Noop, Rcpt};
use rustls::ClientConfig;
use std::io;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The driver.
pub(crate) struct Smtp;

const LONGEST_TEXT: usize = 4096;
const WHOM: &str = "the mail server";
const SECURITIES: [&str; 3] = ["starttls", "tls", "none"];

impl Driver for Smtp {
    fn name(&self) -> &str {
        "smtp"
    }

    fn channel(&self) -> &str {
        "email"
    }

    fn addresses(&self) -> Vec<&str> {
        vec!["email"]
    }

    fn fields(&self) -> Vec<FieldHelp> {
        vec![
            required("host", "the name of your provider's outgoing mail server (SMTP), like smtp.example.org"),
            required("from", "the address that the mails come from, like \"Herald <herald@example.org>\""),
            optional(
                "security",
                "\"starttls\" (the default, port 587), \"tls\" (from the first byte, port 465) or \"none\" (port 25, for a \
                 mail server on this machine)",
            ),
            optional("port", "the server's port, if it is another"),
            optional("user", "the user name of the mail account, often the whole address"),
            secret(optional(
                "password",
                "the password of the mail account; many providers want an app password, made in the account's security \
                 settings. The connection does not go through delivery.proxy",
            )),
        ]
    }

    fn takes(&self, address: &str) -> bool {
        Form::Email.normalise(address).as_deref() == Some(address) && address.parse::<Address>().is_ok()
    }

    fn check(&self, gateway: &Gateway) -> Vec<Fault> {
        Server::of(gateway).err().unwrap_or_default()
    }

    fn reach(&self, gateway: &Gateway) -> Reach {
        Server::of(gateway).map(|server| Reach::tcp([server.port])).unwrap_or_default()
    }

    fn send(&self, gateway: &Gateway, envelope: &Envelope<'_>, client: &Client, until: Instant) -> Result<(), Refusal> {
        let server = Server::of(gateway).map_err(|faults| refusal(&faults))?;
        let to: Address = envelope
            .address
            .parse()
            .map_err(|_| Refusal::new(End::PassedOver, "the address is no mail address that can be sent to"))?;
        let mail = mail(&server.from, &to, envelope)?;
        let tls = server.tls(client)?;
        apart(until, WHOM, move |progress| {
            let conversation = server.connect(tls, until)?;
            server.hand_over(conversation, to, &mail, progress)
        })
    }

    fn status(&self, gateway: &Gateway, client: &Client, until: Instant) -> Result<String, Unwell> {
        let plain = |refusal| Unwell { refusal, mend: None };
        let server = Server::of(gateway).map_err(|faults| plain(refusal(&faults)))?;
        let tls = server.tls(client).map_err(plain)?;
        let name = gateway.name.clone();
        let asked = apart(until, WHOM, move |_| {
            let mut conversation = server.connect(tls, until)?;
            conversation.say(Noop).map_err(|error| Step::Sender.refusal(&server.host, &error))?;
            Ok(match &server.login {
                Some((user, _)) => format!("{}, logged in as {user}", server.host),
                None => format!("{}, without a login", server.host),
            })
        });
        asked.map_err(|refusal| {
            let login = refusal.end == End::Configuration && refusal.detail.contains("login");
            let mend = login.then(|| format!("herald gateway set {name} user=… password=-"));
            Unwell { refusal, mend }
        })
    }
}

/// A gateway of this driver whose fields are in order.
struct Server {
    host: String,
    port: u16,
    security: &'static str,
    from: Mailbox,
    login: Option<(String, Secret)>,
}

impl Server {
    fn of(gateway: &Gateway) -> Result<Self, Vec<Fault>> {
        let mut fields = Fields::open(&Smtp, gateway);
        let host = fields.text("host").map(|host| host.expose().trim_matches(['[', ']']).to_owned());
        if host.as_ref().is_some_and(|host| rustls::pki_types::ServerName::try_from(host.as_str()).is_err()) {
            fields.complain("host", "the name or address of a host is accepted, without port and smtp://".to_owned());
        }
        let from = fields.text("from").and_then(|from| from.expose().parse::<Mailbox>().ok());
        if from.is_none() && gateway.fields.iter().any(|(name, _)| name == "from") {
            fields.complain("from", "a mail address is accepted, like \"Herald <herald@example.org>\"".to_owned());
        }
        let security = fields.word("security", &SECURITIES);
        let local = host.as_deref().is_some_and(is_loopback_name);
        if security == Some("none") && !local && !fields.insecure() {
            fields.complain(
                "security",
                "\"none\" is accepted for loopback addresses only, unless insecure = true lets everybody on the way read \
                 the codes"
                    .to_owned(),
            );
        }
        let usual = match security {
            Some("tls") => 465,
            Some("none") => 25,
            _ => 587,
        };
        let port = fields.integer("port", 1..=65535).and_then(|port| u16::try_from(port).ok()).unwrap_or(usual);
        let login = fields.login("user", "password");
        let read = host.zip(from).zip(security);
        fields.close(read.map(|((host, from), security)| Self { host, port, security, from, login }))
    }

    /// `None` where nothing is encrypted.
    fn tls(&self, client: &Client) -> Result<Option<ClientConfig>, Refusal> {
        if self.security == "none" { Ok(None) } else { client.tls().map(Some) }
    }

    /// Connects, encrypts, logs in.
    fn connect(&self, tls: Option<ClientConfig>, until: Instant) -> Result<Conversation, Refusal> {
        let told = |step: Step| move |error: Broken| step.refusal(&self.host, &error);
        let (at_once, later) = if self.security == "tls" { (tls, None) } else { (None, tls) };
        let mut conversation =
            Conversation::begin(&self.host, self.port, at_once, until)?.map_err(told(Step::Connect))?;
        if let Some(tls) = later {
            conversation = conversation.encrypt(&self.host, tls).map_err(told(Step::Connect))?;
        }
        self.log_in(&mut conversation)?;
        Ok(conversation)
    }

    fn log_in(&self, conversation: &mut Conversation) -> Result<(), Refusal> {
        let Some((user, password)) = &self.login else { return Ok(()) };
        let credentials = Credentials::new(user.clone(), password.expose().to_owned());
        conversation.log_in(&credentials).map_err(|error| Step::Login.refusal(&self.host, &error))
    }

    fn hand_over(
        &self,
        mut conversation: Conversation,
        to: Address,
        mail: &[u8],
        progress: &Progress,
    ) -> Result<(), Refusal> {
        let told = |step: Step| move |error: Broken| step.refusal(&self.host, &error);
        let sender = MailFrom::new(Some(self.from.email.clone()), Vec::new());
        conversation.say(sender).map_err(told(Step::Sender))?;
        conversation.say(Rcpt::new(to, Vec::new())).map_err(told(Step::Recipient))?;
        conversation.say(Data).map_err(told(Step::Data))?;
        if !progress.begin_message() {
            return Err(late(WHOM));
        }
        // It is delivered; nothing that QUIT may bring would change that.
        conversation.mail(mail).map(drop).map_err(told(Step::Message))
    }
}

/// A mail over a line that is connected already.
#[cfg(any(test, fuzzing))]
pub(crate) fn over(line: super::socket::Line, gateway: &Gateway, envelope: &Envelope<'_>) -> Result<(), Refusal> {
    let server = Server::of(gateway).map_err(|faults| refusal(&faults))?;
    let to: Address = envelope.address.parse().map_err(|_| Refusal::new(End::PassedOver, "no mail address"))?;
    let mail = mail(&server.from, &to, envelope)?;
    let begun = Conversation::over(line);
    let mut conversation = begun.map_err(|error| Step::Connect.refusal(&server.host, &error))?;
    server.log_in(&mut conversation)?;
    server.hand_over(conversation, to, &mail, &Progress::default())
}

/// `Auto-Submitted: auto-generated` (RFC 3834): nobody's holiday notice shall answer.
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// The whole mail. Subjects end up in the logs of mail servers, so the code is not in it.
fn mail(from: &Mailbox, to: &Address, envelope: &Envelope<'_>) -> Result<Vec<u8>, Refusal> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let id = format!("<{}.{}@{}>", now.as_nanos(), std::process::id(), from.email.domain());
    let text = layout::plain(envelope.message, LONGEST_TEXT).replace('\n', "\r\n");
    Mail::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to.clone()))
        .subject(layout::subject(envelope.message))
        .message_id(Some(id))
        .header(AutoSubmitted)
        .header(ContentType::TEXT_PLAIN)
        .body(format!("{text}\r\n"))
        .map(|mail| mail.formatted())
        .map_err(|_| Refusal::new(End::Configuration, "the mail could not be written: see `from`"))
}

/// Where in the conversation something went wrong: the same number means something else at each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Connect,
    Login,
    Sender,
    Recipient,
    Data,
    Message,
}

impl Step {
    fn refusal(self, host: &str, error: &Broken) -> Refusal {
        let again = End::TryAgain { after: None };
        match error {
            Broken::Refused { transient, code, words } => {
                let end = if *transient { again } else { self.end(*code, words) };
                Refusal::new(end, format!("{}{code} {words}", if self == Self::Login { "login: " } else { "" }))
            }
            Broken::NoStarttls => Refusal::new(
                End::Configuration,
                format!("{host} offers no STARTTLS: set security = \"tls\" and its port"),
            ),
            Broken::NoLogin => {
                Refusal::new(End::Configuration, format!("{host} offers no way to log in that we know (PLAIN, LOGIN)"))
            }
            Broken::Nonsense | Broken::Lost(_) if self == Self::Message => {
                Refusal::new(End::Unclear, format!("the mail went out, and {host} did not say that it took it"))
            }
            Broken::Nonsense => Refusal::new(again, format!("{host} does not talk like a mail server")),
            Broken::Lost(error) => {
                let broke_off = || Refusal::new(again, format!("{host} broke off the conversation; nothing was sent"));
                let network = (self == Self::Connect).then(|| of_the_network(host, error));
                network.flatten().unwrap_or_else(broke_off)
            }
        }
    }

    /// What a refusal for good (5yz, RFC 5321 §4.2.1, RFC 3463) is about.
    fn end(self, code: u16, words: &str) -> End {
        // 5.7.x: a matter of permissions, like a relay that does not know us.
        let of_policy = matches!(code, 530 | 535) || words.starts_with("5.7.");
        if self == Self::Recipient && !of_policy { End::Permanent } else { End::Configuration }
    }
}

/// What the network did, if it was the network: told by the types of errors.
fn of_the_network(host: &str, error: &io::Error) -> Option<Refusal> {
    let again = End::TryAgain { after: None };
    let tls = chain(error).find_map(|cause| cause.downcast_ref::<rustls::Error>());
    if let Some(tls) = tls {
        return Some(match tls {
            rustls::Error::InvalidCertificate(reason) => Refusal::new(again, distrust(reason, host)),
            rustls::Error::NoCertificatesPresented => Refusal::new(again, format!("{host} shows no certificate")),
            _ => Refusal::new(End::Unreachable, format!("the TLS handshake with {host} failed")),
        });
    }
    match error.kind() {
        // Connected, and then it said nothing.
        io::ErrorKind::WouldBlock => None,
        io::ErrorKind::TimedOut => Some(tcp_refusal(host, error)),
        _ if error.raw_os_error().is_some() => Some(tcp_refusal(host, error)),
        _ => None,
    }
}

#[cfg(test)]
#[path = "smtp_tests.rs"]
mod tests;
