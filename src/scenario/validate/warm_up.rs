//! The warm-up that a scenario gives.

use super::Findings;
use crate::kernel::Dur;
use crate::scenario::WarmUp;
use crate::scenario::parts::Parts;
use crate::toml_text::Code;

/// Checks that the warm-up leaves a whole bucket of the run.
pub(super) fn check(findings: &mut Findings<'_>, parts: &Parts) {
    let (Some(horizon), Some(bucket), Some(WarmUp::Given(time))) =
        (parts.horizon, parts.bucket, parts.warm_up)
    else {
        return;
    };
    let most = Dur(horizon.0.saturating_sub(bucket.0));
    if bucket <= horizon && time > most {
        let what = format!("a warm-up of {time} leaves no whole bucket of the run");
        let error = findings.at("warm-up", Code::Order, what);
        let allowed = format!("at most {most}, a bucket of {bucket} before the horizon, {horizon}");
        findings.push(error.found(time.to_string()).allowed(allowed));
    }
}
