//! Runs the simulated client in the setting of a recording and writes down what it does.

use super::recording::{Cookie, Endpoint, FlowEntry, Recording, Rejection, Request, State, Status};
use super::setting::{Setting, recorded, setting};
use crate::backend::Endpoint as Place;
use crate::client::backoff::Wait;
use crate::client::fact::{Fact, Status as ClientStatus};
use crate::client::family::{Activity, Call};
use crate::client::step::TaskId;
use crate::kernel::{Dur, Time, time::NS_PER_MS};
use crate::metrics::Outcome;
use crate::world::{Contender, Control, Observer, Plan, observed};

/// Behaviour of the simulated client.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// Every request, in the order of sending.
    pub requests: Vec<Request>,
    /// Every entry of the unauthenticated flow.
    pub entries: Vec<FlowEntry>,
    /// Every unhandled rejection.
    pub rejections: Vec<Rejection>,
    /// How each tab ended.
    pub last: Vec<State>,
    /// Facts that the recording's configuration lacks and where they were taken from instead.
    pub notes: Vec<String>,
}

/// Runs the simulated client in the setting of the recording.
///
/// # Errors
/// The part of the recording that cannot be set up, or the reason why the run was stopped.
pub fn replay(recording: &Recording) -> Result<Replayed, String> {
    let Setting { scenario, policy, notes } = setting(recording)?;
    let plan = Plan::new(scenario, vec![Contender::of(policy.name.clone(), policy)]);
    let looker = Looker {
        wanted: recording.recorded_requests().into_iter().map(|r| (r.t, r.tab, r.endpoint)).collect(),
        requests: Vec::new(),
        entries: Vec::new(),
        open: Vec::new(),
        rejections: Vec::new(),
        jitter: recording.config.random.as_ref().and_then(serde_json::Value::as_f64),
    };
    let (_, looker, tabs) =
        observed(&plan, 0, 0, &Control::default(), looker).map_err(|stopped| stopped.to_string())?;
    let last = tabs
        .iter()
        .filter(|tab| tab.open)
        .map(|tab| State {
            session: match (tab.client, tab.session) {
                (false, _) => Some("undefined".to_owned()),
                (true, true) => Some("sess_1".to_owned()),
                (true, false) => None,
            },
            status: match tab.status {
                ClientStatus::Loading => "loading",
                ClientStatus::Ready => "ready",
                ClientStatus::Degraded => "degraded",
                ClientStatus::Error => "error",
            }
            .to_owned(),
            session_cookie: tab.cookie.map(|c| Cookie { iat: u64::from(c.iat()) }),
        })
        .collect();
    let Looker { requests, entries, rejections, .. } = looker;
    Ok(Replayed { requests, entries, rejections, last, notes })
}

struct Looker {
    wanted: Vec<(u64, u32, Endpoint)>,
    requests: Vec<Request>,
    entries: Vec<FlowEntry>,
    rejections: Vec<Rejection>,
    /// The request in flight of each task, as an index.
    open: Vec<usize>,
    /// Value of `Math.random`, if the recording states it.
    jitter: Option<f64>,
}

fn ms(t: Time) -> u64 {
    t.0 / NS_PER_MS
}

impl Observer for Looker {
    const ACTIVE: bool = true;

    fn sent(&mut self, now: Time, tab: u32, id: TaskId, _doing: Activity, endpoint: Place, _first: bool) {
        let Some(endpoint) = recorded(endpoint) else { return };
        let task = id as usize;
        if self.open.len() <= task {
            self.open.resize(task + 1, usize::MAX);
        }
        self.open[task] = self.requests.len();
        let pending = Some(Status::Word("pending".to_owned()));
        self.requests.push(Request { t: ms(now), tab, endpoint, status: pending, t_done: None });
    }

    fn call_ended(&mut self, now: Time, task: TaskId, call: &Call, outcome: Outcome) {
        if recorded(call.endpoint).is_none() {
            return;
        }
        let request = &mut self.requests[self.open[task as usize]];
        let word = |word: &str| Some(Status::Word(word.to_owned()));
        (request.status, request.t_done) = match (outcome, call.failure) {
            (Outcome::InFlight, _) => (word("pending"), None),
            (Outcome::Dropped, _) => (None, None),
            (Outcome::Timeout, _) => (word("aborted"), Some(ms(now))),
            (_, None) => (Some(Status::Http(200)), Some(ms(now))),
            (_, Some(failure)) if failure.status == 0 => (word("network_error"), Some(ms(now))),
            (_, Some(failure)) => (Some(Status::Http(failure.status)), Some(ms(now))),
        };
    }

    fn fact(&mut self, now: Time, tab: u32, fact: Fact) {
        match fact {
            Fact::FlowEntered { open, active, .. } => {
                self.entries.push(FlowEntry { t: ms(now), tab, depth: open, active });
            }
            Fact::UnhandledRejection(failure) => {
                let status = (failure.status != 0).then_some(failure.status);
                self.rejections.push(Rejection { t: ms(now), tab, status });
            }
            _ => {}
        }
    }

    fn given_wait(&mut self, now: Time, tab: u32, doing: Activity, wait: Wait) -> Option<Dur> {
        if !wait.recorded {
            return None;
        }
        let endpoint = recorded(doing.endpoint)?;
        if let Some(jitter) = self.jitter {
            let drawn = Dur((wait.low.0 as f64 * (1.0 + jitter)) as u64);
            return Some(Dur(wait.of(drawn).0 / NS_PER_MS * NS_PER_MS));
        }
        // A browser's timer takes whole milliseconds and cuts the fraction of the drawn wait.
        let earliest = ms(now.after(wait.of(wait.low)));
        let latest = ms(now.after(wait.of(wait.high)));
        let at = self
            .wanted
            .iter()
            .position(|w| (earliest..=latest).contains(&w.0) && (w.1, w.2) == (tab, endpoint))?;
        let (t, ..) = self.wanted.remove(at);
        Some(Time::from_ms(t).since(now))
    }
}
