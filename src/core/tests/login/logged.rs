//! What a login logs of its end.

use herald_core::login::Verdict;

/// First words of lines that end a login.
const ENDS: [&str; 5] = ["verified", "skipped", "refused", "locked", "error"];

pub fn is_end(line: &str) -> bool {
    ENDS.contains(&line.split(' ').next().unwrap_or_default())
}

/// Looks at what a login has logged, in whose prompts so many others were over: one line says how each ended, and the
/// last one is ours. A login may go on after an error; a set-up that is broken in several places says so of each.
pub fn is_logged_once(verdict: Verdict, lines: &[String], others: usize) {
    let ends: Vec<&str> = lines.iter().map(String::as_str).filter(|line| is_end(line)).collect();
    let words: &[&str] = match verdict {
        Verdict::Success => &["verified", "skipped"],
        Verdict::Ignore => &["skipped"],
        Verdict::MaxTries => &["locked", "refused"],
        Verdict::ServiceError | Verdict::SystemError => &["error"],
        // Also an enrollment that the machine or the set-up cannot go on with.
        Verdict::PermissionDenied | Verdict::AuthInfoUnavailable => &["refused", "error"],
        Verdict::AuthError | Verdict::UserUnknown | Verdict::ConversationError => &["refused"],
    };
    let last = ends.last().unwrap_or_else(|| panic!("{verdict:?} is not logged: {lines:#?}"));
    assert!(words.iter().any(|word| last.starts_with(word)), "{verdict:?} is logged as: {lines:#?}");
    let errors = ends.iter().filter(|line| line.starts_with("error")).count();
    let broken = last.starts_with("error");
    let own = ends.len() - errors + usize::from(broken);
    assert!(own == others + 1 || (errors > 0 && own <= others + 1), "{verdict:?} is not logged once: {lines:#?}");
}
