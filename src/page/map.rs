//! The page of a map of metastable failure: the answer in words, the chart, and a table of every cell.

use super::html::escaped;
use super::parts::Answer;
use crate::client::token::label;
use crate::experiment::map::{Map, PolicyMap, cell_in_words};
use crate::plot::Chart;
use crate::text::capitalised;
use std::fmt::Write;

const MAP_CSS: &str = include_str!("rank.css");

/// The page as HTML. `words` is the map in sentences, without full stops; `command` makes it again.
pub fn map(map: &Map, words: &[String], charts: &[Chart], command: &str, scenario_text: &str) -> String {
    let answer = Answer {
        title: format!("{}: from where it comes back", map.scenario),
        headline: capitalised(&map.headline()),
        seed: map.seed,
        version: &map.version,
        scenario_hash: &map.scenario_hash,
        words,
        charts,
        command,
        scenario_text,
    };
    answer.page(MAP_CSS, |out| {
        out.push_str("<section aria-labelledby=\"table\">\n<h2 id=\"table\">Every cell</h2>\n");
        map.policies.iter().for_each(|policy| table(map, policy, out));
        out.push_str("</section>\n");
    })
}

fn table(map: &Map, policy: &PolicyMap, out: &mut String) {
    let _ = write!(
        out,
        "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"{0}\">\n<table>\n<caption><bdi>{0}</bdi></caption>\n\
         <thead><tr><th scope=\"col\">{1}</th><th scope=\"col\">{2}</th><th scope=\"col\" class=\"words\">outcome</th>\
         <th scope=\"col\" class=\"words\">runs</th>\
         </tr></thead>\n<tbody>\n",
        escaped(&label(&policy.name)),
        escaped(&map.load),
        escaped(&map.trigger),
    );
    for cell in &policy.cells {
        let numbers = [&cell.load, &cell.trigger].map(|text| format!("<td>{}</td>", escaped(text)));
        let words = [cell.kind.word().to_owned(), cell_in_words(cell)];
        let words = words.map(|text| format!("<td class=\"words\">{}</td>", escaped(&text)));
        let _ = writeln!(out, "<tr>{}{}</tr>", numbers.concat(), words.concat());
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}
