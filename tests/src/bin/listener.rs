//! What systemd does for a socket unit with `Accept=yes`, and an inetd for its line: takes the connections to a socket and
//! starts a program for each, with the connection as its standard input and output.
//!
//! `listener SOCKET PROGRAM [ARGUMENT…]`; says `listening` once it is, and ends with its own standard input.

use std::fs::{Permissions, remove_file, set_permissions};
use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::{Command, Stdio};
use std::thread;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [socket, program, arguments @ ..] = words.as_slice() else { panic!("listener SOCKET PROGRAM [ARGUMENT…]") };
    let _ = remove_file(socket);
    let listener = UnixListener::bind(socket).expect("a socket");
    set_permissions(socket, Permissions::from_mode(0o666)).expect("its mode");
    println!("listening");
    thread::spawn(|| {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    for connection in listener.incoming() {
        let connection = OwnedFd::from(connection.expect("a connection"));
        let both = connection.try_clone().expect("a descriptor");
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env_clear()
            .stdin(Stdio::from(connection))
            .stdout(Stdio::from(both))
            .stderr(Stdio::null());
        let mut child = command.spawn().expect("the program");
        thread::spawn(move || child.wait());
    }
}
