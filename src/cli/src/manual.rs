//! herald(1) and the completions of shells, made from the command line's own tree (`make build`).

use crate::command::command;
use crate::output::Report;
use clap::{Arg, Command};
use clap_complete::{Shell, generate_to};
use clap_mangen::Man;
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use herald_core::config::DELIVER;
use std::fs;
use std::io;
use std::path::Path;

const TITLE: &str = "HERALD";
const MANUAL: &str = "Herald";
const STATUS: [(&str, &str); 4] = [
    ("0", "It was done, or was so already."),
    ("1", "It failed, or something that was looked at is not well."),
    ("2", "The command line is wrong, or something that it needs is missing."),
    ("3", "Only root may do that; or the broker, for oneself, and it is off."),
];
/// What `--json` prints, by what was asked.
const DOCUMENTS: [(&str, &str); 6] = [
    ("a change", "\"ok\":true and \"changed\", which is false if it was so already."),
    ("an error", "\"ok\":false, \"error\" and \"try\"."),
    (
        "herald status",
        "\"users\": of each \"user\", \"locked\" and \"factors\" with \"channel\", \"address\" (masked), \"state\" …",
    ),
    (
        "herald gateway status",
        "\"gateways\": of each \"name\", \"channel\", \"driver\", \"ok\", \"detail\", \"milliseconds\".",
    ),
    ("herald config check, herald doctor", "\"checks\": of each \"name\", \"ok\", \"detail\", \"mend\"."),
    ("herald log", "\"entries\": of each \"time\", \"service\", \"event\", and the keys of its line in the log."),
];
const FILES: [(&str, &str); 7] = [
    ("/etc/herald/herald.toml", "The configuration, see herald.toml(5)."),
    ("/etc/herald/providers.d/", "SMS services of your own, one file each."),
    ("/var/lib/herald/users/", "Who is enrolled how, one file each."),
    ("/run/herald/", "What is remembered until the next boot: wrong answers, locks, codes that wait."),
    (DELIVER, "The network side."),
    ("/run/herald-broker.sock", "Where people who are not root reach herald-broker, for what is about themselves."),
    ("/usr/share/doc/herald/pam.d-example/", "Stacks for /etc/pam.d with every line explained, and settings for sshd."),
];
const ENVIRONMENT: [(&str, &str); 3] = [
    ("LANG, LC_ALL, LC_MESSAGES", "The language of what is said; else that of herald.toml."),
    ("NO_COLOR", "If it is set, nothing is coloured."),
    ("SUDO_USER", "Whom a command is about that names nobody."),
];
const SEE_ALSO: &str = "herald.toml(5), pam_herald(8), pam.conf(5), sshd_config(5), sudoers(5)";

/// Writes `herald.1`, and `herald.bash`, `_herald` and `herald.fish`, into this folder, which is made if it is missing.
pub(crate) fn write(folder: &Path) -> io::Result<Report> {
    fs::create_dir_all(folder)?;
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        generate_to(shell, &mut command(), "herald", folder)?;
    }
    fs::write(folder.join("herald.1"), page()?)?;
    Ok(Report::new(&(), ""))
}

/// The whole page.
fn page() -> io::Result<Vec<u8>> {
    let mut root = command();
    root.build();
    let source = format!("Herald {}", env!("CARGO_PKG_VERSION"));
    let mut page = Vec::new();
    let man = Man::new(command()).title(TITLE).source(source).manual(MANUAL);
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;

    let mut roff = Roff::new();
    roff.control("SH", ["SYNOPSIS"]);
    roff.text([
        bold("herald"),
        roman(" [--json] [--config "),
        italic("PATH"),
        roman("] "),
        italic("COMMAND"),
        roman(" …"),
    ]);
    roff.control("SH", ["DESCRIPTION"]);
    for paragraph in [
        "Herald asks for a second factor at this machine's logins: a short code that travels to the person's phone, the \
         code of an authenticator app, or one from paper. herald sets up the services that carry codes, enrolls people, \
         and says what would go wrong.",
        "Nearly everything needs root. Every question can be answered by an option or by a line of standard input; a \
         secret is asked for unseen or read from standard input, never taken from the command line. What is so already \
         is no error, so that each command can be repeated.",
    ] {
        roff.control("PP", []);
        roff.text([roman(paragraph)]);
    }
    roff.control("SH", ["OPTIONS"]);
    root.get_arguments().for_each(|argument| option(&mut roff, argument));
    roff.control("SH", ["COMMANDS"]);
    for command in root.get_subcommands().filter(|command| command.get_name() != "help") {
        leaves(&mut roff, command);
    }
    roff.control("SH", ["EXAMPLES"]);
    verbatim(&mut roff, &root);
    let sections = [
        ("EXIT STATUS", &STATUS[..]),
        ("JSON DOCUMENTS", &DOCUMENTS[..]),
        ("FILES", &FILES[..]),
        ("ENVIRONMENT", &ENVIRONMENT[..]),
    ];
    for (heading, entries) in sections {
        roff.control("SH", [heading]);
        for (term, text) in entries {
            roff.control("TP", []);
            roff.text([bold(*term)]);
            roff.text([roman(*text)]);
        }
    }
    roff.control("SH", ["SEE ALSO"]);
    roff.text([roman(SEE_ALSO)]);
    roff.to_writer(&mut page)?;
    Ok(page)
}

/// A command, or those that it consists of.
fn leaves(roff: &mut Roff, command: &Command) {
    let mut children = command.get_subcommands().filter(|child| child.get_name() != "help").peekable();
    if children.peek().is_some() {
        children.for_each(|child| leaves(roff, child));
        return;
    }
    let usage = command.clone().render_usage().to_string();
    roff.control("SS", [usage.trim_start_matches("Usage: ").trim()]);
    roff.text([roman(format!("{}.", command.get_about().map(ToString::to_string).unwrap_or_default()))]);
    let is_own = |argument: &&Arg| !argument.is_global_set() && argument.get_id() != "help" && !argument.is_hide_set();
    command.get_arguments().filter(is_own).for_each(|argument| option(roff, argument));
    roff.control("PP", []);
    verbatim(roff, command);
}

/// An argument or option, and what it does.
fn option(roff: &mut Roff, argument: &Arg) {
    let mut term: Vec<Inline> = Vec::new();
    if let Some(short) = argument.get_short() {
        term.extend([bold(format!("-{short}")), roman(", ")]);
    }
    if let Some(long) = argument.get_long() {
        term.push(bold(format!("--{long}")));
    }
    let takes_value = argument.get_action().takes_values();
    let names = argument.get_value_names().unwrap_or_default().iter().map(ToString::to_string).collect::<Vec<_>>();
    if takes_value {
        let separator = if term.is_empty() { "" } else { " " };
        term.extend([roman(separator), italic(names.join(" "))]);
    }
    roff.control("TP", []);
    roff.text(term);
    let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
    let defaults: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let default =
        if takes_value && !defaults.is_empty() { format!(" (default: {})", defaults.join(" ")) } else { String::new() };
    roff.text([roman(format!("{}{default}.", help.trim_end_matches(['.', '…', ' '])))]);
}

/// The text behind the help, as it is: sentences and examples.
fn verbatim(roff: &mut Roff, command: &Command) {
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut is_open = false;
    let is_text = |line: &&str| !["", "Example:", "Examples:"].contains(line) && !line.starts_with("More: ");
    for line in text.lines().filter(is_text) {
        let is_example = line.starts_with("  ");
        match (is_open, is_example) {
            (false, true) => roff.control("PP", []).control("RS", ["4"]).control("EX", []),
            (true, false) => roff.control("EE", []).control("RE", []).control("PP", []),
            _ => roff,
        };
        is_open = is_example;
        roff.text([roman(line.trim())]);
    }
    if is_open {
        roff.control("EE", []).control("RE", []);
    }
}
