//! English.

use super::{Change, Phrases, short_time};
use std::time::Duration;

pub(super) struct English;

impl Phrases for English {
    fn language(&self) -> &'static str {
        "en"
    }

    fn channel(&self, channel: &str) -> String {
        match channel {
            "email" => "e-mail".to_owned(),
            "totp" => "authenticator app".to_owned(),
            "backup" => "backup codes".to_owned(),
            other => super::brand(other),
        }
    }

    fn sends_a_code(&self, channel: &str) -> String {
        format!("sends a code by {channel}")
    }

    fn bare_code(&self) -> String {
        "Code: ".to_owned()
    }

    fn code_sent(&self, channel: &str, to: &str, ago: Option<Duration>) -> String {
        match ago.map(|ago| ago.as_secs()) {
            None => format!("Code sent by {channel} to {to}: "),
            Some(seconds) if seconds < 60 => format!("Code sent by {channel} to {to} {seconds} s ago: "),
            Some(seconds) => format!("Code sent by {channel} to {to} {minutes} min ago: ", minutes = seconds / 60),
        }
    }

    fn enter_sends(&self, channel: &str) -> String {
        format!("Enter sends a code by {channel}: ")
    }

    fn app_shows_a_code(&self) -> String {
        "shows a code".to_owned()
    }

    fn backup_code_from_paper(&self) -> String {
        "each good once".to_owned()
    }

    fn code_from_app(&self) -> String {
        "Code from your app: ".to_owned()
    }

    fn backup_code(&self) -> String {
        "Backup code: ".to_owned()
    }

    fn backup_codes_not_now(&self) -> String {
        "Backup codes cannot be used now. ".to_owned()
    }

    fn backup_codes_left(&self, left: usize, few: bool) -> String {
        let codes = match left {
            1 => "1 backup code is left.".to_owned(),
            _ => format!("{left} backup codes are left."),
        };
        let more = if few { " New ones: herald backup-codes" } else { "" };
        format!("{codes}{more}")
    }

    fn wrong(&self, tries_left: u32) -> String {
        match tries_left {
            1 => "Wrong, 1 try left. ".to_owned(),
            tries => format!("Wrong, {tries} tries left. "),
        }
    }

    fn wrong_answer(&self) -> String {
        "Wrong. ".to_owned()
    }

    fn already_used(&self) -> String {
        "That code was used. ".to_owned()
    }

    fn no_longer_good(&self) -> String {
        "That code has expired. ".to_owned()
    }

    fn wait_to_resend(&self, wait: Duration) -> String {
        format!("A new code in {time}. ", time = short_time(wait))
    }

    fn channel_failed(&self, channels: &[String]) -> String {
        format!("{channels} failed. ", channels = channels.join(", "))
    }

    fn no_more_codes(&self) -> String {
        "No more codes for now. ".to_owned()
    }

    fn help(&self, choices: &[String]) -> String {
        let mut text = "Type the code you were sent. r sends a new one.".to_owned();
        for choice in choices {
            text.push('\n');
            text.push_str(choice);
        }
        if choices.len() > 1 {
            text.push_str("\nA number or a name switches.");
        }
        text.push('\n');
        text
    }

    fn refused(&self) -> String {
        "Login refused.".to_owned()
    }

    fn nothing_typed(&self) -> String {
        "No code was typed.".to_owned()
    }

    fn tries_used_up(&self) -> String {
        "Wrong code, no tries left.".to_owned()
    }

    fn locked(&self, left: Duration) -> String {
        format!("Too many wrong codes. Locked for {time}.", time = short_time(left))
    }

    fn budget_used_up(&self, left: Duration) -> String {
        format!("Too many codes were sent. Try again in {time}.", time = short_time(left))
    }

    fn unenrolled(&self, user: &str) -> String {
        format!("No second factor for {user}. Ask an administrator to run: herald enroll telegram --user {user}")
    }

    fn undelivered(&self) -> String {
        "No code could be delivered. Try again in a minute, or ask an administrator.".to_owned()
    }

    fn set_up_broken(&self) -> String {
        "Two-factor login is not set up right. Ask an administrator to run: herald config check".to_owned()
    }

    fn could_not_check(&self) -> String {
        "The second factor could not be checked. Try again, or ask an administrator.".to_owned()
    }

    fn copy_code(&self) -> String {
        "Copy code".to_owned()
    }

    fn message_host(&self, host: &str) -> String {
        format!("Login at {host}")
    }

    fn message_service(&self, service: &str) -> String {
        format!("Service: {service}")
    }

    fn message_user(&self, user: &str, by: Option<&str>) -> String {
        match by {
            None => format!("User: {user}"),
            Some(by) => format!("User: {user} (asked for by {by})"),
        }
    }

    fn message_origin(&self, rhost: &str) -> String {
        format!("From: {rhost}")
    }

    fn message_lifetime(&self, lifetime: Duration) -> String {
        format!("Good for {time}.", time = short_time(lifetime))
    }

    fn message_warning(&self, host: &str) -> String {
        format!("Type it only at {host}. Nobody will ask you for it.")
    }

    fn message_advice(&self) -> String {
        "Not you? Somebody knows your password: change it, and tell your administrator.".to_owned()
    }

    fn notice_locked(&self, user: &str, host: &str, length: Duration) -> String {
        format!(
            "{user} at {host} is locked for {time}: too many wrong codes in a row. Not you? Somebody knows your password: change it, and tell your administrator.",
            time = short_time(length)
        )
    }

    fn notice_changed(&self, user: &str, host: &str, change: Change, channel: &str, to: &str) -> String {
        match change {
            Change::Added => format!(
                "{user} at {host} can now log in with a code by {channel} to {to}. Not you? Tell your administrator."
            ),
            Change::Removed => format!(
                "{user} at {host} can no longer log in with a code by {channel} to {to}. Not you? Tell your administrator."
            ),
            Change::Disabled => format!(
                "{user} at {host} can for now no longer log in with a code by {channel} to {to}. Not you? Tell your administrator."
            ),
            Change::Enabled => format!(
                "{user} at {host} can again log in with a code by {channel} to {to}. Not you? Tell your administrator."
            ),
        }
    }

    fn notice_test(&self, host: &str) -> String {
        format!("Herald at {host} can reach you here. This is a test.")
    }

    fn notice_linked(&self, user: &str, host: &str, channel: &str) -> String {
        format!(
            "{user} at {host} now gets login codes here. Not you, or no longer: herald remove {channel} --user {user}"
        )
    }

    fn enroll_until(&self, day: &str) -> String {
        format!("No second factor yet. From {day} on it is needed: herald enroll telegram")
    }

    fn pick_a_channel(&self, list: &str) -> String {
        format!("Second factor ({list}): ")
    }

    fn open_the_link(&self, url: &str) -> String {
        format!("Open {url} and press START, then type ok: ")
    }

    fn type_the_address(&self, channel: &str, example: &str) -> String {
        format!("Your address for {channel}, {example}: ")
    }

    fn start_not_seen(&self) -> String {
        "START was not seen yet. ".to_owned()
    }

    fn cannot_be_reached(&self) -> String {
        "That cannot be reached. ".to_owned()
    }

    fn no_such_address(&self) -> String {
        "That is no such address. ".to_owned()
    }
}
