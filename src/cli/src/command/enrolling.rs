//! The commands that give people factors.

use super::Whom;
use crate::qr::Qr;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// `herald enroll`
#[derive(Debug, Args)]
pub struct Enroll {
    /// How the code travels: telegram, sms … or totp, an authenticator app
    #[arg(required_unless_present = "from")]
    pub channel: Option<String>,
    /// Where to: a chat id, a phone number …
    pub address: Option<String>,
    /// Whom it is for.
    #[command(flatten)]
    pub whom: Whom,
    /// What to call it, where one person has several
    #[arg(long)]
    pub label: Option<String>,
    /// Send no code: you vouch for the address
    #[arg(long)]
    pub assume_verified: bool,
    /// Ask for no code from a factor that is there
    #[arg(long)]
    pub force: bool,
    /// Do not offer backup codes
    #[arg(long)]
    pub no_backup_codes: bool,
    /// How the QR code is drawn
    #[arg(long, value_enum, hide_possible_values = true, value_name = "utf8|ascii|none")]
    pub qr: Option<Qr>,
    /// First forget all messages that wait for the bot
    #[arg(long)]
    pub drop_pending: bool,
    /// Everybody in a list: user,channel,address,label
    #[arg(long, value_name = "FILE.csv", conflicts_with_all = ["channel", "user", "label", "secret", "drop_pending"])]
    pub from: Option<PathBuf>,
    /// Check the list, and enroll nobody
    #[arg(long, requires = "from", conflicts_with = "channel")]
    pub dry_run: bool,
    /// An app's own secret: - reads a line of stdin
    #[arg(long, value_name = "-", allow_hyphen_values = true)]
    pub secret: Option<String>,
}

/// `herald backup-codes`
#[derive(Debug, Args)]
pub struct BackupCodes {
    /// Whom they are for.
    #[command(flatten)]
    pub whom: Whom,
    /// How many more, besides the old ones
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=100))]
    pub count: Option<u8>,
    /// More that are good only so long: 1h, 30m
    #[arg(long, value_name = "D")]
    pub expires: Option<String>,
    /// As a card to print and cut out
    #[arg(long)]
    pub print: bool,
    /// Ask for no code from a factor that is there
    #[arg(long)]
    pub force: bool,
}

/// `herald language`
#[derive(Debug, Args)]
pub struct Language {
    /// en, ja, de, fr, es, pt-BR; default: as configured
    pub code: String,
    /// Who is spoken to.
    #[command(flatten)]
    pub whom: Whom,
}

/// `herald export`
#[derive(Debug, Args)]
pub struct Export {
    /// A new file in a folder of root's [default: stdout, if no terminal]
    pub file: Option<PathBuf>,
}

/// `herald restore`
#[derive(Debug, Args)]
pub struct Restore {
    /// What herald export wrote
    pub file: PathBuf,
}

/// `herald import …`
#[derive(Debug, Subcommand)]
#[command(disable_help_subcommand = true)]
pub enum Import {
    /// Take over secrets from ~/.google_authenticator
    #[command(after_help = "Example:\n  sudo herald import google-authenticator --all")]
    GoogleAuthenticator(ImportGoogle),
    /// Take over secrets from a users file of pam_oath
    #[command(after_help = "Example:\n  sudo herald import oath /etc/users.oath")]
    Oath {
        /// The users file
        file: PathBuf,
    },
}

/// `herald import google-authenticator`
#[derive(Debug, Args)]
pub struct ImportGoogle {
    /// Whose.
    #[command(flatten)]
    pub whom: Whom,
    /// Everybody who has such a file
    #[arg(long, conflicts_with = "user")]
    pub all: bool,
}
