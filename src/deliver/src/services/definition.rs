//! A service as its definition describes it (docs/sms-services.md).

use super::request::{Auth, Request};
use super::template::Slot;
use super::verdict::{Answers, Success};
use herald_core::courier::FieldHelp;
use regex_lite::Regex;

/// A whole definition, checked.
#[derive(Clone, Debug)]
pub(super) struct Definition {
    /// The driver's name: that of the file.
    pub(super) name: String,
    /// Where its facts come from; "unverified" where nobody has seen the service do so. For readers of the file.
    #[cfg_attr(not(test), expect(dead_code, reason = "definitions must say it, nothing shows it yet"))]
    pub(super) source: String,
    pub(super) channel: String,
    pub(super) addresses: Vec<String>,
    /// The most digits of a code that the service takes.
    pub(super) longest_code: Option<usize>,
    pub(super) base: BaseField,
    pub(super) fields: Vec<FieldRule>,
    /// Of these groups of fields one must be given whole; empty if there is no choice.
    pub(super) needs: Vec<Vec<String>>,
    pub(super) auth: Auth,
    pub(super) send: Request,
    pub(super) success: Success,
    pub(super) answers: Answers,
    pub(super) status: Option<Question>,
}

/// The field of the base URL.
#[derive(Clone, Debug)]
pub(super) struct BaseField {
    pub(super) name: String,
    /// Without one the admin must give it.
    pub(super) default: Option<String>,
    pub(super) help: String,
}

/// A field that the admin gives.
#[derive(Clone, Debug, Default)]
pub(super) struct FieldRule {
    pub(super) name: String,
    pub(super) secret: bool,
    pub(super) required: bool,
    pub(super) default: Option<String>,
    /// What a value must look like.
    pub(super) pattern: Option<Regex>,
    pub(super) help: String,
}

/// Something harmless that proves URL and credentials.
#[derive(Clone, Debug)]
pub(super) struct Question {
    pub(super) request: Request,
    pub(super) success: Success,
    /// `balance {/balance}`: what is told of the answer.
    pub(super) says: String,
}

impl Definition {
    /// Whether only the code goes out, in a text that the service has.
    pub(super) fn is_code_only(&self) -> bool {
        self.send.has(&Slot::Code) && !self.send.has(&Slot::Text)
    }

    /// The keys of its `[[gateway]]` table.
    pub(super) fn field_helps(&self) -> Vec<FieldHelp> {
        let base = FieldHelp {
            name: self.base.name.clone(),
            secret: false,
            required: self.base.default.is_none(),
            help: match &self.base.default {
                Some(default) => format!("{}; default {default}", self.base.help),
                None => self.base.help.clone(),
            },
        };
        let own = self.fields.iter().map(|field| FieldHelp {
            name: field.name.clone(),
            secret: field.secret,
            required: field.required,
            help: match &field.default {
                Some(default) => format!("{}; default {default}", field.help),
                None => field.help.clone(),
            },
        });
        if base.required { std::iter::once(base).chain(own).collect() } else { own.chain([base]).collect() }
    }
}
