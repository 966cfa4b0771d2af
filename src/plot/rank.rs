//! The ranking of keys: bars of their effects and of their shares of the variance, with intervals.

use super::Chart;
use super::axis::Scale;
use super::canvas::{Anchor, Canvas, picture};
use super::frame::{GAP, Head, MARGIN, WIDTH};
use super::palette::{self, AXIS, Color, GREY, GRID, INK};
use super::typeface::{HEADING, LABEL, NOTE, TICK};
use crate::client::token::label;
use crate::experiment::rank::{PolicyRanking, Ranking};
use crate::text::number::{counted, short};
use crate::text::{clean, shorten};

/// The most keys of a policy, and the most policies, that the chart shows.
const MOST_KEYS: usize = 20;
const MOST_POLICIES: usize = 8;
/// Height of a key's row.
const ROW: f64 = 30.0;
/// Height of the bars.
const BAR: f64 = 9.0;
/// Height above the rows of a policy: its name, and the headings of the columns.
const HEAD: f64 = 50.0;
/// Height below them: the axes.
const FOOT: f64 = 40.0;
/// Width of the names of keys.
const NAMES: f64 = 290.0;

/// A column of bars: its left end, its width, and the scale from 0.
struct Column {
    left: f64,
    width: f64,
    scale: Scale,
}

impl Column {
    fn x(&self, value: f64) -> f64 {
        self.left + self.width * self.scale.place(value)
    }

    /// A bar with its interval.
    fn bar(
        &self,
        canvas: &mut Canvas<'_>,
        (top, high): (f64, f64),
        value: f64,
        ends: Option<[f64; 2]>,
        color: Color,
    ) {
        canvas.rect(self.left, top, (self.x(value) - self.left).max(0.5), high, color);
        if let Some([low, high_end]) = ends.filter(|[low, high]| low < high) {
            let y = top + high / 2.0;
            canvas.line((self.x(low), y), (self.x(high_end), y), INK, 1.4);
            for end in [low, high_end] {
                canvas.line((self.x(end), y - 3.0), (self.x(end), y + 3.0), INK, 1.4);
            }
        }
    }

    fn axis(&self, canvas: &mut Canvas<'_>, (top, bottom): (f64, f64), label: impl Fn(f64, &str) -> String) {
        let mut free = f64::NEG_INFINITY;
        for tick in self.scale.ticks(5, false) {
            let x = self.x(tick.value);
            canvas.line((x, top), (x, bottom), GRID, 1.0);
            let label = label(tick.value, &tick.label);
            let half = TICK.width(&label) / 2.0;
            if x - half > free {
                canvas.text(&label, (x, bottom + 15.0), TICK, GREY, Anchor::Centre);
                free = x + half + 6.0;
            }
        }
        canvas.line((self.left, top), (self.left, bottom), AXIS, 1.0);
    }
}

/// Draws the chart.
pub fn ranking(ranking: &Ranking) -> Chart {
    let shown = || ranking.policies.iter().take(MOST_POLICIES);
    let rows = |policy: &PolicyRanking| policy.screened.len().min(MOST_KEYS);
    let title = title(ranking);
    let mut notes = vec![
        format!(
            "effects: what a move over a key's range changes {} by, mean size over {} trajectories, 95% intervals; grey: not above the noise of the seeds, which a dashed line shows",
            ranking.metric, ranking.trajectories
        ),
        "shares of the variance: dark alone, light together with others, 95% bootstrap intervals".to_owned(),
        "the ranges decide the ranking".to_owned(),
    ];
    if ranking.keys.len() > MOST_KEYS || ranking.policies.len() > MOST_POLICIES {
        notes.push("rank.csv has the keys and policies that are not drawn".to_owned());
    }
    let hash: String = ranking.scenario_hash.chars().take(12).collect();
    let provenance = [
        format!("scenario {}", shorten(&ranking.scenario, 60)),
        counted(ranking.runs, "run", "runs"),
        counted(ranking.replications.into(), "replication", "replications"),
        format!("seed {}", ranking.seed),
        format!("authstorm {}", clean(&ranking.version)),
        format!("sha256 {hash}"),
    ];
    let head = Head::from(&provenance.join(" · "), &title, &notes);
    let blocks: f64 = shown().map(|policy| HEAD + rows(policy) as f64 * ROW + FOOT + GAP).sum();
    let greatest = shown()
        .flat_map(|policy| &policy.screened)
        .map(|key| key.mu_star_high.max(key.mu_star))
        .fold(0.0, f64::max);
    let width = (WIDTH - 2.0 * MARGIN - NAMES - 2.0 * GAP) / 2.0;
    let left = MARGIN + NAMES;
    let effects = Column { left, width, scale: Scale::linear(greatest) };
    let most = shown().filter_map(|policy| policy.sharing.as_ref()).flat_map(|sharing| &sharing.explained);
    let most = most.map(|key| key.total_interval.map_or(key.total, |[_, high]| high)).fold(1.0, f64::max);
    let shares = Column { left: left + width + 2.0 * GAP, width, scale: Scale::linear(most) };
    let svg = picture(WIDTH, head.height() + blocks, &title, |canvas| {
        head.draw(canvas);
        let mut top = head.height();
        for (place, policy) in shown().enumerate() {
            block(canvas, ranking, (place, policy), top, (&effects, &shares));
            top += HEAD + rows(policy) as f64 * ROW + FOOT + GAP;
        }
    });
    Chart { file_stem: "rank", svg }
}

fn block(
    canvas: &mut Canvas<'_>,
    ranking: &Ranking,
    (place, policy): (usize, &PolicyRanking),
    top: f64,
    (effects, shares): (&Column, &Column),
) {
    let color = palette::policy(place);
    let Color(r, g, b) = color.line;
    let pale = |part: u8| (u16::from(part) / 3 + 170) as u8;
    let light = Color(pale(r), pale(g), pale(b));
    canvas.text(
        &HEADING.fit_name(&label(&policy.name), NAMES),
        (MARGIN, top + 14.0),
        HEADING,
        color.text,
        Anchor::Left,
    );
    let heading = format!("effect on {} ({})", ranking.metric, ranking.unit);
    canvas.text(&NOTE.fit(&heading, effects.width), (effects.left, top + 38.0), NOTE, INK, Anchor::Left);
    let heading = match &policy.sharing {
        Some(_) => "share of the variance",
        None => "share of the variance: not estimated",
    };
    canvas.text(heading, (shares.left, top + 38.0), NOTE, INK, Anchor::Left);
    let ranked = policy.ranked();
    let ranked = &ranked[..ranked.len().min(MOST_KEYS)];
    let (first, bottom) = (top + HEAD, top + HEAD + ranked.len() as f64 * ROW);
    effects.axis(canvas, (first, bottom), |_, label| label.to_owned());
    if policy.sharing.is_some() {
        shares.axis(canvas, (first, bottom), |value, _| format!("{}%", short(100.0 * value)));
    }
    for (row, key) in ranked.iter().enumerate() {
        let top = first + row as f64 * ROW;
        let ink = if key.screened.matters { INK } else { GREY };
        let name = LABEL.fit_name(&clean(&key.screened.key), NAMES - 12.0);
        canvas.text(&name, (effects.left - 10.0, top + ROW / 2.0 + 4.0), LABEL, ink, Anchor::Right);
        let fill = if key.screened.matters { color.line } else { palette::UNKNOWN };
        let ends = [key.screened.mu_star_low, key.screened.mu_star_high];
        effects.bar(canvas, (top + (ROW - BAR) / 2.0, BAR), key.screened.mu_star, Some(ends), fill);
        if let Some(floor) = key.screened.noise_floor.filter(|floor| *floor > 0.0) {
            let x = effects.x(floor);
            canvas.dashed(&[(x, top + 3.0), (x, top + ROW - 3.0)], GREY, 1.5);
        }
        if let Some(share) = key.explained {
            shares.bar(canvas, (top + 4.0, BAR), share.first, share.first_interval, color.line);
            shares.bar(canvas, (top + 6.0 + BAR, BAR), share.total, share.total_interval, light);
        }
    }
}

/// The first key of each policy.
fn title(ranking: &Ranking) -> String {
    let first = |policy: &PolicyRanking| {
        let ranked = policy.ranked();
        let name = label(&policy.name);
        match ranked.first().filter(|key| key.screened.matters) {
            Some(key) => format!("{} matters most under {name}", clean(&key.screened.key)),
            None => format!("no key is shown to matter under {name}"),
        }
    };
    let firsts: Vec<String> = ranking.policies.iter().take(MOST_POLICIES).map(first).collect();
    format!("{}: {}", ranking.metric.replace('_', " "), firsts.join("; "))
}
