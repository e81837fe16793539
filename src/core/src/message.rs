//! What reaches the phone (interface §5): composed here in the user's language, laid out by each driver.

use crate::account::UserName;
use crate::courier::{Message, Part, Topic};
use crate::phrases::Phrases;
use crate::secret::Secret;
use crate::text::{display_line, remote_host};
use std::time::Duration;

/// What a message says about a login.
#[derive(Clone, Debug)]
pub struct About<'a> {
    /// The machine's name.
    pub host: &'a str,
    /// The PAM service.
    pub service: &'a str,
    /// Whose factor is asked for.
    pub user: &'a UserName,
    /// Who asks, where the host says so and it is another.
    pub by: &'a str,
    /// PAM_RHOST.
    pub rhost: &'a str,
}

/// The message that carries a code.
pub fn code_message(phrases: &Phrases, about: &About<'_>, code: &Secret, lifetime: Duration) -> Message {
    let host = display_line(about.host, 64);
    let user = display_line(about.user.as_str(), 64);
    let by = display_line(about.by, 64);
    let by = (!by.is_empty() && by != user).then_some(by);
    let mut parts = vec![
        Part { topic: Topic::Host, text: phrases.message_host(&host) },
        Part { topic: Topic::Service, text: phrases.message_service(&display_line(about.service, 64)) },
        Part { topic: Topic::User, text: phrases.message_user(&user, by.as_deref()) },
    ];
    if let Some(rhost) = remote_host(about.rhost) {
        parts.push(Part { topic: Topic::Origin, text: phrases.message_origin(&rhost) });
    }
    parts.push(Part { topic: Topic::Lifetime, text: phrases.message_lifetime(lifetime) });
    parts.push(Part { topic: Topic::Warning, text: phrases.message_warning(&host) });
    parts.push(Part { topic: Topic::Advice, text: phrases.message_advice() });
    Message {
        code: Some(code.clone()),
        lifetime,
        language: phrases.language().to_owned(),
        copy_label: phrases.copy_code(),
        parts,
    }
}

/// A message without a code.
pub fn notice(phrases: &Phrases, text: String) -> Message {
    Message {
        code: None,
        lifetime: Duration::ZERO,
        language: phrases.language().to_owned(),
        copy_label: String::new(),
        parts: vec![Part { topic: Topic::Notice, text }],
    }
}
