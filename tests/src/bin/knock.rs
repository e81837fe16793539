//! Somebody who means no good by a socket: `knock SOCKET COUNT HEX` opens so many connections, sends these bytes over each,
//! says `open` and holds them until its standard input ends. `knock SOCKET again HEX` does so one by one without end,
//! and never reads what comes back.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [socket, count, bytes] = words.as_slice() else { panic!("knock SOCKET COUNT HEX") };
    let digit = |byte: &u8| u8::try_from(char::from(*byte).to_digit(16).expect("a digit")).expect("below 16");
    let bytes: Vec<u8> = bytes.as_bytes().chunks(2).map(|pair| digit(&pair[0]) * 16 + digit(&pair[1])).collect();
    let (socket, count) = (socket.clone(), count.parse::<usize>().ok());
    let knock = move || {
        let mut connection = UnixStream::connect(&socket).ok()?;
        // Whoever is shown the door may find it closed already.
        let _ = connection.write_all(&bytes);
        Some(connection)
    };
    let mut held = Vec::new();
    match count {
        Some(count) => held.extend((0..count).filter_map(|_| knock())),
        None => drop(thread::spawn(move || {
            loop {
                knock();
            }
        })),
    }
    println!("open");
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    drop(held);
}
