//! The retry schedule of the worst session of each policy, from the stories in the results.

use super::Chart;
use super::lanes::{Bar, Schedule, lanes};
use crate::backend::Endpoint;
use crate::kernel::Dur;
use crate::metrics::Outcome;
use crate::results::{Results, StoryDigest};
use crate::text::number;

impl Schedule {
    /// The schedule of a story in results. Leaves out calls with names that this version does not know.
    pub fn of_digest(story: &StoryDigest, results: &Results) -> Schedule {
        let bar = |(tab, endpoint, from, to, outcome): &(u32, String, u64, u64, String)| {
            Some(Bar {
                tab: *tab,
                endpoint: Endpoint::ALL.into_iter().find(|e| e.name() == endpoint)?,
                from: Dur(*from),
                to: Dur(*to),
                outcome: Outcome::ALL.into_iter().find(|o| o.name() == outcome)?,
            })
        };
        let mut title = story.headline.clone();
        if story.calls_left_out > 0 {
            title.push_str(&format!("; the first {} calls", number::whole(story.calls.len() as u64)));
        }
        Schedule {
            title,
            provenance: story.provenance.clone(),
            window: (Dur::ZERO, results.horizon),
            faults: results.faults.clone(),
            continues: Vec::new(),
            bars: story.calls.iter().filter_map(bar).collect(),
            marks: story.marks.iter().map(|(at, mark)| (Dur(*at), *mark)).collect(),
            entries: results.flow().entries.to_owned(),
        }
    }
}

/// The retry schedule of the worst session of each policy, that of the worst session of all first; absent if the results
/// have no stories of them.
pub fn retry_schedule(results: &Results) -> Option<Chart> {
    let told = results.worst_stories();
    let schedules: Vec<Schedule> = told.iter().map(|story| Schedule::of_digest(story, results)).collect();
    (!schedules.is_empty()).then(|| lanes(&schedules))
}
