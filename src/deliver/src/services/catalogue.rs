//! The services that are built in: one short file each, of which a send reads the one that it needs.

macro_rules! catalogue {
    ($($name:literal),* $(,)?) => {
        /// Name and text of every definition, in alphabetical order.
        pub(super) const CATALOGUE: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../catalogue/", $name, ".toml")))),*];
    };
}

catalogue![
    "bird",
    "cegedim-vortext",
    "clickatell-central",
    "clickatell-platform",
    "clicksend",
    "clockwork",
    "ecall",
    "gowhatsapp",
    "kannel",
    "messagebird",
    "playsms",
    "prosody-rest",
    "puzzel",
    "serwersms",
    "seven",
    "sipgate",
    "smsapi",
    "smsglobal",
    "spryng",
    "telegram-gateway",
    "twilio",
    "voipbuster",
    "voipms",
    "vonage",
    "websms",
    "whatsapp-business",
];

/// The text of the definition of that name.
pub(super) fn text_of(name: &str) -> Option<&'static str> {
    CATALOGUE.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}
