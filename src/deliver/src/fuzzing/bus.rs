//! A D-Bus that lets everybody in and then says what it was told to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::Shutdown;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Runs `talk` with the name, in the abstract namespace (unix(7)), of a bus that says these bytes, once. `None` if there can be none.
pub(super) fn says<T>(bytes: &[u8], talk: impl FnOnce(&[u8]) -> T) -> Option<T> {
    static BUSES: AtomicUsize = AtomicUsize::new(0);
    let bus = BUSES.fetch_add(1, Ordering::Relaxed);
    let name = format!("herald-fuzzing-{}-{bus}", std::process::id());
    let listener = SocketAddr::from_abstract_name(&name).and_then(|name| UnixListener::bind_addr(&name)).ok()?;
    std::thread::scope(|threads| {
        let bus = threads.spawn(|| listener.accept().and_then(|(stream, _)| serve(stream, bytes)));
        let came_of_it = talk(name.as_bytes());
        // The scope alone would not wait for what a thread does at its very end, which then counts as a leak.
        let _ = bus.join();
        Some(came_of_it)
    })
}

/// The handshake of the D-Bus specification ("Authentication Protocol"), each line of it after the one before.
fn serve(mut stream: UnixStream, bytes: &[u8]) -> std::io::Result<()> {
    let mut heard = BufReader::new(stream.try_clone()?);
    for answer in ["OK 00000000000000000000000000000000\r\n", "AGREE_UNIX_FD\r\n", ""] {
        heard.read_until(b'\n', &mut Vec::new())?;
        stream.write_all(answer.as_bytes())?;
    }
    stream.write_all(bytes)?;
    stream.shutdown(Shutdown::Write)?;
    heard.read_to_end(&mut Vec::new()).map(drop)
}
