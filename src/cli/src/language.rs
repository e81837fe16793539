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
        let known = LANGUAGES.join(", ");
        return Err(Error::Usage("there is no such language".to_owned(), format!("one of {known}, or {CONFIGURED}")));
    }
    installation.store.prepare()?;
    let changed = installation.registrar(call).speak(&user, known).map_err(|error| Error::Registrar {
        user: user.to_string(),
        what: String::new(),
        error,
        said: None,
    })?;
    let language = known.unwrap_or(CONFIGURED);
    let already = if changed { "" } else { " already" };
    let text = match known {
        Some(language) => format!("{user} is spoken to in {language}{already}."),
        None => format!("{user} is spoken to as herald.toml says{already}."),
    };
    Ok(Report::new(&Changed::new(changed, json!({"user": user.as_str(), "language": language})), text))
}
