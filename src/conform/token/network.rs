//! The requests of a replay, on their way to the scripted server and back.

use super::due::{AsRecorded, Due};
use super::replay::Replay;
use super::server::Decision;
use crate::client::backoff::Wait;
use crate::client::token::{Endpoint, Input, Key, Reply, Request};
use crate::kernel::{Dur, Time};

impl Replay<'_> {
    pub(super) fn arrive(
        &mut self,
        agent: Key,
        request: Request,
        reply: Reply,
        place: usize,
        status: AsRecorded,
    ) {
        if !self.tab_of.contains_key(&agent) {
            return;
        }
        let t = self.ms();
        if self.may_abort() && self.places.remove(&request).is_none() {
            return;
        }
        let sent = &mut self.out.requests[place];
        sent.3 = match status {
            AsRecorded::Status(status) => status.to_string(),
            AsRecorded::NetworkError => "network_error".to_owned(),
        };
        sent.4 = Some(t);
        self.step(agent, Input::Answer(request, reply));
    }

    pub(super) fn send(
        &mut self,
        agent: Key,
        endpoint: Endpoint,
        refresh: Option<std::num::NonZeroU32>,
        request: Request,
    ) {
        let tab = self.tab_of.get(&agent).copied().unwrap_or(0);
        let place = self.out.requests.len();
        if self.may_abort() {
            self.places.insert(request, place);
        }
        self.out.requests.push((self.ms(), tab, endpoint.name().to_owned(), "pending".to_owned(), None));
        let rtt = Dur::from_ms(self.config.rtt_ms);
        let after = self.now.after(rtt);
        if self.offline {
            let at = if self.config.offline_fetch.as_deref() == Some("immediate") { self.now } else { after };
            let due = Due::Answer(agent, request, Reply::NoAnswer, place, AsRecorded::NetworkError);
            return self.push(at, false, due);
        }
        let due = match self.server.decide(endpoint, refresh, self.now) {
            Decision::Hang => return,
            Decision::Abort => Due::Answer(agent, request, Reply::NoAnswer, place, AsRecorded::NetworkError),
            Decision::Answer(reply, status) => {
                Due::Answer(agent, request, reply, place, AsRecorded::Status(status))
            }
        };
        self.push(after, false, due);
    }

    /// End of a wait with a random part: the time of the recorded request within the wait's bounds. So bounds are
    /// compared, not draws.
    pub(super) fn drawn(&self, agent: Key, wait: Wait) -> Time {
        let tab = self.tab_of.get(&agent).copied().unwrap_or(0);
        let [from, to] = [wait.low, wait.high].map(|draw| self.now.after(wait.of(draw)));
        let within = |t: &Time| from < to && from <= *t && *t <= to;
        let sent = self.recorded.iter().filter(|r| r.1 == tab).map(|r| Time::from_ms(r.0));
        sent.filter(within).min().unwrap_or(from)
    }

    /// Whether the client aborts requests of some kind.
    fn may_abort(&self) -> bool {
        self.rules.aborts || self.rules.newest_only || self.rules.iframe.is_some()
    }

    /// The client aborts a request.
    pub(super) fn abort(&mut self, request: Request) {
        let t = self.ms();
        if let Some(place) = self.places.remove(&request) {
            let sent = &mut self.out.requests[place];
            (sent.3, sent.4) = ("client_abort".to_owned(), Some(t));
        }
    }

    /// Whether the client requests the provider's metadata before it reads the session.
    pub(super) fn reads_after_discovery(&self) -> bool {
        self.rules.discovery.is_some_and(|discovery| discovery.before_read)
    }

    /// The recorder puts the session into the cache of a client that reads it after discovery. It uses a function of the
    /// package, which makes a discovery request of its own. The load ends with the answer.
    pub(super) fn put_in(&mut self) {
        let place = self.out.requests.len();
        self.out.requests.push((
            self.ms(),
            0,
            Endpoint::Discovery.name().to_owned(),
            "pending".to_owned(),
            None,
        ));
        let at = self.now.after(Dur::from_ms(self.config.rtt_ms));
        self.push(at, false, Due::PutIn(place));
    }

    pub(super) fn has_put_in(&mut self, place: usize) {
        let t = self.ms();
        let sent = &mut self.out.requests[place];
        (sent.3, sent.4) = ("200".to_owned(), Some(t));
        self.event(0, "load.end", "true", None);
    }
}
