//! Telegram without numbers: a link and a QR code, and whoever presses START behind it.
//!
//! Each second herald-deliver looks once, and confirms nothing: what others wrote to the bot stays. Until START is seen
//! nothing is written, so Ctrl-C leaves nothing behind.

use super::Desk;
use crate::error::{self, Error};
use crate::output::BOLD;
use crate::phrases::Texts;
use crate::qr;
use herald_core::address::masked;
use herald_core::courier::{ChatSearch, CourierError, End};
use herald_core::link::{LINK_LIFETIME, Link, look, new_link};
use herald_core::registrar::RegistrarError;
use herald_core::text::display_line;
use herald_sys::hangup;
use std::thread;
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);
/// From so many updates on, those of others hide ours.
const MOST_UPDATES: u32 = 100;

/// The chat of the person who pressed START.
pub(super) fn chat(desk: &Desk<'_>) -> Result<String, Error> {
    let registrar = desk.installation.registrar(desk.call);
    let sender = registrar.sender();
    let link = new_link(&sender).map_err(|error| desk.failed(error))?;
    let link = link.ok_or_else(|| desk.failed(RegistrarError::NoGateway(desk.channel.clone())))?;
    let mut waiting = Waiting { desk, link, trouble: None, until: Instant::now() + LINK_LIFETIME };
    // Before the link is shown: what is forgotten now cannot be our START.
    waiting.look(desk.command.drop_pending)?;
    waiting.show();
    let found = waiting.wait();
    if waiting.counts_down() {
        desk.terminal.show_here(None);
    }
    found
}

struct Waiting<'a> {
    desk: &'a Desk<'a>,
    link: Link,
    /// Why START cannot be seen, as it was said last.
    trouble: Option<(String, String)>,
    until: Instant,
}

impl Waiting<'_> {
    fn show(&self) {
        let Desk { call, terminal, command, .. } = self.desk;
        let Link { bot, url, .. } = &self.link;
        let url = url.expose();
        let drawn = qr::drawn(url, command.qr, terminal);
        let open = |texts: &Texts| if drawn.is_some() { texts.open_or_scan } else { texts.open_the_link };
        terminal.show(&call.voice.say(open, &[("bot", &display_line(bot, 64))]));
        terminal.show(&format!("\n  {BOLD}{url}{BOLD:#}\n"));
        if let Some(drawn) = drawn {
            terminal.show(&format!("{drawn}\n"));
        }
        if !self.counts_down() {
            let most = call.voice.phrases().time(LINK_LIFETIME);
            terminal.show(&call.voice.say(|texts| texts.waiting, &[("time", &most)]));
        }
    }

    fn counts_down(&self) -> bool {
        self.desk.terminal.is_screen()
    }

    fn wait(&mut self) -> Result<String, Error> {
        let Desk { call, terminal, .. } = self.desk;
        let voice = &call.voice;
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let otherwise = (voice.word(|texts| texts.nobody_pressed), voice.word(|texts| texts.same_again));
                let (problem, mend) = self.trouble.take().unwrap_or(otherwise);
                return Err(Error::NoStart(problem, mend));
            }
            if self.counts_down() {
                let seconds = left.as_secs();
                let time = format!("{}:{:02}", seconds / 60, seconds % 60);
                terminal.show_here(Some(&voice.say(|texts| texts.countdown, &[("time", &time)])));
            }
            let next = Instant::now() + SECOND;
            if let Some((address, name)) = self.look(false)? {
                if self.counts_down() {
                    terminal.show_here(None);
                }
                let (name, to) = (display_line(&name, 128), masked(&self.desk.channel, &address));
                terminal.show(&voice.say(|texts| texts.start_came, &[("name", &name), ("to", &to)]));
                return Ok(address);
            }
            hangup::waiting(|| thread::sleep(next.saturating_duration_since(Instant::now()).min(left)));
        }
    }

    /// One look. What passes is told once and tried again.
    fn look(&mut self, drop_pending: bool) -> Result<Option<(String, String)>, Error> {
        let registrar = self.desk.installation.registrar(self.desk.call);
        match look(&registrar.sender(), &self.link, drop_pending) {
            Ok(ChatSearch::Found { address, name }) => return Ok(Some((address, name))),
            Ok(ChatSearch::NotYet { others }) if others >= MOST_UPDATES => self.uncover(others)?,
            Ok(ChatSearch::NotYet { .. }) => self.trouble = None,
            Ok(ChatSearch::Taken(why)) => self.tell(self.taken(&why)),
            Ok(ChatSearch::Failed { end: End::Configuration | End::Permanent, detail }) => {
                return Err(self.desk.failed(RegistrarError::Link(detail)));
            }
            Ok(ChatSearch::Failed { detail, .. }) => {
                let voice = &self.desk.call.voice;
                let problem = voice.say(|texts| texts.bot_unreachable, &[("detail", &detail)]);
                self.tell((problem, voice.word(|texts| texts.see_the_network)));
            }
            Err(RegistrarError::Courier(error @ CourierError::Failed(_))) => self.tell(error::courier(&error)),
            Err(error) => return Err(self.desk.failed(error)),
        }
        Ok(None)
    }

    /// Who else takes what is written to the bot: the two cases that herald-deliver tells apart.
    fn taken(&self, why: &str) -> (String, String) {
        let voice = &self.desk.call.voice;
        if why.contains("webhook") {
            (voice.word(|texts| texts.webhook), voice.word(|texts| texts.delete_webhook))
        } else {
            (voice.word(|texts| texts.other_reader), voice.word(|texts| texts.stop_the_other))
        }
    }

    /// Too many messages of others: they are forgotten if the person says so.
    fn uncover(&mut self, others: u32) -> Result<(), Error> {
        let Desk { call, terminal, .. } = self.desk;
        let voice = &call.voice;
        if self.counts_down() {
            terminal.show_here(None);
        }
        // They are others', which is for an admin to say.
        if call.own || !terminal.is_interactive() {
            return Err(Error::Hidden(others));
        }
        let (problem, _) = Error::Hidden(others).said(voice);
        terminal.show(&problem);
        terminal.show(&voice.word(|texts| texts.others_will_miss));
        if !terminal.agrees(&voice.word(|texts| texts.forget_all), false) {
            return Err(Error::Hidden(others));
        }
        let registrar = self.desk.installation.registrar(self.desk.call);
        look(&registrar.sender(), &self.link, true).map_err(|error| self.desk.failed(error))?;
        terminal.show(&voice.word(|texts| texts.forgotten));
        Ok(())
    }

    fn tell(&mut self, trouble: (String, String)) {
        if self.trouble.as_ref() == Some(&trouble) {
            return;
        }
        if self.counts_down() {
            self.desk.terminal.show_here(None);
        }
        let (problem, mend) = &trouble;
        let problem = [("problem", &*display_line(problem, 400))];
        let problem = self.desk.call.voice.say(|texts| texts.trying_on, &problem);
        self.desk.terminal.show(&format!("{problem} {BOLD}try{BOLD:#}: {mend}"));
        self.trouble = Some(trouble);
    }
}
