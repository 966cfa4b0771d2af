//! The unauthenticated flow (`clerk-js.md`, "The unauthenticated flow"), measured and documented.
//!
//! The flow re-enters itself: a 401 to its own GET /client enters it again in the fetch layer (loop G1), and in the
//! documented client a failed touch does by the policy's rule. Every level waits for the next and all settle at once,
//! so one task holds them all as a count: memory does not grow with the length of a loop.

use super::page::{Action, Fact, FlowEnd, Judgement, Listeners, Page};
use super::policy::Failure;
use super::release::Flow;
use super::task::{Caller, Kind, NONE, TaskId, Token, flag};

impl Page<'_> {
    /// `handleUnauthenticated`. `resumes` is the failed request whose fetch layer waits for the end, or [`NONE`].
    /// Returns whether the flow is under way; without a session it settles at once.
    pub(super) fn enter_flow(
        &mut self,
        resumes: TaskId,
        broadcast: bool,
        depth: u16,
        cause: Option<Failure>,
    ) -> bool {
        let active = self.tab.client && self.tab.session;
        self.fact(Fact::FlowEntered {
            open: self.tab.open_flows + 1 + self.passing.overlapping.unwrap_or(0),
            active,
            depth: u32::from(depth) + 1,
            cause,
        });
        if !active {
            self.passing.overlapping = self.passing.overlapping.map(|n| n + 1);
            return false;
        }
        self.tab.open_flows += 1;
        let id = self.start(Kind::Flow, Caller::Parent, resumes, depth.saturating_add(1));
        let task = &mut self.tasks[id];
        task.levels = 1;
        if broadcast {
            task.flags |= flag::BROADCAST;
        }
        self.request(id);
        true
    }

    /// The flow's own request failed in a way that enters the flow again.
    pub(super) fn flow_recurses(&mut self, id: TaskId, failure: Failure) {
        let task = self.tasks[id];
        let active = self.tab.client && self.tab.session;
        self.fact(Fact::FlowEntered {
            open: self.tab.open_flows + 1,
            active,
            depth: u32::from(task.depth) + task.levels,
            cause: Some(failure),
        });
        if !active {
            // The inner call settles at once; the outer one throws the 401 that entered it.
            return self.settle(id, FlowEnd::Threw(failure));
        }
        self.tab.open_flows += 1;
        let task = &mut self.tasks[id];
        task.levels += 1;
        task.attempt = 0;
        // A call that the fetch layer makes carries no option: it broadcasts.
        task.flags |= flag::BROADCAST;
        self.request(id);
    }

    /// The flow's request was answered.
    pub(super) fn flow_answered(&mut self, id: TaskId, token: Option<Token>, listed: bool) {
        let depth = self.depth_now(id);
        self.client_arrives(token, listed, Listeners::Next, depth);
        self.flow_looks(id);
    }

    /// The flow's request was answered with nothing, because the browser is offline: the client stays as it is.
    pub(super) fn flow_answered_nothing(&mut self, id: TaskId) {
        if self.tab.session && self.tab.listed {
            self.tab.object = self.tab.newest_object;
            self.tab.last_token = self.tab.newest_token;
            self.set_cookie(self.tab.last_token);
        }
        self.emit(self.depth_now(id));
        self.flow_looks(id);
    }

    fn flow_looks(&mut self, id: TaskId) {
        if self.tab.session {
            return self.settle(id, FlowEnd::StillSignedIn);
        }
        if self.tasks[id].flags & flag::BROADCAST != 0 {
            self.set_cookie(None);
            self.out.push(Action::BroadcastSignOut);
        }
        self.sign_out();
        self.settle(id, FlowEnd::SignedOut);
    }

    /// The flow's request failed and does not enter the flow again in the fetch layer.
    pub(super) fn flow_failed(&mut self, id: TaskId, failure: Failure) {
        match self.setup.release.flow {
            Flow::Client => {
                if matches!(failure.status, 403 | 500) {
                    self.sign_out();
                    self.settle(id, FlowEnd::SignedOut);
                } else {
                    self.settle(id, FlowEnd::Threw(failure));
                }
            }
            Flow::Touch { max_rounds } => {
                let gone = matches!(failure.status, 401 | 422);
                let enters = self.rules.enters.contains(failure);
                if gone || (enters && self.tasks[id].levels >= max_rounds) {
                    self.set_cookie(None);
                    self.out.push(Action::BroadcastSignOut);
                    self.sign_out();
                    self.settle(id, FlowEnd::SignedOut);
                } else if enters {
                    self.fact(Fact::Judged { failure, verdict: Judgement::EnterFlow });
                    self.flow_recurses(id, failure);
                } else {
                    self.fact(Fact::Judged { failure, verdict: Judgement::Swallow });
                    self.settle(id, FlowEnd::StillSignedIn);
                }
            }
        }
    }

    /// `setActive({ session: null })`: the user sees the sign-in page.
    fn sign_out(&mut self) {
        self.set_cookie(None);
        self.set_session(false);
    }

    fn depth_now(&self, id: TaskId) -> u16 {
        let task = &self.tasks[id];
        u16::try_from(u32::from(task.depth) + task.levels - 1).unwrap_or(u16::MAX)
    }

    /// The innermost call has ended, and with it every one around it.
    fn settle(&mut self, id: TaskId, end: FlowEnd) {
        let task = self.tasks[id];
        self.tab.open_flows -= task.levels;
        self.fact(Fact::FlowLeft { levels: task.levels, end });
        self.tasks.end(id);
        if task.parent == NONE {
            return;
        }
        // Below the innermost level, each throws what ended its own request: the error from within, or its own 401.
        let error = match (end, self.setup.release.flow, task.levels) {
            (FlowEnd::Threw(failure), ..) => Some(failure),
            (_, Flow::Client, 2..) => Some(Failure::status(401)),
            _ => None,
        };
        self.fetch_layer_resumes(task.parent, error);
    }
}
