//! The second simulation held against the recordings of the real client: it stands on its own feet.

use super::answer::Answer;
use super::service::Ended;
use super::world::{GivenWait, World};
use crate::conform::{Endpoint, FlowEntry, Outcome, Recording, Rejection, Replayed, Request, State, Status};
use crate::conform::{judge, setting};
use crate::parallel;
use std::cell::RefCell;
use std::path::Path;

/// Runs the second simulation as a recording was run.
fn replay(recording: &Recording) -> (Replayed, Vec<(u64, u64, Option<u64>)>) {
    let setting = setting(recording).unwrap_or_else(|e| panic!("{e}"));
    let world = World::new(setting.scenario, vec![(setting.policy, 1.0)], Some(given(recording)));
    assert!(world.run(1_000_000), "it ends");
    let mut requests = Vec::new();
    for call in &*world.sent.borrow() {
        let endpoint = match call.what.split(',').next() {
            Some("tokens") => Endpoint::Tokens,
            Some("touch") => Endpoint::Touch,
            Some("client") => Endpoint::Client,
            Some("environment") => Endpoint::Environment,
            _ => continue,
        };
        let (status, t_done) = match &*call.ended.borrow() {
            Ended::InFlight => (Some(Status::Word("pending".to_owned())), None),
            Ended::Dropped | Ended::Then(_) => (None, None),
            Ended::At(at, answer) => {
                let status = match answer {
                    Answer::GivenUp => Status::Word("aborted".to_owned()),
                    Answer::Ok { .. } => Status::Http(200),
                    Answer::Status { status, .. } => Status::Http(*status),
                    _ => Status::Word("network_error".to_owned()),
                };
                (Some(status), Some(at / 1_000_000))
            }
        };
        requests.push(Request { t: call.at / 1_000_000, tab: tab_of(&call.who), endpoint, status, t_done });
    }
    let mut entries = Vec::new();
    for ((at, who, what), times) in &world.log.borrow().lines {
        let Some((open, active)) = what.strip_prefix("call ").and_then(|w| w.split_once(" of the flow, "))
        else {
            continue;
        };
        let (depth, active) = (open.parse().expect("a number"), active == "true");
        let entry = FlowEntry { t: at / 1_000_000, tab: tab_of(who), depth, active };
        entries.extend((0..*times).map(|_| entry));
    }
    let states = world.users[0].open_pages().into_iter().map(|page| State {
        session: match (page.client.get(), page.current().is_some()) {
            (false, _) => Some("undefined".to_owned()),
            (true, true) => Some("sess_1".to_owned()),
            (true, false) => None,
        },
        status: format!("{:?}", page.status.get()).to_lowercase(),
        session_cookie: page.user().cookie.get().map(|token| crate::conform::Cookie { iat: token.iat }),
    });
    let last = states.collect();
    let rejected = world.rejected.borrow();
    let rejections = rejected.iter().map(|(at, tab, answer)| Rejection {
        t: at / 1_000_000,
        tab: *tab as u32,
        status: match answer {
            Answer::Status { status, .. } => Some(*status),
            _ => None,
        },
    });
    let replayed = Replayed { requests, entries, rejections: rejections.collect(), last, notes: Vec::new() };
    let written = world.written.borrow().iter().map(|(at, tab, iat)| (at / 1_000_000, *tab, *iat)).collect();
    (replayed, written)
}

/// What each tab of a recording wrote to the session cookie.
fn recorded_cookies(recording: &Recording) -> Vec<(u64, u64, Option<u64>)> {
    let cookies = recording.events.iter().filter(|event| event.kind == "cookie");
    cookies.map(|event| (event.t, u64::from(event.tab), event.iat)).collect()
}

fn tab_of(who: &str) -> u32 {
    who.trim_start_matches("tab ").parse().expect("a tab's number")
}

/// Waits before repeated GETs: where a recording gives `Math.random`, by that; else as the recorded requests have them,
/// if they are within the bounds.
fn given(recording: &Recording) -> GivenWait {
    let wanted: RefCell<Vec<(u64, u32, Endpoint)>> =
        RefCell::new(recording.recorded_requests().into_iter().map(|r| (r.t, r.tab, r.endpoint)).collect());
    let always = recording.config.random.as_ref().and_then(serde_json::Value::as_f64);
    Box::new(move |now, tab, is_client, (low, high)| {
        if let Some(always) = always {
            let wait = (low as f64 * (1.0 + always)) as u64 / 1_000_000 * 1_000_000;
            return Some(wait.min(high));
        }
        let endpoint = if is_client { Endpoint::Client } else { Endpoint::Environment };
        let whole = |time: u64| time / 1_000_000;
        let mut wanted = wanted.borrow_mut();
        let place = wanted.iter().position(|(t, of, to)| {
            (whole(now + low)..=whole(now + high)).contains(t) && (u64::from(*of), *to) == (tab, endpoint)
        })?;
        Some(wanted.remove(place).0 * 1_000_000 - now)
    })
}

fn recordings() -> Vec<(String, Recording)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings");
    let mut all = Vec::new();
    for folder in [root.clone(), root.join("more")] {
        for entry in std::fs::read_dir(folder).expect("recordings") {
            let path = entry.expect("an entry").path();
            if path.extension().is_some_and(|e| e == "json") {
                let text = std::fs::read_to_string(&path).expect("a text");
                let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
                all.push((name, Recording::parse(&text).unwrap_or_else(|e| panic!("{e}"))));
            }
        }
    }
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

#[test]
fn the_second_simulation_makes_the_recorded_requests() {
    let all = recordings();
    let differs = |(name, recording): &(String, Recording)| {
        let (replayed, mut written) = replay(recording);
        let mut recorded = recorded_cookies(recording);
        recorded.sort_unstable();
        written.sort_unstable();
        match judge(recording, &replayed) {
            Outcome::Match { .. } if written == recorded => None,
            Outcome::Match { .. } => {
                let both = recorded.iter().zip(&written).find(|(a, b)| a != b);
                Some(format!("{name}: cookies {both:?}, {} and {}", recorded.len(), written.len()))
            }
            Outcome::Impossible(why) => Some(format!("{name}: {why}")),
            Outcome::Diverged(divergence) => Some(format!("{name}: {divergence:?}")),
        }
    };
    let wrong: Vec<String> = parallel::map(&all, differs).into_iter().flatten().collect();
    assert!(all.len() > 600, "{} recordings", all.len());
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}
