//! The command line: every command, argument and help text. Completions and manual pages are made from
//! [`command`].

mod enrolling;

pub use enrolling::{BackupCodes, Enroll, Export, Import, ImportGoogle, Language, Restore};

use clap::{Args, CommandFactory, Parser, Subcommand, ValueHint};
use std::path::PathBuf;

/// The whole tree, for whoever wants to print it.
pub fn command() -> clap::Command {
    Line::command()
}

/// One command line.
#[derive(Debug, Parser)]
#[command(
    name = "herald",
    version,
    about = "Asks for a code from the phone at this machine's logins",
    after_help = "Examples:\n  \
        sudo herald gateway add telegram-bot\n  \
        sudo herald enroll telegram --user alice\n  \
        sudo herald try --user alice\n\n\
        More: man herald, man herald.toml, man pam_herald",
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Line {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// The command itself.
    #[command(subcommand)]
    pub command: Command,
}

/// What holds for every command.
#[derive(Clone, Debug, Args)]
pub struct Global {
    /// Print one JSON document and ask nothing
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub json: bool,
    /// Speak in plain lines: no QR code, countdown or columns
    #[arg(long, global = true, help_heading = "Everywhere")]
    pub plain: bool,
    /// Read another file than /etc/herald/herald.toml
    #[arg(long, global = true, value_name = "PATH", help_heading = "Everywhere")]
    pub config: Option<PathBuf>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Set up the services that carry codes to phones
    #[command(
        subcommand,
        arg_required_else_help = true,
        after_help = "Example:\n  sudo herald gateway add telegram-bot"
    )]
    Gateway(Gateway),
    /// Give somebody a second factor: a phone, an authenticator app
    #[command(after_help = "Without an address, telegram shows a link: whoever opens it is enrolled.\n\n\
        Examples:\n  \
        sudo herald enroll telegram\n  \
        sudo herald enroll totp --label tablet\n  \
        sudo herald enroll sms +81312345678 --user alice\n  \
        sudo herald enroll telegram 475721977 --user alice --assume-verified\n  \
        sudo herald enroll --from people.csv --dry-run")]
    Enroll(Enroll),
    /// Make backup codes, for when the phone is gone
    #[command(after_help = "The old ones die, unless --count or --expires adds to them.\n\n\
        Examples:\n  \
        sudo herald backup-codes --print | lp\n  \
        sudo herald backup-codes --user alice --count 1 --expires 1h --force")]
    BackupCodes(BackupCodes),
    /// Choose the language in which somebody is spoken to
    #[command(after_help = "Example:\n  sudo herald language ja --user alice")]
    Language(Language),
    /// Show who is enrolled how, and who is locked
    #[command(after_help = "Example:\n  sudo herald status --all")]
    Status(Status),
    /// Use a factor again that was disabled
    #[command(after_help = "Example:\n  sudo herald enable telegram --user alice")]
    Enable(Named),
    /// Keep a factor, but never ask for it
    #[command(after_help = "Example:\n  sudo herald disable telegram:phone --user alice")]
    Disable(Named),
    /// Forget a factor
    #[command(after_help = "Example:\n  sudo herald remove telegram:phone --user alice")]
    Remove(Remove),
    /// Ask for a factor before all others
    #[command(after_help = "Example:\n  sudo herald prefer telegram:phone --user alice")]
    Prefer(Named),
    /// Go through a whole login in this terminal
    #[command(after_help = "It sends a real code, and wrong answers count.\n\n\
        Example:\n  sudo herald try --user alice --service sshd")]
    Try(Try),
    /// Let somebody in again who is locked after wrong answers
    #[command(after_help = "Example:\n  sudo herald unlock alice")]
    Unlock(Unlock),
    /// Ask somebody again everywhere, whatever policy.remember says
    #[command(after_help = "Example:\n  sudo herald forget --user alice")]
    Forget(Whom),
    /// Take over the authenticator apps of another system
    #[command(
        subcommand,
        arg_required_else_help = true,
        after_help = "Example:\n  \
        sudo herald import google-authenticator --all"
    )]
    Import(Import),
    /// Write all enrollments into one file, for a machine that moves
    #[command(after_help = "Example:\n  sudo herald export /root/herald-export.toml")]
    Export(Export),
    /// Enroll everybody who is in such a file
    #[command(after_help = "Example:\n  sudo herald restore /root/herald-export.toml")]
    Restore(Restore),
    /// Show what happened at logins, and who changed what
    #[command(after_help = "Examples:\n  \
        sudo herald log --since today\n  \
        sudo herald log --user alice --since 7d\n  \
        sudo herald --json log | jq '.entries[] | select(.event == \"locked\")'")]
    Log(Log),
    /// Look at herald.toml
    #[command(subcommand, arg_required_else_help = true, after_help = "Example:\n  sudo herald config check")]
    Config(Config),
    /// Walk the whole set-up: what would go wrong, and the mend
    #[command(after_help = "Example:\n  sudo herald doctor")]
    Doctor,
}

/// `herald gateway …`
#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
pub enum Gateway {
    /// List the drivers and the fields they take
    #[command(after_help = "Example:\n  herald gateway drivers telegram-bot")]
    Drivers {
        /// Only this driver
        driver: Option<String>,
    },
    /// Add a gateway to herald.toml, asking for what is missing
    #[command(after_help = "A secret is asked for, or read from a line of stdin each: --set token=-\n\n\
        Examples:\n  \
        sudo herald gateway add telegram-bot\n  \
        sudo herald gateway add telegram-bot --name telegram --set token=- <token.txt\n  \
        sudo herald gateway add telegram-bot --set token_file=/etc/herald/token")]
    Add {
        /// Which service it is: see herald gateway drivers
        driver: String,
        /// Its name in herald.toml, instead of the driver's
        #[arg(long)]
        name: Option<String>,
        /// A field of the driver; K=- reads a line of stdin
        #[arg(long, value_name = "K=V")]
        set: Vec<String>,
        /// Write it without asking the service whether it works
        #[arg(long)]
        no_check: bool,
        /// Replace the gateway that has this name
        #[arg(long)]
        replace: bool,
    },
    /// Change fields of a gateway; an empty value takes one out
    #[command(after_help = "Examples:\n  \
        sudo herald gateway set telegram token=- <token.txt\n  \
        sudo herald gateway set telegram api_url=https://bots.example.org")]
    Set {
        /// Its name in herald.toml
        name: String,
        /// Fields; K=- reads a line of stdin
        #[arg(value_name = "K=V", required = true)]
        fields: Vec<String>,
        /// Write it without asking the service whether it works
        #[arg(long)]
        no_check: bool,
    },
    /// Ask the services whether they are there and know us
    #[command(after_help = "Example:\n  sudo herald gateway status")]
    Status {
        /// Only this gateway
        name: Option<String>,
    },
    /// Send a test message
    #[command(after_help = "Example:\n  sudo herald gateway test telegram 475721977")]
    Test {
        /// Its name in herald.toml
        name: String,
        /// Where to, as in herald enroll
        address: String,
    },
    /// Take a gateway out of herald.toml
    #[command(after_help = "Example:\n  sudo herald gateway remove telegram")]
    Remove {
        /// Its name in herald.toml
        name: String,
    },
}

/// `herald config …`
#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
pub enum Config {
    /// Find everything that is wrong in herald.toml
    #[command(after_help = "Example:\n  sudo herald config check")]
    Check,
}

/// Whom a command is about.
#[derive(Clone, Debug, Args)]
pub struct Whom {
    /// Who it is about [default: whoever called sudo]
    #[arg(long, value_hint = ValueHint::Username)]
    pub user: Option<String>,
}

/// `herald status`
#[derive(Debug, Args)]
pub struct Status {
    /// Whom it is about.
    #[command(flatten)]
    pub whom: Whom,
    /// Everybody who is enrolled
    #[arg(long, conflicts_with = "user")]
    pub all: bool,
}

/// A factor of somebody.
#[derive(Debug, Args)]
pub struct Named {
    /// Which: CHANNEL, or CHANNEL:LABEL where there are several
    #[arg(value_name = "CHANNEL[:LABEL]")]
    pub factor: String,
    /// Whose.
    #[command(flatten)]
    pub whom: Whom,
}

/// `herald remove`
#[derive(Debug, Args)]
pub struct Remove {
    /// Which, and whose.
    #[command(flatten)]
    pub named: Named,
    /// Ask for no code, though it is the last
    #[arg(long)]
    pub force: bool,
}

/// `herald log`
#[derive(Debug, Args)]
pub struct Log {
    /// Only what is about this person
    #[arg(long, value_hint = ValueHint::Username)]
    pub user: Option<String>,
    /// Only what is not older: 2h, 7d, today, 2026-11-22
    #[arg(long, value_name = "T")]
    pub since: Option<String>,
}

/// `herald try`
#[derive(Debug, Args)]
pub struct Try {
    /// Who logs in.
    #[command(flatten)]
    pub whom: Whom,
    /// The PAM service whose rules hold
    #[arg(long, default_value = "herald")]
    pub service: String,
}

/// `herald unlock`
#[derive(Debug, Args)]
pub struct Unlock {
    /// Who is locked
    #[arg(value_hint = ValueHint::Username)]
    pub user: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn every_command_shows_an_example_in_its_help() {
        fn look(command: &clap::Command) {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("herald "), "{}", command.get_name());
            command.get_subcommands().for_each(look);
        }
        look(&command());
    }

    #[test]
    fn no_help_is_wider_than_a_terminal() {
        fn look(mut command: clap::Command) {
            let help = command.render_help().to_string();
            for line in help.lines() {
                assert!(line.chars().count() <= 80, "{line}");
            }
            command.get_subcommands().cloned().for_each(look);
        }
        let mut whole = command();
        whole.build();
        look(whole);
    }
}
