//! The map of metastable failure: a cell for each load and trigger, in the colour of what its runs come to.

use super::Chart;
use super::canvas::{Anchor, Canvas, picture};
use super::frame::{GAP, Head, MARGIN, WIDTH};
use super::palette::{Color, GREY, INK, UNKNOWN, WHITE, text_on};
use super::typeface::{HEADING, LABEL, NOTE, TICK};
use crate::client::token::label;
use crate::experiment::map::{Cell, Kind, Map, PolicyMap, easiest_first};
use crate::text::number::{counted, short};
use crate::text::{clean, shorten};

/// The most policies that the chart shows.
const MOST_POLICIES: usize = 8;
const KINDS: [Kind; 6] =
    [Kind::Stable, Kind::Recovers, Kind::Mixed, Kind::NotBack, Kind::Overloaded, Kind::NotExercised];
/// Height of the names of the kinds.
const LEGEND: f64 = 34.0;
/// Height of a policy's name, and of what stands below its cells.
const NAME: f64 = 24.0;
const FOOT: f64 = 46.0;

/// The colour of a kind: of the Okabe-Ito palette, from blue for what is well to vermilion for what is not.
fn kind_color(kind: Kind) -> Color {
    match kind {
        Kind::Stable => Color(86, 180, 233),
        Kind::Recovers => Color(0, 158, 115),
        Kind::Mixed => Color(230, 159, 0),
        Kind::NotBack => Color(213, 94, 0),
        Kind::Overloaded => Color(64, 64, 70),
        Kind::NotExercised => UNKNOWN,
    }
}

/// Draws the chart.
pub fn map(map: &Map) -> Chart {
    let shown = || map.policies.iter().take(MOST_POLICIES);
    let title = title(map);
    let mut notes = vec![
        format!(
            "across: {}, up: {}; cells: median time to recover, or how many runs are not back",
            clean(&map.load),
            clean(&map.trigger)
        ),
        format!("stable: back within {}", map.at_once),
        "overloaded: not carried without a trigger either".to_owned(),
    ];
    if map.policies.len() > MOST_POLICIES {
        notes.push("map.csv has the policies that are not drawn".to_owned());
    }
    let hash: String = map.scenario_hash.chars().take(12).collect();
    let provenance = [
        format!("scenario {}", shorten(&map.scenario, 60)),
        counted(map.replications.into(), "replication", "replications"),
        format!("seed {}", map.seed),
        format!("authstorm {}", clean(&map.version)),
        format!("sha256 {hash}"),
    ];
    let head = Head::from(&provenance.join(" · "), &title, &notes);
    let rows = map.policies.first().map_or(1, |policy| policy.triggers.len().max(1));
    let high = (rows as f64 * 46.0).clamp(90.0, 460.0);
    let step = NAME + high + FOOT + GAP;
    let svg = picture(WIDTH, head.height() + LEGEND + shown().count() as f64 * step, &title, |canvas| {
        head.draw(canvas);
        let mut at = MARGIN;
        for kind in KINDS {
            canvas.rect(at, head.height(), 18.0, 12.0, kind_color(kind));
            canvas.text(kind.word(), (at + 24.0, head.height() + 11.0), LABEL, INK, Anchor::Left);
            at += 24.0 + LABEL.width(kind.word()) + 26.0;
        }
        for (place, policy) in shown().enumerate() {
            panel(canvas, map, policy, (head.height() + LEGEND + place as f64 * step, high));
        }
    });
    Chart { file_stem: "map", svg }
}

fn panel(canvas: &mut Canvas<'_>, map: &Map, policy: &PolicyMap, (top, high): (f64, f64)) {
    let (columns, rows) = (policy.loads.len(), policy.triggers.len());
    let names = policy.triggers.iter().map(|ends| TICK.width(&clean(&ends.trigger))).fold(0.0, f64::max);
    let left = MARGIN + names.min(140.0) + 10.0;
    let wide = ((WIDTH - MARGIN - left) / columns as f64).min(150.0);
    let tall = high / rows as f64;
    canvas.text(
        &HEADING.fit_name(&label(&policy.name), WIDTH / 2.0),
        (left, top + 14.0),
        HEADING,
        INK,
        Anchor::Left,
    );
    let top = top + NAME;
    let mut free = f64::NEG_INFINITY;
    // Loads grow to the right, capacities too.
    let mut order = easiest_first(&policy.loads, false);
    order.dedup();
    for (column, load) in order.into_iter().enumerate() {
        let at = left + column as f64 * wide;
        for row in 0..rows {
            let cell = &policy.cells[load * rows + row];
            let up = top + high - (row + 1) as f64 * tall;
            let color = kind_color(cell.kind);
            canvas.rect(at, up, wide - 1.0, tall - 1.0, color);
            let says = says(cell);
            if LABEL.width(&says) + 6.0 <= wide && tall >= 15.0 {
                canvas.text(
                    &says,
                    (at + wide / 2.0, up + tall / 2.0 + 4.0),
                    LABEL,
                    text_on(color),
                    Anchor::Centre,
                );
            }
        }
        let label = TICK.fit(&clean(&policy.loads[load].load), wide.max(60.0));
        let half = TICK.width(&label) / 2.0;
        if at + wide / 2.0 - half >= free {
            canvas.text(&label, (at + wide / 2.0, top + high + 15.0), TICK, GREY, Anchor::Centre);
            free = at + wide / 2.0 + half + 6.0;
        }
    }
    let every = (14.0 / tall).ceil().max(1.0) as usize;
    for (row, ends) in policy.triggers.iter().enumerate().step_by(every) {
        let up = top + high - (row as f64 + 0.5) * tall + 4.0;
        canvas.text(&TICK.fit(&clean(&ends.trigger), 140.0), (left - 6.0, up), TICK, GREY, Anchor::Right);
    }
    let middle = left + wide * columns as f64 / 2.0;
    canvas.rect(left, top + high, wide * columns as f64, 0.5, WHITE);
    canvas.text(&clean(&map.load), (middle, top + high + 34.0), NOTE, INK, Anchor::Centre);
}

/// What a cell says.
fn says(cell: &Cell) -> String {
    match (cell.kind, cell.median_s) {
        (Kind::NotExercised | Kind::Overloaded, _) => String::new(),
        (Kind::Stable | Kind::Recovers, Some(median)) => format!("{} s", short(median)),
        _ => format!("{} of {}", cell.not_back, cell.struck),
    }
}

/// The vulnerable region of the first policy that has one.
fn title(map: &Map) -> String {
    let load = clean(&map.load);
    let first = map.policies.iter().find_map(|policy| {
        let ends = policy.triggers.iter().find(|ends| ends.not_back_at.is_some())?;
        let at = ends.not_back_at.as_deref().map(clean)?;
        let is_mixed = |cell: &&Cell| {
            cell.kind == Kind::Mixed && cell.trigger == ends.trigger && clean(&cell.load) == at
        };
        let always = if policy.cells.iter().any(|cell| is_mixed(&cell)) { "always " } else { "" };
        Some(format!(
            "{} does not {always}come back at {load} = {at} from {} = {}",
            label(&policy.name),
            clean(&map.trigger),
            clean(&ends.trigger)
        ))
    });
    first.unwrap_or_else(|| {
        format!("no cell is shown that carries its {load} and does not come back from its trigger")
    })
}
