//! The proxy of the configuration, and no other.

use crate::harness::{CHAT, CODE, SOON, gateway, send, send_through, tries};
use herald_core::courier::{End, Request};
use herald_tests::phone::BotApi;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

/// What a proxy does with a connection: reads whom it is for, and says whether to go on.
type Greeting = fn(&mut TcpStream) -> io::Result<(String, bool)>;

/// A proxy on loopback that leads every connection to `port`; what it was asked for comes out of the receiver.
fn proxy(port: u16, greeting: Greeting) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let own = listener.local_addr().expect("bound").port();
    let (asked, receiver) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a client");
            let (target, good) = greeting(&mut stream).expect("a greeting");
            if asked.send(target).is_err() {
                return;
            }
            if good {
                relay(&stream, &TcpStream::connect(("127.0.0.1", port)).expect("the phone listens"));
            }
        }
    });
    (own, receiver)
}

fn relay(client: &TcpStream, server: &TcpStream) {
    let copy = |from: &TcpStream, to: &TcpStream| {
        let (mut from, mut to) = (from.try_clone().expect("open"), to.try_clone().expect("open"));
        std::thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        })
    };
    let both = [copy(client, server), copy(server, client)];
    both.into_iter().for_each(|thread| thread.join().expect("it only copies"));
}

/// CONNECT (RFC 9110 §9.3.6).
fn connect(stream: &mut TcpStream) -> io::Result<(String, bool)> {
    let head = head(stream)?;
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    Ok((head, true))
}

fn refuse(stream: &mut TcpStream) -> io::Result<(String, bool)> {
    let head = head(stream)?;
    stream.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")?;
    Ok((head, false))
}

fn head(stream: &mut TcpStream) -> io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.extend_from_slice(&byte);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// SOCKS5 without a password, for a name (RFC 1928 §3–6).
fn socks(stream: &mut TcpStream) -> io::Result<(String, bool)> {
    let mut offer = [0; 2];
    stream.read_exact(&mut offer)?;
    stream.read_exact(&mut vec![0; usize::from(offer[1])])?;
    stream.write_all(&[5, 0])?;
    let mut request = [0; 5];
    stream.read_exact(&mut request)?;
    let mut name = vec![0; usize::from(request[4]) + 2];
    stream.read_exact(&mut name)?;
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])?;
    Ok((String::from_utf8_lossy(&name[..name.len() - 2]).into_owned(), true))
}

/// A send to a name that nothing resolves but a proxy.
fn send_by_name(phone: &BotApi, proxy: &str) -> Request {
    let url = format!("https://{}:{}", BotApi::HOST, phone.port());
    let mut request = send(vec![gateway("telegram", &url)], &[("telegram", CHAT)]);
    request.ca = phone.ca_pem().into();
    request.proxy = proxy.into();
    request
}

#[test]
fn an_http_proxy_leads_to_the_service_and_sees_no_secret() {
    let phone = BotApi::start();
    let (port, asked) = proxy(phone.port(), connect);
    let tries = tries(&send_by_name(&phone, &format!("http://127.0.0.1:{port}")));
    assert_eq!(tries[0].end, End::Delivered, "{tries:?}");
    assert!(phone.next_message(SOON).is_some());
    let head = asked.recv_timeout(SOON).expect("it was asked");
    assert!(head.starts_with(&format!("CONNECT {}:{} ", BotApi::HOST, phone.port())), "{head}");
    assert!(!head.contains("FAKE-TOKEN") && !head.contains(CODE));
}

#[test]
fn a_socks_proxy_leads_to_the_service() {
    let phone = BotApi::start();
    let (port, asked) = proxy(phone.port(), socks);
    let tries = tries(&send_by_name(&phone, &format!("socks5h://127.0.0.1:{port}")));
    assert_eq!(tries[0].end, End::Delivered, "{tries:?}");
    assert_eq!(asked.recv_timeout(SOON).as_deref(), Ok(BotApi::HOST));
}

#[test]
fn a_gateway_on_this_machine_is_not_behind_the_proxy() {
    let phone = BotApi::start_plain();
    let (port, asked) = proxy(phone.port(), connect);
    let mut request = send_through(&phone);
    request.proxy = format!("http://127.0.0.1:{port}");
    assert_eq!(tries(&request)[0].end, End::Delivered);
    assert!(asked.try_recv().is_err(), "the token would have passed it in clear");
}

#[test]
fn rule_5_a_proxy_that_refuses_is_not_a_network_that_is_down() {
    let phone = BotApi::start();
    let (port, _asked) = proxy(phone.port(), refuse);
    let tries = tries(&send_by_name(&phone, &format!("http://127.0.0.1:{port}")));
    assert_eq!(tries[0].end, End::TryAgain { after: None }, "{tries:?}");
    assert!(tries[0].detail.contains("proxy"), "{tries:?}");
}

#[test]
fn an_http_proxy_that_is_gone_is_unreachable() {
    let phone = BotApi::start();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let gone = listener.local_addr().expect("bound");
    drop(listener);
    let tries = tries(&send_by_name(&phone, &format!("http://{gone}")));
    assert_eq!(tries[0].end, End::Unreachable, "{tries:?}");
}
