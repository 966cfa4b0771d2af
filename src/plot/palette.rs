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

/// A band of one colour that shows some outcomes, in a stack from bottom to top.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Band {
    /// Its label.
    pub name: &'static str,
    /// Its colour.
    pub color: Color,
    /// The outcomes in the band.
    pub outcomes: &'static [Outcome],
}

/// Every outcome belongs to exactly one of these.
pub const BANDS: [Band; 7] = [
    Band { name: "200 answered", color: Color(86, 180, 233), outcomes: &[Outcome::Ok] },
    Band { name: "429 limited", color: Color(230, 159, 0), outcomes: &[Outcome::TooManyRequests] },
    Band { name: "401 refused", color: Color(213, 94, 0), outcomes: &[Outcome::Unauthorized] },
    Band {
        name: "other 4xx",
        color: Color(240, 228, 66),
        outcomes: &[
            Outcome::BadRequest,
            Outcome::Forbidden,
            Outcome::NotFound,
            Outcome::Unprocessable,
            Outcome::Other4xx,
        ],
    },
    Band { name: "5xx or shed", color: Color(204, 121, 167), outcomes: &[Outcome::Server5xx, Outcome::Shed] },
    Band {
        name: "no answer",
        color: Color(64, 64, 70),
        outcomes: &[Outcome::NetworkError, Outcome::Timeout],
    },
    Band { name: "unfinished", color: Color(0, 158, 115), outcomes: &[Outcome::Dropped, Outcome::InFlight] },
];

/// Bands that are too thin to see, merged.
pub const REST: Color = Color(176, 178, 184);

/// A policy's colour for lines, and a darker one for text: bright colours are hard to read on white.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PolicyColor {
    /// Lines and bars.
    pub line: Color,
    /// Text.
    pub text: Color,
}

const POLICIES: [PolicyColor; 7] = [
    PolicyColor { line: Color(213, 94, 0), text: Color(184, 74, 0) },
    PolicyColor { line: Color(0, 114, 178), text: Color(0, 98, 155) },
    PolicyColor { line: Color(0, 158, 115), text: Color(0, 112, 82) },
    PolicyColor { line: Color(204, 121, 167), text: Color(158, 66, 116) },
    PolicyColor { line: Color(230, 159, 0), text: Color(142, 98, 0) },
    PolicyColor { line: Color(86, 180, 233), text: Color(28, 112, 160) },
    PolicyColor { line: Color(40, 40, 46), text: Color(40, 40, 46) },
];

/// The colour of the policy at this place of the scenario. Colours repeat from the eighth policy on.
pub const fn policy(index: usize) -> PolicyColor {
    POLICIES[index % POLICIES.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_exactly_one_band() {
        for outcome in Outcome::ALL {
            let bands = BANDS.iter().filter(|band| band.outcomes.contains(&outcome)).count();
            assert_eq!(bands, 1, "{}", outcome.name());
        }
    }
}
