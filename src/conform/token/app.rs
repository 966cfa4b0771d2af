//! The app and the user of a recording: polls, bursts, actions, and the app's reactions to an answer.

use super::due::Due;
use super::recording::Poll;
use super::replay::Replay;
use crate::client::token::{Fact, Held, Input, Key, Opening, Out, Outcome, step};

/// A call without an answer yet.
pub(super) struct Open {
    /// Index among the calls.
    place: usize,
    pub tab: u32,
    /// Number of the tab's load that the call belongs to.
    pub load: u32,
    /// The poll that waits for this call before it asks again.
    poll: Option<usize>,
    /// The object that serves only this call.
    own: Option<Key>,
    /// Whether the app has put its session back.
    restored: bool,
    /// Whether the load ends with this call.
    ends_load: bool,
}

impl Replay<'_> {
    pub(super) fn asked(&mut self, tab: u32, agent: Key, call: u32) {
        let place = self.out.calls.len();
        self.out.calls.push((self.ms(), tab, "pending".to_owned(), None, None));
        let load = self.pages[tab as usize].load;
        let ends_load = self.asks_at_load && !std::mem::replace(&mut self.pages[tab as usize].asked, true);
        let (poll, own) = (self.next_poll.take(), self.options.object_per_call.then_some(agent));
        self.calls.insert(call, Open { place, tab, load, poll, own, restored: false, ends_load });
    }

    pub(super) fn answered(&mut self, agent: Key, call: u32, outcome: Outcome) {
        let Some(mut open) = self.calls.remove(&call) else { return };
        let kept = self.pages[open.tab as usize].kept;
        if let (Outcome::Nothing, Some(kept), false) = (outcome, kept, open.restored) {
            open.restored = true;
            let before = self.out.calls.len();
            self.step_restoring(agent, kept, open, before);
            return;
        }
        let t = self.ms();
        let said = match outcome {
            Outcome::Token(exp) => {
                let exp = self.told_expiry(agent, exp);
                self.pages[open.tab as usize].given = Some(exp);
                ("token".to_owned(), Some(t), Some(exp))
            }
            Outcome::Nothing => ("null".to_owned(), Some(t), None),
            Outcome::Error => ("error".to_owned(), Some(t), None),
        };
        let record = &mut self.out.calls[open.place];
        (record.2, record.3, record.4) = said;
        // An object whose lock was stolen continues beside the new one.
        if let Some(own) = open.own.filter(|own| !self.store.is_busy(*own)) {
            self.step(own, Input::Close);
            self.tab_of.remove(&own);
        }
        if open.ends_load {
            self.event(open.tab, "load.end", "true", None);
        }
        if let Some(n) = open.poll {
            let poll = &self.config.poll[n];
            let token = matches!(outcome, Outcome::Token(_));
            let gap = if poll.always || !token { poll.gap } else { 5_000 };
            let at = self.now.after(crate::kernel::Dur::from_ms(gap));
            self.push(at, false, Due::Poll(open.tab, open.load, n));
        }
    }

    /// The app puts its session back. The call continues with the result.
    pub(super) fn step_restoring(&mut self, agent: Key, kept: Held, open: Open, before: usize) {
        let mut out = Out::default();
        step(&self.rules, &mut self.store, agent, Input::Restore(kept), self.now, &mut out);
        let asked = out.facts.iter().position(|(_, f)| matches!(f, Fact::Asked { .. }));
        if let Some(position) = asked
            && let (_, Fact::Asked { call }) = out.facts.remove(position)
        {
            self.calls.insert(call, open);
        }
        assert_eq!(before, self.out.calls.len());
        self.take(out);
    }

    /// The app asks `times` times at once.
    pub(super) fn ask(&mut self, tab: u32, times: u32, poll: Option<usize>) {
        self.next_poll = poll;
        if !self.options.object_per_call {
            let first = self.pages[tab as usize].objects[0];
            return self.step(first, Input::Ask(times));
        }
        let how = Opening {
            page: tab,
            visible: true,
            auto: false,
            listens: false,
            asks_on_event: false,
            refreshes_on_expiry: false,
            asks: 1,
        };
        self.open(tab, &vec![how; times as usize]);
    }

    pub(super) fn poll(&mut self, tab: u32, load: u32, n: usize) {
        let poll: &Poll = &self.config.poll[n];
        let over = poll.to.is_some_and(|to| self.ms() as f64 >= to);
        if self.pages[tab as usize].load != load || over {
            return;
        }
        match poll.every {
            Some(every) if !poll.eager => {
                let at = self.now.after(crate::kernel::Dur::from_ms(every));
                self.push(at, false, Due::Poll(tab, load, n));
                self.ask(tab, 1, None);
            }
            _ => self.ask(tab, 1, Some(n)),
        }
    }

    pub(super) fn act(&mut self, n: usize) -> Result<(), String> {
        let action = &self.config.actions[n];
        let tab = action.tab.unwrap_or(0);
        if tab as usize >= self.pages.len() {
            return Err(format!("config.actions[{n}]: tab {tab} is not open"));
        }
        match action.label.as_str() {
            "openTab" => self.open_tab(),
            "reload" => {
                for object in std::mem::take(&mut self.pages[tab as usize].objects) {
                    self.step(object, Input::ClosePage);
                    self.tab_of.remove(&object);
                }
                self.load(tab);
            }
            "hidden" | "visible" => {
                let visible = action.label == "visible";
                for object in self.pages[tab as usize].loaded.clone() {
                    self.step(object, if visible { Input::Visible } else { Input::Hidden });
                }
            }
            "offline" | "online" => {
                self.offline = action.label == "offline";
                self.store.set_offline(self.browser, self.offline);
            }
            "getToken" => self.ask(tab, 1, None),
            label => {
                let times = label.strip_suffix("x getToken").and_then(|n| n.parse::<u32>().ok());
                let times = times.ok_or_else(|| {
                    format!(
                        "config.actions[{n}].label: {label:?}; the replay knows hidden, visible, offline, online, \
                         openTab, reload, getToken, and \"20x getToken\""
                    )
                })?;
                self.ask(tab, times, None);
            }
        }
        Ok(())
    }
}
