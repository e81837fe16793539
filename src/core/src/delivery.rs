//! Handing a message to the network side: which gateways are tried for which addresses, and what came of it.

use crate::account::UserName;
use crate::address;
use crate::audit::{Audit, Line, Severity};
use crate::config::{Config, Delivery, Gateway, GatewayField, Problem};
use crate::courier::{self, Answer, Courier, CourierError, Definition, End, Field, Job, Message, Request, Tried, Try};
use crate::enrollment::Factor;
use crate::machine::{FileError, Files, Machine, Trust};
use crate::secret::Secret;
use crate::store::Store;
use std::path::Path;
use std::time::Duration;

/// The longest K_file, and the longest ca_file, in bytes.
const MAX_FIELD_FILE: usize = 64 * 1024;
const MAX_CA_FILE: usize = 512 * 1024;
/// The longest definition of a service, in bytes.
const MAX_DEFINITION: usize = 64 * 1024;
/// The longest time for which a gateway is left alone because it said so.
const LONGEST_RETRY: Duration = Duration::from_secs(60 * 60);

/// Everything that sending takes.
pub struct Sender<'a> {
    /// Clocks and files.
    pub machine: &'a dyn Machine,
    /// Retry times.
    pub store: &'a dyn Store,
    /// The way out.
    pub courier: &'a dyn Courier,
    /// The gateways.
    pub config: &'a Config,
    /// Deadline, proxy and certificates.
    pub delivery: &'a Delivery,
    /// Where lines go.
    pub audit: &'a dyn Audit,
}

/// What is tried for one message, in order.
pub struct Plan<'f> {
    tries: Vec<(&'f Factor, Try)>,
    gateways: Vec<courier::Gateway>,
    /// A gateway was passed over for a retry time or a bad field: then nothing is skipped (rule 5).
    passed_over: bool,
}

impl Plan<'_> {
    /// Whether nothing can even be tried.
    pub fn is_empty(&self) -> bool {
        self.tries.is_empty()
    }
}

/// What came of a plan.
pub struct Sent<'f> {
    /// Which factor and gateway took it, if any.
    pub delivered: Option<(&'f Factor, String)>,
    /// The channels that failed before, each once.
    pub failed: Vec<String>,
    /// Whether every gateway surely refused: the charge is given back (rule 11).
    pub surely_refused: bool,
    /// Whether this may count for `undelivered = "skip"` (rule 5).
    pub unreachable: bool,
    /// How long it took.
    pub took: Duration,
}

impl Sender<'_> {
    /// The gateways for these factors: every usable gateway of the first factor's channel in file order, then the
    /// next factor's. Gateways that asked to be left alone are passed over, and so, loudly, are those with a bad field.
    pub fn plan<'f>(&self, factors: &[&'f Factor]) -> Plan<'f> {
        let now = self.machine.clock().now();
        let mut plan = Plan { tries: Vec::new(), gateways: Vec::new(), passed_over: false };
        for factor in factors {
            let Some(address) = &factor.address else { continue };
            for gateway in self.config.gateways.iter().filter(|gateway| gateway.channel == factor.channel) {
                if let Ok(Some(until)) = self.store.retry_after(&gateway.name) {
                    if until > now {
                        plan.passed_over = true;
                        continue;
                    }
                }
                if plan.gateways.iter().all(|known| known.name != gateway.name) {
                    match resolve(gateway, self.machine.files()) {
                        Ok(resolved) => plan.gateways.push(resolved),
                        Err(problems) => {
                            plan.passed_over = true;
                            for problem in problems {
                                let line = Line::new("error").with("gateway", &gateway.name);
                                let text = format!("{}: {}", problem.key, problem.text);
                                self.audit.record(Severity::Error, line.because(text).as_str());
                            }
                            continue;
                        }
                    }
                }
                plan.tries.push((factor, Try { gateway: gateway.name.clone(), address: address.clone() }));
            }
        }
        plan
    }

    /// Sends one message along a plan, logs every try that failed, and remembers retry times.
    ///
    /// # Errors
    /// The network side did not do its part.
    pub fn send<'f>(&self, user: &UserName, plan: Plan<'f>, message: Message) -> Result<Sent<'f>, CourierError> {
        let begun = self.machine.clock().now();
        let line = Line::new("debug").with("user", user.as_str()).with("tries", plan.tries.len().to_string());
        self.audit.record(Severity::Debug, line.as_str());
        let job = Job::Send { tries: plan.tries.iter().map(|(_, one)| one.clone()).collect(), message };
        let Answer::Tries(tried) = self.courier.carry(&self.request(job, plan.gateways)?)? else {
            return Err(CourierError::Failed("herald-deliver gave another answer than was asked for".to_owned()));
        };
        let mut sent = Sent {
            delivered: None,
            failed: Vec::new(),
            surely_refused: tried.iter().all(|tried| tried.end.surely_refused()),
            unreachable: !plan.passed_over && only_unreachable(&tried),
            took: Duration::ZERO,
        };
        let mut rest = plan.tries.iter();
        for tried in &tried {
            // The answer holds the tries in the order of the request; some may be left out.
            let Some((factor, _)) = rest.by_ref().find(|(_, one)| one.gateway == tried.gateway) else {
                return Err(CourierError::Failed("herald-deliver told of a gateway that was not asked".to_owned()));
            };
            if tried.end == End::Delivered {
                sent.delivered = Some((*factor, tried.gateway.clone()));
            } else {
                self.note_failure(user, factor, tried);
                if !sent.failed.contains(&factor.channel) {
                    sent.failed.push(factor.channel.clone());
                }
            }
        }
        sent.took = self.machine.clock().now().since(begun);
        Ok(sent)
    }

    fn note_failure(&self, user: &UserName, factor: &Factor, tried: &Tried) {
        let (severity, end) = match tried.end {
            End::Configuration => (Severity::Error, "configuration"),
            End::Unreachable => (Severity::Warning, "unreachable"),
            End::TryAgain { .. } => (Severity::Warning, "try-again"),
            End::Unclear => (Severity::Warning, "unclear"),
            End::Permanent => (Severity::Warning, "permanent"),
            End::Delivered | End::PassedOver => (Severity::Debug, "passed-over"),
        };
        let line = Line::new("undelivered")
            .with("user", user.as_str())
            .with("channel", &factor.channel)
            .with("gateway", &tried.gateway)
            .with("to", address::masked(&factor.channel, factor.address.as_deref().unwrap_or_default()))
            .with("end", end)
            .with("took", format!("{}ms", tried.took.as_millis()))
            .because(&tried.detail);
        self.audit.record(severity, line.as_str());
        if let End::TryAgain { after: Some(after) } = tried.end {
            let until = self.machine.clock().now().plus(after.min(LONGEST_RETRY));
            if let Err(error) = self.store.set_retry_after(&tried.gateway, until) {
                let line = Line::new("error").with("gateway", &tried.gateway).because(error.to_string());
                self.audit.record(Severity::Warning, line.as_str());
            }
        }
    }

    /// A request with this sender's deadline, proxy and certificates.
    ///
    /// # Errors
    /// `ca_file` cannot be used.
    pub fn request(&self, job: Job, gateways: Vec<courier::Gateway>) -> Result<Request, CourierError> {
        let ca = match &self.delivery.ca_file {
            None => String::new(),
            Some(path) => {
                let text = self.machine.files().read(path, Trust::Public, MAX_CA_FILE);
                let text = text.map_err(|error| CourierError::NotStarted(format!("delivery.ca_file: {error}")))?;
                text.as_str().to_owned()
            }
        };
        let Delivery { deadline, proxy, .. } = self.delivery;
        Ok(Request { job, deadline: *deadline, proxy: proxy.clone(), ca, gateways })
    }
}

/// Rule 5: at least one try was made, and every one ended unreachable.
fn only_unreachable(tried: &[Tried]) -> bool {
    let mut made = tried.iter().filter(|tried| tried.end != End::PassedOver).peekable();
    made.peek().is_some() && made.all(|tried| tried.end == End::Unreachable)
}

/// A gateway with the contents of its K_files in place.
///
/// # Errors
/// What is wrong with its table or its files.
pub fn resolve(gateway: &Gateway, files: &dyn Files) -> Result<courier::Gateway, Vec<Problem>> {
    let mut problems = gateway.problems.clone();
    let mut fields = Vec::new();
    for (key, field) in &gateway.fields {
        match field {
            GatewayField::Value(value) => fields.push((key.clone(), value.clone())),
            GatewayField::File(path) => match files.read(path, Trust::Secret, MAX_FIELD_FILE) {
                Ok(text) => {
                    let line = text.strip_suffix('\n').unwrap_or(&text);
                    fields.push((key.clone(), Field::Text(Secret::from(line))));
                }
                Err(error) => problems.push(Problem::of_key(&format!("gateway.{key}_file"), error.to_string())),
            },
        }
    }
    let definition = definition(&gateway.definition, files).unwrap_or_else(|error| {
        problems.push(Problem::of_key("gateway.driver", error.to_string()));
        None
    });
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(courier::Gateway {
        name: gateway.name.clone(),
        channel: gateway.channel.clone(),
        driver: gateway.driver.clone(),
        insecure: gateway.insecure,
        fields,
        definition,
    })
}

/// The definition at this path, if an admin wrote one.
///
/// # Errors
/// It is there and cannot be used.
pub fn definition(path: &Path, files: &dyn Files) -> Result<Option<Definition>, FileError> {
    match files.read(path, Trust::Public, MAX_DEFINITION) {
        Ok(text) => Ok(Some(Definition { file: path.display().to_string(), text: text.as_str().to_owned() })),
        Err(FileError::Missing(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zeroize::Zeroizing;

    /// The folder `providers.d` with one file in it, which somebody else may write or not.
    struct Folder {
        trusted: bool,
    }

    impl Files for Folder {
        fn read(&self, path: &Path, trust: Trust, _limit: usize) -> Result<Zeroizing<String>, FileError> {
            assert_eq!(trust, Trust::Public);
            match path.to_str() {
                Some("/etc/herald/providers.d/ours.toml") if self.trusted => Ok(Zeroizing::new("[send]".to_owned())),
                Some("/etc/herald/providers.d/ours.toml") => Err(FileError::Untrusted("others may write it".into())),
                _ => Err(FileError::Missing(path.to_owned())),
            }
        }
    }

    fn resolved(driver: &str, trusted: bool) -> Result<Option<Definition>, Vec<Problem>> {
        let text = format!("[[gateway]]\ndriver = \"{driver}\"\n");
        let config = Config::parse(&text, Path::new("/etc/herald/herald.toml")).expect("a configuration");
        resolve(&config.gateways[0], &Folder { trusted }).map(|gateway| gateway.definition)
    }

    #[test]
    fn a_gateway_takes_along_what_an_admin_wrote_about_its_driver() {
        let ours = Definition { file: "/etc/herald/providers.d/ours.toml".into(), text: "[send]".into() };
        assert_eq!(resolved("ours", true), Ok(Some(ours)));
        assert_eq!(resolved("playsms", true), Ok(None));
    }

    #[test]
    fn rule_25_a_definition_that_others_may_write_is_not_used() {
        let problems = resolved("ours", false).expect_err("not to be trusted");
        assert_eq!(problems, [Problem::of_key("gateway.driver", "others may write it")]);
    }
}
