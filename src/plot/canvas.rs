//! Draws shapes and texts, in pixels, as SVG. All drawing goes through this module.
//!
//! The backend of plotters takes whole units. A slow curve in whole pixels looks like stairs, so a unit is a tenth of a
//! pixel here. The picture's head gives its real size.

use super::palette::{Color, WHITE};
use super::typeface::{FAMILY_LIST, Face};
use crate::text::clean;
use plotters::backend::{DrawingBackend, SVGBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontDesc, FontFamily, FontStyle, RGBColor, ShapeStyle, TextStyle};

/// Drawing units per pixel.
pub const UNITS: f64 = 10.0;

/// Position of a text relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The point is its left end.
    Left,
    /// The point is its centre.
    Centre,
    /// The point is its right end.
    Right,
}

/// A picture being drawn. The origin is the upper left corner; lengths are pixels.
pub struct Canvas<'a> {
    backend: SVGBackend<'a>,
}

/// Draws a picture of this size, rounded up to whole pixels. Screen readers read `alt` instead of the picture.
pub fn picture(width: f64, height: f64, alt: &str, paint: impl FnOnce(&mut Canvas<'_>)) -> String {
    let (width, height) = (width.ceil(), height.ceil());
    let mut svg = String::new();
    let size = (units(width).unsigned_abs(), units(height).unsigned_abs());
    let mut canvas = Canvas { backend: SVGBackend::with_string(&mut svg, size) };
    canvas.rect(0.0, 0.0, width, height, WHITE);
    paint(&mut canvas);
    canvas.backend.present().expect(IN_MEMORY);
    drop(canvas);
    let body = svg.split_once('\n').map_or("", |(_, body)| body);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {} {}\" \
         role=\"img\" aria-label=\"{}\" stroke-linejoin=\"round\">\n{body}",
        size.0,
        size.1,
        escaped(alt),
    )
}

const IN_MEMORY: &str = "writing to a string does not fail";

impl Canvas<'_> {
    /// A filled rectangle.
    pub fn rect(&mut self, left: f64, top: f64, width: f64, height: f64, color: Color) {
        let corner = (units(left + width.max(0.0)), units(top + height.max(0.0)));
        self.backend.draw_rect((units(left), units(top)), corner, &rgb(color), true).expect(IN_MEMORY);
    }

    /// A straight line.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), color: Color, width: f64) {
        self.backend.draw_line(point(from), point(to), &stroke(color, width)).expect(IN_MEMORY);
    }

    /// A line through all points.
    pub fn path(&mut self, points: &[(f64, f64)], color: Color, width: f64) {
        self.backend.draw_path(tidy(points), &stroke(color, width)).expect(IN_MEMORY);
    }

    /// A dashed line through all points. Dashes run along the line's length, so that steep and flat parts look alike.
    pub fn dashed(&mut self, points: &[(f64, f64)], color: Color, width: f64) {
        const DASH: f64 = 6.0;
        const GAP: f64 = 4.0;
        let mut pen_down = true;
        let mut left = DASH;
        let mut dash: Vec<(f64, f64)> = points.first().copied().into_iter().collect();
        for pair in points.windows(2) {
            let (mut from, to) = (pair[0], pair[1]);
            loop {
                let (dx, dy) = (to.0 - from.0, to.1 - from.1);
                let length = (dx * dx + dy * dy).sqrt();
                if length <= left {
                    left -= length;
                    dash.push(to);
                    break;
                }
                from = (from.0 + dx * left / length, from.1 + dy * left / length);
                if pen_down {
                    dash.push(from);
                    self.path(&dash, color, width);
                }
                dash = vec![from];
                pen_down = !pen_down;
                left = if pen_down { DASH } else { GAP };
            }
        }
        if pen_down && dash.len() > 1 {
            self.path(&dash, color, width);
        }
    }

    /// A filled area; `opacity` from 0 to 1.
    pub fn area(&mut self, outline: &[(f64, f64)], color: Color, opacity: f64) {
        self.backend.fill_polygon(tidy(outline), &rgb(color).mix(opacity)).expect(IN_MEMORY);
    }

    /// A filled circle.
    pub fn dot(&mut self, centre: (f64, f64), radius: f64, color: Color) {
        let radius = units(radius).unsigned_abs();
        self.backend.draw_circle(point(centre), radius, &stroke(color, 0.0), true).expect(IN_MEMORY);
    }

    /// One line of text with its baseline at `y`. [`clean`] escapes it first.
    pub fn text(&mut self, text: &str, (x, y): (f64, f64), face: Face, color: Color, anchor: Anchor) {
        // plotters takes the height of a box and divides it by this. It puts the baseline 0.76 em below the point.
        const BOX_PER_EM: f64 = 1.24;
        const TOP_TO_BASELINE: f64 = 0.76;
        let size = face.size * UNITS;
        let style = if face.bold { FontStyle::Bold } else { FontStyle::Normal };
        let font = FontDesc::new(FontFamily::Name(FAMILY_LIST), size * BOX_PER_EM, style);
        let anchor = match anchor {
            Anchor::Left => HPos::Left,
            Anchor::Centre => HPos::Center,
            Anchor::Right => HPos::Right,
        };
        let color = rgb(color);
        let style = TextStyle::from(font).color(&color).pos(Pos::new(anchor, VPos::Top));
        let at = point((x, y - face.size * TOP_TO_BASELINE));
        self.backend.draw_text(&clean(text), &style, at).expect(IN_MEMORY);
    }
}

fn escaped(text: &str) -> String {
    clean(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn units(pixels: f64) -> i32 {
    // A float beyond the range becomes the nearest end of it; NaN becomes 0.
    (pixels * UNITS).round() as i32
}

fn point((x, y): (f64, f64)) -> (i32, i32) {
    (units(x), units(y))
}

/// The points in units, without those that repeat or continue a straight run. A flat line has two points, not 600.
fn tidy(points: &[(f64, f64)]) -> Vec<(i32, i32)> {
    let mut kept: Vec<(i32, i32)> = Vec::with_capacity(points.len());
    for next in points.iter().copied().map(point) {
        if kept.last() == Some(&next) {
            continue;
        }
        if let [.., a, b] = kept[..] {
            let onward = |from: i32, middle: i32, to: i32| (from <= middle) == (middle <= to);
            let same_row = a.1 == b.1 && b.1 == next.1 && onward(a.0, b.0, next.0);
            let same_column = a.0 == b.0 && b.0 == next.0 && onward(a.1, b.1, next.1);
            if same_row || same_column {
                kept.pop();
            }
        }
        kept.push(next);
    }
    kept
}

fn rgb(Color(r, g, b): Color) -> RGBColor {
    RGBColor(r, g, b)
}

fn stroke(color: Color, width: f64) -> ShapeStyle {
    rgb(color).stroke_width(units(width).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::super::palette::INK;
    use super::super::typeface::LABEL;
    use super::*;

    #[test]
    fn redundant_points_are_left_out_and_turns_are_kept() {
        let run: Vec<(f64, f64)> = (0..100).map(|x| (f64::from(x), 5.0)).collect();
        assert_eq!(tidy(&run), [(0, 50), (990, 50)]);
        let back = [(0.0, 0.0), (2.0, 0.0), (1.0, 0.0), (1.0, 3.0), (1.0, 1.0)];
        assert_eq!(tidy(&back).len(), 5, "a line that turns back keeps its turns");
    }

    #[test]
    fn hostile_text_stays_text() {
        let svg = picture(200.0, 100.0, "\"><script>", |canvas| {
            canvas.text("<script>alert(1)</script>]]>\u{0}\u{202E}&", (10.0, 50.0), LABEL, INK, Anchor::Left);
        });
        assert!(!svg.contains("<script"));
        assert!(svg.contains("&lt;script&gt;alert(1)&lt;/script&gt;]]&gt;\\x00\\u{202e}&amp;"));
    }

    #[test]
    fn a_dashed_line_covers_about_three_fifths() {
        let svg = picture(200.0, 100.0, "", |canvas| {
            canvas.dashed(&[(0.0, 50.0), (100.0, 50.0), (200.0, 50.0)], INK, 1.0);
        });
        assert_eq!(svg.matches("<polyline").count(), 20);
    }
}
