//! `herald gateway remove`.

use crate::call::Call;
use crate::edit::{self, ConfigFile};
use crate::error::Error;
use crate::output::{Changed, Report};
use serde_json::json;

pub(super) fn run(call: &Call, name: &str) -> Result<Report, Error> {
    let file = ConfigFile::open(call)?;
    let Some(position) = file.position(name) else {
        let text = format!("There is no gateway {name}.");
        return Ok(Report::new(&Changed::new(false, json!({"name": name})), text));
    };
    let text = edit::remove(file.text(), position).map_err(|why| file.not_editable(why))?;
    let channel = file.config.gateways.get(position).map(|gateway| gateway.channel.clone()).unwrap_or_default();
    let left = file.read_back(&text)?.gateways_of(&channel).next().is_some();
    file.write(&text)?;
    let alone = if left { String::new() } else { format!(" Nothing carries codes by {channel} now.") };
    Ok(Report::new(&Changed::new(true, json!({"name": name})), format!("{name} is removed.{alone}")))
}
