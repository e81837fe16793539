//! Fifty logins at once, each in a process of its own, as with sshd.

use crate::Failure;
use crate::contestant::Contestant;
use crate::footprint::Footprint;
use crate::scratch::Scratch;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// How many log in at once.
pub(crate) const SIZE: usize = 50;

/// How long a crowd took, from the common start to the last one's end: the median of all crowds.
pub(crate) struct Crowds {
    pub(crate) herald: Duration,
    pub(crate) exec: Duration,
    pub(crate) rounds: usize,
}

/// Lets crowds of both kinds log in, in turn.
pub(crate) fn measure(scratch: &Scratch, rounds: usize) -> Result<Crowds, Failure> {
    let (mut herald, mut exec) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        herald.push(crowd(scratch, Contestant::HeraldCode)?);
        exec.push(crowd(scratch, Contestant::ExecCurl)?);
    }
    Ok(Crowds { herald: median(&mut herald), exec: median(&mut exec), rounds })
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn crowd(scratch: &Scratch, contestant: Contestant) -> Result<Duration, Failure> {
    scratch.forget_logins()?;
    let before = scratch.gateway.end()?;
    let mut members = Vec::with_capacity(SIZE);
    for number in 0..SIZE {
        // Three digits each: no address is the beginning of another.
        members.push(Member::start(scratch, contestant, &format!("198.51.100.{}", 100 + number))?);
    }
    for member in &mut members {
        member.is_ready()?;
    }
    let start = Instant::now();
    for member in &mut members {
        member.go();
    }
    for member in &mut members {
        member.finish()?;
    }
    let time = start.elapsed();
    scratch.gateway.expect(before, SIZE)?;
    Ok(time)
}

/// One login in a process of its own.
pub(crate) struct Member {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Member {
    /// Starts the process, which waits for [`Member::go`].
    pub(crate) fn start(scratch: &Scratch, contestant: Contestant, rhost: &str) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| format!("a login of its own: {error}");
        let mut command = Command::new(std::env::current_exe().map_err(failed)?);
        command.arg("one").args(scratch.words()).args([contestant.service(), rhost]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
        let said = child.stdout.take().map(BufReader::new).ok_or("a login of its own: no output")?;
        Ok(Self { child, said })
    }

    fn line(&mut self) -> Result<String, Failure> {
        let mut line = String::new();
        self.said.read_line(&mut line).map_err(|error| format!("a login of its own: {error}"))?;
        Ok(line)
    }

    /// Waits until it waits.
    pub(crate) fn is_ready(&mut self) -> Result<(), Failure> {
        if self.line()? == "ready\n" { Ok(()) } else { Err("a login of its own did not begin".to_owned()) }
    }

    /// Lets it log in.
    pub(crate) fn go(&mut self) {
        drop(self.child.stdin.take());
    }

    /// Waits for its end; what it needed.
    pub(crate) fn finish(&mut self) -> Result<Footprint, Failure> {
        let line = self.line()?;
        let status = self.child.wait().map_err(|error| format!("a login of its own: {error}"))?;
        if status.success() { Footprint::parse(&line) } else { Err("a login of its own failed".to_owned()) }
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // After a failure elsewhere; one that has ended cannot be killed, which is as well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The process itself: waits, logs in, says what it needed.
pub(crate) fn member(scratch: &Scratch, contestant: Contestant, rhost: &str) -> Result<(), Failure> {
    println!("ready");
    let _ = std::io::stdin().read(&mut [0]);
    contestant.attempt(scratch, rhost)?;
    println!("{}", Footprint::of_this_process()?.line());
    Ok(())
}
