//! `[[gateway]]`: core knows its name, channel, driver and `insecure`; every other key belongs to the driver.

use crate::courier::Field;
use crate::document::{Problem, Section};
use std::path::{Path, PathBuf};

/// One configured gateway.
#[derive(Clone, Debug)]
pub struct Gateway {
    /// Its own name; the driver's by default.
    pub name: String,
    /// The channel it serves; the driver's by default.
    pub channel: String,
    /// Who speaks the service's API.
    pub driver: String,
    /// Whether `http://` to other hosts is allowed.
    pub insecure: bool,
    /// The driver's keys.
    pub fields: Vec<(String, GatewayField)>,
    /// Where an admin's own definition of the driver would be: `providers.d/DRIVER.toml` beside the configuration.
    pub definition: PathBuf,
    /// What is wrong with it: at a login such a gateway is passed over, loudly.
    pub problems: Vec<Problem>,
    /// Its line in the file.
    pub line: usize,
}

/// The value of a driver's key, or where it is read from.
#[derive(Clone, Debug, PartialEq)]
pub enum GatewayField {
    /// It stands in the file.
    Value(Field),
    /// `K_file`: it is the content of a file, less one trailing newline.
    File(PathBuf),
}

/// The channel that a driver serves where the gateway does not say. Everything that is not one of these sends SMS;
/// `command` may serve any channel and has none of its own.
pub fn channel_of_driver(driver: &str) -> Option<&'static str> {
    match driver {
        "telegram-bot" | "telegram-gateway" => Some("telegram"),
        "signal-cli" | "signal-cli-rest" | "signal-web-gateway" => Some("signal"),
        "whatsapp-business" | "gowhatsapp" => Some("whatsapp"),
        "prosody-rest" => Some("xmpp"),
        "smtp" => Some("email"),
        "command" => None,
        _ => Some("sms"),
    }
}

impl Gateway {
    pub(super) fn read(section: &mut Section<'_>, definitions: &Path) -> Self {
        let mut gateway = Self {
            name: String::new(),
            channel: String::new(),
            driver: String::new(),
            insecure: false,
            fields: Vec::new(),
            definition: PathBuf::new(),
            problems: Vec::new(),
            line: section.line(),
        };
        section.text("driver", &mut |text| plain_name(text, &mut gateway.driver));
        gateway.name.clone_from(&gateway.driver);
        section.text("name", &mut |text| plain_name(text, &mut gateway.name));
        section.text("channel", &mut |text| {
            plain_name(text, &mut gateway.channel)?;
            let offline = matches!(text, "totp" | "backup");
            if offline { Err("a channel that is delivered, like \"telegram\"".to_owned()) } else { Ok(()) }
        });
        section.flag("insecure", &mut gateway.insecure);
        if gateway.driver.is_empty() {
            section.complain("driver", "the name of a driver (herald gateway drivers)");
        } else if gateway.channel.is_empty() {
            match channel_of_driver(&gateway.driver) {
                Some(channel) => channel.clone_into(&mut gateway.channel),
                None => section.complain("channel", "needed with this driver: the channel that it serves"),
            }
        }
        gateway.definition = definitions.join(format!("{}.toml", gateway.driver));
        gateway.read_fields(section);
        gateway.problems = section.take_problems();
        gateway
    }

    fn read_fields(&mut self, section: &mut Section<'_>) {
        for (key, value) in section.scalars() {
            match (key.strip_suffix("_file"), value) {
                (Some(field), Field::Text(path)) if !field.is_empty() => {
                    if path.expose().starts_with('/') {
                        self.add(section, field, GatewayField::File(path.expose().into()));
                    } else {
                        section.complain(&key, "an absolute path");
                    }
                }
                (_, value) => self.add(section, &key, GatewayField::Value(value)),
            }
        }
    }

    fn add(&mut self, section: &mut Section<'_>, key: &str, field: GatewayField) {
        if self.fields.iter().any(|(known, _)| known == key) {
            section.complain(key, &format!("either `{key}` or `{key}_file`, not both"));
        } else {
            self.fields.push((key.to_owned(), field));
        }
    }
}

/// Names become file names and log values.
fn plain_name(text: &str, name: &mut String) -> Result<(), String> {
    let plain = (1..=64).contains(&text.len())
        && !text.starts_with('.')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    if plain {
        text.clone_into(name);
        Ok(())
    } else {
        Err("up to 64 of A-Z a-z 0-9 _ - .".to_owned())
    }
}
