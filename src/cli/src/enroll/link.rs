//! Telegram without numbers: a link and a QR code, and whoever presses START behind it.
//!
//! Each second herald-deliver looks once, and confirms nothing: what others wrote to the bot stays. Until START is seen
//! nothing is written, so Ctrl-C leaves nothing behind.

use super::Desk;
use crate::error::{self, Error};
use crate::output::BOLD;
use crate::qr;
use herald_core::address::masked;
use herald_core::courier::{ChatSearch, CourierError, End};
use herald_core::link::{LINK_LIFETIME, Link, look, new_link};
use herald_core::registrar::RegistrarError;
use herald_core::text::display_line;
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
        let Desk { terminal, command, .. } = self.desk;
        let Link { bot, url, .. } = &self.link;
        let url = url.expose();
        let form = if command.plain { Some(qr::Qr::None) } else { command.qr };
        let drawn = qr::drawn(url, form, terminal);
        let scan = if drawn.is_some() { "or scan it " } else { "" };
        let bot = display_line(bot, 64);
        terminal.show(&format!("Codes will come from {bot}. Open this link on the phone {scan}and press START:"));
        terminal.show(&format!("\n  {BOLD}{url}{BOLD:#}\n"));
        if let Some(drawn) = drawn {
            terminal.show(&format!("{drawn}\n"));
        }
        if !self.counts_down() {
            terminal.show("Waiting for START, at most 5 minutes. Ctrl-C gives up.");
        }
    }

    fn counts_down(&self) -> bool {
        self.desk.terminal.is_screen() && !self.desk.command.plain
    }

    fn wait(&mut self) -> Result<String, Error> {
        loop {
            let left = self.until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let otherwise =
                    ("nobody pressed START behind the link in time".to_owned(), "the same again".to_owned());
                let (problem, mend) = self.trouble.take().unwrap_or(otherwise);
                return Err(Error::NoStart(problem, mend));
            }
            if self.counts_down() {
                let seconds = left.as_secs();
                let text = format!("Waiting for START: {}:{:02} left, Ctrl-C gives up", seconds / 60, seconds % 60);
                self.desk.terminal.show_here(Some(&text));
            }
            let next = Instant::now() + SECOND;
            if let Some((address, name)) = self.look(false)? {
                if self.counts_down() {
                    self.desk.terminal.show_here(None);
                }
                let shown = masked(&self.desk.channel, &address);
                self.desk.terminal.show(&format!("START came from {}, {shown}.", display_line(&name, 128)));
                return Ok(address);
            }
            thread::sleep(next.saturating_duration_since(Instant::now()).min(left));
        }
    }

    /// One look. What passes is told once and tried again.
    fn look(&mut self, drop_pending: bool) -> Result<Option<(String, String)>, Error> {
        let registrar = self.desk.installation.registrar(self.desk.call);
        match look(&registrar.sender(), &self.link, drop_pending) {
            Ok(ChatSearch::Found { address, name }) => return Ok(Some((address, name))),
            Ok(ChatSearch::NotYet { others }) if others >= MOST_UPDATES => self.uncover(others)?,
            Ok(ChatSearch::NotYet { .. }) => self.trouble = None,
            Ok(ChatSearch::Taken(mend)) => self.tell(error::sentences(&mend.replacen(": ", ". ", 1), "")),
            Ok(ChatSearch::Failed { end: End::Configuration | End::Permanent, detail }) => {
                return Err(self.desk.failed(RegistrarError::Link(detail)));
            }
            Ok(ChatSearch::Failed { detail, .. }) => {
                self.tell((format!("the bot cannot be reached: {detail}"), "see that the network works".to_owned()));
            }
            Err(RegistrarError::Courier(error @ CourierError::Failed(_))) => self.tell(error::courier(&error)),
            Err(error) => return Err(self.desk.failed(error)),
        }
        Ok(None)
    }

    /// Too many messages of others: they are forgotten if the person says so.
    fn uncover(&mut self, others: u32) -> Result<(), Error> {
        let Desk { terminal, .. } = self.desk;
        if self.counts_down() {
            terminal.show_here(None);
        }
        if !terminal.is_interactive() {
            return Err(Error::Hidden(others));
        }
        let (problem, _) = Error::Hidden(others).pair();
        terminal.show(&format!("{problem}."));
        if !terminal.agrees("Forget them all? Other programs that read this bot will not see them.", false) {
            return Err(Error::Hidden(others));
        }
        let registrar = self.desk.installation.registrar(self.desk.call);
        look(&registrar.sender(), &self.link, true).map_err(|error| self.desk.failed(error))?;
        terminal.show("Forgotten. If START was pressed already: press it once more.");
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
        self.desk.terminal.show(&format!("{}; trying on. {BOLD}try{BOLD:#}: {mend}", display_line(problem, 400)));
        self.trouble = Some(trouble);
    }
}
