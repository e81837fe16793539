//! The four jobs, and how the time is shared out among tries.

use crate::cage::{self, Reach};
use crate::drivers::{self, Envelope, Unwell};
use crate::http::Client;
use crate::layout;
use crate::pulse::Pulse;
use crate::refusal::{Redaction, Refusal};
use herald_core::courier::{
    Answer, ChatSearch, Condition, Driver, End, Fault, Gateway, Job, Message, Request, Tried, Try,
};
use herald_core::secret::Secret;
use std::time::{Duration, Instant};

/// Less than this is no honest try. Where so many gateways are configured that their shares would be smaller, the
/// last ones are not asked.
const SHORTEST_SHARE: Duration = Duration::from_millis(500);

/// Does the job; everything of it before `end`.
pub(crate) fn run(request: &Request, end: Instant, pulse: &Pulse) -> Answer {
    let desk = Desk { request, client: Client::new(request), redaction: Redaction::of(request), end, pulse };
    match &request.job {
        Job::Describe(name) => Answer::Drivers(describe(name.as_deref(), &request.gateways)),
        Job::Check => Answer::Faults(desk.check()),
        Job::Status => Answer::Status(desk.status()),
        Job::FindChat { nonce, drop_pending } => Answer::Chat(desk.find_chat(nonce, *drop_pending)),
        Job::Send { tries, message } => Answer::Tries(desk.send(tries, message)),
    }
}

/// Those that are built in, and those of `gateways`, which an admin described.
fn describe(name: Option<&str>, gateways: &[Gateway]) -> Vec<Driver> {
    let described = gateways.iter().filter(|gateway| gateway.definition.is_some());
    let own: Vec<_> = described.filter_map(|gateway| drivers::of(gateway).ok()).collect();
    let hidden = |name: &str| own.iter().any(|driver| driver.name() == name);
    let built_in: Vec<_> = drivers::all().into_iter().filter(|driver| !hidden(driver.name())).collect();
    let wanted = built_in.iter().chain(&own).filter(|driver| name.is_none_or(|name| driver.name() == name));
    wanted
        .map(|driver| Driver {
            name: driver.name().to_owned(),
            channel: driver.channel().to_owned(),
            addresses: driver.addresses().into_iter().map(str::to_owned).collect(),
            fields: driver.fields(),
        })
        .collect()
}

/// What one job works with.
struct Desk<'a> {
    request: &'a Request,
    client: Client,
    redaction: Redaction,
    end: Instant,
    pulse: &'a Pulse,
}

impl Desk<'_> {
    /// Faults of `[delivery]` are told once, with the first gateway that they spoil.
    fn check(&self) -> Vec<Fault> {
        let first = self.request.gateways.first();
        let delivery = first.into_iter().flat_map(|gateway| {
            self.client.faults().into_iter().map(|(key, problem)| Fault {
                gateway: gateway.name.clone(),
                field: format!("delivery.{key}"),
                problem,
            })
        });
        let gateways = self.request.gateways.iter().flat_map(|gateway| match drivers::of(gateway) {
            Ok(driver) => driver.check(gateway),
            Err(problems) => problems
                .into_iter()
                .map(|problem| Fault { gateway: gateway.name.clone(), field: "driver".to_owned(), problem })
                .collect(),
        });
        delivery.chain(gateways).collect()
    }

    fn status(&self) -> Vec<Condition> {
        let gateways = &self.request.gateways;
        let asked = gateways.iter().enumerate().map(|(position, gateway)| {
            let started = Instant::now();
            let until = share(started, self.end, gateways.len().saturating_sub(position));
            let found = match (driver_of(gateway), until) {
                (Err(refusal), _) => Err(Unwell { refusal, mend: None }),
                (_, None) => Err(Unwell { refusal: no_time(), mend: None }),
                (Ok(driver), Some(until)) => {
                    let ask = || driver.status(gateway, &self.client, until);
                    self.alone_with(gateway, ask).unwrap_or_else(|refusal| Err(Unwell { refusal, mend: None }))
                }
            };
            let (ok, detail, mend) = match found {
                Ok(who) => (true, who, String::new()),
                Err(Unwell { refusal, mend }) => {
                    let mend = mend.unwrap_or_else(|| usual_mend(refusal.end, gateway));
                    (false, refusal.detail, mend)
                }
            };
            let detail = self.redaction.clean(&detail);
            Condition { gateway: gateway.name.clone(), ok, detail, mend, took: started.elapsed() }
        });
        asked.collect()
    }

    fn find_chat(&self, nonce: &Secret, drop_pending: bool) -> ChatSearch {
        let found = match self.request.gateways.first() {
            None => Err(Refusal::new(End::Configuration, "no gateway in the request")),
            Some(gateway) => driver_of(gateway)
                .and_then(|driver| driver.find_chat(gateway, nonce, drop_pending, &self.client, self.end)),
        };
        found.unwrap_or_else(|refusal| ChatSearch::Failed {
            end: refusal.end,
            detail: self.redaction.clean(&refusal.detail),
        })
    }

    /// Tries in order until one delivers. Nobody who cannot be reached on a channel is tried there again.
    fn send(&self, tries: &[Try], message: &Message) -> Vec<Tried> {
        let mut made = Vec::new();
        let mut closed_channels: Vec<&str> = Vec::new();
        for (position, one) in tries.iter().enumerate() {
            let gateway = self.request.gateways.iter().find(|gateway| gateway.name == one.gateway);
            let channel = gateway.map(|gateway| gateway.channel.as_str());
            if channel.is_some_and(|channel| closed_channels.contains(&channel)) {
                continue;
            }
            let started = Instant::now();
            let left = tries.len().saturating_sub(position);
            let (end, detail) = match self.try_one(one, gateway, message, share(started, self.end, left)) {
                // How much of an SMS it took: for those who test a gateway, and pay for it.
                Ok(()) if channel == Some("sms") => (End::Delivered, layout::sms(message).length.to_string()),
                Ok(()) => (End::Delivered, String::new()),
                Err(refusal) => (refusal.end, self.redaction.clean(&refusal.detail)),
            };
            made.push(Tried { gateway: one.gateway.clone(), end, detail, took: started.elapsed() });
            match end {
                End::Delivered => break,
                End::Permanent => closed_channels.extend(channel),
                _ => {}
            }
        }
        made
    }

    fn try_one(
        &self,
        one: &Try,
        gateway: Option<&Gateway>,
        message: &Message,
        until: Option<Instant>,
    ) -> Result<(), Refusal> {
        let gateway = gateway.ok_or_else(|| Refusal::new(End::Configuration, "no such gateway in the request"))?;
        let driver = driver_of(gateway)?;
        if !driver.takes(&one.address) {
            let forms = driver.addresses().join(" or ");
            return Err(Refusal::new(End::PassedOver, format!("{} takes a {forms} only", driver.name())));
        }
        let envelope = Envelope { address: &one.address, message };
        let until = until.ok_or_else(no_time)?;
        let sent = self.alone_with(gateway, || driver.send(gateway, &envelope, &self.client, until));
        sent.and_then(|sent| sent).map_err(|refusal| self.doubt(refusal))
    }

    /// Works for one gateway, out of reach of what only the others need.
    fn alone_with<T: Send>(&self, gateway: &Gateway, work: impl FnOnce() -> T + Send) -> Result<T, Refusal> {
        if self.request.gateways.len() == 1 {
            // The process itself can do no more.
            return Ok(work());
        }
        let no_thread = |_| Refusal::new(End::TryAgain { after: None }, "no thread is to be had");
        let narrowed = || {
            cage::close(&Reach::of_gateway(gateway, &self.request.proxy))
                .map_err(|error| Refusal::new(End::TryAgain { after: None }, error.to_string()))?;
            Ok(work())
        };
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new().name("gateway".to_owned());
            let worker = thread.spawn_scoped(scope, narrowed).map_err(no_thread)?;
            // A panic anywhere ends the process.
            worker.join().unwrap_or_else(|_| Err(no_time()))
        })
    }

    /// A process that was kept from running cannot say that a gateway is unreachable (rule 5).
    fn doubt(&self, refusal: Refusal) -> Refusal {
        if refusal.end == End::Unreachable && self.pulse.was_held_up(Instant::now()) {
            let detail = format!("{} (but this process was kept from running meanwhile)", refusal.detail);
            Refusal::new(End::TryAgain { after: None }, detail)
        } else {
            refusal
        }
    }
}

/// Until when the first of `tries` may take, so that each that follows has as much; `None` if there is no time left.
fn share(now: Instant, end: Instant, tries: usize) -> Option<Instant> {
    let left = end.saturating_duration_since(now);
    let equal = left / u32::try_from(tries.max(1)).unwrap_or(u32::MAX);
    let granted = equal.max(SHORTEST_SHARE).min(left);
    (!granted.is_zero()).then(|| now + granted)
}

/// Not tried, so surely not sent; and says nothing about the network.
fn no_time() -> Refusal {
    Refusal::new(End::TryAgain { after: None }, "no time was left before the deadline")
}

fn driver_of(gateway: &Gateway) -> Result<Box<dyn drivers::Driver>, Refusal> {
    drivers::of(gateway).map_err(|problems| Refusal::new(End::Configuration, problems.join("; ")))
}

fn usual_mend(end: End, gateway: &Gateway) -> String {
    match end {
        End::Unreachable => {
            "see that this machine reaches the network: name resolution, firewall, delivery.proxy".into()
        }
        End::TryAgain { after: Some(wait) } => format!("wait {} s, then ask again", wait.as_secs()),
        End::TryAgain { after: None } => {
            "see that the clock is right and ca-certificates is installed; a CA of your own goes into delivery.ca_file"
                .into()
        }
        End::Unclear => format!("see that the base URL of {} is that of its service, then ask again", gateway.name),
        End::Configuration => format!("herald gateway set {} KEY=VALUE, then herald config check", gateway.name),
        End::Delivered | End::Permanent | End::PassedOver => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use herald_core::courier::Field;

    fn request(job: Job, gateways: Vec<Gateway>) -> Request {
        Request { job, deadline: Duration::from_secs(10), proxy: String::new(), ca: String::new(), gateways }
    }

    fn gateway(name: &str, driver: &str, fields: &[(&str, &str)]) -> Gateway {
        Gateway {
            name: name.into(),
            channel: "telegram".into(),
            driver: driver.into(),
            insecure: false,
            fields: fields.iter().map(|(name, text)| ((*name).to_owned(), Field::Text((*text).into()))).collect(),
            definition: None,
        }
    }

    fn send(tries: &[(&str, &str)]) -> Job {
        Job::Send {
            tries: tries
                .iter()
                .map(|(gateway, to)| Try { gateway: (*gateway).into(), address: (*to).into() })
                .collect(),
            message: Message {
                code: Some("314159".into()),
                lifetime: Duration::from_secs(300),
                language: "en".into(),
                copy_label: "Copy".into(),
                parts: Vec::new(),
            },
        }
    }

    fn answer(request: &Request) -> Answer {
        run(request, Instant::now() + request.deadline, &Pulse::at(Instant::now()))
    }

    fn ends(request: &Request) -> Vec<(String, End)> {
        match answer(request) {
            Answer::Tries(tries) => tries.into_iter().map(|tried| (tried.gateway, tried.end)).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn one_deadline_is_shared_out_over_the_tries_that_are_left() {
        let now = Instant::now();
        let granted = |left: u64, tries| {
            share(now, now + Duration::from_millis(left), tries).map(|until| until.duration_since(now).as_millis())
        };
        assert_eq!(granted(10_000, 1), Some(10_000));
        assert_eq!(granted(10_000, 2), Some(5_000));
        assert_eq!(granted(9_900, 3), Some(3_300), "who came back early leaves the others more");
        assert_eq!(granted(2_000, 10), Some(500), "no share too small to be honest");
        assert_eq!(granted(300, 10), Some(300));
        assert_eq!(granted(0, 1), None);
    }

    #[test]
    fn rule_5_a_gateway_that_no_time_was_left_for_is_not_unreachable() {
        let request = request(
            send(&[("telegram", "475721977")]),
            vec![gateway("telegram", "telegram-bot", &[("token", "110000000:FAKE-TOKEN-OF-THE-UNIT-TESTS-ONLY")])],
        );
        let late = run(&request, Instant::now(), &Pulse::at(Instant::now()));
        assert!(matches!(&late, Answer::Tries(tries) if tries[0].end == End::TryAgain { after: None }), "{late:?}");
    }

    #[test]
    fn rule_5_a_process_that_stood_still_calls_nobody_unreachable() {
        let request = request(Job::Check, Vec::new());
        for (pause, end) in [(100, End::Unreachable), (900, End::TryAgain { after: None })] {
            let desk = Desk {
                request: &request,
                client: Client::new(&request),
                redaction: Redaction::of(&request),
                end: Instant::now(),
                pulse: &Pulse::at(Instant::now() - Duration::from_millis(pause)),
            };
            assert_eq!(desk.doubt(Refusal::new(End::Unreachable, "timed out")).end, end);
            assert_eq!(desk.doubt(Refusal::new(End::Permanent, "blocked")).end, End::Permanent);
        }
    }

    #[test]
    fn an_address_of_another_form_is_passed_over() {
        let request = request(
            send(&[("telegram", "+81312345678")]),
            vec![gateway("telegram", "telegram-bot", &[("token", "110000000:FAKE-TOKEN-OF-THE-UNIT-TESTS-ONLY")])],
        );
        assert_eq!(ends(&request), [("telegram".into(), End::PassedOver)]);
    }

    #[test]
    fn bad_gateways_are_configuration_and_the_next_is_tried() {
        let request = request(
            send(&[("gone", "1"), ("typo", "1"), ("bad", "1")]),
            vec![gateway("typo", "telegram-bto", &[]), gateway("bad", "telegram-bot", &[("token", "x")])],
        );
        let configuration = |name: &str| (name.to_owned(), End::Configuration);
        assert_eq!(ends(&request), [configuration("gone"), configuration("typo"), configuration("bad")]);
    }

    #[test]
    fn check_names_every_fault_and_touches_no_network() {
        let mut request = request(
            Job::Check,
            vec![
                gateway("good", "telegram-bot", &[("token", "110000000:FAKE-TOKEN-OF-THE-UNIT-TESTS-ONLY")]),
                gateway("typo", "telegram-bto", &[]),
                gateway("bad", "telegram-bot", &[("url", "x")]),
            ],
        );
        request.proxy = "gopher://127.0.0.1".into();
        request.ca = "not PEM".into();
        let Answer::Faults(faults) = answer(&request) else { panic!("faults") };
        let named: Vec<(&str, &str)> =
            faults.iter().map(|fault| (fault.gateway.as_str(), fault.field.as_str())).collect();
        assert_eq!(
            named,
            [
                ("good", "delivery.proxy"),
                ("good", "delivery.ca_file"),
                ("typo", "driver"),
                ("bad", "url"),
                ("bad", "token")
            ]
        );
    }

    #[test]
    fn describe_gives_one_or_all_or_none() {
        assert_eq!(describe(None, &[]).len(), drivers::all().len());
        let one = describe(Some("telegram-bot"), &[]);
        assert_eq!((one.len(), one[0].channel.as_str(), one[0].addresses[0].as_str()), (1, "telegram", "chat-id"));
        assert!(one[0].fields.iter().any(|field| field.name == "token" && field.secret && field.required));
        assert_eq!(describe(Some("pigeon-post"), &[]), []);
    }
}
