//! As much HTTP/1.1 as a Bot API server needs.

use std::io::{self, Read};

/// One request.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) target: String,
    pub(super) content_type: String,
    pub(super) body: Vec<u8>,
    /// All of it, as it came.
    pub(super) raw: Vec<u8>,
}

/// Far more than any request of ours.
const LONGEST: usize = 256 * 1024;

/// Reads one request; `None` if the other end has closed.
pub(super) fn read_request(stream: &mut dyn Read) -> io::Result<Option<Request>> {
    let mut raw = Vec::new();
    let head_end = loop {
        if let Some(position) = raw.windows(4).position(|window| window == b"\r\n\r\n") {
            break position + 4;
        }
        if !fill(stream, &mut raw)? {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&raw[..head_end]).into_owned();
    let mut lines = head.lines();
    let target = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
    let header = |name: &str| {
        let of_name = |line: &str| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        };
        head.lines().find_map(of_name).unwrap_or_default()
    };
    let length: usize = header("content-length").parse().unwrap_or(0);
    while raw.len() < head_end + length {
        if !fill(stream, &mut raw)? {
            return Ok(None);
        }
    }
    let body = raw[head_end..head_end + length].to_vec();
    Ok(Some(Request { target, content_type: header("content-type"), body, raw }))
}

fn fill(stream: &mut dyn Read, raw: &mut Vec<u8>) -> io::Result<bool> {
    let mut buffer = [0; 4096];
    let read = stream.read(&mut buffer)?;
    raw.extend_from_slice(&buffer[..read]);
    if raw.len() > LONGEST { Err(io::ErrorKind::InvalidData.into()) } else { Ok(read > 0) }
}

/// An answer as bytes. `headers` are whole lines without their ends.
pub(super) fn response(status: u16, headers: &[&str], content_type: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {status} {}\r\n", reason(status)).into_bytes();
    for header in headers {
        bytes.extend_from_slice(format!("{header}\r\n").as_bytes());
    }
    let length = body.len();
    bytes.extend_from_slice(format!("Content-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n").as_bytes());
    bytes.extend_from_slice(body);
    bytes
}

fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        302 => "Found",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        409 => "Conflict",
        429 => "Too Many Requests",
        502 => "Bad Gateway",
        _ => "Internal Server Error",
    }
}
