//! What the scratch machine logs: the test's own socket at its /dev/log.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

/// How long a line may take to come.
const PATIENCE: Duration = Duration::from_secs(15);
/// From the journal to itself: what was sent before has been read.
const MARK: &[u8] = b"mark";
/// From the journal to itself: the last datagram.
const END: &[u8] = b"end";

/// One line as a program gave it to syslog(3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Facility and level.
    pub priority: u32,
    /// Who said it: `sshd[123]`.
    pub from: String,
    /// The line: `pam_herald(sshd:auth): verified …`.
    pub text: String,
}

/// All lines since the machine began.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    page: Arc<(Mutex<Page>, Condvar)>,
}

#[derive(Debug, Default)]
struct Page {
    records: Vec<Record>,
    marks: usize,
}

impl Journal {
    /// Listens at this path, where nothing is yet.
    pub(super) fn listen(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).expect("a socket for the log");
        let page = Arc::new((Mutex::new(Page::default()), Condvar::new()));
        let kept = Arc::clone(&page);
        // Nobody may have to wait: a full socket stops whoever logs.
        thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(length) = socket.recv(&mut buffer) {
                let (page, changed) = &*kept;
                let mut page = page.lock().expect("a page");
                match &buffer[..length] {
                    END => break,
                    MARK => page.marks += 1,
                    line => page.records.push(Record::parse(&String::from_utf8_lossy(line))),
                }
                changed.notify_all();
            }
        });
        Self { path: path.to_owned(), page }
    }

    /// All lines that were logged before this call.
    pub fn records(&self) -> Vec<Record> {
        // Datagrams keep their order: behind our mark comes nothing that was sent before it.
        let wanted = self.lock().marks + 1;
        self.send(MARK);
        self.wait(|page| page.marks >= wanted).records.clone()
    }

    /// What the module said so far, without `pam_herald(…): `.
    pub fn herald(&self) -> Vec<String> {
        let records = self.records();
        let lines = records.iter().filter_map(|record| record.text.strip_prefix("pam_herald("));
        lines.filter_map(|line| Some(line.split_once("): ")?.1.to_owned())).collect()
    }

    /// Waits for a line in which all these words stand, and gives it back.
    pub fn wait_for(&self, words: &[&str]) -> String {
        let found = |page: &Page| {
            let holds = |record: &&Record| words.iter().all(|word| record.text.contains(word));
            page.records.iter().find(holds).map(|record| record.text.clone())
        };
        let page = self.wait(|page| found(page).is_some());
        found(&page).unwrap_or_else(|| panic!("no line with {words:?} in the log:\n{}", text(&page.records)))
    }

    /// Everything, for a message of failure.
    pub fn text(&self) -> String {
        text(&self.records())
    }

    /// Waits until this holds, or for long enough.
    fn wait(&self, holds: impl Fn(&Page) -> bool) -> MutexGuard<'_, Page> {
        let wait = self.page.1.wait_timeout_while(self.lock(), PATIENCE, |page| !holds(page));
        wait.expect("a page").0
    }

    fn lock(&self) -> MutexGuard<'_, Page> {
        self.page.0.lock().expect("a page")
    }

    fn send(&self, datagram: &[u8]) {
        // If the machine is gone, so is the socket, and nothing more is logged.
        let _ = UnixDatagram::unbound().and_then(|socket| socket.send_to(datagram, &self.path));
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.send(END);
    }
}

impl Record {
    /// `<86>Nov 22 06:36:01 sshd[123]: text`, as glibc sends it.
    fn parse(datagram: &str) -> Self {
        let datagram = datagram.trim_end_matches(['\n', '\0']);
        let (priority, rest) =
            datagram.strip_prefix('<').and_then(|rest| rest.split_once('>')).unwrap_or(("0", datagram));
        let rest = rest.get("Nov 22 06:36:01 ".len()..).unwrap_or_default();
        let (from, text) = rest.split_once(": ").unwrap_or(("", rest));
        Self { priority: priority.parse().unwrap_or(0), from: from.to_owned(), text: text.to_owned() }
    }
}

fn text(records: &[Record]) -> String {
    records.iter().map(|Record { from, text, .. }| format!("{from}: {text}\n")).collect()
}
