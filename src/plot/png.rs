//! PNG from the SVG of a chart, with the compiled-in font. Uses no font, file or display of the machine.

use super::typeface::{BOLD, FAMILY, REGULAR};
use png::{BitDepth, ColorType, DeflateCompression, Encoder, EncodingError, Filter};
use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{self, Options, Tree, fontdb};
use std::fmt;
use std::sync::{Arc, LazyLock};

/// PNG pixels per SVG pixel, so that pictures are sharp on a projector.
pub const SCALE: f32 = 2.0;

/// Why a picture cannot be made.
#[derive(Debug)]
pub enum PngError {
    /// The text is not an SVG picture.
    Svg(usvg::Error),
    /// A picture of this width and height in pixels does not fit in memory.
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

/// Draws a chart's SVG at twice its size, on white.
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
    pixmap.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixmap.as_mut());
    encode(&pixmap).map_err(|error| PngError::Encode(error.to_string()))
}

/// A picture without transparency. Charts are areas of one color, so rows compress best as they are. Level 3 takes three
/// quarters of the default's time; its files are a twentieth larger.
fn encode(pixmap: &Pixmap) -> Result<Vec<u8>, EncodingError> {
    let pixels = pixmap.data().as_chunks::<4>().0;
    let mut colors = vec![[0; 3]; pixels.len()];
    for (color, [red, green, blue, _]) in colors.iter_mut().zip(pixels) {
        *color = [*red, *green, *blue];
    }
    let mut file = Vec::new();
    let mut encoder = Encoder::new(&mut file, pixmap.width(), pixmap.height());
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_deflate_compression(DeflateCompression::Level(3));
    encoder.set_filter(Filter::NoFilter);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(colors.as_flattened())?;
    writer.finish()?;
    Ok(file)
}
