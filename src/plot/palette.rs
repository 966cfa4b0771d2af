//! Colours: greys, and the Okabe-Ito palette, which readers with any colour vision can tell apart.
//! An outcome and a policy keep their colour in every picture.

use crate::metrics::Outcome;

/// Red, green, blue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Color(pub u8, pub u8, pub u8);

/// Background.
pub const WHITE: Color = Color(255, 255, 255);
/// Titles and headings.
pub const INK: Color = Color(28, 28, 34);
/// Notes and numbers.
pub const GREY: Color = Color(94, 98, 108);
/// Grid lines.
pub const GRID: Color = Color(226, 228, 232);
/// The axis itself and marks beside data.
pub const AXIS: Color = Color(150, 154, 162);
/// A fault's window behind the data.
pub const SHADE: Color = Color(241, 241, 243);
/// A fault's window in the strip that names it.
pub const STRIP: Color = Color(220, 221, 225);

/// A band of one colour that shows the calls of an outcome, in a stack from bottom to top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// Its label.
    pub name: &'static str,
    /// Its colour.
    pub color: Color,
    /// The outcome.
    pub outcome: Outcome,
}

/// Every outcome has one of these. No chart merges them: a hundred refusals in a million answers are a fact, however thin
/// their band is.
pub const BANDS: [Band; 14] = [
    Band { name: "200 answered", color: Color(86, 180, 233), outcome: Outcome::Ok },
    Band { name: "429 limited", color: Color(230, 159, 0), outcome: Outcome::TooManyRequests },
    Band { name: "401 refused", color: Color(213, 94, 0), outcome: Outcome::Unauthorized },
    Band { name: "400 refused", color: Color(240, 228, 66), outcome: Outcome::BadRequest },
    Band { name: "403 refused", color: Color(140, 74, 30), outcome: Outcome::Forbidden },
    Band { name: "404 refused", color: Color(178, 166, 24), outcome: Outcome::NotFound },
    Band { name: "422 refused", color: Color(116, 108, 16), outcome: Outcome::Unprocessable },
    Band { name: "other 4xx", color: Color(214, 204, 140), outcome: Outcome::Other4xx },
    Band { name: "5xx", color: Color(204, 121, 167), outcome: Outcome::Server5xx },
    Band { name: "shed by a full queue", color: Color(140, 66, 112), outcome: Outcome::Shed },
    Band { name: "network error", color: NETWORK_ERROR, outcome: Outcome::NetworkError },
    Band { name: "timed out", color: Color(126, 128, 136), outcome: Outcome::Timeout },
    Band { name: "page gone", color: Color(0, 158, 115), outcome: Outcome::Dropped },
    Band { name: "in flight at the end", color: IN_FLIGHT, outcome: Outcome::InFlight },
];

/// Calls without any answer, for light backgrounds.
pub const NETWORK_ERROR: Color = Color(64, 64, 70);
/// Calls that have not ended.
pub const IN_FLIGHT: Color = Color(176, 178, 184);

/// A policy's colour for lines, and a darker one for text: bright colours are hard to read on white.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyColor {
    /// Lines and bars.
    pub line: Color,
    /// Text.
    pub text: Color,
}

const POLICIES: [PolicyColor; 14] = [
    PolicyColor { line: Color(213, 94, 0), text: Color(184, 74, 0) },
    PolicyColor { line: Color(0, 114, 178), text: Color(0, 98, 155) },
    PolicyColor { line: Color(0, 158, 115), text: Color(0, 112, 82) },
    PolicyColor { line: Color(204, 121, 167), text: Color(158, 66, 116) },
    PolicyColor { line: Color(230, 159, 0), text: Color(142, 98, 0) },
    PolicyColor { line: Color(86, 180, 233), text: Color(28, 112, 160) },
    PolicyColor { line: Color(40, 40, 46), text: Color(40, 40, 46) },
    // From here on Paul Tol's muted colours, but for two that are too like those above or too dark.
    PolicyColor { line: Color(136, 34, 85), text: Color(136, 34, 85) },
    PolicyColor { line: Color(153, 153, 51), text: Color(100, 100, 20) },
    PolicyColor { line: Color(112, 92, 204), text: Color(92, 72, 184) },
    PolicyColor { line: Color(17, 119, 51), text: Color(17, 119, 51) },
    PolicyColor { line: Color(204, 102, 119), text: Color(170, 62, 80) },
    PolicyColor { line: Color(140, 74, 30), text: Color(140, 74, 30) },
    PolicyColor { line: Color(170, 68, 153), text: Color(160, 58, 143) },
];

/// Number of colours of policies.
pub const POLICY_COLORS: usize = POLICIES.len();

/// The colour of a line on a dark page: a colour that is too dark there is mixed with white until it is light enough.
pub fn on_dark(Color(r, g, b): Color) -> Color {
    // Relative luminance 0.13 has a contrast of 3 with the page.
    const LEAST: f64 = 0.13;
    let lighter = |tenths: u32| {
        let mix = |part: u8| ((u32::from(part) * (10 - tenths) + 255 * tenths) / 10) as u8;
        Color(mix(r), mix(g), mix(b))
    };
    (0..10).map(lighter).find(|mixed| luminance(*mixed) >= LEAST).unwrap_or(WHITE)
}

/// Relative luminance of WCAG 2.2, with squares for the powers of 2.2.
fn luminance(Color(r, g, b): Color) -> f64 {
    let part = |part: u8| (f64::from(part) / 255.0) * (f64::from(part) / 255.0);
    0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b)
}

/// The colour of the policy at this place of the scenario. Colours repeat from the fifteenth policy on.
pub const fn policy(index: usize) -> PolicyColor {
    POLICIES[index % POLICIES.len()]
}

/// A cell whose value is not known: it does not happen within the run.
pub const UNKNOWN: Color = Color(205, 207, 212);

/// Colours of a scale from its low to its high end: the cividis map (Nuñez, Anderton and Renslow 2018, PLOS ONE 13), which
/// readers with any colour vision see grow evenly, from its light end to its dark one.
const RAMP: [Color; 9] = [
    Color(254, 232, 56),
    Color(227, 204, 81),
    Color(196, 179, 97),
    Color(166, 157, 117),
    Color(136, 135, 121),
    Color(113, 113, 116),
    Color(84, 91, 109),
    Color(51, 69, 108),
    Color(0, 34, 78),
];

/// The colour at this share of a scale, from 0 to 1.
pub fn ramp(share: f64) -> Color {
    let at = share.clamp(0.0, 1.0) * (RAMP.len() - 1) as f64;
    let below = (at as usize).min(RAMP.len() - 2);
    let (Color(a, b, c), Color(d, e, f)) = (RAMP[below], RAMP[below + 1]);
    let mix = |from: u8, to: u8| {
        let (from, to) = (f64::from(from), f64::from(to));
        (from + (to - from) * (at - below as f64) + 0.5) as u8
    };
    Color(mix(a, d), mix(b, e), mix(c, f))
}

/// The colour of text on a coloured cell: the one of black and white that differs more.
pub fn text_on(color: Color) -> Color {
    if luminance(color) > 0.18 { INK } else { WHITE }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ramp_darkens_and_its_text_can_be_read() {
        let light = |Color(r, g, b): Color| u32::from(r) * 2 + u32::from(g) * 7 + u32::from(b);
        let colors: Vec<Color> = (0..=100).map(|i| ramp(f64::from(i) / 100.0)).collect();
        assert!(colors.windows(2).all(|pair| light(pair[0]) >= light(pair[1])), "{colors:?}");
        assert_eq!((colors[0], colors[100]), (RAMP[0], RAMP[8]));
        assert_eq!((text_on(RAMP[0]), text_on(RAMP[8]), text_on(WHITE)), (INK, WHITE, INK));
    }

    #[test]
    fn fourteen_policies_have_colours_of_their_own_and_names_that_can_be_read() {
        for i in 0..POLICIES.len() {
            // WCAG 2.2: the contrast of text is at least 4.5, that of a line on a dark page 3.
            assert!(1.05 / (luminance(policy(i).text) + 0.05) >= 4.5, "{:?}", policy(i).text);
            let page = luminance(Color(22, 23, 27)) + 0.05;
            assert!((luminance(on_dark(policy(i).line)) + 0.05) / page >= 3.0, "{:?}", policy(i).line);
            for j in 0..i {
                let (Color(a, b, c), Color(d, e, f)) = (policy(i).line, policy(j).line);
                let apart = a.abs_diff(d).max(b.abs_diff(e)).max(c.abs_diff(f));
                assert!(apart >= 30, "{i} and {j}");
            }
        }
    }

    #[test]
    fn every_outcome_has_exactly_one_band() {
        for outcome in Outcome::ALL {
            let bands = BANDS.iter().filter(|band| band.outcome == outcome).count();
            assert_eq!(bands, 1, "{}", outcome.name());
        }
    }
}
