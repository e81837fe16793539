//! `herald language`: in which language somebody is spoken to.

use crate::call::Call;
use crate::command::Language;
use crate::error::Error;
use crate::output::{Changed, Report};
use herald_core::phrases::LANGUAGES;
use serde_json::json;

/// The word for whatever `herald.toml` says.
const CONFIGURED: &str = "default";

pub(crate) fn run(call: &Call, command: &Language) -> Result<Report, Error> {
    let installation = call.installation()?;
    let user = call.user_or_trace(&command.whom, &installation)?;
    let code = command.code.as_str();
    let known = LANGUAGES.iter().find(|known| known.eq_ignore_ascii_case(code)).copied();
    if known.is_none() && code != CONFIGURED {
        let known = [("languages", &*LANGUAGES.join(", ")), ("default", CONFIGURED)];
        let problem = call.voice.word(|texts| texts.no_such_language);
        return Err(Error::Usage(problem, call.voice.say(|texts| texts.known_languages, &known)));
    }
    installation.store.prepare()?;
    let changed = installation.registrar(call).speak(&user, known).map_err(|error| Error::Registrar {
        user: user.to_string(),
        what: String::new(),
        error,
    })?;
    let language = known.unwrap_or(CONFIGURED);
    let mut text = match known {
        Some(language) => call.voice.say(|texts| texts.speaks, &[("user", user.as_str()), ("language", language)]),
        None => call.voice.say(|texts| texts.speaks_configured, &[("user", user.as_str())]),
    };
    if !changed {
        text.push_str(&call.voice.word(|texts| texts.nothing_changed));
    }
    Ok(Report::new(&Changed::new(changed, json!({"user": user.as_str(), "language": language})), text))
}
