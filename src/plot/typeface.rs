//! The compiled-in font of every picture, and the widths of its letters, which layout needs.

use crate::client::token::UNRECORDED;
use skrifa::instance::{LocationRef, Size as Scale};
use skrifa::{FontRef, MetadataProvider};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// The regular weight.
pub const REGULAR: &[u8] = include_bytes!("font/DejaVuSans.ttf");
/// The bold weight.
pub const BOLD: &[u8] = include_bytes!("font/DejaVuSans-Bold.ttf");
/// The family's name inside those files.
pub const FAMILY: &str = "DejaVu Sans";
/// The font list of an SVG. A reader without our font gets one of about the same width.
pub const FAMILY_LIST: &str = "DejaVu Sans, Verdana, sans-serif";

/// Look of a text, without its colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Face {
    /// Height of the em square, in pixels.
    pub size: f64,
    /// Whether it is bold.
    pub bold: bool,
}

/// Titles: the finding.
pub const TITLE: Face = Face { size: 20.0, bold: true };
/// Headings: a policy's name above its panel.
pub const HEADING: Face = Face { size: 14.0, bold: true };
/// Lines under the title and under headings.
pub const NOTE: Face = Face { size: 12.5, bold: false };
/// Labels of lines and areas.
pub const LABEL: Face = Face { size: 11.5, bold: false };
/// Labels that should stand out.
pub const STRONG: Face = Face { size: 11.5, bold: true };
/// Numbers along an axis, names of faults.
pub const TICK: Face = Face { size: 11.0, bold: false };

/// The advance of every letter of a weight, in ems.
struct Advances(BTreeMap<char, f64>);

static REGULAR_ADVANCES: LazyLock<Advances> = LazyLock::new(|| Advances::read(REGULAR));
static BOLD_ADVANCES: LazyLock<Advances> = LazyLock::new(|| Advances::read(BOLD));

impl Advances {
    fn read(data: &[u8]) -> Advances {
        let font = FontRef::new(data).expect("the compiled-in font is valid");
        let glyphs = font.glyph_metrics(Scale::unscaled(), LocationRef::default());
        let em = f64::from(font.metrics(Scale::unscaled(), LocationRef::default()).units_per_em);
        let advance = |glyph| f64::from(glyphs.advance_width(glyph).unwrap_or(0.0)) / em;
        let letters = font.charmap().mappings();
        Advances(letters.filter_map(|(code, glyph)| Some((char::from_u32(code)?, advance(glyph)))).collect())
    }

    /// A browser draws a letter that this font lacks from another font. An em is the usual greatest width.
    fn of(&self, letter: char) -> f64 {
        self.0.get(&letter).copied().unwrap_or(1.0)
    }
}

impl Face {
    /// Width of `text` in pixels. The font files hold no kerning, so the sum of the advances is exact.
    pub fn width(self, text: &str) -> f64 {
        let advances = if self.bold { &BOLD_ADVANCES } else { &REGULAR_ADVANCES };
        text.chars().map(|letter| advances.of(letter)).sum::<f64>() * self.size
    }

    /// Distance between the baselines of two lines.
    pub fn line(self) -> f64 {
        self.size * 1.3
    }

    /// `text`, cut at its end with an ellipsis when it is wider than `width`.
    pub fn fit(self, text: &str, width: f64) -> String {
        self.cut(text, width, |kept| (kept, 0))
    }

    /// `text`, shortened in the middle: names with the same beginning often differ at the end. A note that no recording
    /// confirms a client stays whole.
    pub fn fit_name(self, text: &str, width: f64) -> String {
        let shorten = |name, width| self.cut(name, width, |kept| (kept - kept / 3, kept / 3));
        match text.strip_suffix(UNRECORDED) {
            Some(name) => format!("{}{UNRECORDED}", shorten(name, width - self.width(UNRECORDED))),
            None => shorten(text, width),
        }
    }

    /// Keeps as many letters as fit. `share` splits their number into head and tail.
    fn cut(self, text: &str, width: f64, share: fn(usize) -> (usize, usize)) -> String {
        if self.width(text) <= width {
            return text.to_owned();
        }
        let letters: Vec<char> = text.chars().collect();
        let shortened = |kept: usize| {
            let (head, tail) = share(kept);
            let head: String = letters[..head].iter().collect();
            let tail: String = letters[letters.len() - tail..].iter().collect();
            format!("{}…{}", head.trim_end(), tail.trim_start())
        };
        // Width grows with the number of letters, except for a trimmed space. Searches the longest text that fits.
        let (mut fits, mut too_wide) = (0, letters.len());
        while too_wide - fits > 1 {
            let middle = fits.midpoint(too_wide);
            if self.width(&shortened(middle)) <= width { fits = middle } else { too_wide = middle }
        }
        shortened(fits)
    }

    /// `text` in lines no wider than `width`, broken at spaces. The last of `lines` is shortened if text is left.
    pub fn wrap(self, text: &str, width: f64, lines: usize) -> Vec<String> {
        self.wrap_at(text, " ", width, lines)
    }

    /// As [`Face::wrap`] with lines of about one length, so that the last line of a title is not a single word.
    pub fn wrap_even(self, text: &str, width: f64, lines: usize) -> Vec<String> {
        let widest = self.wrap(text, width, lines);
        let (mut too_narrow, mut fits) = (width / 2.0, width);
        while fits - too_narrow > 4.0 {
            let middle = fits.midpoint(too_narrow);
            let same = self.wrap(text, middle, usize::MAX).len() == widest.len();
            if same { fits = middle } else { too_narrow = middle }
        }
        self.wrap(text, fits, lines)
    }

    /// As [`Face::wrap`], broken at `separator`. A break drops the separator.
    pub fn wrap_at(self, text: &str, separator: &str, width: f64, lines: usize) -> Vec<String> {
        let mut done: Vec<String> = Vec::new();
        let mut line = String::new();
        let mut rest = text.split(separator).peekable();
        while let Some(word) = rest.next() {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line}{separator}{word}") };
            if self.width(&longer) <= width || line.is_empty() {
                line = longer;
                continue;
            }
            if done.len() + 1 == lines {
                let left: Vec<&str> = rest.collect();
                line = [&longer, left.join(separator).as_str()].join(separator);
                break;
            }
            done.push(self.fit(&line, width));
            line = word.to_owned();
        }
        done.push(self.fit(line.trim_end(), width));
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cut_text_fits_and_cut_names_keep_both_ends() {
        let long = "contender-6.3.3-with-a-very-long-name-that-ends-in-jitter-off";
        for width in [0.0, 10.0, 60.0, 123.4, 300.0] {
            let name = LABEL.fit_name(long, width);
            assert!(LABEL.width(&name) <= width.max(LABEL.width("…")), "{name} in {width}");
        }
        let name = LABEL.fit_name(long, 120.0);
        assert!(name.starts_with("conte") && name.ends_with("off"), "{name}");
        assert_eq!(LABEL.fit("short", 300.0), "short");
    }

    #[test]
    fn wrapped_lines_fit_and_say_when_something_is_missing() {
        let text = "old signs out 1,204 of 10,000 valid sessions; new signs out none";
        let lines = TITLE.wrap(text, 300.0, 9);
        assert_eq!(lines.join(" "), text);
        let [a, b] = TITLE.wrap_even(text, 700.0, 3).try_into().unwrap();
        assert!((TITLE.width(&a) - TITLE.width(&b)).abs() < 150.0, "{a} / {b}");
        let lines = TITLE.wrap(text, 300.0, 2);
        assert_eq!(lines.len(), 2);
        assert!(lines[1].ends_with('…'), "{lines:?}");
        for line in TITLE.wrap(&"x".repeat(500), 300.0, 3) {
            assert!(TITLE.width(&line) <= 300.0);
        }
    }

    #[test]
    fn letters_without_a_glyph_are_measured_wide() {
        assert!(LABEL.width("漢字") >= 2.0 * LABEL.size);
        assert!(LABEL.width("il") < LABEL.width("MW"));
    }
}
