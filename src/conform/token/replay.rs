//! Runs a recording's configuration through the machine, the account and the scripted server.

use super::app::Open;
use super::due::{At, Due};
use super::options::{Options, options};
use super::recording::{Config, RawRequest, Recording, State};
use super::server::Server;
use crate::client::token::{
    Action, Fact, Held, Input, KeptIn, Key, News, Opening, Out, Place, Profile, Refusal, Request, Rules,
    Storage, Store, Until, open, step,
};
use crate::kernel::Time;
use std::collections::{BTreeMap, BinaryHeap};

/// A request in the form of both sides: `t`, tab, endpoint, status, `t_done`.
pub type Sent = (u64, u32, String, String, Option<u64>);
/// A call of the app: `t`, tab, outcome, `t_done`, `exp`.
pub type Called = (u64, u32, String, Option<u64>, Option<u64>);
/// An event: `t`, tab, type, name, `exp`.
pub type Reported = (u64, u32, String, String, Option<u64>);

/// Behaviour of the simulated client in a replay.
#[derive(Clone, Debug, Default)]
pub struct Replayed {
    /// Every request, by time.
    pub requests: Vec<Sent>,
    /// Every call of the app.
    pub calls: Vec<Called>,
    /// What the SDK reported and wrote.
    pub events: Vec<Reported>,
    /// How each tab ended.
    pub last: Vec<State>,
    /// Number of entries, and number of recursive entries among them.
    pub entries: (usize, usize),
    /// The sign-outs that the client decided, in order.
    pub sign_outs: Vec<SignOut>,
    /// Whether the server's session had ended at the end, and why.
    pub ended: Option<Refusal>,
    /// Time at which the replay was stopped because of [`MOST_EVENTS`], in ms.
    pub stopped_ms: Option<u64>,
}

/// The most events of a replay. A client that needs more loops without a bound.
pub const MOST_EVENTS: u64 = 500_000;

/// A sign-out that the client decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignOut {
    /// Time, in ms.
    pub at_ms: u64,
    /// Whether the server's session had ended, and why.
    pub ended: Option<Refusal>,
}

/// A page of a tab.
pub(super) struct Page {
    /// Number of pages that the tab had before.
    pub load: u32,
    pub objects: Vec<Key>,
    /// The objects in the order in which their loads ended. They listen to the page's visibility in this order.
    pub loaded: Vec<Key>,
    /// Whether the app has asked since the load.
    pub asked: bool,
    /// The expiry of the last token that a call of the page got.
    pub given: Option<u64>,
    /// The session that the app keeps in order to put it back.
    pub kept: Option<Held>,
}

pub(super) struct Replay<'a> {
    pub config: &'a Config,
    pub recorded: &'a [RawRequest],
    /// Whether the app asks at the page's load, so that the load ends with the answer.
    pub asks_at_load: bool,
    pub options: Options,
    pub rules: Rules,
    pub profile: &'a Profile,
    pub store: Store,
    pub browser: u32,
    pub server: Server,
    pub now: Time,
    queue: BinaryHeap<At>,
    pub number: u64,
    pub pages: Vec<Page>,
    pub tab_of: BTreeMap<Key, u32>,
    pub calls: BTreeMap<u32, Open>,
    /// Requests that may be aborted, with their index in the list.
    pub places: BTreeMap<Request, usize>,
    pub next_poll: Option<usize>,
    pub offline: bool,
    pub out: Replayed,
}

/// Replays a recording with a profile.
///
/// # Errors
/// Why the recording cannot be set up.
pub fn replay(recording: &Recording, profile: &Profile) -> Result<Replayed, String> {
    let unknown = recording.unknown();
    if !unknown.is_empty() {
        return Err(format!("the recording has keys that the replay does not know: {}", unknown.join(", ")));
    }
    let asks_at_load = recording.calls.iter().any(|call| call.2 == "load");
    let replayed = drive(&recording.config, &recording.requests, asks_at_load, profile)?;
    match replayed.stopped_ms {
        Some(ms) => Err(format!("more than {MOST_EVENTS} events in {ms} ms: the client loops")),
        None => Ok(replayed),
    }
}

/// Drives the machine through a configuration. `recorded` are the requests from which random waits come.
///
/// # Errors
/// Why the configuration cannot be set up.
pub(super) fn drive(
    config: &Config,
    recorded: &[RawRequest],
    asks_at_load: bool,
    profile: &Profile,
) -> Result<Replayed, String> {
    let mut profile = profile.clone();
    let options = options(config, &mut profile)?;
    let profile = &profile;
    let rules = profile.rules().map_err(|e| format!("profile {}: {e}", profile.sdk.name))?;
    let server = Server::new(config, profile);
    let first = server.first();
    let stored = Held {
        refresh: first.refresh,
        access: first.access,
        exp_s: first.exp_s,
        // The token at t = 0 was stored before the clock was moved.
        until: Until::new(i64::from(first.exp_s) * 1_000_000_000),
    };
    let mut store = Store::new();
    let browser = store.add_browser(Some(stored), config.client_skew_ms * 1_000_000);
    if options.removals_ignored {
        store.ignore_removals();
    }
    let mut replay = Replay {
        config,
        recorded,
        asks_at_load,
        options,
        rules,
        profile,
        store,
        browser,
        server,
        now: Time::ZERO,
        queue: BinaryHeap::new(),
        number: 0,
        pages: Vec::new(),
        tab_of: BTreeMap::new(),
        calls: BTreeMap::new(),
        places: BTreeMap::new(),
        next_poll: None,
        offline: false,
        out: Replayed::default(),
    };
    replay.run()?;
    Ok(replay.out)
}

impl Replay<'_> {
    fn run(&mut self) -> Result<(), String> {
        // If the browser's storage holds the session, the recording begins with the first write of it.
        if !matches!(self.profile.session.kept_in, KeptIn::Object | KeptIn::Page) {
            self.event(0, "storage", "set", None);
        }
        for n in 0..self.config.actions.len() {
            let t = Time::from_ms(self.config.actions[n].t);
            self.push(t, true, Due::Act(n));
        }
        self.open_tab();
        let end = Time::from_ms(self.config.duration_ms);
        let mut events = 0;
        while let Some(at) = self.queue.pop() {
            if at.t > end {
                break;
            }
            self.now = at.t;
            events += 1;
            if events > MOST_EVENTS {
                self.out.stopped_ms = Some(self.ms());
                break;
            }
            match at.due {
                Due::Timer(agent, timer) => self.step(agent, Input::Timer(timer)),
                Due::Answer(agent, request, reply, place, status) => {
                    self.arrive(agent, request, reply, place, status);
                }
                Due::Poll(tab, load, poll) => self.poll(tab, load, poll),
                Due::Act(n) => self.act(n)?,
                Due::PutIn(place) => self.has_put_in(place),
            }
        }
        self.finish();
        self.out.ended = self.server.account.ended();
        Ok(())
    }

    pub(super) fn push(&mut self, t: Time, action: bool, due: Due) {
        self.number += 1;
        self.queue.push(At { t, action, number: self.number, due });
    }

    pub(super) fn ms(&self) -> u64 {
        self.now.0 / crate::kernel::time::NS_PER_MS
    }

    pub(super) fn event(&mut self, tab: u32, kind: &str, name: &str, exp: Option<u64>) {
        self.out.events.push((self.ms(), tab, kind.to_owned(), name.to_owned(), exp));
    }

    pub(super) fn open_tab(&mut self) {
        let tab = u32::try_from(self.pages.len()).unwrap_or(u32::MAX);
        self.pages.push(Page {
            load: 0,
            objects: Vec::new(),
            loaded: Vec::new(),
            asked: false,
            given: None,
            kept: None,
        });
        self.load(tab);
    }

    pub(super) fn load(&mut self, tab: u32) {
        let page = &mut self.pages[tab as usize];
        page.load += 1;
        (page.kept, page.loaded, page.asked, page.given) = (None, Vec::new(), false, None);
        let load = page.load;
        // The page's script sets its timers before the SDK's load, which runs beside it, sets any.
        for n in 0..self.config.poll.len() {
            let poll = &self.config.poll[n];
            if poll.every.is_none() && !poll.eager {
                continue;
            }
            let from = poll.from + if tab > 0 { poll.stagger } else { 0 };
            self.push(self.now.max(Time::from_ms(from)), false, Due::Poll(tab, load, n));
        }
        if self.options.object_per_call {
            return self.event(tab, "load.end", "true", None);
        }
        let asks_on_event = self.config.poll.iter().any(|p| p.on_auth_event);
        let how = |object| Opening {
            page: tab,
            visible: true,
            auto: !self.options.passive,
            listens: object == 0,
            asks_on_event: object == 0 && asks_on_event,
            refreshes_on_expiry: object == 0 && self.options.refreshes_on_expiry,
            asks: u32::from(object == 0 && self.asks_at_load),
        };
        let objects: Vec<Opening> = (0..self.options.objects).map(how).collect();
        self.open(tab, &objects);
    }

    pub(super) fn open(&mut self, tab: u32, objects: &[Opening]) {
        let (mut keys, mut out) = (Vec::new(), Out::default());
        let opened = |key| keys.push(key);
        let objects = objects.iter().copied();
        open(&self.rules, &mut self.store, self.browser, objects, self.now, (opened, &mut out));
        self.tab_of.extend(keys.iter().map(|key| (*key, tab)));
        if !self.options.object_per_call {
            self.pages[tab as usize].objects = keys;
        }
        self.take(out);
    }

    pub(super) fn step(&mut self, agent: Key, input: Input) {
        let mut out = Out::default();
        step(&self.rules, &mut self.store, agent, input, self.now, &mut out);
        self.take(out);
    }

    pub(super) fn take(&mut self, out: Out) {
        for action in out.actions {
            match action {
                Action::Send { agent, endpoint, refresh, request } => {
                    self.send(agent, endpoint, refresh, request)
                }
                Action::Abort { request, .. } => self.abort(request),
                Action::Wait { agent, timer, wait } => {
                    let at = self.drawn(agent, wait);
                    self.push(at, false, Due::Timer(agent, timer));
                }
            }
        }
        for (agent, fact) in out.facts {
            self.note(agent, fact);
        }
    }

    fn note(&mut self, agent: Key, fact: Fact) {
        let tab = self.tab_of.get(&agent).copied().unwrap_or(0);
        let names = |news: News| match news {
            News::SignedIn => &self.profile.events.signed_in,
            News::Refreshed => &self.profile.events.refreshed,
            News::RefreshStarted => &self.profile.events.refresh_started,
            News::RefreshFailed => &self.profile.events.refresh_failed,
            News::TimerFailed => &self.profile.events.timer_failed,
            News::TimerEnded => &self.profile.events.timer_ended,
            News::Expired => &self.profile.events.expired,
            News::SignedOut => &self.profile.events.signed_out,
        };
        match fact {
            Fact::Entered { depth, .. } => {
                self.out.entries.0 += 1;
                self.out.entries.1 += usize::from(depth > 0);
            }
            Fact::Left { .. } => {}
            Fact::SignedOut { .. } => {
                self.out.sign_outs.push(SignOut { at_ms: self.ms(), ended: self.server.account.ended() });
            }
            Fact::Event(news, exp) => {
                let exp = exp.map(|exp| self.told_expiry(agent, exp));
                for name in names(news).clone() {
                    self.event(tab, "auth", &name, exp);
                }
                self.keep(tab, agent);
            }
            Fact::First(exp) => {
                for name in self.profile.events.first.clone() {
                    self.event(tab, "auth", &name, exp.map(u64::from));
                }
                self.keep(tab, agent);
            }
            Fact::LoadFailed => {
                for name in self.profile.events.load_failed.clone() {
                    self.event(tab, "auth", &name, None);
                }
            }
            Fact::Broadcast(news) => {
                let name = names(news).first().cloned().unwrap_or_default();
                self.event(tab, "broadcast", &name, None);
            }
            Fact::Storage(storage) => {
                let op = match storage {
                    Storage::Set => "set",
                    Storage::Removed => "remove",
                    Storage::RemovalIgnored => "remove-ignored",
                };
                self.event(tab, "storage", op, None);
            }
            Fact::Loaded(ok) => {
                self.pages[tab as usize].loaded.push(agent);
                let objects = &self.pages[tab as usize].objects;
                let first_of_all = tab == 0 && self.pages.len() == 1 && self.pages[0].load == 1;
                if first_of_all && self.reads_after_discovery() {
                    return self.put_in();
                }
                if !self.asks_at_load && !self.options.object_per_call && objects.first() == Some(&agent) {
                    self.event(tab, "load.end", &ok.to_string(), None);
                }
            }
            Fact::Asked { call } => self.asked(tab, agent, call),
            Fact::Answered { call, outcome, .. } => self.answered(agent, call, outcome),
        }
    }

    fn keep(&mut self, tab: u32, agent: Key) {
        if self.options.puts_back
            && let Some(held) = self.store.held(agent, Place::Storage)
        {
            self.pages[tab as usize].kept = Some(held);
        }
    }
}
