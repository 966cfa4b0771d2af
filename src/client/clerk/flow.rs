//! The unauthenticated flow (`clerk-js.md`, "The unauthenticated flow"), measured and documented.
//!
//! The flow re-enters itself: by a 401 to its own GET /client in the fetch layer (loop G1), and in the documented
//! client by the policy's rule for a failed touch. Each level waits for the next, and all settle at once. One task
//! therefore holds all levels as a count, and memory does not grow with the length of a loop.

use super::messages;
use super::page::Page;
use super::release::Flow;
use super::resource::Listeners;
use super::task::{Caller, Kind, NONE, flag};
use crate::client::fact::{Fact, FlowEnd, Judgement};
use crate::client::step::{Action, TaskId};
use crate::protocol::{Failure, Token};

impl Page<'_> {
    /// `handleUnauthenticated`. `resumes` is the failed request whose fetch layer waits for the flow, or [`NONE`].
    /// Returns whether the flow is under way. Without a session it settles at once.
    pub(super) fn enter_flow(
        &mut self,
        resumes: TaskId,
        broadcast: bool,
        depth: u32,
        cause: Option<Failure>,
    ) -> bool {
        let active = self.tab.client() && self.tab.session();
        self.fact(Fact::FlowEntered {
            open: self.rest.open_flows + 1 + self.scratch.overlapping.unwrap_or(0),
            active,
            depth: depth + 1,
            cause,
        });
        if !active {
            self.scratch.overlapping = self.scratch.overlapping.map(|n| n + 1);
            return false;
        }
        self.rest.open_flows += 1;
        let id = self.start(Kind::Flow, Caller::Parent, resumes, depth + 1);
        let task = &mut self.tasks[id];
        task.levels = 1;
        if broadcast {
            task.flags |= flag::BROADCAST;
        }
        self.request(id);
        true
    }

    /// The flow's own request failed, and the failure enters the flow again.
    pub(super) fn flow_recurses(&mut self, id: TaskId, failure: Failure) {
        let task = self.tasks[id];
        let active = self.tab.client() && self.tab.session();
        self.fact(Fact::FlowEntered {
            open: self.rest.open_flows + 1,
            active,
            depth: task.depth + task.levels,
            cause: Some(failure),
        });
        if !active {
            // The inner call settles at once; the outer call throws the 401 that entered it.
            return self.settle(id, FlowEnd::Threw(failure));
        }
        self.rest.open_flows += 1;
        let task = &mut self.tasks[id];
        task.levels += 1;
        task.attempt = 0;
        // A call by the fetch layer has no option, so it broadcasts.
        task.flags |= flag::BROADCAST;
        self.request(id);
    }

    /// The flow's request was answered.
    pub(super) fn flow_answered(&mut self, id: TaskId, token: Option<Token>, listed: bool) {
        let depth = self.depth_now(id);
        self.client_arrives(token, listed, Listeners::Next, depth);
        self.flow_looks(id);
    }

    /// The flow's request got an empty answer because the browser is offline. The client does not change.
    pub(super) fn flow_answered_nothing(&mut self, id: TaskId) {
        self.client_stays(self.depth_now(id));
        self.flow_looks(id);
    }

    fn flow_looks(&mut self, id: TaskId) {
        if self.tab.session() {
            return self.settle(id, FlowEnd::StillSignedIn);
        }
        self.sign_out_and_tell(id);
    }

    /// The flow ends signed out. It tells the browser's other tabs, unless another tab told this one.
    fn sign_out_and_tell(&mut self, id: TaskId) {
        if self.tasks[id].flags & flag::BROADCAST != 0 {
            self.remove_cookies();
            self.out.push(Action::Tell(messages::SIGN_OUT));
        }
        self.sign_out();
        self.settle(id, FlowEnd::SignedOut);
    }

    /// The flow's request failed without entering the flow again in the fetch layer.
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
                    self.sign_out_and_tell(id);
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
    pub(super) fn sign_out(&mut self) {
        self.set_cookie(None);
        self.set_session(false);
    }

    fn depth_now(&self, id: TaskId) -> u32 {
        let task = &self.tasks[id];
        task.depth + task.levels - 1
    }

    /// The innermost call has ended, and with it every outer call.
    fn settle(&mut self, id: TaskId, end: FlowEnd) {
        let task = self.tasks[id];
        self.rest.open_flows -= task.levels;
        self.fact(Fact::FlowLeft { levels: task.levels, end });
        self.tasks.end(id);
        if task.parent == NONE {
            return;
        }
        // Each outer level throws the error that ended its own request: the inner level's error, or its own 401.
        let error = match (end, self.setup.release.flow, task.levels) {
            (FlowEnd::Threw(failure), ..) => Some(failure),
            (_, Flow::Client, 2..) => Some(Failure::status(401)),
            _ => None,
        };
        self.fetch_layer_resumes(task.parent, error);
    }
}

#[cfg(test)]
mod tests {
    use super::super::bench::{
        LATE, MAX_ROUNDS, NEW, NOW, OLD, PAST_CACHE, TestBench, facts, fine, sends, sent_to,
    };
    use super::super::endpoints;
    use super::super::release::Model::{ClerkJs6_0_0, ClerkJs6_3_3, Documented};
    use super::super::task::Reply;
    use super::*;
    use crate::client::app::{AppReaction, Reaction};
    use crate::client::step::Input;
    use crate::kernel::Time;

    fn fresh() -> Reply {
        fine(Some(Token::issued(NOW)))
    }

    fn entered(open: u32, depth: u32, active: bool, cause: Option<Failure>) -> Fact {
        Fact::FlowEntered { open, active, depth, cause }
    }

    fn left(levels: u32, end: FlowEnd) -> Fact {
        Fact::FlowLeft { levels, end }
    }

    /// Enters the flow twice at once: by a fetch past the cache and by a touch on focus, both answered 401. Returns the
    /// tasks of the two flows.
    fn two_flows(bench: &mut TestBench) -> (TaskId, TaskId) {
        let fetch = sent_to(&bench.step(NOW, PAST_CACHE), endpoints::TOKENS);
        let touch = sent_to(&bench.step(NOW, Input::Focus), endpoints::TOUCH);
        let cause = Failure::status(401);
        let of_fetch = bench.fail(NOW, fetch, 401);
        assert_eq!(facts(&of_fetch), [entered(1, 1, true, Some(cause))]);
        let of_touch = bench.fail(NOW, touch, 401);
        assert_eq!(facts(&of_touch), [entered(2, 1, true, Some(cause))]);
        (sent_to(&of_fetch, endpoints::CLIENT), sent_to(&of_touch, endpoints::CLIENT))
    }

    /// `clerk-js.md`, "The documented cascade": a 429 to the flow's touch starts the flow again, until the user is sent
    /// to the sign-in page. A failure that the policy does not count as an authentication failure ends the flow.
    #[test]
    fn the_documented_flow_handles_each_answer_to_its_touch() {
        for (policy, status, rounds, signed_in) in [
            (OLD, 401, 1, false),
            (OLD, 422, 1, false),
            (OLD, 429, MAX_ROUNDS, false),
            (OLD, 403, MAX_ROUNDS, false),
            (OLD, 500, 1, true),
            (NEW, 401, 1, false),
            (NEW, 422, 1, false),
            (NEW, 429, 1, true),
            (NEW, 403, 1, true),
            (NEW, 500, 1, true),
        ] {
            let mut bench = TestBench::signed_in(Documented, policy);
            let touch = sent_to(&bench.step(NOW, Input::Focus), endpoints::TOUCH);
            let mut actions = bench.fail(NOW, touch, 401);
            let mut levels = 0;
            while !sends(&actions).is_empty() {
                levels += 1;
                let entry = entered(
                    levels,
                    levels,
                    true,
                    Some(Failure::status(if levels == 1 { 401 } else { status })),
                );
                assert!(facts(&actions).contains(&entry), "{policy:?} {status}: {actions:?}");
                let flow = sent_to(&actions, endpoints::TOUCH);
                actions = bench.fail(NOW, flow, status);
            }
            let end = if signed_in { FlowEnd::StillSignedIn } else { FlowEnd::SignedOut };
            assert!(facts(&actions).contains(&left(rounds, end)), "{policy:?} {status}: {actions:?}");
            assert_eq!((levels, bench.tab.session()), (rounds, signed_in), "{policy:?} {status}");
            assert_eq!(bench.browser.cookie.is_some(), signed_in, "{policy:?} {status}");
            assert_eq!(
                actions.contains(&Action::Tell(messages::SIGN_OUT)),
                !signed_in,
                "{policy:?} {status}"
            );
            assert_eq!(bench.rest.open_flows, 0);
        }
    }

    /// `clerk-js.md`, "The unauthenticated flow", 4, and finding 3.
    #[test]
    fn the_measured_flow_handles_each_failure_of_get_client() {
        for (status, signed_in) in
            [(403, false), (500, false), (400, true), (422, true), (429, true), (503, true)]
        {
            let mut bench = TestBench::signed_in(ClerkJs6_3_3, NEW);
            let fetch = sent_to(&bench.step(NOW, PAST_CACHE), endpoints::TOKENS);
            let flow = sent_to(&bench.fail(NOW, fetch, 401), endpoints::CLIENT);
            let actions = bench.fail(NOW, flow, status);
            let own = Failure::status(401);
            // Finding 6: an error of the flow replaces the 401.
            let (end, error) = match signed_in {
                true => (FlowEnd::Threw(Failure::status(status)), Failure::status(status)),
                false => (FlowEnd::SignedOut, own),
            };
            assert!(facts(&actions).contains(&left(1, end)), "{status}: {actions:?}");
            assert!(facts(&actions).contains(&Fact::AppError(error)), "{status}: {actions:?}");
            assert_eq!(bench.tab.session(), signed_in, "{status}");
        }
    }

    /// `clerk-js.md`, G1 and "The unauthenticated flow", 4: each 401 to GET /client enters the flow again, and any
    /// other answer ends every level at once. App code that reacts to the answer has the depth of the loop (G2).
    #[test]
    fn a_recursion_counts_its_levels_and_hands_on_its_depth() {
        for levels in 1..=4_u32 {
            let mut bench = TestBench::signed_in(ClerkJs6_3_3, OLD);
            bench.setup.reaction =
                Reaction { act: AppReaction::SetActive, from: Time::from_ms(1), to: Time::NEVER };
            let own = Failure { status: 401, code: 5, retry_after: crate::protocol::RetryIn::NONE };
            let fetch = sent_to(&bench.step(NOW, PAST_CACHE), endpoints::TOKENS);
            let mut actions = bench.answer(NOW, fetch, Reply::Fail(own));
            let flow = sent_to(&actions, endpoints::CLIENT);
            for level in 1..=levels {
                let cause = if level == 1 { own } else { Failure::status(401) };
                assert_eq!(facts(&actions), [entered(level, level, true, Some(cause))]);
                assert_eq!(sent_to(&actions, endpoints::CLIENT), flow, "one task holds all levels");
                assert_eq!(bench.rest.open_flows, level);
                if level < levels {
                    actions = bench.fail(NOW, flow, 401);
                }
            }
            let actions = bench.answer(NOW, flow, fresh());
            let touch = sent_to(&actions, endpoints::TOUCH);
            assert_eq!(bench.tasks[touch].depth, levels);
            let told = facts(&actions);
            assert!(told.contains(&left(levels, FlowEnd::StillSignedIn)), "{told:?}");
            // The call that entered the flow gets its own 401, unless the request of the first level also had a 401.
            let error = if levels == 1 { own } else { Failure::status(401) };
            assert!(told.contains(&Fact::AppError(error)), "{told:?}");
            assert_eq!(bench.rest.open_flows, 0);
            let again = bench.fail(NOW, touch, 429);
            let entry = entered(1, levels + 1, true, Some(Failure::status(429)));
            assert!(facts(&again).contains(&entry), "{again:?}");
        }
    }

    /// A flow does not enter again after its tab has signed out: `clerk-js.md`, "The unauthenticated flow", 1.
    #[test]
    fn a_recursion_ends_where_the_session_is_gone() {
        let mut bench = TestBench::signed_in(ClerkJs6_3_3, OLD);
        let (first, second) = two_flows(&mut bench);
        let gone = bench.fail(NOW, first, 403);
        assert!(facts(&gone).starts_with(&[Fact::SignedOut, left(1, FlowEnd::SignedOut)]), "{gone:?}");
        let own = Failure::status(401);
        let actions = bench.fail(NOW, second, 401);
        assert_eq!(sends(&actions), []);
        assert_eq!(
            facts(&actions),
            [
                entered(2, 2, false, Some(own)),
                left(1, FlowEnd::Threw(own)),
                Fact::Judged { failure: own, verdict: Judgement::EnterFlow },
                entered(1, 1, false, Some(own)),
            ]
        );
    }

    /// `Base._baseFetch` answers null offline. The empty answer changes neither the client nor a sign-out.
    #[test]
    fn an_empty_answer_changes_nothing() {
        for signed_out in [false, true] {
            let mut bench = TestBench::signed_in(ClerkJs6_3_3, OLD);
            let (first, second) = two_flows(&mut bench);
            if signed_out {
                bench.fail(NOW, first, 403);
            } else {
                bench.browser.cookie = None;
            }
            assert_eq!(bench.browser.cookie, None);
            bench.browser.set_offline(true);
            let told = bench.never_answer(NOW, second);
            let end = if signed_out { FlowEnd::SignedOut } else { FlowEnd::StillSignedIn };
            assert!(facts(&told).contains(&left(1, end)), "{told:?}");
            let token = Token::issued(Time::ZERO);
            assert_eq!(bench.browser.cookie, (!signed_out).then_some(token));
            let written = told.contains(&Action::Fact(Fact::Cookie(Some(token))));
            assert_eq!(written, !signed_out, "the cookie is written only if the session stays");
        }
    }

    /// `clerk-js.md`, "The unauthenticated flow", 3: a tab does not broadcast a sign-out that it was told of, in the
    /// measured or the documented client. A call by the fetch layer has no option, so it broadcasts.
    #[test]
    fn a_sign_out_is_told_once() {
        for (heard, tells) in [(false, true), (true, false)] {
            let mut bench = TestBench::signed_in(Documented, NEW);
            let input = if heard { Input::Message(messages::SIGN_OUT) } else { Input::Focus };
            let mut touch = sent_to(&bench.step(NOW, input), endpoints::TOUCH);
            if !heard {
                touch = sent_to(&bench.fail(NOW, touch, 401), endpoints::TOUCH);
            }
            let actions = bench.fail(NOW, touch, 401);
            assert_eq!(actions.contains(&Action::Tell(messages::SIGN_OUT)), tells, "documented, {heard}");
            assert!(!bench.tab.session());
        }
        for (heard, recursion, tells) in [(false, false, true), (true, false, false), (true, true, true)] {
            let mut bench = TestBench::signed_in(ClerkJs6_0_0, NEW);
            let actions = if heard {
                bench.step(NOW, Input::Message(messages::SIGN_OUT))
            } else {
                let touch = sent_to(&bench.step(NOW, Input::Focus), endpoints::TOUCH);
                bench.fail(NOW, touch, 401)
            };
            let flow = sent_to(&actions, endpoints::CLIENT);
            if recursion {
                bench.fail(NOW, flow, 401);
            }
            let actions = bench.answer(NOW, flow, fine(None));
            assert_eq!(actions.contains(&Action::Tell(messages::SIGN_OUT)), tells, "{heard} {recursion}");
            assert!(!bench.tab.session());
        }
    }

    /// The recordings' `depth` counts calls that have not settled. Callers of one fetch get its failure in one task of
    /// the page, so their calls overlap even if they do nothing.
    #[test]
    fn calls_without_a_session_overlap_while_the_callers_of_one_fetch_hear_of_its_end() {
        let mut bench = TestBench::signed_in(ClerkJs6_3_3, OLD);
        let actions = bench.step(LATE, Input::Focus);
        let (fetch, touch) = (sent_to(&actions, endpoints::TOKENS), sent_to(&actions, endpoints::TOUCH));
        for _ in 0..2 {
            assert_eq!(bench.step(LATE, Input::Focus), [], "shares the fetch, and touches are throttled");
        }
        let flow = sent_to(&bench.fail(LATE, touch, 401), endpoints::CLIENT);
        bench.fail(LATE, flow, 403);
        assert!(!bench.tab.session());
        let failure = Failure::status(429);
        let told = facts(&bench.fail(LATE, fetch, 429));
        let judged = Fact::Judged { failure, verdict: Judgement::EnterFlow };
        let expected = [1, 2, 3].map(|open| [judged, entered(open, 1, false, Some(failure))]);
        assert_eq!(told, expected.concat());
    }
}
