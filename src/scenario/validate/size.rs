//! Limits on the output of a run. A larger scenario is refused before any allocation.

use super::Findings;
use crate::kernel::Dur;
use crate::scenario::parts::Parts;
use crate::toml_text::Code;

/// The most buckets of one timeline.
pub(super) const MAX_BUCKETS: u64 = 1_000_000;
/// The most rows of all timelines together.
pub(super) const MAX_ROWS: u64 = 10_000_000;

/// Checks the number of buckets and of rows.
pub(super) fn check(findings: &mut Findings<'_>, parts: &Parts) {
    let (Some(horizon), Some(bucket)) = (parts.horizon, parts.bucket) else { return };
    if bucket == Dur::ZERO {
        return;
    }
    // Without a `bucket` of its own, the scenario is fixed at its horizon.
    let at = if findings.doc.node("bucket").is_some() { "bucket" } else { "horizon" };
    let horizon_at = findings.doc.at("horizon");
    if bucket > horizon {
        let error = findings.at(at, Code::Order, format!("a bucket of {bucket} is longer than the run"));
        let error = error.found(bucket.to_string()).allowed(format!("at most the horizon, {horizon}"));
        findings.push(error.other(horizon_at, "the horizon"));
        return;
    }
    let buckets = horizon.0.div_ceil(bucket.0);
    if buckets > MAX_BUCKETS {
        let what = format!("a timeline would have {buckets} buckets of {bucket}");
        let error = findings.at(at, Code::TooManyRows, what).allowed(format!("at most {MAX_BUCKETS}"));
        let wide = format!("choose a bucket of {} or more", fitting(horizon, MAX_BUCKETS));
        findings.push(error.fix(wide).other(horizon_at, "the horizon"));
        return;
    }
    let (Some(policies), Some(replications)) = (&parts.policies, parts.replications) else { return };
    let runs = (policies.len() as u64).saturating_mul(u64::from(replications));
    let rows = buckets.saturating_mul(runs);
    if rows > MAX_ROWS && runs > 0 {
        let what = format!(
            "output would have {rows} rows: {buckets} buckets, {} policies, {replications} replications",
            policies.len()
        );
        let error = findings.at(at, Code::TooManyRows, what).allowed(format!("at most {MAX_ROWS}"));
        let wide = fitting(horizon, (MAX_ROWS / runs).max(1));
        findings.push(error.fix(format!("choose a bucket of {wide} or more, or fewer replications")));
    }
}

/// The shortest bucket that keeps a run within `buckets` buckets: of whole seconds, or less if that is enough.
fn fitting(horizon: Dur, buckets: u64) -> Dur {
    let exact = horizon.0.div_ceil(buckets);
    let step = [1_000_000u64, 1_000_000_000, 60_000_000_000];
    let step = step.into_iter().find(|s| exact <= s * 1_000).unwrap_or(3_600_000_000_000);
    Dur(exact.div_ceil(step) * step)
}
