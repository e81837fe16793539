//! The driver of every service that is described by a definition.

use super::definition::Definition;
use super::template::Values;
use super::verdict::{judge, told_of};
use crate::cage::Reach;
use crate::drivers::fields::{Fields, refusal};
use crate::drivers::{Driver, Envelope, Unwell};
use crate::http::{Base, Client};
use crate::layout;
use crate::refusal::Refusal;
use herald_core::address::Form;
use herald_core::courier::{End, Fault, FieldHelp, Gateway};
use herald_core::secret::Secret;
use std::time::{Duration, Instant};

/// What `herald gateway status` says where a service has nothing harmless to be asked.
const UNASKED: &str = "cannot be checked without sending";

/// What messengers take, in UTF-16 units.
const LONGEST_TEXT: usize = 4000;

/// A driver that is data.
pub(crate) struct ServiceDriver {
    definition: Definition,
}

/// A gateway of such a driver whose fields are in order.
struct Account {
    base: Base,
    fields: Vec<(String, Secret)>,
}

impl ServiceDriver {
    pub(super) fn new(definition: Definition) -> Self {
        Self { definition }
    }

    /// Where its facts come from.
    #[cfg(test)]
    pub(super) fn source(&self) -> &str {
        &self.definition.source
    }

    fn account(&self, gateway: &Gateway) -> Result<Account, Vec<Fault>> {
        let definition = &self.definition;
        let mut fields = Fields::open(self, gateway);
        let base = fields.base(&definition.base.name, definition.base.default.as_deref().unwrap_or_default());
        let mut values = Vec::new();
        for rule in &definition.fields {
            let given = fields.scalar(&rule.name);
            let Some(value) = given.or_else(|| rule.default.as_deref().map(Secret::from)) else { continue };
            if rule.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(value.expose())) {
                fields.complain(&rule.name, format!("looks like something else: {}", rule.help));
            }
            values.push((rule.name.clone(), value));
        }
        let given = |group: &Vec<String>| group.iter().all(|name| values.iter().any(|(known, _)| known == name));
        if !definition.needs.is_empty() && !definition.needs.iter().any(given) {
            let groups: Vec<String> = definition.needs.iter().map(|group| group.join(" and ")).collect();
            let first = definition.needs.iter().flatten().next().map(String::as_str).unwrap_or_default();
            fields.complain(first, format!("missing: give {}", groups.join(", or ")));
        }
        let serves = &definition.channel;
        if serves != "sms" && gateway.channel == "sms" {
            fields.complain("channel", format!("channel = \"{serves}\" is what this driver serves"));
        }
        fields.close(base.map(|base| Account { base, fields: values }))
    }
}

impl Driver for ServiceDriver {
    fn name(&self) -> &str {
        &self.definition.name
    }

    fn channel(&self) -> &str {
        &self.definition.channel
    }

    fn addresses(&self) -> Vec<&str> {
        self.definition.addresses.iter().map(String::as_str).collect()
    }

    fn fields(&self) -> Vec<FieldHelp> {
        self.definition.field_helps()
    }

    fn takes(&self, address: &str) -> bool {
        let forms = self.definition.addresses.iter().filter_map(|name| Form::of_name(name));
        forms.into_iter().any(|form| form.normalise(address).as_deref() == Some(address))
    }

    fn check(&self, gateway: &Gateway) -> Vec<Fault> {
        self.account(gateway).err().unwrap_or_default()
    }

    fn reach(&self, gateway: &Gateway) -> Reach {
        self.account(gateway).map(|account| Reach::tcp([account.base.port()])).unwrap_or_default()
    }

    fn send(&self, gateway: &Gateway, envelope: &Envelope<'_>, client: &Client, until: Instant) -> Result<(), Refusal> {
        let definition = &self.definition;
        let account = self.account(gateway).map_err(|faults| refusal(&faults))?;
        let message = envelope.message;
        let code = message.code.as_ref().map(Secret::expose);
        if definition.is_code_only() {
            let Some(code) = code else {
                return Err(Refusal::new(End::PassedOver, format!("{} carries codes only", definition.name)));
            };
            if definition.longest_code.is_some_and(|longest| code.len() > longest) {
                let detail = format!("{} takes shorter codes than code.digits says", definition.name);
                return Err(Refusal::new(End::Configuration, detail));
            }
        }
        let sms = layout::sms(message);
        // Only an SMS has to fit into one.
        let long = (definition.channel != "sms").then(|| layout::plain(message, LONGEST_TEXT));
        let values = Values {
            address: envelope.address,
            text: long.as_deref().unwrap_or(&sms.text),
            code,
            lifetime: message.lifetime,
            fields: &account.fields,
        };
        let call = definition.send.call(&account.base, &definition.auth, &values, sms.is_unicode())?;
        judge(&client.exchange(call, until)?, &definition.success, &definition.answers)
    }

    fn status(&self, gateway: &Gateway, client: &Client, until: Instant) -> Result<String, Unwell> {
        let unwell = |refusal| Unwell { mend: None, refusal };
        let definition = &self.definition;
        let account = self.account(gateway).map_err(|faults| unwell(refusal(&faults)))?;
        let question = definition.status.as_ref().filter(|question| question.request.is_answerable(&account.fields));
        let Some(question) = question else { return Ok(UNASKED.to_owned()) };
        let values = Values { address: "", text: "", code: None, lifetime: Duration::ZERO, fields: &account.fields };
        let call = question.request.call(&account.base, &definition.auth, &values, false).map_err(unwell)?;
        let reply = client.exchange(call, until).map_err(unwell)?;
        judge(&reply, &question.success, &definition.answers).map_err(unwell)?;
        Ok(told_of(&question.says, &reply))
    }
}
