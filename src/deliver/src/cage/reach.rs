//! What of the machine and the network a request needs: all that the cage leaves open.

use crate::drivers;
use herald_core::courier::{Field, Gateway, Job, Request};
use reqwest::Url;
use std::path::PathBuf;

/// Where DNS is asked when its answer does not fit a datagram (RFC 7766).
const DNS: u16 = 53;

/// What stays open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reach {
    /// TCP ports of services. Where there is one, names can be looked up and certificates read.
    pub(crate) ports: Vec<u16>,
    /// UNIX sockets of daemons on this machine.
    pub(crate) sockets: Vec<PathBuf>,
    /// Folders into which files are put.
    pub(crate) outboxes: Vec<PathBuf>,
}

impl Reach {
    /// Of a whole request. Describing and checking touch nothing.
    pub(crate) fn of(request: &Request) -> Self {
        match request.job {
            Job::Describe(_) | Job::Check => Self::default(),
            Job::Status | Job::FindChat { .. } | Job::Send { .. } => {
                let each = request.gateways.iter().map(|gateway| Self::of_gateway(gateway, &request.proxy));
                each.fold(Self::default(), Self::and)
            }
        }
    }

    /// Of one gateway, through this proxy.
    pub(crate) fn of_gateway(gateway: &Gateway, proxy: &str) -> Self {
        let Ok(driver) = drivers::of(gateway) else { return Self::default() };
        let mut reach = driver.reach(gateway);
        if !reach.ports.is_empty() {
            reach.ports.push(DNS);
            reach.ports.extend(port_of_proxy(proxy));
        }
        reach
    }

    /// Of a service that is spoken to over HTTP at the URLs of its fields, or else at its own.
    pub(crate) fn web(gateway: &Gateway) -> Self {
        let texts = gateway.fields.iter().filter_map(|(_, field)| match field {
            Field::Text(text) => Some(text.expose()),
            Field::Integer(_) | Field::Flag(_) => None,
        });
        let ports: Vec<u16> = texts.filter_map(port_of_url).collect();
        Self::tcp(if ports.is_empty() { vec![443] } else { ports })
    }

    /// Of services at these TCP ports.
    pub(crate) fn tcp(ports: impl Into<Vec<u16>>) -> Self {
        Self { ports: ports.into(), ..Self::default() }
    }

    /// Of a daemon behind this socket.
    pub(crate) fn socket(path: impl Into<PathBuf>) -> Self {
        Self { sockets: vec![path.into()], ..Self::default() }
    }

    /// Of a daemon that takes what is put into this folder.
    pub(crate) fn outbox(path: impl Into<PathBuf>) -> Self {
        Self { outboxes: vec![path.into()], ..Self::default() }
    }

    fn and(mut self, other: Self) -> Self {
        self.ports.extend(other.ports);
        self.sockets.extend(other.sockets);
        self.outboxes.extend(other.outboxes);
        self
    }
}

fn port_of_url(text: &str) -> Option<u16> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    url.port_or_known_default()
}

/// The scheme's own port where none is named, as the client has it.
fn port_of_proxy(proxy: &str) -> Option<u16> {
    let url = Url::parse(proxy).ok()?;
    let usual = if url.scheme().starts_with("socks") { 1080 } else { 80 };
    Some(url.port_or_known_default().unwrap_or(usual))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn gateway(driver: &str, fields: &[(&str, &str)]) -> Gateway {
        Gateway {
            name: "one".into(),
            channel: "sms".into(),
            driver: driver.into(),
            insecure: true,
            fields: fields.iter().map(|(name, text)| ((*name).into(), Field::Text((*text).into()))).collect(),
            definition: None,
        }
    }

    fn of(driver: &str, fields: &[(&str, &str)]) -> Reach {
        Reach::of_gateway(&gateway(driver, fields), "")
    }

    #[test]
    fn rule_23_every_driver_reaches_its_own_service_and_nothing_else() {
        for (driver, fields, reach) in [
            ("telegram-bot", vec![], Reach::tcp([443, 53])),
            ("telegram-bot", vec![("api_url", "http://127.0.0.1:8081")], Reach::tcp([8081, 53])),
            ("clicksend", vec![("user", "a"), ("key", "FAKE")], Reach::tcp([443, 53])),
            (
                "playsms",
                vec![("url", "https://sms.example.org:8443/index.php"), ("user", "a"), ("token", "FAKE")],
                Reach::tcp([8443, 53]),
            ),
            ("playsms", vec![("url", "https://sms.example.org:8443/index.php")], Reach::default()),
            ("huawei-e3531", vec![], Reach::tcp([80, 53])),
            ("ovh", vec![("endpoint", "ovh-ca")], Reach::tcp([443, 53])),
            ("signal-cli", vec![("url", "http://127.0.0.1:8080")], Reach::tcp([8080, 53])),
            ("signal-cli", vec![("url", "tcp://127.0.0.1:7583")], Reach::tcp([7583, 53])),
            ("signal-cli", vec![("url", "unix:/run/signal-cli/socket")], Reach::socket("/run/signal-cli/socket")),
            ("modemmanager", vec![], Reach::socket("/run/dbus/system_bus_socket")),
            ("gammu-smsd", vec![("outbox", "/var/spool/gammu/outbox/")], Reach::outbox("/var/spool/gammu/outbox")),
            ("smtp", vec![("host", "smtp.example.org"), ("from", "herald@example.org")], Reach::tcp([587, 53])),
            ("command", vec![("program", "/usr/local/bin/page")], Reach::default()),
            ("no-such-driver", vec![], Reach::default()),
        ] {
            assert_eq!(of(driver, &fields), reach, "{driver} {fields:?}");
        }
    }

    #[test]
    fn a_proxy_is_reached_where_a_service_is() {
        let telegram = gateway("telegram-bot", &[]);
        for (proxy, port) in [
            ("http://127.0.0.1:3128", 3128),
            ("http://proxy.example.org", 80),
            ("socks5://127.0.0.1", 1080),
            ("socks5h://127.0.0.1:9050", 9050),
        ] {
            assert_eq!(Reach::of_gateway(&telegram, proxy), Reach::tcp([443, 53, port]), "{proxy}");
        }
        assert_eq!(Reach::of_gateway(&gateway("command", &[]), "http://127.0.0.1:3128"), Reach::default());
    }

    #[test]
    fn rule_24_a_request_reaches_what_its_gateways_reach_and_a_check_nothing() {
        let gateways = vec![gateway("telegram-bot", &[]), gateway("modemmanager", &[])];
        let request = |job| Request {
            job,
            deadline: Duration::from_secs(10),
            proxy: String::new(),
            ca: String::new(),
            gateways: gateways.clone(),
        };
        let both = Reach { ports: vec![443, 53], ..Reach::socket("/run/dbus/system_bus_socket") };
        assert_eq!(Reach::of(&request(Job::Status)), both);
        assert_eq!(Reach::of(&request(Job::Check)), Reach::default());
        assert_eq!(Reach::of(&request(Job::Describe(None))), Reach::default());
    }
}
