//! The commands that give people factors.

use super::Whom;
use crate::qr::Qr;
use clap::Args;

/// `herald enroll`
#[derive(Debug, Args)]
pub struct Enroll {
    /// How the code travels: telegram, sms … or totp, an authenticator app
    #[arg(required = true)]
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
    /// Plain lines only: no QR code, no countdown
    #[arg(long)]
    pub plain: bool,
    /// First forget all messages that wait for the bot
    #[arg(long)]
    pub drop_pending: bool,
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
