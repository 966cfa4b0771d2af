//! The limits of a route: asking them, and telling them of the ends and answers of calls.

use super::{Call, Gateway, LimitTotals, Watch};
use crate::backend::layout::{Route, RouteLimit};
use crate::backend::limiter::report::Report;
use crate::backend::limiter::{Verdict, retry_after};
use crate::kernel::{Dur, Time};
use crate::protocol::{Endpoint, Failure, RetryIn};
use std::ops::Range;

impl<'a> Gateway<'a> {
    /// Releases the places of a call of this endpoint at concurrency limits.
    pub fn release(&mut self, endpoint: Endpoint, user: u32, now: Time) {
        self.release_from(&self.layout.route(endpoint).limits, user, now);
    }

    /// The answer to a call that nothing refused is decided: limits that count failures or successes count it now.
    #[inline]
    pub fn decided<W: Watch>(&mut self, call: &Call, now: Time, success: bool, watch: &mut W) {
        let route = self.layout.route(call.endpoint);
        if route.settles {
            self.settle(&route.limits, call, now, success, watch);
        }
    }

    /// Whether limits of this endpoint count calls whose answers are decided.
    #[inline]
    pub fn settles(&self, endpoint: Endpoint) -> bool {
        self.layout.route(endpoint).settles
    }

    /// Tells limits that judged a call that its answer is decided.
    pub(super) fn settle<W: Watch>(
        &mut self,
        limits: &[RouteLimit],
        call: &Call,
        now: Time,
        success: bool,
        watch: &mut W,
    ) {
        for &RouteLimit { number, cost } in limits {
            let limit = usize::from(number);
            let spec = &self.layout.limits[limit];
            if !spec.judges_at(call.sent) {
                continue;
            }
            let key = self.layout.keys.of(spec.key, call.user);
            let counts = self.limiters[limit].settle(key - self.first_keys[limit], now, cost, success);
            if W::ACTIVE && counts {
                watch.counted(now, number, key, cost);
            }
        }
    }

    fn release_from(&mut self, limits: &[RouteLimit], user: u32, now: Time) {
        for &RouteLimit { number, .. } in limits {
            let limit = usize::from(number);
            if self.limiters[limit].needs_release() {
                let key = self.layout.keys.of(self.layout.limits[limit].key, user);
                self.limiters[limit].release(key - self.first_keys[limit], now);
            }
        }
    }

    /// Asks some limits of a route in order. Returns the delay by leaky buckets, or the answer of a refusal.
    pub(super) fn ask_limits<W: Watch>(
        &mut self,
        route: &'a Route,
        which: Range<usize>,
        call: &Call,
        watch: &mut W,
    ) -> Result<Dur, Failure> {
        let (layout, now) = (self.layout, call.sent);
        let mut delay = Dur::ZERO;
        let before = u64::from(now < layout.first_fault);
        for asked in which {
            let RouteLimit { number, cost } = route.limits[asked];
            let limit = usize::from(number);
            let spec = &layout.limits[limit];
            if !spec.judges_at(now) {
                continue;
            }
            let key = layout.keys.of(spec.key, call.user);
            let verdict = self.limiters[limit].ask(key - self.first_keys[limit], now, cost);
            if W::ACTIVE {
                watch.judged(now, number, key, cost, verdict);
            }
            if let Some(Some(report)) = self.reports.get_mut(limit) {
                let place = key - self.first_keys[limit];
                report.judged(place, call.user - self.first_caller, now, cost, verdict);
            }
            let totals = &mut self.verdicts[limit];
            match verdict {
                Verdict::Admit { delay: more } => {
                    totals.admitted += 1;
                    totals.admitted_before += before;
                    delay = Dur(delay.0.saturating_add(more.0));
                }
                Verdict::Refuse { wait } => {
                    totals.refused += 1;
                    totals.refused_before += before;
                    // The limits that admitted the call release it. To those that count failures, it is one.
                    self.release_from(&route.limits[..asked], call.user, now);
                    if route.settles {
                        self.settle(&route.limits[..asked], call, now, false, watch);
                    }
                    if W::ACTIVE {
                        watch.refused(call.user);
                    }
                    let refusal = layout.refusals[limit];
                    let retry_after = if spec.readable { retry_after(spec, wait) } else { RetryIn::NONE };
                    return Err(Failure { retry_after, ..refusal });
                }
            }
        }
        Ok(delay)
    }

    /// Verdicts of every limit, in the scenario's order.
    pub fn limit_totals(&self) -> &[LimitTotals] {
        &self.verdicts
    }

    /// Verdicts of every limit at the end of the run, with what the limits report of keys and callers.
    pub fn final_limit_totals(&self) -> Vec<LimitTotals> {
        let mut totals = self.verdicts.clone();
        for (totals, report) in totals.iter_mut().zip(&self.reports) {
            totals.who = report.as_ref().map(Report::counts).unwrap_or_default();
        }
        totals
    }
}
