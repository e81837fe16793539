//! English.

use super::Phrases;

pub(super) const ENGLISH: Phrases = Phrases {
    language: "en",
    // Channels whose names are words.
    email: "e-mail",
    totp: "authenticator app",
    backup: "backup codes",
    // What providers do, for the help.
    sends_a_code: "sends a code by {channel}",
    app_shows_a_code: "shows a code",
    backup_code_from_paper: "each good once",
    // Prompts: each ends in a colon and a space.
    bare_code: "Code: ",
    code_sent: "Code sent by {channel} to {to}: ",
    code_sent_seconds_ago: "Code sent by {channel} to {to} {seconds} s ago: ",
    code_sent_minutes_ago: "Code sent by {channel} to {to} {minutes} min ago: ",
    enter_sends: "Enter sends a code by {channel}: ",
    code_from_app: "Code from your app: ",
    backup_code: "Backup code: ",
    // What stands before a prompt.
    wrong_one: "Wrong, {tries} try left. ",
    wrong_many: "Wrong, {tries} tries left. ",
    wrong_answer: "Wrong. ",
    already_used: "That code was used. ",
    no_longer_good: "That code has expired. ",
    wait_to_resend: "A new code in {time}. ",
    channel_failed: "{channels} failed. ",
    no_more_codes: "No more codes for now. ",
    backup_codes_not_now: "Backup codes cannot be used now. ",
    help: "Type the code you were sent. r sends a new one.",
    help_switch: "A number or a name switches.",
    // Behind a backup code.
    backup_codes_left_one: "{left} backup code is left.",
    backup_codes_left_many: "{left} backup codes are left.",
    backup_codes_new: " New ones: herald backup-codes",
    // Why somebody was refused.
    refused: "Login refused.",
    nothing_typed: "No code was typed.",
    tries_used_up: "Wrong code, no tries left.",
    locked: "Too many wrong codes. Locked for {time}.",
    budget_used_up: "Too many codes were sent. Try again in {time}.",
    unenrolled: "No second factor for {user}. Ask an administrator to run: herald enroll telegram --user {user}",
    undelivered: "No code could be delivered. Try again in a minute, or ask an administrator.",
    set_up_broken: "Two-factor login is not set up right. Ask an administrator to run: herald config check",
    could_not_check: "The second factor could not be checked. Try again, or ask an administrator.",
    // Enrolling inside a login.
    enroll_until: "No second factor yet. From {day} on it is needed: herald enroll telegram",
    pick_a_channel: "Second factor ({list}): ",
    open_the_link: "Open {url} and press START, then type ok: ",
    type_the_address: "Your address for {channel}, {example}: ",
    start_not_seen: "START was not seen yet. ",
    cannot_be_reached: "That cannot be reached. ",
    no_such_address: "That is no such address. ",
    // On the phone.
    copy_code: "Copy code",
    message_host: "Login at {host}",
    message_service: "Service: {service}",
    message_user: "User: {user}",
    message_user_by: "User: {user} (asked for by {by})",
    message_origin: "From: {rhost}",
    message_lifetime: "Good for {time}.",
    message_warning: "Type it only at {host}. Nobody will ask you for it.",
    message_advice: "Not you? Somebody knows your password: change it, and tell your administrator.",
    notice_locked: "{user} at {host} is locked for {time}: too many wrong codes in a row. Not you? Somebody knows your password: change it, and tell your administrator.",
    notice_added: "{user} at {host} can now log in with a code by {channel} to {to}. Not you? Tell your administrator.",
    notice_removed: "{user} at {host} can no longer log in with a code by {channel} to {to}. Not you? Tell your administrator.",
    notice_disabled: "{user} at {host} can for now no longer log in with a code by {channel} to {to}. Not you? Tell your administrator.",
    notice_enabled: "{user} at {host} can again log in with a code by {channel} to {to}. Not you? Tell your administrator.",
    notice_test: "Herald at {host} can reach you here. This is a test.",
    notice_linked: "{user} at {host} now gets login codes here. Not you, or no longer: herald remove {channel} --user {user}",
};
