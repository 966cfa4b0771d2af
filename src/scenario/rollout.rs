//! `[[rollout]]`: a policy that is shipped to the users during the run.

use crate::kernel::random::{Stream, below};
use crate::kernel::{Dur, Time};
use crate::spec::leaf::{Name, Reference, Share};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// All users run one policy at first, and during a span of time a share of them gets another one, each user at a time of
/// their own. Both policies run the same client.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "[[rollout]]")]
pub struct RolloutSpec {
    /// Name of the rollout among the policies.
    #[schemars(with = "Name", example = &"old-to-new")]
    pub name: String,
    /// Name of the policy that all users run at first.
    #[schemars(with = "Reference", example = &"old")]
    pub old: String,
    /// Name of the policy that they get.
    #[schemars(with = "Reference", example = &"new")]
    pub new: String,
    /// When the first user may get it, from the start of the run.
    #[schemars(example = "10m")]
    pub from: Dur,
    /// When the last user has got it, from the start of the run. The number of users that have it grows linearly.
    #[schemars(example = "40m")]
    pub to: Dur,
    /// Share of the users that get it.
    #[serde(default = "one")]
    #[schemars(with = "Share", example = 0.5)]
    pub share: f64,
    /// Whether the user's open pages reload to get it. Otherwise the running pages follow it at once, as with a flag that
    /// the server sets.
    #[serde(default)]
    pub reload: bool,
}

/// When and how users get a policy.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Rollout {
    /// When the first user may get it.
    pub from: Dur,
    /// When the last user has got it.
    pub to: Dur,
    /// Share of the users that get it.
    pub share: f64,
    /// Whether the user's open pages reload to get it.
    pub reload: bool,
}

fn one() -> f64 {
    1.0
}

impl RolloutSpec {
    /// When and how the users get the policy.
    pub fn ramp(&self) -> Rollout {
        let RolloutSpec { from, to, share, reload, .. } = *self;
        Rollout { from, to, share, reload }
    }
}

impl Rollout {
    /// When a user whom the rollout reaches gets the new policy. `draws` is the first coordinate of the user's draws.
    pub fn when(&self, stream: &Stream, draws: u64) -> Time {
        let lasts = self.to.0.saturating_sub(self.from.0);
        Time(self.from.0).after(Dur(below(stream.bits(draws, 1), lasts.saturating_add(1))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::random::Purpose;

    /// Of 20,000 users a quarter gets the policy in the first quarter of the time. Allows five standard deviations of a
    /// binomial count: 306.
    #[test]
    fn the_share_grows_linearly() {
        let stream = Stream::new(3, 0, Purpose::Rollout, 0);
        let rollout = Rollout { from: Dur(1_000), to: Dur(5_000), share: 0.5, reload: false };
        let times: Vec<Time> = (0..20_000).map(|user| rollout.when(&stream, user)).collect();
        assert!(times.iter().all(|at| (Time(1_000)..=Time(5_000)).contains(at)));
        let early = times.iter().filter(|at| **at < Time(2_000)).count();
        assert!(early.abs_diff(5_000) < 306, "{early}");
    }
}
