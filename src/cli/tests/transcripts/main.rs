//! Transcripts: what is typed, what comes back, and the exit status, one story to a file. They are documentation,
//! too: `script.rs` says how they are written.
//!
//! Every command runs the real `herald` on a configuration of its own. The network side is this program once more,
//! under the name `herald-deliver` (`phone.rs`).
//!
//! - `root/`: what needs root; passed over, and said so, where the tests do not run as root.
//! - `anybody/`: what does not; as root they run as another user.
//!
//! `BLESS=1 cargo test -p herald --test transcripts` writes down what comes back now. Read the difference.

mod phone;
mod script;
mod stage;

use script::Script;
use stage::{Actor, Stage};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    if std::env::args().next().as_deref() == Some("herald-deliver") {
        return phone::answer();
    }
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let mut failed = 0;
    for (actor, folder) in [(Actor::Root, "root"), (Actor::Anybody, "anybody")] {
        if actor == Actor::Root && !stage::is_root() {
            println!("transcripts/{folder}: skipped: they need root");
            continue;
        }
        for path in stories(folder) {
            let name = format!("{folder}/{}", path.file_stem().unwrap_or_default().to_string_lossy());
            if !wanted.is_empty() && !wanted.iter().any(|wanted| name.contains(wanted)) {
                continue;
            }
            match play(actor, &path) {
                Ok(()) => println!("transcript {name} ... ok"),
                Err(difference) => {
                    println!("transcript {name} ... FAILED\n{difference}");
                    failed += 1;
                }
            }
        }
    }
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn stories(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts").join(folder);
    let entries = std::fs::read_dir(folder).expect("the folder of the transcripts");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    paths
}

/// Plays a story; the difference if it went otherwise than it is written.
fn play(actor: Actor, path: &Path) -> Result<(), String> {
    let written = std::fs::read_to_string(path).expect("a transcript");
    let stage = Stage::set(actor);
    let mut script = Script::parse(&written);
    let mut broken = Vec::new();
    for step in &mut script.steps {
        if let Err(rule) = stage.play(step) {
            broken.push(rule);
        }
    }
    let played = script.to_string();
    if played != written && std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &played).expect("the transcript can be written");
    } else if played != written {
        broken.push(difference(&written, &played));
    }
    if broken.is_empty() { Ok(()) } else { Err(broken.join("\n")) }
}

fn difference(written: &str, played: &str) -> String {
    let same = written.lines().zip(played.lines()).take_while(|(one, other)| one == other).count();
    let part = |text: &str| {
        let start = same.saturating_sub(3);
        text.lines().skip(start).take(12).map(|line| format!("    {line}\n")).collect::<String>()
    };
    format!("  from line {} on it is written:\n{}  and was played:\n{}", same + 1, part(written), part(played))
}
