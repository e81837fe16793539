//! What a module could change in its host for ever, or leave behind in its memory.

use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};

/// Environment, folders, ids, masks, signal handling, threads, descriptors and children, one a line.
pub(crate) fn describe() -> String {
    let mut text = String::new();
    let mut note = |key: &str, value: String| writeln!(text, "{key}: {value}").expect("memory");
    note("cwd", format!("{:?}", std::env::current_dir()));
    let mut environment: Vec<_> = std::env::vars_os().collect();
    environment.sort();
    note("environment", format!("{environment:?}"));
    let status = fs::read_to_string("/proc/self/status").expect("/proc");
    for line in status.lines() {
        let (key, value) = line.split_once(':').unwrap_or((line, ""));
        let kept = ["Umask", "Uid", "Gid", "Groups", "Threads", "SigBlk", "SigIgn", "SigCgt", "CapEff", "NoNewPrivs"];
        if kept.contains(&key) {
            note(key, value.trim().to_owned());
        }
    }
    let mut descriptors: Vec<String> = fs::read_dir("/proc/self/fd")
        .expect("/proc")
        .flatten()
        .filter_map(|entry| Some(format!("{:?}={:?}", entry.file_name(), fs::read_link(entry.path()).ok()?)))
        // The folder that is being read here.
        .filter(|descriptor| !descriptor.contains("/fd\""))
        .collect();
    descriptors.sort();
    note("descriptors", descriptors.join(" "));
    note("children", children().join(" "));
    note("signals", dispositions());
    note("limits", fs::read_to_string("/proc/self/limits").expect("/proc").replace('\n', "; "));
    text
}

/// Whose parent this process is, also of those that have ended and wait to be reaped (proc(5), stat).
fn children() -> Vec<String> {
    let own = std::process::id().to_string();
    let child = |entry: fs::DirEntry| {
        let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
        // The name stands in parentheses and may hold some; state and parent follow.
        let (before, behind) = stat.rsplit_once(") ")?;
        let parent = behind.split(' ').nth(1)?;
        (parent == own).then(|| before.replace(' ', "_"))
    };
    let mut children: Vec<String> = fs::read_dir("/proc").expect("/proc").flatten().filter_map(child).collect();
    children.sort();
    children
}

/// What is done about each signal: the handler, its flags and its mask (sigaction(2)). The masks of proc(5) do not tell
/// one handler from another.
fn dispositions() -> String {
    // SA_RESTORER: the C library's own, and there once anybody has set and put back a handler, as pam_unix does.
    const RESTORER: i32 = 0x0400_0000;
    let one = |signal: i32| {
        let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: nothing is set, and there is room for what is read; all of it was zero before.
        let (known, action) = unsafe {
            let known = libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr()) == 0;
            (known, action.assume_init())
        };
        // SAFETY: the mask was written whole, or is all zero.
        let masked = (1..65).filter(|other| unsafe { libc::sigismember(&raw const action.sa_mask, *other) } == 1);
        known.then(|| {
            format!(
                "{signal}:{:x}/{:x}/{:?}",
                action.sa_sigaction,
                action.sa_flags & !RESTORER,
                masked.collect::<Vec<_>>()
            )
        })
    };
    (1..65).filter_map(one).collect::<Vec<_>>().join(" ")
}

/// How much memory this process holds, in bytes (proc(5), statm).
pub(crate) fn resident() -> u64 {
    let statm = fs::read_to_string("/proc/self/statm").expect("/proc");
    let pages: u64 = statm.split(' ').nth(1).and_then(|pages| pages.parse().ok()).expect("pages");
    pages * 4096
}

/// Opens so many descriptors, for good.
pub(crate) fn open_many(count: i32) {
    for _ in 0..count {
        std::mem::forget(fs::File::open("/dev/null").expect("a descriptor"));
    }
}

/// How often the bytes, given in hexadecimal, stand in the memory that this process can write to. They are never
/// put together here, so this search does not find itself.
pub(crate) fn search(needle: &str) -> usize {
    let mut memory = fs::File::open("/proc/self/mem").expect("/proc");
    let maps = BufReader::new(fs::File::open("/proc/self/maps").expect("/proc"));
    let ranges: Vec<(u64, u64)> = maps.lines().map_while(Result::ok).filter_map(|line| writable(&line)).collect();
    let digits = needle.as_bytes();
    let mut found = 0;
    let mut chunk = vec![0; 1 << 16];
    let chunk_range = chunk.as_ptr_range();
    let own = (chunk_range.start.addr() as u64, chunk_range.end.addr() as u64);
    for (start, end) in ranges {
        let mut at = start;
        // Chunks overlap by less than a needle, so that one across a border is found once.
        while at + (digits.len() / 2) as u64 <= end {
            let wanted = chunk.len().min((end - at) as usize);
            if memory.seek(SeekFrom::Start(at)).and_then(|_| memory.read_exact(&mut chunk[..wanted])).is_err() {
                break;
            }
            for position in 0..=wanted - digits.len() / 2 {
                let address = at + position as u64;
                let inside_own = (own.0..own.1).contains(&address);
                found += usize::from(!inside_own && stands_at(&chunk[position..], digits));
            }
            at += (wanted - digits.len() / 2 + 1) as u64;
        }
    }
    chunk.fill(0);
    found
}

/// All memory that this process can write to.
pub(crate) fn core() -> Vec<u8> {
    let mut memory = fs::File::open("/proc/self/mem").expect("/proc");
    let maps = fs::read_to_string("/proc/self/maps").expect("/proc");
    let mut core = Vec::new();
    for (start, end) in maps.lines().filter_map(writable) {
        let mut piece = vec![0; (end - start) as usize];
        // A piece may have gone meanwhile: by this very reading.
        if memory.seek(SeekFrom::Start(start)).and_then(|_| memory.read_exact(&mut piece)).is_ok() {
            core.append(&mut piece);
        }
    }
    core
}

/// How many pieces of this process's memory come from a file whose path ends like this (proc(5), maps).
pub(crate) fn mapped(name: &[u8]) -> usize {
    let maps = fs::read("/proc/self/maps").expect("/proc");
    maps.split(|byte| *byte == b'\n').filter(|line| line.ends_with(name)).count()
}

fn writable(line: &str) -> Option<(u64, u64)> {
    let mut words = line.split(' ');
    let (start, end) = words.next()?.split_once('-')?;
    let plain = words.next()?.starts_with("rw") && !line.ends_with("[vvar]");
    plain.then_some((u64::from_str_radix(start, 16).ok()?, u64::from_str_radix(end, 16).ok()?))
}

fn stands_at(bytes: &[u8], digits: &[u8]) -> bool {
    let value = |digit: u8| char::from(digit).to_digit(16).unwrap_or(0);
    digits.chunks(2).zip(bytes).all(|(pair, byte)| u32::from(*byte) == value(pair[0]) * 16 + value(pair[1]))
}
