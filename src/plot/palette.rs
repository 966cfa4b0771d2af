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
            let bands = BANDS.iter().filter(|band| band.outcome == outcome).count();
            assert_eq!(bands, 1, "{}", outcome.name());
        }
    }
}
