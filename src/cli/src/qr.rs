//! QR codes in a terminal.

use crate::locale::Locale;
use crate::output;
use crate::terminal::Terminal;
use clap::ValueEnum;
use qrcode::{Color, EcLevel, QrCode};

/// Light modules around a code. ISO/IEC 18004 asks for 4; half of that is what scanners need, and lets a link fit 80
/// columns in ASCII.
const QUIET: usize = 2;

/// How a QR code is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Qr {
    /// Half blocks
    Utf8,
    /// Spaces and # signs, two for each dot
    Ascii,
    /// Not at all
    None,
}

/// A text as a QR code for this terminal, in the form that was asked for or that the terminal can show; `None` if there
/// is none, or the code does not fit. Where colours are shown, dark is black and light is white, whatever the terminal's
/// own colours are; where none are, light is drawn, as on a dark screen.
pub(crate) fn drawn(text: &str, wanted: Option<Qr>, terminal: &Terminal) -> Option<String> {
    let form = match wanted {
        _ if output::is_plain() => Qr::None,
        Some(form) => form,
        None if !terminal.is_screen() => Qr::None,
        None if Locale::here(&Terminal::name()).beyond_ascii => Qr::Utf8,
        None => Qr::Ascii,
    };
    let in_colour = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
    let code = Code { drawn_dark: in_colour, ..Code::of(text)? };
    let columns = match form {
        Qr::Utf8 => code.width(),
        Qr::Ascii => 2 * code.width(),
        Qr::None => return None,
    };
    let fits = !terminal.is_screen() || columns <= terminal.columns();
    fits.then(|| if form == Qr::Utf8 { code.half_blocks() } else { code.ascii() })
}

struct Code {
    dark: Vec<bool>,
    side: usize,
    /// Whether the dark dots are drawn, and not the light ones.
    drawn_dark: bool,
}

impl Code {
    fn of(text: &str) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
        let dark = code.to_colors().iter().map(|color| *color == Color::Dark).collect();
        Some(Self { dark, side: code.width(), drawn_dark: true })
    }

    /// With the quiet zone.
    fn width(&self) -> usize {
        self.side + 2 * QUIET
    }

    fn is_dark(&self, row: usize, column: usize) -> bool {
        let inside = |at: usize| at.checked_sub(QUIET).filter(|at| *at < self.side);
        let (Some(row), Some(column)) = (inside(row), inside(column)) else { return false };
        self.dark.get(row * self.side + column).copied().unwrap_or(false)
    }

    fn is_drawn(&self, row: usize, column: usize) -> bool {
        row < self.width() && self.is_dark(row, column) == self.drawn_dark
    }

    /// Two rows to a line.
    fn half_blocks(&self) -> String {
        let line = |row: usize| {
            let cells =
                (0..self.width()).map(|column| match (self.is_drawn(row, column), self.is_drawn(row + 1, column)) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                });
            format!("\x1b[30;107m{}\x1b[0m", cells.collect::<String>())
        };
        (0..self.width()).step_by(2).map(line).collect::<Vec<_>>().join("\n")
    }

    /// Two columns for each dot: characters are twice as high as they are wide.
    fn ascii(&self) -> String {
        let line = |row: usize| {
            let cells = (0..self.width()).map(|column| if self.is_drawn(row, column) { "##" } else { "  " });
            format!("\x1b[30;47m{}\x1b[0m", cells.collect::<String>())
        };
        (0..self.width()).map(line).collect::<Vec<_>>().join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_show_the_same_dots() {
        let code = Code::of("https://t.me/herald_bot?start=00000000000000000000000000000000").expect("short");
        let bare = |text: String| text.replace("\x1b[30;107m", "").replace("\x1b[30;47m", "").replace("\x1b[0m", "");
        let ascii = bare(code.ascii());
        let ascii: Vec<Vec<char>> = ascii.lines().map(|line| line.chars().step_by(2).collect()).collect();
        let blocks = bare(code.half_blocks());
        for (row, line) in blocks.lines().enumerate() {
            for (column, block) in line.chars().enumerate() {
                let dot = |row: usize| ascii.get(row).is_some_and(|line| line[column] == '#');
                let drawn = (matches!(block, '█' | '▀'), matches!(block, '█' | '▄'));
                assert_eq!(drawn, (dot(2 * row), dot(2 * row + 1)), "{row} {column}");
            }
        }
        assert!(code.width() <= 45 && blocks.lines().count() <= 23, "it fits a terminal of 80 by 24");
        assert!(ascii[..QUIET].iter().flatten().all(|dot| *dot == ' '), "a quiet zone");
    }
}
