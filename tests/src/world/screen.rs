//! A screen in memory: an X server without hardware, what is drawn on it, and a keyboard.

use super::machine::{Machine, Running};
use miniz_oxide::deflate::compress_to_vec_zlib;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

/// How long a program may take to draw something.
const PATIENCE: Duration = Duration::from_secs(60);
/// What did not change for so long is drawn.
const STILL: Duration = Duration::from_millis(400);
/// Far from where somebody who runs the tests has a display of their own.
pub(super) const DISPLAY: u32 = 71;
const SIZE: &str = "800x600x24";
/// Where the X server keeps its picture.
pub(super) const FRAME: &str = "/run/screen";

/// The screen of a machine.
#[derive(Debug)]
pub struct Screen<'a> {
    machine: &'a Machine,
    display: String,
    authority: String,
    _server: Option<Running>,
}

/// What is to be seen at a moment.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    /// Red, green and blue of each dot.
    dots: Vec<u8>,
}

impl<'a> Screen<'a> {
    /// The screen of this display; a client needs this file to be let in.
    pub(super) fn new(machine: &'a Machine, display: &str, authority: &str) -> Self {
        Self { machine, display: display.to_owned(), authority: authority.to_owned(), _server: None }
    }

    /// A screen at which somebody works already: whoever is on the machine may draw and type.
    pub fn start(machine: &'a Machine) -> Self {
        machine.folder(FRAME, 0o700);
        machine.folder("/tmp/.X11-unix", 0o1777);
        let display = format!(":{DISPLAY}");
        let own = ["-ac", "-screen", "0", SIZE, "-fbdir", FRAME, "-nolisten", "tcp", "-nolisten", "local"];
        let server = machine.start(&[&["Xvfb", &display, "-noreset"], &own[..]].concat());
        let screen = Self { _server: Some(server), ..Self::new(machine, &display, "/dev/null") };
        let give_up = Instant::now() + PATIENCE;
        while !machine.path(&format!("/tmp/.X11-unix/X{DISPLAY}")).exists() || screen.picture().is_none() {
            assert!(Instant::now() < give_up, "no screen (Debian: apt install xvfb)");
            thread::sleep(Duration::from_millis(5));
        }
        screen
    }

    /// What a program needs to find it.
    pub fn display(&self) -> String {
        format!("DISPLAY={}", self.display)
    }

    /// What is to be seen now; `None` before the X server is there.
    pub fn picture(&self) -> Option<Picture> {
        Picture::read(&fs::read(self.machine.path(&format!("{FRAME}/Xvfb_screen0"))).ok()?)
    }

    /// Waits until something else than this, or anything at all, is to be seen, and stands still.
    pub fn wait_for_another(&self, before: Option<&Picture>) -> Picture {
        let give_up = Instant::now() + PATIENCE;
        let mut last = self.picture();
        let mut since = Instant::now();
        loop {
            assert!(Instant::now() < give_up, "nothing else is shown");
            thread::sleep(Duration::from_millis(20));
            let now = self.picture();
            if now != last {
                (last, since) = (now, Instant::now());
                continue;
            }
            let is_another = |picture: &&Picture| before.map_or(!picture.is_blank(), |before| *picture != before);
            if let Some(picture) = last.as_ref().filter(is_another).filter(|_| since.elapsed() >= STILL) {
                return picture.clone();
            }
        }
    }

    /// Types a text, and Enter once it is to be seen; gives what it looked like.
    pub fn type_line(&self, text: &str) -> Picture {
        let empty = self.picture();
        self.xdotool(&["type", "--delay", "12", text]);
        let typed = self.wait_for_another(empty.as_ref());
        self.press("Return");
        typed
    }

    /// Presses a key, as xdotool(1) names it.
    pub fn press(&self, key: &str) {
        self.xdotool(&["key", key]);
    }

    /// Moves the pointer out of the picture.
    pub fn hide_pointer(&self) {
        self.xdotool(&["mousemove", "9999", "9999"]);
    }

    fn xdotool(&self, words: &[&str]) {
        let (display, authority) = (self.display(), format!("XAUTHORITY={}", self.authority));
        let ended = self.machine.run("root", &[&["env", &display, &authority, "xdotool"], words].concat(), "");
        assert!(ended.status.success(), "{ended:?} (Debian: apt install xdotool)");
    }
}

impl Picture {
    /// A dump as Xvfb keeps it: the format of xwd(1), with 32 bits to a dot (X11/XWDFile.h).
    fn read(dump: &[u8]) -> Option<Self> {
        let word = |place: usize| Some(u32::from_be_bytes(dump.get(place * 4..place * 4 + 4)?.try_into().ok()?));
        let [header, width, height, per_dot, per_line, colours] = [0, 4, 5, 11, 12, 19].map(word);
        let (width, height, per_line) = (width?, height?, usize::try_from(per_line?).ok()?);
        if per_dot? != 32 {
            return None;
        }
        let start = usize::try_from(header? + colours? * 12).ok()?;
        let mut dots = Vec::new();
        for line in dump.get(start..)?.chunks(per_line).take(usize::try_from(height).ok()?) {
            for dot in line.chunks_exact(4).take(usize::try_from(width).ok()?) {
                // The least significant byte comes first.
                dots.extend([dot[2], dot[1], dot[0]]);
            }
        }
        Some(Self { width, height, dots })
    }

    /// Nothing is drawn yet: it is one colour.
    fn is_blank(&self) -> bool {
        self.dots.chunks_exact(3).all(|dot| dot == &self.dots[..3])
    }

    /// Keeps it as `NAME.png` beside the programs that are built.
    pub fn keep(&self, name: &str) -> PathBuf {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/screens");
        let folder = std::env::var_os("CARGO_TARGET_DIR").map_or(folder, |target| Path::new(&target).join("screens"));
        fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join(format!("{name}.png"));
        fs::write(&path, self.png()).expect("room");
        path
    }

    /// As PNG (ISO/IEC 15948): eight bits to a colour, no filter.
    fn png(&self) -> Vec<u8> {
        let line = usize::try_from(self.width).expect("a width") * 3;
        let lines: Vec<u8> = self.dots.chunks(line).flat_map(|line| [&[0], line].concat()).collect();
        let head = [&self.width.to_be_bytes()[..], &self.height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
        let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
        for (kind, data) in [(b"IHDR", head), (b"IDAT", compress_to_vec_zlib(&lines, 10)), (b"IEND", Vec::new())] {
            let chunk = [&kind[..], &data].concat();
            png.extend(u32::try_from(data.len()).expect("small").to_be_bytes());
            png.extend(&chunk);
            png.extend(checksum(&chunk).to_be_bytes());
        }
        png
    }
}

/// CRC-32, as PNG has it (its Annex D).
fn checksum(bytes: &[u8]) -> u32 {
    let step = |rest: u32| (rest >> 1) ^ if rest & 1 == 1 { 0xedb8_8320 } else { 0 };
    !bytes.iter().fold(!0, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |rest, _| step(rest)))
}

impl std::fmt::Debug for Picture {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "a picture of {} by {}", self.width, self.height)
    }
}
