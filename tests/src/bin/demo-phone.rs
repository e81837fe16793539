//! The phone of `make demo`: a Bot API server on loopback that prints each message as a phone would show it.
//!
//! It runs until its standard input closes, or until SIGTERM.
#![forbid(unsafe_code)]

use herald_tests::phone::BotApi;
use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

const USAGE: &str = "usage: demo-phone --url FILE --ca FILE --token FILE [--answer-to FILE] [--port PORT]
  --url FILE        write the base URL there (api_url)
  --ca FILE         write the CA's certificate there (ca_file)
  --token FILE      write the bot's token there, readable by its owner only (token_file)
  --answer-to FILE  write each code there as well, one on a line
  --port PORT       of 127.0.0.1; without it any that is free";

fn main() -> ExitCode {
    let Some(files) = Files::read(std::env::args().skip(1)) else {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    };
    match run(&files) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("demo-phone: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Where everything is written, and where it listens.
#[derive(Default)]
struct Files {
    url: PathBuf,
    ca: PathBuf,
    token: PathBuf,
    answers: Option<PathBuf>,
    /// 0 is any that is free.
    port: u16,
}

impl Files {
    fn read(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let mut files = Self::default();
        while let Some(argument) = arguments.next() {
            let path = PathBuf::from(arguments.next()?);
            match argument.as_str() {
                "--url" => files.url = path,
                "--ca" => files.ca = path,
                "--token" => files.token = path,
                "--answer-to" => files.answers = Some(path),
                "--port" => files.port = path.to_str()?.parse().ok()?,
                _ => return None,
            }
        }
        let named = [&files.url, &files.ca, &files.token].iter().all(|path| !path.as_os_str().is_empty());
        named.then_some(files)
    }
}

fn run(files: &Files) -> io::Result<()> {
    let phone = BotApi::start_at(files.port);
    write_whole(&files.token, BotApi::TOKEN, 0o600)?;
    write_whole(&files.ca, phone.ca_pem(), 0o644)?;
    // Last: who waits for it finds the others, and a server that listens.
    write_whole(&files.url, &phone.url(), 0o644)?;
    let shown = std::thread::spawn({
        let answers = files.answers.clone();
        move || show(&phone, answers.as_deref())
    });
    let mut stdin = io::stdin().lock();
    while !shown.is_finished() && stdin.read(&mut [0; 256])? > 0 {}
    Ok(())
}

/// Prints what arrives, for as long as the process lives.
fn show(phone: &BotApi, answers: Option<&Path>) -> io::Result<()> {
    loop {
        let Some(message) = phone.next_message(Duration::from_secs(3600)) else { continue };
        let mut screen = io::stdout().lock();
        writeln!(screen, "\n{message}")?;
        screen.flush()?;
        if let (Some(path), Some(code)) = (answers, &message.code) {
            let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
            writeln!(file, "{code}")?;
        }
    }
}

/// Under another name first, so that nobody reads half of it.
fn write_whole(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let mut half = path.as_os_str().to_owned();
    half.push("~");
    let half = PathBuf::from(half);
    if let Err(error) = std::fs::remove_file(&half) {
        if error.kind() != io::ErrorKind::NotFound {
            return Err(error);
        }
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&half)?;
    file.write_all(text.trim_end().as_bytes())?;
    file.write_all(b"\n")?;
    std::fs::rename(&half, path)
}
