//! Parts that the pages of sweeps, rankings, maps and searches share.

use super::html::escaped;
use crate::plot::Chart;
use crate::text::ended;
use std::fmt::Write;

/// Styles of [`charts`].
pub(super) const PICTURE_CSS: &str = include_str!("picture.css");
/// The most bytes of static pictures.
const MOST_PICTURES: usize = 1_500_000;

/// Sentences without full stops, as a list.
pub(super) fn sentences(words: &[String], out: &mut String) {
    out.push_str("<section aria-labelledby=\"findings\">\n<h2 id=\"findings\">In words</h2>\n<ul class=\"findings\">\n");
    for sentence in words {
        let _ = writeln!(out, "<li>{}</li>", escaped(&ended(sentence)));
    }
    out.push_str("</ul>\n</section>\n");
}

/// Charts, or where they lie if they are too large for a page.
pub(super) fn charts(charts: &[Chart], out: &mut String) {
    out.push_str("<section aria-labelledby=\"pictures\">\n<h2 id=\"pictures\">Charts</h2>\n");
    let mut room = MOST_PICTURES;
    for chart in charts {
        match room.checked_sub(chart.svg.len()) {
            Some(rest) => {
                room = rest;
                let _ = writeln!(out, "<figure class=\"picture\" tabindex=\"0\">{}</figure>", chart.svg);
            }
            None => {
                let _ = writeln!(
                    out,
                    "<p>This picture is too large for the page: see {}.svg.</p>",
                    chart.file_stem
                );
            }
        }
    }
    out.push_str("</section>\n");
}

/// The command that makes the page's results again.
pub(super) fn again(version: &str, command: &str, out: &mut String) {
    let _ = writeln!(
        out,
        "<section aria-labelledby=\"again\">\n<h2 id=\"again\">How to reproduce it</h2>\n<p>With authstorm {}:</p>\n\
         <pre tabindex=\"0\">{}</pre>\n</section>",
        escaped(version),
        escaped(command)
    );
}
