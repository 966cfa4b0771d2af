//! Parts that the pages of sweeps, rankings, maps and searches share.

use super::html::escaped;
use crate::plot::Chart;
use crate::text::{capitalised, clean, ended};
use std::fmt::Write;

/// Styles of [`charts`].
pub(super) const PICTURE_CSS: &str = include_str!("picture.css");
/// The most bytes of static pictures.
const MOST_PICTURES: usize = 1_500_000;

/// What a page of many runs tells.
pub(super) struct Answer<'a> {
    pub title: String,
    pub headline: String,
    pub seed: u64,
    pub version: &'a str,
    pub scenario_hash: &'a str,
    /// The answer in sentences, without full stops.
    pub words: &'a [String],
    pub charts: &'a [Chart],
    /// What makes it again.
    pub command: &'a str,
    pub scenario_text: &'a str,
}

impl Answer<'_> {
    /// The page as HTML: the answer in words, the charts, a table, and how to make it again.
    pub(super) fn page(&self, table_css: &str, table: impl FnOnce(&mut String)) -> String {
        let mut out = String::new();
        let from = origin(self.seed, self.version, self.scenario_hash);
        let styles = [super::STYLE, table_css, PICTURE_CSS];
        super::head((&self.title, &self.headline), &from, &styles, &mut out);
        // The headline is the first sentence, which needs to stand once.
        let is_headline = |first: &String| capitalised(first) == capitalised(&self.headline);
        let skipped = usize::from(self.words.first().is_some_and(is_headline));
        sentences(&self.words[skipped..], &mut out);
        charts(self.charts, &mut out);
        table(&mut out);
        super::scenario::scenario_text(self.scenario_text, &mut out);
        again(self.version, self.command, &mut out);
        out.push_str("</main>\n</body>\n</html>\n");
        out
    }
}

/// The seed, version and scenario of runs, in a line.
pub(super) fn origin(seed: u64, version: &str, scenario_hash: &str) -> String {
    let hash: String = scenario_hash.chars().take(12).collect();
    format!("seed {seed} · authstorm {} · sha256 {hash}", clean(version))
}

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
         <pre class=\"command\" tabindex=\"0\">{}</pre>\n</section>",
        escaped(version),
        escaped(command)
    );
}
