//! PNG from the very SVG that a chart is, with the compiled-in font: no font, file or display of the machine is used.

use super::typeface::{BOLD, FAMILY, REGULAR};
use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{self, Options, Tree, fontdb};
use std::fmt;
use std::sync::{Arc, LazyLock};

/// Pixels of the PNG in a pixel of the SVG: sharp on a projector.
pub const SCALE: f32 = 2.0;

/// Why a picture could not be made.
#[derive(Debug)]
pub enum PngError {
    /// The text is not an SVG picture.
    Svg(usvg::Error),
    /// A picture this large, in pixels, does not fit in memory.
    Size(u32, u32),
    /// The encoder failed.
    Encode(String),
}

impl fmt::Display for PngError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PngError::Svg(error) => write!(f, "the chart is not a readable SVG: {error}"),
            PngError::Size(width, height) => {
                write!(f, "a picture of {width} by {height} pixels is too large")
            }
            PngError::Encode(why) => write!(f, "encoding the PNG failed: {why}"),
        }
    }
}

impl std::error::Error for PngError {}

static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(REGULAR.to_vec());
    fonts.load_font_data(BOLD.to_vec());
    fonts.set_sans_serif_family(FAMILY);
    Arc::new(fonts)
});

/// What every PNG begins with.
pub const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";
/// Where [`with_text`] puts its text: after the signature and the header, which has 13 bytes in a chunk.
pub const FIRST_TEXT: usize = SIGNATURE.len() + CHUNK + 13;
/// What a chunk takes beside its data: length, kind and checksum.
const CHUNK: usize = 12;

/// A PNG with a keyword and a text before its picture. Bytes that are no PNG stay as they are.
pub fn with_text(png: &[u8], text: (&str, &str)) -> Vec<u8> {
    match png.split_at_checked(FIRST_TEXT) {
        Some((header, picture)) if header.starts_with(&SIGNATURE) => {
            [header, &text_chunk(text), picture].concat()
        }
        _ => png.to_vec(),
    }
}

/// A keyword and a text, both ASCII, as a `tEXt` chunk.
pub fn text_chunk((keyword, text): (&str, &str)) -> Vec<u8> {
    let body = [b"tEXt", keyword.as_bytes(), b"\0", text.as_bytes()].concat();
    let length = u32::try_from(body.len() - 4).expect("a text of a few words");
    [&length.to_be_bytes()[..], &body, &checksum(&body).to_be_bytes()].concat()
}

/// CRC-32, as PNG has it.
fn checksum(bytes: &[u8]) -> u32 {
    let bit = |crc: u32| (crc >> 1) ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 };
    let byte = |crc: u32, byte: &u8| (0..8).fold(crc ^ u32::from(*byte), |crc, _| bit(crc));
    !bytes.iter().fold(!0, byte)
}

/// Draws a chart's SVG at twice its size.
///
/// # Errors
/// When the text is not an SVG, or its picture is too large.
pub fn to_png(svg: &str) -> Result<Vec<u8>, PngError> {
    let options =
        Options { fontdb: Arc::clone(&FONTS), font_family: FAMILY.to_owned(), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(PngError::Svg)?;
    let pixels = |length: f32| (length * SCALE).ceil() as u32;
    let (width, height) = (pixels(tree.size().width()), pixels(tree.size().height()));
    let mut pixmap = Pixmap::new(width, height).ok_or(PngError::Size(width, height))?;
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixmap.as_mut());
    pixmap.encode_png().map_err(|error| PngError::Encode(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value that every description of CRC-32 gives, and the end chunk of every PNG.
    #[test]
    fn the_checksum_is_that_of_png() {
        assert_eq!(checksum(b"123456789"), 0xCBF4_3926);
        assert_eq!(checksum(b"IEND"), 0xAE42_6082);
    }
}
