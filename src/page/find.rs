//! The page of a search: the answer in words, the chart, and a table of every value that was looked at.

use super::html::escaped;
use super::parts::Answer;
use crate::experiment::find::Found;
use crate::plot::Chart;
use std::fmt::Write;

const TABLE_CSS: &str = include_str!("rank.css");

/// The page as HTML. `words` is the answer in sentences, without full stops; `command` finds it again.
pub fn found(
    found: &Found,
    words: &[String],
    charts: &[Chart],
    command: &str,
    scenario_text: &str,
) -> String {
    let answer = Answer {
        title: format!("{}: which {} is enough", found.scenario, found.key),
        headline: found.headline(),
        seed: found.seed,
        version: &found.version,
        scenario_hash: &found.scenario_hash,
        words,
        charts,
        command,
        scenario_text,
    };
    answer.page(TABLE_CSS, |out| table(found, out))
}

fn table(found: &Found, out: &mut String) {
    let _ = write!(
        out,
        "<section aria-labelledby=\"table\">\n<h2 id=\"table\">Every value looked at</h2>\n\
         <div class=\"wide\" tabindex=\"0\" role=\"region\" aria-labelledby=\"of\">\n<table>\n\
         <caption id=\"of\">Runs that meet <bdi>{}</bdi></caption>\n<thead><tr><th scope=\"col\">{}</th>",
        escaped(&found.target),
        escaped(&found.key),
    );
    for column in &Found::COLUMNS[1..] {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escaped(column));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for [value, cells @ ..] in found.rows_in_words() {
        let _ = write!(out, "<tr><th scope=\"row\">{}</th>", escaped(&value));
        for cell in cells {
            let _ = write!(out, "<td>{}</td>", escaped(&cell));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</div>\n</section>\n");
}
