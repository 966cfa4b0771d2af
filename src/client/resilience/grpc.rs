//! gRPC's retry throttling.

use super::{Cause, Ended, Mechanism};
use crate::kernel::Time;
use crate::text::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A token, in thousandths: gRPC reads three decimals of the ratio.
const TOKEN: u64 = 1_000;

/// gRPC's retry throttling (gRFC A6, "Throttling Retry Attempts and Hedged RPCs"). The count begins at `max-tokens`. Each
/// failed try with a retryable answer takes 1 from it, each success adds `token-ratio`. A retry needs more than half of
/// `max-tokens`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "grpc-retry-throttling")]
pub struct GrpcRetryThrottling {
    /// The most tokens, which the count begins with.
    #[schemars(range(min = 1, max = 1_000), example = 10, extend("x-unit" = "tokens"))]
    pub max_tokens: u32,
    /// What a success adds; decimals after the third do not count.
    #[schemars(range(min = 0.001), example = 0.1, extend("x-unit" = "tokens per success"))]
    pub token_ratio: Decimal,
}

impl Mechanism for GrpcRetryThrottling {
    /// Thousandths of tokens that are missing from the most.
    type State = u64;

    fn ended(&self, missing: &mut u64, ended: &Ended, _: Time) {
        let most = u64::from(self.max_tokens) * TOKEN;
        match ended.failure {
            None => *missing = missing.saturating_sub(self.token_ratio.millionths / 1_000),
            Some(_) if ended.retryable => *missing = (*missing + TOKEN).min(most),
            Some(_) => {}
        }
    }

    fn affords(&self, missing: &mut u64, _: Cause, _: Time) -> bool {
        let most = u64::from(self.max_tokens) * TOKEN;
        most - *missing > most / 2
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{failed, succeeded};
    use super::*;

    /// The configuration of gRFC A6. From 10 tokens, four failures leave 6, above the threshold of 5; the fifth leaves 5.
    /// Ten successes make 6 again, of which the next failure takes 1: not above 5. One more success is enough.
    #[test]
    fn retries_stop_at_half_of_the_tokens_and_come_back_with_successes() {
        let throttling = GrpcRetryThrottling { max_tokens: 10, token_ratio: Decimal { millionths: 100_000 } };
        let mut state = 0;
        let fails = |state: &mut u64| {
            throttling.ended(state, &failed(503), Time::ZERO);
            throttling.affords(state, Cause::Failed, Time::ZERO)
        };
        let first: Vec<bool> = (0..6).map(|_| fails(&mut state)).collect();
        assert_eq!(first, [true, true, true, true, false, false]);
        let mut state = 5 * TOKEN;
        (0..10).for_each(|_| throttling.ended(&mut state, &succeeded(), Time::ZERO));
        assert!(!fails(&mut state));
        let mut state = 5 * TOKEN;
        (0..11).for_each(|_| throttling.ended(&mut state, &succeeded(), Time::ZERO));
        assert!(fails(&mut state));
        let other = Ended { retryable: false, ..failed(400) };
        throttling.ended(&mut state, &other, Time::ZERO);
        assert!(throttling.affords(&mut state, Cause::Failed, Time::ZERO), "INVALID_ARGUMENT does not count");
    }
}
