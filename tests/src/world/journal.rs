//! What the scratch machine logs: the test's own socket at its /dev/log.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

/// How long a line may take to come.
const PATIENCE: Duration = Duration::from_secs(15);
/// The last datagram, from the journal to itself.
const END: &[u8] = b"end of the journal";

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
    records: Arc<(Mutex<Vec<Record>>, Condvar)>,
}

impl Journal {
    /// Listens at this path, where nothing is yet.
    pub(super) fn listen(path: &Path) -> Self {
        let socket = UnixDatagram::bind(path).expect("a socket for the log");
        let records = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
        let kept = Arc::clone(&records);
        // Nobody may have to wait: a full socket stops whoever logs.
        thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while let Ok(length) = socket.recv(&mut buffer) {
                if buffer[..length] == *END {
                    break;
                }
                let (records, changed) = &*kept;
                records.lock().expect("records").push(Record::parse(&String::from_utf8_lossy(&buffer[..length])));
                changed.notify_all();
            }
        });
        Self { path: path.to_owned(), records }
    }

    /// All lines so far.
    pub fn records(&self) -> Vec<Record> {
        self.lock().clone()
    }

    /// What the module said so far, without `pam_herald(…): `.
    pub fn herald(&self) -> Vec<String> {
        let records = self.records();
        let lines = records.iter().filter_map(|record| record.text.strip_prefix("pam_herald("));
        lines.filter_map(|line| Some(line.split_once("): ")?.1.to_owned())).collect()
    }

    /// Waits for a line in which all these words stand, and gives it back.
    pub fn wait_for(&self, words: &[&str]) -> String {
        let found = |records: &Vec<Record>| {
            let holds = |record: &&Record| words.iter().all(|word| record.text.contains(word));
            records.iter().find(holds).map(|record| record.text.clone())
        };
        let records = self.lock();
        let wait = self.records.1.wait_timeout_while(records, PATIENCE, |records| found(records).is_none());
        let records = wait.expect("records").0;
        found(&records).unwrap_or_else(|| panic!("no line with {words:?} in the log:\n{}", text(&records)))
    }

    /// Everything, for a message of failure.
    pub fn text(&self) -> String {
        text(&self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Record>> {
        self.records.0.lock().expect("records")
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        // If the machine is gone, so is the socket, and the thread with it at the end of the test.
        let _ = UnixDatagram::unbound().and_then(|socket| socket.send_to(END, &self.path));
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
