//! The stacks of /etc/pam.d as libpam puts them together (pam.conf(5)): include, substack, @include resolved.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// As deep as libpam follows include (PAM_SUBSTACK_MAX_LEVEL is 16; files may nest twice as deep).
const DEEPEST: usize = 32;
/// Where libpam looks, in this order: the first file of a name counts (pam.conf(5)).
const FOLDERS: [&str; 2] = ["/etc/pam.d", "/usr/lib/pam.d"];

/// One line of the authentication part of a stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Where it stands.
    pub(crate) file: PathBuf,
    /// Its number there, from 1.
    pub(crate) line: usize,
    /// Its text, for messages.
    pub(crate) text: String,
    /// How deep it is in substacks.
    pub(crate) level: usize,
    /// Whether it is the head of a substack, whose lines follow one level deeper. It counts as one line with them.
    pub(crate) is_substack: bool,
    /// `-auth`: a module that is missing is passed over in silence.
    pub(crate) may_be_missing: bool,
    /// What libpam does with each value: `success=ok` …
    pub(crate) control: BTreeMap<String, Action>,
    /// The module as it is written: with a folder, or looked for where libpam has its own.
    pub(crate) path: String,
    /// Its arguments.
    pub(crate) arguments: Vec<String>,
}

/// What libpam does with a value that a module returned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Ignore,
    Ok,
    Done,
    Bad,
    Die,
    Reset,
    Jump(usize),
}

impl Entry {
    /// What is done with this value.
    pub(crate) fn action(&self, value: &str) -> Action {
        let known = self.control.get(value).or_else(|| self.control.get("default"));
        known.copied().unwrap_or(Action::Bad)
    }

    /// The module's file name, without folder.
    pub(crate) fn module(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Whether it is our module.
    pub(crate) fn is_ours(&self) -> bool {
        self.module() == "pam_herald.so"
    }

    /// Whether it is our module, for a host with one field only.
    pub(crate) fn appends(&self) -> bool {
        self.is_ours() && self.arguments.iter().any(|argument| argument == "input=append")
    }

    /// `/etc/pam.d/sshd:4`
    pub(crate) fn place(&self) -> String {
        format!("{}:{}", self.file.display(), self.line)
    }
}

/// The services of this machine; copies that package managers and editors leave are none.
pub(crate) fn services(root: &Path) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for folder in FOLDERS {
        for entry in fs::read_dir(inside(root, folder)).into_iter().flatten().flatten() {
            names.extend(entry.file_name().into_string().ok());
        }
    }
    names.retain(|name| !name.ends_with('~') && !name.contains(".dpkg-") && !name.contains(".rpm"));
    names.sort();
    names.dedup();
    names
}

/// Whether a service's own file names our module.
pub(crate) fn names_us(root: &Path, service: &str) -> bool {
    let text = FOLDERS.iter().find_map(|folder| fs::read_to_string(inside(root, folder).join(service)).ok());
    lines(&text.unwrap_or_default()).iter().any(|(_, line)| line.contains("pam_herald.so"))
}

/// The authentication part of a service's stack.
///
/// # Errors
/// A file that cannot be read, or is not there: libpam refuses every login of that service.
pub(crate) fn resolve(root: &Path, service: &str) -> Result<Vec<Entry>, String> {
    let mut reader = Reader { root, entries: Vec::new() };
    reader.read(service, 0, 0)?;
    Ok(reader.entries)
}

struct Reader<'a> {
    root: &'a Path,
    entries: Vec<Entry>,
}

impl Reader<'_> {
    fn read(&mut self, name: &str, level: usize, depth: usize) -> Result<(), String> {
        if depth > DEEPEST {
            return Err(format!("{name}: files include each other without end"));
        }
        let (file, text) = self.open(name)?;
        for (number, line) in lines(&text) {
            let place = Place { file: &file, number, line: &line, level };
            if let Some(included) = line.strip_prefix("@include").map(str::trim) {
                self.read(included, level, depth + 1)?;
                continue;
            }
            let Some((kind, rest)) = word(&line) else { continue };
            let (may_be_missing, kind) = kind.strip_prefix('-').map_or((false, kind), |kind| (true, kind));
            if !kind.eq_ignore_ascii_case("auth") {
                continue;
            }
            let parts = control_of(rest).and_then(|(control, rest)| Some((control, word(rest)?)));
            match parts {
                Some((control, (module, _))) if control == "include" => self.read(module, level, depth + 1)?,
                Some((control, (module, _))) if control == "substack" => {
                    self.entries.push(Entry { is_substack: true, ..place.entry("", BTreeMap::new()) });
                    self.read(module, level + 1, depth + 1)?;
                }
                Some((control, (module, rest))) => {
                    let control = actions(&control).unwrap_or_default();
                    let arguments = rest.split_whitespace().map(str::to_owned).collect();
                    self.entries.push(Entry { may_be_missing, arguments, ..place.entry(module, control) });
                }
                // libpam lets a line that it does not understand refuse.
                None => self.entries.push(place.entry("", BTreeMap::new())),
            }
        }
        Ok(())
    }

    fn open(&self, name: &str) -> Result<(PathBuf, String), String> {
        let candidates: Vec<PathBuf> = if name.starts_with('/') {
            vec![PathBuf::from(name)]
        } else {
            FOLDERS.iter().map(|folder| Path::new(folder).join(name)).collect()
        };
        let first = candidates.first().cloned().unwrap_or_default();
        for path in candidates {
            match fs::read_to_string(inside(self.root, &path)) {
                Ok(text) => return Ok((path, text)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(format!("{}: {error}", path.display())),
            }
        }
        Err(format!("{} is not there, and a stack includes it", first.display()))
    }
}

/// Where a line stands.
struct Place<'a> {
    file: &'a Path,
    number: usize,
    line: &'a str,
    level: usize,
}

impl Place<'_> {
    fn entry(&self, module: &str, control: BTreeMap<String, Action>) -> Entry {
        Entry {
            file: self.file.to_owned(),
            line: self.number,
            text: self.line.split_whitespace().collect::<Vec<_>>().join(" "),
            level: self.level,
            is_substack: false,
            may_be_missing: false,
            control,
            path: module.to_owned(),
            arguments: Vec::new(),
        }
    }
}

/// The file where a test has its own /etc.
fn inside(root: &Path, path: impl AsRef<Path>) -> PathBuf {
    root.join(path.as_ref().strip_prefix("/").unwrap_or(path.as_ref()))
}

/// Lines without comments, those that end in a backslash joined, each with its first number.
fn lines(text: &str) -> Vec<(usize, String)> {
    let mut joined: Vec<(usize, String)> = Vec::new();
    let mut goes_on = false;
    for (position, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default();
        let (part, more) = line.strip_suffix('\\').map_or((line, false), |part| (part, true));
        match joined.last_mut().filter(|_| goes_on) {
            Some((_, before)) => {
                before.push(' ');
                before.push_str(part.trim());
            }
            None => joined.push((position + 1, part.trim().to_owned())),
        }
        goes_on = more;
    }
    joined.retain(|(_, line)| !line.is_empty());
    joined
}

fn word(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = text.find(char::is_whitespace).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// The control, one word or in brackets; and what follows.
fn control_of(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start();
    match text.strip_prefix('[') {
        Some(list) => list.split_once(']').map(|(list, rest)| (list.to_owned(), rest)),
        None => word(text).map(|(word, rest)| (word.to_ascii_lowercase(), rest)),
    }
}

/// `required` and its kin, or `value=action …` (pam.conf(5)).
fn actions(control: &str) -> Option<BTreeMap<String, Action>> {
    let list = match control {
        "required" => "success=ok new_authtok_reqd=ok ignore=ignore default=bad",
        "requisite" => "success=ok new_authtok_reqd=ok ignore=ignore default=die",
        "sufficient" => "success=done new_authtok_reqd=done default=ignore",
        "optional" => "success=ok new_authtok_reqd=ok default=ignore",
        list if list.contains('=') => list,
        _ => return None,
    };
    let mut actions = BTreeMap::new();
    for pair in list.split_whitespace() {
        let (value, action) = pair.split_once('=')?;
        let action = match action {
            "ignore" => Action::Ignore,
            "ok" => Action::Ok,
            "done" => Action::Done,
            "bad" => Action::Bad,
            "die" => Action::Die,
            "reset" => Action::Reset,
            number => Action::Jump(number.parse().ok().filter(|count| *count > 0)?),
        };
        actions.insert(value.to_ascii_lowercase(), action);
    }
    Some(actions)
}
