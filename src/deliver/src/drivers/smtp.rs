//! `smtp`: a mail through a submission server (RFC 6409), with STARTTLS or TLS and a login.
//!
//! lettre speaks the protocol, blocking and without a deadline of its own for all of it, so that it runs in a thread that
//! may be left behind: the process ends soon. `delivery.proxy` is not used.

use super::apart::{apart, late};
use super::fields::{Fields, optional, refusal, required, secret};
use super::socket::{resolve, tcp_refusal};
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
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{Certificate, CertificateStore, SmtpConnection, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail as MailFrom, Noop, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use rustls::RootCertStore;
use std::error::Error as _;
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
            let mut connection = server.connect(tls.as_ref(), until)?;
            let mut say = |command: &dyn std::fmt::Display, step: Step| {
                within(&mut connection, until)?;
                connection.command(command).map_err(|error| step.refusal(&server.host, &error))
            };
            say(&MailFrom::new(Some(server.from.email.clone()), Vec::new()), Step::Sender)?;
            say(&Rcpt::new(to, Vec::new()), Step::Recipient)?;
            say(&Data, Step::Data)?;
            within(&mut connection, until)?;
            if !progress.begin_message() {
                return Err(late(WHOM));
            }
            connection.message(&mail).map_err(|error| Step::Message.refusal(&server.host, &error))?;
            // It is delivered; nothing that QUIT may bring would change that.
            Ok(())
        })
    }

    fn status(&self, gateway: &Gateway, client: &Client, until: Instant) -> Result<String, Unwell> {
        let plain = |refusal| Unwell { refusal, mend: None };
        let server = Server::of(gateway).map_err(|faults| plain(refusal(&faults)))?;
        let tls = server.tls(client).map_err(plain)?;
        let name = gateway.name.clone();
        let asked = apart(until, WHOM, move |_| {
            let mut connection = server.connect(tls.as_ref(), until)?;
            within(&mut connection, until)?;
            connection.command(Noop).map_err(|error| Step::Sender.refusal(&server.host, &error))?;
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

    /// What lettre needs for TLS: our own idea of whom to trust.
    fn tls(&self, client: &Client) -> Result<Option<TlsParameters>, Refusal> {
        if self.security == "none" {
            return Ok(None);
        }
        let unusable = |_| Refusal::new(End::Configuration, "TLS could not be set up");
        let mut builder = TlsParameters::builder(self.host.clone()).certificate_store(CertificateStore::None);
        for certificate in client.certificates()? {
            // lettre gives up at the first that it cannot read, and a system's bundle may hold one.
            if RootCertStore::empty().add(certificate.clone()).is_ok() {
                builder = builder.add_root_certificate(Certificate::from_der(certificate.to_vec()).map_err(unusable)?);
            }
        }
        builder.build().map(Some).map_err(unusable)
    }

    /// Connects, encrypts, logs in.
    fn connect(&self, tls: Option<&TlsParameters>, until: Instant) -> Result<SmtpConnection, Refusal> {
        let hello = ClientId::default();
        let addresses = resolve(&self.host, self.port, until)?;
        // After an error lettre says QUIT and waits for the answer, as long again: what went wrong must still be told.
        let left = until.saturating_duration_since(Instant::now()) * 9 / 20;
        let from_the_start = tls.filter(|_| self.security == "tls");
        let mut connection = SmtpConnection::connect(addresses.as_slice(), Some(left), &hello, from_the_start, None)
            .map_err(|error| Step::Connect.refusal(&self.host, &error))?;
        if let (Some(tls), "starttls") = (tls, self.security) {
            if !connection.can_starttls() {
                let detail = format!("{} offers no STARTTLS: set security = \"tls\" and its port", self.host);
                return Err(Refusal::new(End::Configuration, detail));
            }
            within(&mut connection, until)?;
            connection.starttls(tls, &hello).map_err(|error| Step::Connect.refusal(&self.host, &error))?;
        }
        if let Some((user, password)) = &self.login {
            within(&mut connection, until)?;
            let credentials = Credentials::new(user.clone(), password.expose().to_owned());
            connection
                .auth(&[Mechanism::Plain, Mechanism::Login], &credentials)
                .map_err(|error| Step::Login.refusal(&self.host, &error))?;
        }
        Ok(connection)
    }
}

fn within(connection: &mut SmtpConnection, until: Instant) -> Result<(), Refusal> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() || connection.set_timeout(Some(left * 9 / 20)).is_err() {
        return Err(late(WHOM));
    }
    Ok(())
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
    fn refusal(self, host: &str, error: &Error) -> Refusal {
        let again = End::TryAgain { after: None };
        if error.is_transient() || error.is_permanent() {
            let words = error.source().map(ToString::to_string).unwrap_or_default();
            let code = error.status().map(u16::from).unwrap_or_default();
            let end = if error.is_transient() { again } else { self.end(code, &words) };
            return Refusal::new(end, format!("{}{code} {words}", if self == Self::Login { "login: " } else { "" }));
        }
        if error.is_client() && self == Self::Login {
            let detail = format!("{host} offers no way to log in that we know (PLAIN, LOGIN)");
            return Refusal::new(End::Configuration, detail);
        }
        match (self, of_the_network(host, error)) {
            (Self::Connect, Some(refusal)) => refusal,
            (Self::Message, _) => {
                Refusal::new(End::Unclear, format!("the mail went out, and {host} did not say that it took it"))
            }
            _ => Refusal::new(again, format!("{host} broke off the conversation; nothing was sent")),
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
fn of_the_network(host: &str, error: &Error) -> Option<Refusal> {
    let again = End::TryAgain { after: None };
    for cause in chain(error) {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return Some(match tls {
                rustls::Error::InvalidCertificate(reason) => Refusal::new(again, distrust(reason, host)),
                rustls::Error::NoCertificatesPresented => Refusal::new(again, format!("{host} shows no certificate")),
                _ => Refusal::new(End::Unreachable, format!("the TLS handshake with {host} failed")),
            });
        }
    }
    let io = chain(error).find_map(|cause| cause.downcast_ref::<std::io::Error>())?;
    match io.kind() {
        // Connected, and then it said nothing.
        std::io::ErrorKind::WouldBlock => None,
        std::io::ErrorKind::TimedOut => Some(tcp_refusal(host, io)),
        _ if io.raw_os_error().is_some() => Some(tcp_refusal(host, io)),
        _ => None,
    }
}

#[cfg(test)]
#[path = "smtp_tests.rs"]
mod tests;
