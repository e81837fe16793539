//! Enrolling Telegram without numbers: a link that the person opens and presses START behind.

use crate::account::hex;
use crate::courier::{Answer, ChatSearch, Condition, Gateway, Job};
use crate::delivery::{Sender, resolve};
use crate::registrar::RegistrarError;
use crate::secret::Secret;
use std::time::Duration;

/// The driver whose bots can be written to by a link.
const DRIVER: &str = "telegram-bot";
/// How long a link is worth waiting for.
pub const LINK_LIFETIME: Duration = Duration::from_secs(5 * 60);

/// A link for one person, good for one enrollment.
pub struct Link {
    /// The bot's name, with its `@`.
    pub bot: String,
    /// What the person opens.
    pub url: Secret,
    gateway: Gateway,
    nonce: Secret,
}

/// A new link to the first usable bot of the configuration: `None` if there is none. The nonce has 128 random bits.
///
/// # Errors
/// The bot cannot be asked who it is.
pub fn new_link(sender: &Sender<'_>) -> Result<Option<Link>, RegistrarError> {
    let bots = sender.config.gateways.iter().filter(|gateway| gateway.driver == DRIVER && gateway.problems.is_empty());
    let Some(gateway) = bots.filter_map(|bot| resolve(bot, sender.machine.files()).ok()).next() else {
        return Ok(None);
    };
    let condition = match ask(sender, Job::Status, &gateway)? {
        Answer::Status(conditions) => conditions.into_iter().next(),
        _ => None,
    };
    let bot = match condition {
        Some(Condition { ok: true, detail, .. }) => detail,
        Some(Condition { detail, .. }) => return Err(RegistrarError::Link(detail)),
        None => return Err(RegistrarError::Link("the bot's name is not known".to_owned())),
    };
    let mut bytes = [0u8; 16];
    sender.machine.randomness().fill(&mut bytes).map_err(RegistrarError::Link)?;
    let nonce = hex(&bytes);
    let url = Secret::new(format!("https://t.me/{}?start={nonce}", bot.trim_start_matches('@')));
    Ok(Some(Link { bot, url, gateway, nonce: Secret::new(nonce) }))
}

/// Looks once for the person behind a link. With `drop_pending`, what others wrote to the bot is forgotten first.
///
/// # Errors
/// The network side did not do its part.
pub fn look(sender: &Sender<'_>, link: &Link, drop_pending: bool) -> Result<ChatSearch, RegistrarError> {
    match ask(sender, Job::FindChat { nonce: link.nonce.clone(), drop_pending }, &link.gateway)? {
        Answer::Chat(search) => Ok(search),
        _ => Err(RegistrarError::Link("herald-deliver gave another answer than was asked for".to_owned())),
    }
}

fn ask(sender: &Sender<'_>, job: Job, gateway: &Gateway) -> Result<Answer, RegistrarError> {
    let request = sender.request(job, vec![gateway.clone()]).map_err(RegistrarError::Courier)?;
    sender.courier.carry(&request).map_err(RegistrarError::Courier)
}
