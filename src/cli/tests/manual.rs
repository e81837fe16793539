//! The manual pages say what docs/configuration.md says, and what the programs take.

use std::fs;
use std::path::{Path, PathBuf};

fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path)
}

fn text(path: &str) -> String {
    fs::read_to_string(repository(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The part of docs/configuration.md below this heading.
fn part(heading: &str) -> String {
    let text = text("docs/configuration.md");
    let (_, rest) = text.split_once(&format!("## {heading}\n")).unwrap_or_else(|| panic!("no part {heading}"));
    rest.split("\n## ").next().unwrap_or_default().to_owned()
}

/// What stands in backquotes at the beginning of each row of a table.
fn first_cells(table: &str) -> Vec<String> {
    let rows = table.lines().filter_map(|line| line.strip_prefix("| "));
    rows.filter_map(|row| row.split('|').next()).map(|cell| cell.trim().to_owned()).collect()
}

#[test]
fn every_key_of_the_configuration_has_its_entry() {
    let page = text("packaging/man/herald.toml.5");
    let part = part("/etc/herald/herald.toml");
    let mut keys = 0;
    for line in part.lines().take_while(|line| !line.starts_with("Durations are")) {
        if let Some(table) = line.strip_prefix('[').and_then(|line| line.split(']').next()) {
            assert!(page.contains(&format!(".SH [{table}]\n")), "{table}");
        } else if let Some((key, _)) = line.split_once(" = ") {
            assert!(page.contains(&format!(".TP\n.B {key}\n")), "{key}");
            keys += 1;
        }
    }
    assert!(keys > 20, "{keys}");
}

#[test]
fn every_argument_and_every_return_value_has_its_entry() {
    let page = text("packaging/man/pam_herald.8");
    let arguments = first_cells(&part("Module arguments"));
    for argument in arguments.iter().filter_map(|cell| cell.strip_prefix('`')) {
        let name = argument.split(['=', '`']).next().unwrap_or_default();
        assert!(page.contains(&format!(".B {name}")) || page.contains(&format!(".BI {name}=")), "{name}");
    }
    assert!(arguments.len() > 6, "{arguments:?}");
    let mut values = 0;
    for line in part("What the module returns").lines() {
        for value in line.split(|c: char| !c.is_ascii_uppercase() && c != '_').filter(|word| word.starts_with("PAM_")) {
            assert!(page.contains(&format!(".TP\n{value}\n")), "{value}");
            values += 1;
        }
    }
    assert!(values > 10, "{values}");
}

#[test]
fn herald_1_has_every_command_with_its_options() {
    let folder = std::env::temp_dir().join(format!("herald-manual-{}", std::process::id()));
    let herald = std::process::Command::new(env!("CARGO_BIN_EXE_herald")).arg("__manual").arg(&folder).status();
    assert!(herald.expect("herald").success());
    let page = fs::read_to_string(folder.join("herald.1")).expect("herald.1").replace("\\-", "-");
    fs::remove_dir_all(&folder).expect("it is ours");
    fn look(command: &clap::Command, path: &str, page: &str) -> usize {
        if command.has_subcommands() {
            let children = command.get_subcommands();
            return children.map(|child| look(child, &format!("{path} {}", child.get_name()), page)).sum();
        }
        assert!(page.contains(&format!(".SS \"{path} ")) || page.contains(&format!(".SS \"{path}\"")), "{path}");
        for option in command.get_arguments().filter_map(clap::Arg::get_long) {
            assert!(page.contains(&format!("--{option}")), "{path} --{option}");
        }
        1
    }
    assert!(look(&herald_cli::command::command(), "herald", &page) > 20);
    for section in ["EXAMPLES", "EXIT STATUS", "FILES", "ENVIRONMENT", "SEE ALSO"] {
        assert!(page.contains(section), "{section}");
    }
}
