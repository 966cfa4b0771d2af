//! The page of a ranking: the answer in words, the chart, and a table of every key.

use super::html::escaped;
use super::parts::Answer;
use crate::client::token::label;
use crate::experiment::rank::{PolicyRanking, Ranking, index};
use crate::plot::Chart;
use crate::text::capitalised;
use crate::text::number::short;
use std::fmt::Write;

const RANK_CSS: &str = include_str!("rank.css");

/// The page as HTML. `words` is the ranking in sentences, without full stops; `command` makes it again.
pub fn ranking(
    ranking: &Ranking,
    words: &[String],
    charts: &[Chart],
    command: &str,
    scenario_text: &str,
) -> String {
    let answer = Answer {
        title: format!("{}: a ranking", ranking.scenario),
        headline: capitalised(&ranking.headline()),
        seed: ranking.seed,
        version: &ranking.version,
        scenario_hash: &ranking.scenario_hash,
        words,
        charts,
        command,
        scenario_text,
    };
    answer.page(RANK_CSS, |out| {
        out.push_str("<section aria-labelledby=\"table\">\n<h2 id=\"table\">Every key</h2>\n");
        ranking.policies.iter().for_each(|policy| table(ranking, policy, out));
        out.push_str("</section>\n");
    })
}

fn table(ranking: &Ranking, policy: &PolicyRanking, out: &mut String) {
    let _ = write!(
        out,
        "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"{0}\">\n<table>\n<caption><bdi>{0}</bdi>: {1} ({2})</caption>\n<thead><tr>\
         <th scope=\"col\">key</th><th scope=\"col\">range</th><th scope=\"col\">effect</th><th scope=\"col\">95% interval</th>\
         <th scope=\"col\">sigma</th><th scope=\"col\">noise</th><th scope=\"col\">alone</th><th scope=\"col\">with others</th>\
         </tr></thead>\n<tbody>\n",
        escaped(&label(&policy.name)),
        escaped(&ranking.metric),
        escaped(&ranking.unit),
    );
    for ranked in policy.ranked() {
        let key = ranked.screened;
        let range = ranking.keys.iter().find(|range| range.key == key.key).map_or(String::new(), |range| {
            format!("{} to {}{}", range.low, range.high, if range.log { ", logarithmic" } else { "" })
        });
        let share = |share: f64, ends: Option<[f64; 2]>| match ends {
            Some([low, high]) => format!("{} ({} to {})", index(share), index(low), index(high)),
            None => index(share),
        };
        let shares = ranked.explained.map_or([String::new(), String::new()], |explained| {
            [
                share(explained.first, explained.first_interval),
                share(explained.total, explained.total_interval),
            ]
        });
        let cells = [
            range,
            short(key.mu_star),
            format!("{} to {}", short(key.mu_star_low), short(key.mu_star_high)),
            short(key.sigma),
            key.noise_floor.map_or("not judged".to_owned(), short),
        ];
        let class = if key.matters { "" } else { " class=\"noise\"" };
        let _ = write!(out, "<tr{class}><th scope=\"row\">{}</th>", escaped(&key.key));
        for cell in cells.iter().chain(&shares) {
            let _ = write!(out, "<td>{}</td>", escaped(cell));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}
